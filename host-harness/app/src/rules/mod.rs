//! The rules of the ledger: functions over one transaction.
//!
//! - [`admission`]: whether an operation id may be used for a request, and correcting one that was never sent
//! - [`attempt`]: whether an operation may be sent now, alone on its payment
//! - [`reading`]: what an answer means, and when "there is no such refund" is believed
//! - [`settlement`]: recording what an answer means
//! - [`lookup`]: finding out what became of an operation without sending anything
//! - [`approval`]: filing, deciding, expiring; votes are counted again when an operation is executed
//! - [`seen`]: refunds that were seen at Stripe, in events or when listing
//! - [`turn`]: pipelines take turns
//! - [`moves`]: the moves between states
//! - [`follow_up`]: what should happen after a move

pub mod admission;
pub mod approval;
pub mod attempt;
pub mod follow_up;
pub mod lookup;
pub mod moves;
pub mod reading;
pub mod seen;
pub mod settlement;
pub mod turn;

use refund_ledger::{Entry, LedgerError, Operation, State, Tx};

use crate::caller::Caller;

/// What a rule gives.
pub type Ruled<T> = Result<T, LedgerError>;

/// Replaces an operation and records the move.
fn put(
    tx: &mut dyn Tx,
    before: Option<State>,
    operation: &Operation,
    caller: &Caller,
    request_id: Option<String>,
) -> Ruled<()> {
    tx.put_operation(operation)?;
    record(tx, before, operation, caller, operation.detail.clone(), request_id)
}

/// Records a move, or a remark where the state stays. Whatever else changed was put before.
fn record(
    tx: &mut dyn Tx,
    before: Option<State>,
    operation: &Operation,
    caller: &Caller,
    outcome: Option<String>,
    request_id: Option<String>,
) -> Ruled<()> {
    let time = operation.updated;
    tx.record(operation, Entry { before, actor: caller.actor(), outcome, request_id, time })
}

/// Records a remark about an operation that stays where it stands.
fn remark(
    tx: &mut dyn Tx,
    operation: &Operation,
    caller: &Caller,
    text: String,
    now: u64,
) -> Ruled<()> {
    let entry = Entry {
        before: Some(operation.state),
        actor: caller.actor(),
        outcome: Some(text),
        request_id: None,
        time: now,
    };
    tx.record(operation, entry)
}

/// Replaces an operation that was called off, ends its approval, and records the move: for the modules beside the rules.
pub(crate) fn record_calling_off(
    tx: &mut dyn Tx,
    before: State,
    operation: &Operation,
    caller: &Caller,
) -> Ruled<()> {
    tx.check_held(operation.id())?;
    tx.put_operation(operation)?;
    approval::close(tx, operation, operation.updated)?;
    record(tx, Some(before), operation, caller, operation.detail.clone(), None)
}
