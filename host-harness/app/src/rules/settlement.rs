//! Recording what an answer means.

use refund_core::client::Origin;
use refund_core::id::OperationId;
use refund_core::model::Refund;
use refund_ledger::{KeptRefund, LedgerError, LedgerResult, Operation, Settlement, State, Tx};

use super::reading::Reading;
use super::record::{put, record};
use super::{approval, follow_up, moves};
use crate::caller::Caller;

/// Ends an attempt: moves the operation as the answer says, and lets go of its payment. Where an event has said more
/// in the meantime, that stays.
///
/// `approval_secs` is how long approvers have to decide.
pub fn settle(
    tx: &mut dyn Tx,
    id: &OperationId,
    reading: &Reading,
    approval_secs: u64,
    caller: &Caller,
    now: u64,
) -> LedgerResult<Operation> {
    let from = tx.operation(id)?.ok_or_else(|| LedgerError::UnknownOperation(id.to_string()))?;
    tx.release_payment(id)?;
    let settled = match moves::check(from.state, reading.state, from.refund.is_some()) {
        Ok(()) => move_to(tx, &from, reading, approval_secs, caller, now)?,
        Err(_) => keep_rest(tx, from, reading, caller, now)?,
    };
    follow_up::add(tx, now, |options| follow_up::of_settled(&settled, reading, options))?;
    Ok(settled)
}

fn move_to(
    tx: &mut dyn Tx,
    from: &Operation,
    reading: &Reading,
    approval_secs: u64,
    caller: &Caller,
    now: u64,
) -> LedgerResult<Operation> {
    let mut to = moved(from, reading.state, reading.refund.as_ref(), now);
    to.settlement = Some(reading.settlement.clone());
    to.detail.clone_from(&reading.detail);
    to.uncertain = reading.uncertain;
    to.changes_sent = from.changes_sent.saturating_add(reading.changes_sent);
    to.request_id = reading.request_id.clone().or_else(|| from.request_id.clone());
    to.fee = reading.fee.clone().or_else(|| from.fee.clone());
    keep_charge(tx, &to)?;
    tx.put_operation(&to)?;
    approval::close(tx, &to, now)?;
    match &reading.approval {
        Some(asked) => approval::file(tx, &to, asked, approval_secs, now)?,
        None if to.state == State::Refused => approval::supersede(tx, &to, now)?,
        None => {}
    }
    record(tx, Some(from.state), &to, caller, to.detail.clone(), reading.request_id.clone())?;
    Ok(to)
}

/// An operation in another state, with the refund that put it there.
pub(super) fn moved(from: &Operation, to: State, refund: Option<&Refund>, now: u64) -> Operation {
    Operation {
        state: to,
        refund: refund.map(KeptRefund::from).or_else(|| from.refund.clone()),
        uncertain: None,
        updated: now,
        ..from.clone()
    }
}

/// A PaymentIntent and its charge are one payment from now on.
pub(super) fn keep_charge(tx: &mut dyn Tx, operation: &Operation) -> LedgerResult<()> {
    let refund = operation.refund.as_ref();
    let charge = refund.and_then(|refund| refund.charge.as_ref());
    let intent = refund.and_then(|refund| refund.payment_intent.as_ref());
    match (intent, charge) {
        (Some(intent), Some(charge)) => tx.keep_charge(intent, charge),
        _ => Ok(()),
    }
}

/// An event knows no fee, no verdict and no number of requests; the call that it overtook does.
fn keep_rest(
    tx: &mut dyn Tx,
    from: Operation,
    reading: &Reading,
    caller: &Caller,
    now: u64,
) -> LedgerResult<Operation> {
    let known = from.refund.as_ref().map(|refund| &refund.id);
    let is_same = known.is_some() && known == reading.refund.as_ref().map(|refund| &refund.id);
    let settlement = if is_same {
        Some(reading.settlement.clone())
    } else if reading.changes_sent > 0 {
        reconciled(from.settlement.clone())
    } else {
        from.settlement.clone()
    };
    let kept = Operation {
        settlement,
        fee: from.fee.clone().or_else(|| reading.fee.clone()),
        changes_sent: from.changes_sent.saturating_add(reading.changes_sent),
        request_id: from.request_id.clone().or_else(|| reading.request_id.clone()),
        ..from.clone()
    };
    if kept != from {
        let kept = Operation { updated: now, ..kept };
        put(tx, Some(kept.state), &kept, caller, reading.request_id.clone())?;
        return Ok(kept);
    }
    Ok(from)
}

/// A request of this attempt had left: a refund that an event found is not one of an earlier call.
fn reconciled(settlement: Option<Settlement>) -> Option<Settlement> {
    match settlement {
        Some(Settlement::Refunded { origin: Origin::Found, verdict }) => {
            Some(Settlement::Refunded { origin: Origin::Reconciled, verdict })
        }
        other => other,
    }
}
