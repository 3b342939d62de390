//! Bulk runs and their lines.

use refund_core::id::{OperationId, PaymentRef, RefundId};
use refund_core::money::Money;

use super::operation::Operation;
use crate::words::words;

words! {
    /// Whether the lines of a run are all there.
    RunState {
        /// The input is still being read.
        Reading = "reading",
        /// Every line is in the ledger.
        Ready = "ready",
        /// Canceled; what was sent stays.
        Canceled = "canceled",
    }
}

/// A run to record.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// Follows from the input and what decides about operations, so that the same file is the same run.
    pub id: String,
    /// The name of the input.
    pub input: String,
    /// What the run was started with, as JSON.
    pub options: String,
}

/// A run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its number in the ledger.
    pub key: i64,
    /// Its id.
    pub id: String,
    /// When it was made, Unix seconds.
    pub created: u64,
    /// The name of the input.
    pub input: String,
    /// What it was started with, as JSON.
    pub options: String,
    /// Whether its lines are all there.
    pub state: RunState,
    /// Lines that name an operation.
    pub lines: u64,
    /// Lines that ask for the same as an earlier one: one operation, one refund.
    pub repeated: u64,
}

/// A line to work on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// Its number.
    pub line: u64,
    /// Its operation.
    pub operation: OperationId,
    /// What it asks for; absent for everything that is left.
    pub amount: Option<Money>,
}

/// A line and where its operation stands.
#[derive(Clone, Debug, PartialEq)]
pub struct LineState {
    /// Its number.
    pub line: u64,
    /// Its operation; absent for a line that was rejected when it was read.
    pub operation: Option<Operation>,
    /// Why it was rejected when it was read.
    pub reason: Option<String>,
    /// Whether it was settled before this run was started, by an earlier run or call.
    pub settled_before: bool,
}

/// A line whose payment this ledger has refunded, or is about to, under another operation id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriorRefund {
    /// The line.
    pub line: u64,
    /// Its payment.
    pub payment: PaymentRef,
    /// The other operation.
    pub operation: OperationId,
    /// Where it stands.
    pub state: crate::state::State,
    /// Its refund.
    pub refund: Option<RefundId>,
    /// What it refunded, or asks for.
    pub money: Option<Money>,
}

/// Lines of a run in one state and currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Total {
    /// The state; `unreadable` for lines that were rejected when they were read.
    pub state: String,
    /// Empty where no currency is known.
    pub currency: String,
    /// How many.
    pub count: u64,
    /// Sum in the smallest unit: what was refunded, or asked for where nothing was.
    pub amount: u64,
    /// What of that sum is of lines that came to their end.
    pub closed: u64,
    /// How many of them a rule denied: nothing was sent for them.
    pub denied: u64,
    /// Sum of the fees that Stripe keeps, in the same currency's payments.
    pub fee: u64,
    /// How many have a refund whose fee is not known: it was found after its answer was lost.
    pub fee_unknown: u64,
}
