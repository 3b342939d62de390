//! What a session of a run came to, and why a run cannot go on.

use std::collections::BTreeMap;
use std::time::Duration;

use refund_core::money::Currency;
use refund_ledger::{LedgerError, PriorRefund, State, Total};

use super::stop::Stopped;
use crate::asking::AskError;
use crate::outcome::OutcomeKind;
use crate::outcome::table::{EXIT_DONE, EXIT_STOPPED, worse};
use crate::runtime::Lost;

/// Why a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Every line came to an end, or was tried often enough for now.
    Complete,
    /// It stopped itself.
    Stopped(Stopped),
    /// It was asked to stop.
    Interrupted,
    /// The run was canceled, here or by another process.
    Canceled,
}

/// What a session did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Why it ended.
    pub ended: Ended,
    /// Lines that came to an end in this session.
    pub lines: u64,
    /// Lines that are still open: resume goes on with them.
    pub open: u64,
    /// From the first claim to the last write to the ledger.
    pub time: Duration,
    /// Other operations whose outcome was found out on the way.
    pub also_settled: u64,
    /// Lines whose payment this ledger has refunded, or is about to, under another operation id. Without
    /// `allow_refunded_payments` the run stops at them.
    pub refunded_before: Vec<PriorRefund>,
}

impl Summary {
    /// The exit code of the command: the worst of the run and of its lines, whose `totals` are those that the ledger holds.
    pub fn exit(&self, totals: &[Total]) -> u8 {
        let of_run = match self.ended {
            Ended::Complete if self.open > 0 => OutcomeKind::NoAnswer.row().exit,
            Ended::Complete => EXIT_DONE,
            _ => EXIT_STOPPED,
        };
        totals.iter().map(exit_of).fold(of_run, worse)
    }
}

/// The exit code of lines in one state.
fn exit_of(total: &Total) -> u8 {
    let kind = match State::parse(&total.state) {
        Some(State::Sent | State::OutcomeUnknown) => OutcomeKind::Unknown,
        Some(State::Failed) => OutcomeKind::Failed,
        Some(State::Refused) if total.denied < total.count => OutcomeKind::Refused,
        // A rule denied them all, or they were rejected when they were read.
        Some(State::Refused) | None => OutcomeKind::Denied,
        Some(State::NeedsApproval) => OutcomeKind::Waiting,
        // Open lines are counted by the run; canceled ones were called off on purpose.
        Some(State::Planned | State::Canceled | State::Pending | State::Succeeded) => {
            return EXIT_DONE;
        }
    };
    kind.row().exit
}

/// A run cannot go on. Lines that were under way came to their end first.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RunError {
    /// The ledger failed; the error says whether a request had left.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// The ledger failed between two lines. What this session sent is recorded.
    #[error(
        "{error}. {lines} lines of this session came to their end before, and are recorded; `refund-node bulk resume` goes on with the others"
    )]
    Stuck {
        /// Why.
        error: LedgerError,
        /// Lines that came to an end in this session.
        lines: u64,
    },
    /// A task ended in a way no task should.
    #[error("{0}; a refund may have been made, `refund-node bulk resume` finds out")]
    Lost(#[from] Lost),
}

impl From<LedgerError> for RunError {
    fn from(error: LedgerError) -> Self {
        Self::Ask(error.into())
    }
}

impl RunError {
    /// The row of the table.
    pub fn kind(&self) -> OutcomeKind {
        match self {
            Self::Ask(error) => error.kind(),
            Self::Stuck { .. } => OutcomeKind::LedgerFailed,
            Self::Lost(_) => OutcomeKind::Unknown,
        }
    }

    /// Of two errors, the one that says more about money.
    pub(super) fn or_worse(self, other: Self) -> Self {
        if other.kind() == OutcomeKind::Unknown { other } else { self }
    }
}

/// What earlier sessions of a run refunded, by currency: the sums of closed lines. Open lines count when they are started
/// again, also those whose operation has its refund by now.
pub fn spent(totals: &[Total]) -> BTreeMap<Currency, u64> {
    let mut spent = BTreeMap::new();
    for total in totals {
        let counts = matches!(total.state.as_str(), "pending" | "succeeded");
        if let Some(currency) = Currency::parse(&total.currency).ok().filter(|_| counts) {
            *spent.entry(currency).or_default() += total.closed;
        }
    }
    spent
}
