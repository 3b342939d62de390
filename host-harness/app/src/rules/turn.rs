//! Pipelines that use one ledger take turns, and see what is open on the payments they refund.

use refund_core::id::{OperationId, PaymentRef};
use refund_ledger::{LedgerError, LedgerResult, Operation, PaymentKey, Tx};

/// The turn, among the payments that processes work on. It is no payment's name.
const TURN: &str = "pipelines";

/// The name under which a pipeline holds its turn.
pub fn holder() -> LedgerResult<OperationId> {
    OperationId::parse("the turn of a pipeline")
        .map_err(|problem| LedgerError::Read(problem.to_string()))
}

/// Takes the turn, unless a living process has it.
pub fn take(tx: &mut dyn Tx) -> LedgerResult<bool> {
    let turn = PaymentKey::new(TURN);
    if tx.working_on(&turn)?.is_some() {
        return Ok(false);
    }
    tx.take_payment(&turn, &holder()?)?;
    Ok(true)
}

/// An operation on one of these payments that may still refund something, other than those of the plan itself: its
/// outcome is unknown, or it waits for an approval or for its execution.
pub fn open_on(
    tx: &mut dyn Tx,
    payments: &[PaymentRef],
    own: &[OperationId],
) -> LedgerResult<Option<Operation>> {
    for payment in payments {
        let key = tx.payment_key(payment)?;
        let mut open = tx.unsettled_on(&key, &holder()?)?;
        open.extend(tx.waiting_on(&key)?);
        if let Some(id) = open.iter().find(|id| !own.contains(id)) {
            return tx.operation(id);
        }
    }
    Ok(None)
}
