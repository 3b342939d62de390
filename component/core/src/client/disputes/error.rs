//! Why a dispute was not answered or closed, or why that cannot be said.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::super::error::{count, list};
use super::CloseConfirmation;
use crate::client::{CallError, TransportFailure};
use crate::money::Money;
use crate::problem::FieldProblem;
use crate::wire::Refusal;

/// What was to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum DisputeAction {
    /// Stage evidence.
    Stage,
    /// Submit it.
    Submit,
    /// Accept the loss.
    Close,
}

/// The bank does not wait for an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NotOpen {
    /// The dispute.
    pub dispute: String,
    /// Its status, in Stripe's word.
    pub status: String,
}

/// The due date has passed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PastDue {
    /// The dispute.
    pub dispute: String,
    /// Until when it could be answered, Unix seconds.
    pub due_by: u64,
    /// The clock it was compared with, Unix seconds. Stripe's own word, that it is past, counts as well.
    pub now: u64,
}

/// Evidence was submitted before; that is possible once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AlreadySubmitted {
    /// The dispute.
    pub dispute: String,
    /// Its status, in Stripe's word.
    pub status: String,
    /// How often.
    pub submission_count: u32,
}

/// The confirmation names something else than what would be lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConfirmationMismatch {
    /// The dispute that was to be closed.
    pub dispute: String,
    /// What Stripe holds.
    pub held: Money,
    /// What was confirmed.
    pub given: CloseConfirmation,
}

/// The request was sent and no answer tells what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DisputeOutcomeUnknown {
    /// What was to be done.
    pub action: DisputeAction,
    /// The dispute: read it in a while.
    pub dispute: String,
    /// Its status when it was read again; absent when that failed too.
    pub status: Option<String>,
    /// How often it was sent.
    pub attempts: u32,
    /// What went wrong last.
    pub detail: String,
}

/// Why a dispute was not changed, or why that cannot be said.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum DisputeError {
    /// The input is wrong; nothing was changed.
    #[error("{}", list(problems))]
    Invalid {
        /// All of what is wrong.
        problems: Vec<FieldProblem>,
    },
    /// Stripe refused: nothing was changed.
    #[error("{0}")]
    Refused(Refusal),
    /// The request did not reach Stripe: nothing was changed.
    #[error("{0}; the dispute was not changed")]
    Transport(TransportFailure),
    /// The bank does not wait for an answer; nothing was sent.
    #[error("{0}")]
    NotOpen(NotOpen),
    /// The due date has passed; nothing was sent.
    #[error("dispute {} could be answered until {} (Unix seconds; the clock says {}): it is too late", .0.dispute, .0.due_by, .0.now)]
    PastDue(PastDue),
    /// Evidence was submitted before; nothing was sent.
    #[error("evidence for dispute {} was submitted before (its status is `{}`): that is possible once", .0.dispute, .0.status)]
    AlreadySubmitted(AlreadySubmitted),
    /// The confirmation names something else; nothing was sent.
    #[error("closing dispute {} gives up {}, but the confirmation names {} over {} {}: give exactly what is lost", .0.dispute, .0.held, .0.given.dispute, .0.given.amount, .0.given.currency)]
    ConfirmationMismatch(ConfirmationMismatch),
    /// It may or may not have been done.
    #[error("{0}")]
    OutcomeUnknown(DisputeOutcomeUnknown),
}

impl fmt::Display for NotOpen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { dispute, status } = self;
        write!(f, "dispute {dispute} cannot be answered or closed: its status is `{status}`")?;
        if status.ends_with("needs_response") {
            // An appeal, or a dispute without a due date.
            f.write_str(", but it takes no evidence here: look at it in the Dashboard")?;
        }
        Ok(())
    }
}

impl fmt::Display for DisputeOutcomeUnknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.action {
            DisputeAction::Stage => "staged",
            DisputeAction::Submit => "submitted",
            DisputeAction::Close => "closed",
        };
        let (subject, dispute) = match self.action {
            DisputeAction::Close => ("dispute", &self.dispute),
            _ => ("evidence for dispute", &self.dispute),
        };
        let status = self.status.as_deref().unwrap_or("unknown");
        write!(
            f,
            "nobody knows yet whether the {subject} {dispute} was {what} ({}; {} sent; its status is {status}): read it again in some minutes, before anything else",
            self.detail,
            count(self.attempts, "request"),
        )
    }
}

impl From<Vec<FieldProblem>> for DisputeError {
    fn from(problems: Vec<FieldProblem>) -> Self {
        Self::Invalid { problems }
    }
}

/// Before anything is sent that changes a dispute, a failed read is simply a failed call.
impl From<CallError> for DisputeError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Invalid { problems } => Self::Invalid { problems },
            CallError::Refused(refusal) => Self::Refused(refusal),
            CallError::Transport(failure) => Self::Transport(failure),
        }
    }
}
