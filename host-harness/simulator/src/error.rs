//! Stripe's error objects.

use serde_json::{Map, Value, json};

/// A refusal, as Stripe words it.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    kind: &'static str,
    code: Option<&'static str>,
    param: Option<String>,
    message: String,
    /// Made before the endpoint began to run: an idempotency key does not remember it.
    pub(crate) early: bool,
}

pub(crate) type ApiResult<T = Value> = Result<T, ApiError>;

impl ApiError {
    /// 400, about the state of things: remembered by an idempotency key.
    pub(crate) fn refused(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status: 400,
            kind: "invalid_request_error",
            code: Some(code),
            param: None,
            message: message.into(),
            early: false,
        }
    }

    /// 400, about a parameter: found before the endpoint runs.
    pub(crate) fn invalid(
        code: &'static str,
        param: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self { param: Some(param.into()), early: true, ..Self::refused(code, message) }
    }

    pub(crate) fn missing(what: &str, id: &str, param: &str) -> Self {
        Self {
            status: 404,
            param: Some(param.to_owned()),
            ..Self::refused("resource_missing", format!("No such {what}: '{id}'"))
        }
    }

    pub(crate) fn with_status(status: u16, message: impl Into<String>) -> Self {
        let kind = if status >= 500 { "api_error" } else { "invalid_request_error" };
        Self { status, kind, code: None, param: None, message: message.into(), early: true }
    }

    #[must_use]
    pub(crate) fn code(self, code: &'static str) -> Self {
        Self { code: Some(code), ..self }
    }

    #[must_use]
    pub(crate) fn without_code(self) -> Self {
        Self { code: None, ..self }
    }

    #[must_use]
    pub(crate) fn param(self, param: &str) -> Self {
        Self { param: Some(param.to_owned()), ..self }
    }

    #[must_use]
    pub(crate) fn idempotency(self) -> Self {
        Self { kind: "idempotency_error", ..self }
    }

    /// The JSON that Stripe sends.
    pub(crate) fn body(&self, request_id: &str) -> Value {
        let mut error = Map::new();
        error.insert("type".into(), json!(self.kind));
        if let Some(code) = self.code {
            error.insert("code".into(), json!(code));
            error.insert(
                "doc_url".into(),
                json!(format!("https://stripe.com/docs/error-codes/{}", code.replace('_', "-"))),
            );
        }
        if let Some(param) = &self.param {
            error.insert("param".into(), json!(param));
        }
        error.insert("message".into(), json!(self.message));
        error.insert(
            "request_log_url".into(),
            json!(format!("https://dashboard.stripe.com/test/logs/{request_id}")),
        );
        json!({ "error": error })
    }
}
