//! Why a request failed, after RFC 9457: what happened and what to do, never a secret.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use refund_host::api::node::{FailureKind, InvokeError};
use refund_ledger::{ApprovalError, LedgerError, RefundError};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// Why a request failed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// The HTTP status.
    status: u16,
    /// What kind of problem, for programs: `invalid`, `unauthorized`, `forbidden`, `not-found`, `conflict`,
    /// `denied`, `refused`, `no-answer`, `outcome-unknown`, `unavailable`.
    code: &'static str,
    /// What happened and what to do, for people.
    detail: String,
    /// The fields that are wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<Field>,
    /// The typed error of the component, where there is one.
    #[serde(skip_serializing_if = "Value::is_null")]
    #[schema(value_type = Object)]
    error: Value,
}

/// One thing wrong with the input.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "as the contract's field-problem has it")]
pub(crate) struct Field {
    /// Its name.
    field: String,
    /// As given, shortened.
    value: String,
    /// What is wrong.
    problem: String,
    /// What to do.
    fix: String,
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        let (status, detail) = (status.as_u16(), detail.into());
        Self { status, code, detail, fields: Vec::new(), error: Value::Null }
    }

    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid", detail)
    }

    pub(crate) fn unauthorized() -> Self {
        let detail =
            "send `Authorization: Bearer rnt_…` with a token of the file given to --tokens";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
    }

    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    pub(crate) fn not_found(what: &str, id: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", format!("there is no {what} `{id}`"))
    }

    pub(crate) fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "invalid", detail)
    }

    pub(crate) fn unavailable(detail: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail.to_string())
    }

    /// Nobody knows: the same operation id settles it.
    pub(crate) fn unknown(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::GATEWAY_TIMEOUT, "outcome-unknown", detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, [("content-type", "application/problem+json")], Json(self)).into_response()
    }
}

impl From<LedgerError> for Problem {
    fn from(error: LedgerError) -> Self {
        Self::unavailable(error)
    }
}

impl From<refund_host::CallError> for Problem {
    fn from(error: refund_host::CallError) -> Self {
        Self::unavailable(error)
    }
}

impl From<RefundError> for Problem {
    fn from(error: RefundError) -> Self {
        match error {
            RefundError::Ledger(error) => error.into(),
            RefundError::Conflict(_) | RefundError::Busy(_) => {
                Self::new(StatusCode::CONFLICT, "conflict", error.to_string())
            }
            RefundError::Blocked(_) => Self::unknown(error.to_string()),
        }
    }
}

impl From<ApprovalError> for Problem {
    fn from(error: ApprovalError) -> Self {
        let status = match &error {
            ApprovalError::Ledger(_) => StatusCode::SERVICE_UNAVAILABLE,
            ApprovalError::Unknown(_) => StatusCode::NOT_FOUND,
            ApprovalError::OwnRequest { .. } | ApprovalError::Nameless => StatusCode::FORBIDDEN,
            ApprovalError::Expired(_) => StatusCode::GONE,
            ApprovalError::NotOpen { .. }
            | ApprovalError::NotApproved { .. }
            | ApprovalError::Twice { .. }
            | ApprovalError::Unsettled { .. }
            | ApprovalError::Altered(_) => StatusCode::CONFLICT,
        };
        let code = match status {
            StatusCode::SERVICE_UNAVAILABLE => "unavailable",
            StatusCode::NOT_FOUND => "not-found",
            StatusCode::FORBIDDEN => "forbidden",
            StatusCode::GONE => "expired",
            _ => "conflict",
        };
        Self::new(status, code, error.to_string())
    }
}

impl From<InvokeError> for Problem {
    fn from(error: InvokeError) -> Self {
        match error {
            InvokeError::UnknownOperation(_) => Self::unavailable(
                "the component does not know the operation: it is another version",
            ),
            InvokeError::InvalidInput(problems) => {
                let fields: Vec<_> = problems
                    .into_iter()
                    .map(|one| Field {
                        field: one.field,
                        value: one.value,
                        problem: one.problem,
                        fix: one.fix,
                    })
                    .collect();
                let names: Vec<_> = fields.iter().map(|one| one.field.as_str()).collect();
                let detail = format!("nothing was sent; mend {}", names.join(", "));
                Self { fields, ..Self::invalid(detail) }
            }
            InvokeError::Failed(failure) => {
                let (status, code) = match failure.kind {
                    FailureKind::Denied => (StatusCode::UNPROCESSABLE_ENTITY, "denied"),
                    FailureKind::NeedsApproval => (StatusCode::CONFLICT, "needs-approval"),
                    FailureKind::Conflict => (StatusCode::CONFLICT, "conflict"),
                    FailureKind::Refused => (StatusCode::BAD_GATEWAY, "refused"),
                    FailureKind::Transport => (StatusCode::BAD_GATEWAY, "no-answer"),
                    FailureKind::OutcomeUnknown => (StatusCode::GATEWAY_TIMEOUT, "outcome-unknown"),
                    FailureKind::Rejected => (StatusCode::BAD_REQUEST, "invalid"),
                };
                let error = serde_json::from_str(&failure.details).unwrap_or_default();
                Self { error, ..Self::new(status, code, failure.message) }
            }
        }
    }
}
