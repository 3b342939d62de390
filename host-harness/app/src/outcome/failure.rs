//! Operations that only pass through: their failures, in the same table.

use refund_core::problem::FieldProblem;
use refund_host::CallError;
use refund_host::api::node::{Failure, FailureKind, InvokeError};
use serde::Serialize;
use serde_json::value::RawValue;

use super::OutcomeKind;

/// An operation that was passed through gave no output.
#[derive(Debug, thiserror::Error)]
pub enum CallProblem {
    /// It does not exist, its input is wrong, or it ran and failed.
    #[error("{}", describe(.0))]
    Operation(InvokeError),
    /// The component gave no answer.
    #[error(transparent)]
    Host(#[from] CallError),
}

impl CallProblem {
    /// The row of the table.
    pub fn kind(&self) -> OutcomeKind {
        match self {
            Self::Operation(error) => kind_of(error),
            Self::Host(error) if error.changes_sent() > 0 => OutcomeKind::Unknown,
            Self::Host(_) => OutcomeKind::NoAnswer,
        }
    }

    /// What is wrong with the input.
    pub fn problems(&self) -> Vec<FieldProblem> {
        match self {
            Self::Operation(InvokeError::InvalidInput(problems)) => {
                problems.iter().map(from_wit).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The error of an operation as JSON, the same on every platform (platforms/conformance/README.md); of a host that
    /// got no answer as `{"kind":"host"}`.
    pub fn json(&self) -> String {
        let error = match self {
            Self::Host(error) => Error::Host { message: error.to_string() },
            Self::Operation(InvokeError::UnknownOperation(known)) => {
                Error::UnknownOperation { known }
            }
            Self::Operation(InvokeError::InvalidInput(problems)) => {
                Error::InvalidInput { problems: problems.iter().map(from_wit).collect() }
            }
            Self::Operation(InvokeError::Failed(failure)) => return failed(failure),
        };
        // Text and numbers only, so this cannot fail.
        serde_json::to_string(&error).unwrap_or_default()
    }
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Error<'a> {
    UnknownOperation { known: &'a [String] },
    InvalidInput { problems: Vec<FieldProblem> },
    Host { message: String },
}

#[derive(Serialize)]
struct Failed<'a> {
    kind: &'static str,
    message: &'a str,
    retryable: bool,
    retry_after: Option<u32>,
    /// The typed error, passed through.
    details: Option<&'a RawValue>,
}

fn failed(failure: &Failure) -> String {
    let failed = Failed {
        kind: word(failure.kind),
        message: &failure.message,
        retryable: failure.retryable,
        retry_after: failure.retry_after,
        details: serde_json::from_str(&failure.details).ok(),
    };
    serde_json::to_string(&failed).unwrap_or_default()
}

/// The contract's word.
fn word(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::Denied => "denied",
        FailureKind::NeedsApproval => "needs-approval",
        FailureKind::Conflict => "conflict",
        FailureKind::Refused => "refused",
        FailureKind::Transport => "transport",
        FailureKind::OutcomeUnknown | FailureKind::Other => "outcome-unknown",
        FailureKind::Rejected => "rejected",
    }
}

/// The row of the table for an operation that gave no output.
pub fn kind_of(error: &InvokeError) -> OutcomeKind {
    let InvokeError::Failed(failure) = error else { return OutcomeKind::Invalid };
    match failure.kind {
        FailureKind::Denied => OutcomeKind::Denied,
        FailureKind::NeedsApproval => OutcomeKind::Waiting,
        FailureKind::Conflict => OutcomeKind::Conflict,
        FailureKind::Refused => OutcomeKind::Refused,
        FailureKind::Transport => OutcomeKind::NoAnswer,
        FailureKind::OutcomeUnknown | FailureKind::Other => OutcomeKind::Unknown,
        FailureKind::Rejected => OutcomeKind::Rejected,
    }
}

/// The same for a typed error, as the core classes it.
impl From<refund_core::dispatch::FailureKind> for OutcomeKind {
    fn from(kind: refund_core::dispatch::FailureKind) -> Self {
        use refund_core::dispatch::FailureKind as Kind;
        match kind {
            Kind::Denied => Self::Denied,
            Kind::NeedsApproval => Self::Waiting,
            Kind::Conflict => Self::Conflict,
            Kind::Refused => Self::Refused,
            Kind::Transport => Self::NoAnswer,
            Kind::OutcomeUnknown => Self::Unknown,
            Kind::Rejected => Self::Rejected,
        }
    }
}

fn from_wit(problem: &refund_host::api::types::FieldProblem) -> FieldProblem {
    FieldProblem {
        field: problem.field.clone(),
        value: problem.value.clone(),
        problem: problem.problem.clone(),
        fix: problem.fix.clone(),
    }
}

fn describe(error: &InvokeError) -> String {
    match error {
        InvokeError::UnknownOperation(known) => {
            format!("there is no such operation; there are: {}", known.join(", "))
        }
        InvokeError::InvalidInput(problems) => {
            let lines: Vec<_> = problems.iter().map(|one| from_wit(one).to_string()).collect();
            lines.join("\n")
        }
        InvokeError::Failed(failure) => failure.message.clone(),
    }
}
