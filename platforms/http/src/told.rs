//! An error in the words of `platforms/conformance/README.md`, the same on every platform.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::bindings::refund_node::refunds::node::{Failure, FailureKind};

/// What is told.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum Told {
    UnknownOperation { known: Vec<String> },
    InvalidInput { problems: Vec<Problem> },
    Host { code: &'static str, message: String },
    Denied(Ran),
    NeedsApproval(Ran),
    Conflict(Ran),
    Refused(Ran),
    Transport(Ran),
    OutcomeUnknown(Ran),
    Rejected(Ran),
}

/// One thing wrong with a request, as the node tells it.
#[derive(Serialize)]
pub(crate) struct Problem {
    pub(crate) field: String,
    pub(crate) value: String,
    pub(crate) problem: String,
    pub(crate) fix: String,
}

/// How an operation failed that ran.
#[derive(Serialize)]
pub(crate) struct Ran {
    message: String,
    retryable: bool,
    retry_after: Option<u32>,
    details: Option<Box<RawValue>>,
}

impl Problem {
    /// Without the value, which is missing or may be secret.
    pub(crate) fn new(field: &str, problem: impl Into<String>, fix: impl Into<String>) -> Self {
        let (problem, fix) = (problem.into(), fix.into());
        Self { field: field.to_owned(), value: String::new(), problem, fix }
    }
}

impl From<Failure> for Told {
    fn from(failure: Failure) -> Self {
        let Failure { kind, message, retryable, retry_after, details } = failure;
        let ran =
            Ran { message, retryable, retry_after, details: RawValue::from_string(details).ok() };
        match kind {
            FailureKind::Denied => Self::Denied(ran),
            FailureKind::NeedsApproval => Self::NeedsApproval(ran),
            FailureKind::Conflict => Self::Conflict(ran),
            FailureKind::Refused => Self::Refused(ran),
            FailureKind::Transport => Self::Transport(ran),
            FailureKind::OutcomeUnknown => Self::OutcomeUnknown(ran),
            FailureKind::Rejected => Self::Rejected(ran),
        }
    }
}

impl Told {
    /// As the body of an answer.
    pub(crate) fn json(&self) -> String {
        #[derive(Serialize)]
        struct Body<'a> {
            error: &'a Told,
        }
        // Nothing in it can fail to be written: all names are text.
        serde_json::to_string(&Body { error: self }).unwrap_or_default()
    }
}
