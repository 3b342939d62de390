//! How a call can fail. "Stripe refused", "our rules refused" and "there was no answer" are three
//! different things, and "nobody knows" is a fourth.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::eligibility::Verdict;
use crate::model::Refund;
use crate::problem::FieldProblem;
use crate::wire::Refusal;

/// How far a request got that has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum TransportKind {
    /// The host does not allow this scheme, host, method or path.
    Denied,
    /// The name could not be resolved.
    Dns,
    /// No connection could be made.
    Connect,
    /// The TLS handshake failed.
    Tls,
    /// No answer in time.
    Timeout,
    /// The connection broke.
    Broken,
    /// The answer was larger than the limit.
    TooLarge,
    /// The answer could not be read as what it should be.
    Unreadable,
    /// Anything else.
    Other,
}

impl TransportKind {
    /// The request certainly never left. Everything else may have been carried out.
    pub fn certainly_not_sent(self) -> bool {
        matches!(self, Self::Denied | Self::Dns | Self::Connect | Self::Tls)
    }
}

/// There is no usable answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TransportFailure {
    /// What happened last.
    pub kind: TransportKind,
    /// More, for people.
    pub detail: String,
    /// How many requests were sent.
    pub attempts: u32,
}

impl TransportFailure {
    /// What happened, in a few words.
    pub(super) fn what(&self) -> &'static str {
        match self.kind {
            TransportKind::Denied => "the host does not allow the request",
            TransportKind::Dns => "the name could not be resolved",
            TransportKind::Connect => "no connection could be made",
            TransportKind::Tls => "the TLS handshake failed",
            TransportKind::Timeout => "there was no answer in time",
            TransportKind::Broken => "the connection broke",
            TransportKind::TooLarge => "the answer was larger than the limit",
            TransportKind::Unreadable => "the answer could not be read",
            TransportKind::Other => "the request failed",
        }
    }
}

impl fmt::Display for TransportFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}; {} sent)", self.what(), self.detail, count(self.attempts, "request"))
    }
}

/// Why a call that only reads failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum CallError {
    /// The input is wrong; nothing was sent, unless to read what shows it.
    #[error("{}", list(problems))]
    Invalid {
        /// All of what is wrong.
        problems: Vec<FieldProblem>,
    },
    /// Stripe refused.
    #[error("{0}")]
    Refused(Refusal),
    /// There was no usable answer. Safe to call again.
    #[error("{0}")]
    Transport(TransportFailure),
}

impl From<FieldProblem> for CallError {
    fn from(problem: FieldProblem) -> Self {
        vec![problem].into()
    }
}

impl From<Vec<FieldProblem>> for CallError {
    fn from(problems: Vec<FieldProblem>) -> Self {
        Self::Invalid { problems }
    }
}

/// A change was sent and no answer tells what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChangeUnknown {
    /// How often it was sent.
    pub attempts: u32,
    /// What went wrong last.
    pub detail: String,
}

/// Why something that moves no money was not changed, or why that cannot be said.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum ChangeError {
    /// The input is wrong; nothing was sent.
    #[error("{}", list(problems))]
    Invalid {
        /// All of what is wrong.
        problems: Vec<FieldProblem>,
    },
    /// Stripe refused: nothing was changed.
    #[error("{0}")]
    Refused(Refusal),
    /// The request did not reach Stripe: nothing was changed.
    #[error("{0}; nothing was changed")]
    Transport(TransportFailure),
    /// It may or may not have been done.
    #[error("nobody knows yet whether it was done ({}; {} sent): call again, repeating it does no harm", .0.detail, count(.0.attempts, "request"))]
    OutcomeUnknown(ChangeUnknown),
}

impl From<FieldProblem> for ChangeError {
    fn from(problem: FieldProblem) -> Self {
        vec![problem].into()
    }
}

impl From<Vec<FieldProblem>> for ChangeError {
    fn from(problems: Vec<FieldProblem>) -> Self {
        Self::Invalid { problems }
    }
}

/// The policy wants a person to agree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NeedsApproval {
    /// Why.
    pub verdict: Verdict,
    /// Pass this as `approval` to go on.
    pub request_hash: String,
}

/// The operation id belongs to a different refund.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OperationConflict {
    /// The id.
    pub operation_id: String,
    /// The refund that carries it, where Stripe told.
    pub existing: Option<Box<Refund>>,
    /// What differs.
    pub detail: String,
}

/// The request was sent and no answer tells what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OutcomeUnknown {
    /// Call again with this id: it looks before it sends.
    pub operation_id: String,
    /// The key that was sent.
    pub idempotency_key: String,
    /// How often it was sent.
    pub attempts: u32,
    /// What went wrong last.
    pub detail: String,
}

/// Why there is no refund, or why that cannot be said.
#[derive(Clone, Debug, PartialEq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum CreateError {
    /// The input is wrong; nothing was sent.
    #[error("{}", list(problems))]
    Invalid {
        /// All of what is wrong.
        problems: Vec<FieldProblem>,
    },
    /// A rule of Stripe's or of the policy forbids it; nothing was sent.
    #[error("the refund is denied: {}", verdict.explain())]
    Denied {
        /// Every rule that failed.
        verdict: Verdict,
    },
    /// Somebody must agree first; nothing was sent.
    #[error("the refund needs approval: {}. To go on, repeat the call with approval {}", .0.verdict.explain(), .0.request_hash)]
    NeedsApproval(NeedsApproval),
    /// The approval belongs to another request; nothing was sent.
    #[error("the approval belongs to another request: get a new one, for {}", .0.request_hash)]
    ApprovalMismatch(NeedsApproval),
    /// The operation id was used for something else; nothing was refunded by this call.
    #[error("operation id `{}` was used for another refund: {}. A different refund needs an id of its own", .0.operation_id, .0.detail)]
    OperationConflict(OperationConflict),
    /// Stripe refused: no refund was made.
    #[error("{0}")]
    Refused(Refusal),
    /// The request did not reach Stripe: no refund was made.
    #[error("{0}; no refund was made")]
    Transport(TransportFailure),
    /// It may or may not have been made.
    #[error("nobody knows yet whether the refund was made ({}; {} sent): call again with operation id `{}`, never with a new one", .0.detail, count(.0.attempts, "request"), .0.operation_id)]
    OutcomeUnknown(OutcomeUnknown),
}

impl From<Vec<FieldProblem>> for CreateError {
    fn from(problems: Vec<FieldProblem>) -> Self {
        Self::Invalid { problems }
    }
}

impl From<OperationConflict> for CreateError {
    fn from(conflict: OperationConflict) -> Self {
        Self::OperationConflict(conflict)
    }
}

/// Before anything is sent to make a refund, a failed read is simply a failed call.
impl From<CallError> for CreateError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Invalid { problems } => Self::Invalid { problems },
            CallError::Refused(refusal) => Self::Refused(refusal),
            CallError::Transport(failure) => Self::Transport(failure),
        }
    }
}

pub(super) fn list(problems: &[FieldProblem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

pub(super) fn count(number: u32, what: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{number} {what}{s}")
}
