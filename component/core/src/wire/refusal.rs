//! Stripe's error objects (reference 3).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::json;

/// The kind of answer Stripe refused with. Derived from the status and code, because the wire has only
/// four types (reference 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum RefusalKind {
    /// A parameter or the object's state does not allow it.
    InvalidRequest,
    /// The key is missing, wrong or expired.
    Authentication,
    /// The key lacks the right.
    Permission,
    /// No such object in this account and mode.
    NotFound,
    /// The idempotency key was used with other parameters.
    Idempotency,
    /// The card network refused.
    Card,
    /// Too many requests; nothing was done.
    RateLimited,
    /// Another request holds the object; nothing was done.
    Locked,
    /// A fault at Stripe.
    Api,
}

/// Stripe answered, and the answer was no.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Refusal {
    /// What kind of no.
    pub kind: RefusalKind,
    /// The HTTP status.
    pub status: u16,
    /// Stripe's `code`, unchanged; often absent.
    pub code: Option<String>,
    /// The parameter that Stripe blames.
    pub param: Option<String>,
    /// Stripe's text for people.
    pub message: String,
    /// `req_…`, for Stripe's support.
    pub request_id: Option<String>,
    /// How many seconds Stripe asked to wait.
    pub retry_after: Option<u32>,
}

impl Refusal {
    /// Whether the request may have been carried out all the same: faults at Stripe, behind it and on the
    /// way, and a twin of this request that is still running.
    pub fn is_ambiguous(&self) -> bool {
        self.kind == RefusalKind::Api
    }

    /// Reads an error answer. A body that is no error object (a proxy's page) still gives a refusal.
    pub(super) fn read(status: u16, body: &[u8]) -> Self {
        let error = json::read::<Envelope>(body).ok().map(|envelope| envelope.error);
        let readable = error.is_some();
        let error = error.unwrap_or_default();
        // A 4xx that is no error object was not written by Stripe: a gateway on the way may have passed
        // the request on before it gave up.
        let kind = if readable || status == 429 { kind(status, &error) } else { RefusalKind::Api };
        let message = error.message.filter(|text| !text.is_empty()).unwrap_or_else(|| {
            let what = if readable { "without a message" } else { "without a readable error" };
            format!("the answer was HTTP {status} {what}")
        });
        Self {
            kind,
            status,
            code: error.code,
            param: error.param,
            message,
            request_id: None,
            retry_after: None,
        }
    }
}

/// `{"error": {…}}`, everything in it optional.
#[derive(Deserialize)]
struct Envelope {
    error: ErrorObject,
}

#[derive(Default, Deserialize)]
struct ErrorObject {
    #[serde(rename = "type", default)]
    kind: Option<String>,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    param: Option<String>,
    #[serde(default)]
    message: Option<String>,
}

fn kind(status: u16, error: &ErrorObject) -> RefusalKind {
    let code = error.code.as_deref();
    match status {
        400 | 404 if error.kind.as_deref() == Some("idempotency_error") => RefusalKind::Idempotency,
        400 if code == Some("rate_limit") => RefusalKind::RateLimited,
        429 if code == Some("lock_timeout") => RefusalKind::Locked,
        429 => RefusalKind::RateLimited,
        401 => RefusalKind::Authentication,
        402 => RefusalKind::Card,
        403 => RefusalKind::Permission,
        404 => RefusalKind::NotFound,
        400 => RefusalKind::InvalidRequest,
        // Reference 3.2: everything else is an API error, and may have been carried out.
        _ => RefusalKind::Api,
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stripe refused: {}", self.message)?;
        let parts = [
            Some(format!("HTTP {}", self.status)),
            self.code.as_ref().map(|code| format!("code {code}")),
            self.param.as_ref().map(|param| format!("parameter {param}")),
            self.request_id.clone(),
        ];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        write!(f, " ({})", parts.join(", "))?;
        match self.kind {
            RefusalKind::Authentication => {
                f.write_str(": give a secret or restricted key of this account")
            }
            RefusalKind::Permission => {
                f.write_str(": give the key the right it lacks, in the Dashboard under API keys")
            }
            RefusalKind::NotFound => f.write_str(
                ": check the id, and that the key is of the same account and mode (test or live)",
            ),
            RefusalKind::RateLimited | RefusalKind::Locked => {
                f.write_str(": wait and call again, nothing was done")
            }
            _ => Ok(()),
        }
    }
}
