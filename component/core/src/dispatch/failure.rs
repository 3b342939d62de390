//! How an operation fails, in the same shape for all of them.

use serde::Serialize;

use crate::client::{CallError, ChangeError, CreateError, TransportFailure};
use crate::problem::FieldProblem;
use crate::webhook::{ParseError, VerifyError};
use crate::wire::{Refusal, RefusalKind};

/// What kind of failure an operation ended in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// A rule of Stripe's or of the policy forbids it.
    Denied,
    /// Somebody must agree first.
    NeedsApproval,
    /// The operation id or approval belongs to something else.
    Conflict,
    /// Stripe refused.
    Refused,
    /// No usable answer; nothing was changed.
    Transport,
    /// It may or may not have been done.
    OutcomeUnknown,
    /// The data given was rejected: a forged webhook, a body that is no event.
    Rejected,
}

/// An operation that ran and failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// What kind.
    pub kind: FailureKind,
    /// One sentence for people.
    pub message: String,
    /// Whether calling again, unchanged, may succeed.
    pub retryable: bool,
    /// How many seconds to wait before, where known.
    pub retry_after: Option<u32>,
    /// The typed error as a JSON object.
    pub details: String,
}

/// Why `invoke` gave no output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvokeError {
    /// No such operation: the names of those there are.
    UnknownOperation(Vec<String>),
    /// The input does not fit; nothing was done.
    InvalidInput(Vec<FieldProblem>),
    /// It ran and failed.
    Failed(Failure),
}

impl From<Vec<FieldProblem>> for InvokeError {
    fn from(problems: Vec<FieldProblem>) -> Self {
        Self::InvalidInput(problems)
    }
}

impl From<FieldProblem> for InvokeError {
    fn from(problem: FieldProblem) -> Self {
        Self::InvalidInput(vec![problem])
    }
}

impl From<CallError> for InvokeError {
    fn from(error: CallError) -> Self {
        match &error {
            CallError::Invalid { problems } => Self::InvalidInput(problems.clone()),
            CallError::Refused(refusal) => refused(refusal, &error),
            CallError::Transport(failure) => unreachable(failure, &error),
        }
    }
}

impl From<ChangeError> for InvokeError {
    fn from(error: ChangeError) -> Self {
        match &error {
            ChangeError::Invalid { problems } => Self::InvalidInput(problems.clone()),
            ChangeError::Refused(refusal) => refused(refusal, &error),
            ChangeError::Transport(failure) => unreachable(failure, &error),
            ChangeError::OutcomeUnknown(_) => {
                failed(FailureKind::OutcomeUnknown, true, None, &error)
            }
        }
    }
}

impl From<CreateError> for InvokeError {
    fn from(error: CreateError) -> Self {
        let kind = match &error {
            CreateError::Invalid { problems } => return Self::InvalidInput(problems.clone()),
            CreateError::Refused(refusal) => return refused(refusal, &error),
            CreateError::Transport(failure) => return unreachable(failure, &error),
            CreateError::Denied { .. } => FailureKind::Denied,
            CreateError::NeedsApproval(_) => FailureKind::NeedsApproval,
            CreateError::ApprovalMismatch(_) | CreateError::OperationConflict(_) => {
                FailureKind::Conflict
            }
            CreateError::OutcomeUnknown(_) => FailureKind::OutcomeUnknown,
        };
        failed(kind, kind == FailureKind::OutcomeUnknown, None, &error)
    }
}

impl From<VerifyError> for InvokeError {
    fn from(error: VerifyError) -> Self {
        failed(FailureKind::Rejected, false, None, &error)
    }
}

impl From<ParseError> for InvokeError {
    fn from(error: ParseError) -> Self {
        failed(FailureKind::Rejected, false, None, &error)
    }
}

pub(super) fn refused<E: std::fmt::Display + Serialize>(
    refusal: &Refusal,
    error: &E,
) -> InvokeError {
    let retryable =
        matches!(refusal.kind, RefusalKind::RateLimited | RefusalKind::Locked | RefusalKind::Api);
    failed(FailureKind::Refused, retryable, refusal.retry_after, error)
}

pub(super) fn unreachable<E: std::fmt::Display + Serialize>(
    failure: &TransportFailure,
    error: &E,
) -> InvokeError {
    let retryable = failure.kind != crate::client::TransportKind::Denied;
    failed(FailureKind::Transport, retryable, None, error)
}

pub(super) fn failed<E: std::fmt::Display + Serialize>(
    kind: FailureKind,
    retryable: bool,
    retry_after: Option<u32>,
    error: &E,
) -> InvokeError {
    InvokeError::Failed(Failure {
        kind,
        message: error.to_string(),
        retryable,
        retry_after,
        // Our own error types always serialise: they hold no maps with keys that are not text.
        details: serde_json::to_string(error).unwrap_or_else(|_| "{}".to_owned()),
    })
}
