//! How rules put operations and record their moves.

use refund_ledger::{Entry, LedgerResult, Operation, State, Tx};

use crate::caller::Caller;

/// Replaces an operation and records the move.
pub(super) fn put(
    tx: &mut dyn Tx,
    before: Option<State>,
    operation: &Operation,
    caller: &Caller,
    request_id: Option<String>,
) -> LedgerResult<()> {
    tx.put_operation(operation)?;
    record(tx, before, operation, caller, operation.detail.clone(), request_id)
}

/// Records a move, or a remark where the state stays. Whatever else changed was put before.
pub(super) fn record(
    tx: &mut dyn Tx,
    before: Option<State>,
    operation: &Operation,
    caller: &Caller,
    outcome: Option<String>,
    request_id: Option<String>,
) -> LedgerResult<()> {
    let time = operation.updated;
    tx.record(operation, Entry { before, actor: caller.actor(), outcome, request_id, time })
}

/// Records a remark about an operation that stays where it stands.
pub(super) fn remark(
    tx: &mut dyn Tx,
    operation: &Operation,
    caller: &Caller,
    text: String,
    now: u64,
) -> LedgerResult<()> {
    let entry = Entry {
        before: Some(operation.state),
        actor: caller.actor(),
        outcome: Some(text),
        request_id: None,
        time: now,
    };
    tx.record(operation, entry)
}
