//! Finding out what became of an operation, without sending anything that changes something.

use refund_core::id::OperationId;
use refund_core::model::Refund;
use refund_ledger::{LedgerError, LedgerResult, Operation, State, Tx};

use super::reading::Reading;
use super::{attempt, seen, settlement};
use crate::caller::Caller;

/// Whether an operation can be looked up now.
#[derive(Clone, Debug, PartialEq)]
pub enum LookupStart {
    /// Look for its refund: this process alone works on its payment.
    Look {
        /// The operation.
        operation: Box<Operation>,
        /// When the last request may have left, Unix seconds.
        last_request: u64,
    },
    /// It is settled.
    Settled(Box<Operation>),
    /// A living process works on its payment.
    Busy,
}

/// What a lookup found at Stripe.
#[derive(Clone, Debug, PartialEq)]
pub struct LookupResult {
    /// The refund that carries the operation id, if Stripe has one; the error says that Stripe could not be asked.
    pub refund: Result<Option<Refund>, String>,
    /// Whether Stripe was asked only once the last request could no longer be carried out, so that "no such refund" is
    /// final.
    pub is_definite: bool,
}

/// Takes the payment of an operation whose outcome is not known.
pub fn begin(tx: &mut dyn Tx, id: &OperationId, now: u64) -> LedgerResult<LookupStart> {
    let operation =
        tx.operation(id)?.ok_or_else(|| LedgerError::UnknownOperation(id.to_string()))?;
    tx.check_held(id)?;
    let Some(last_request) = attempt::last_uncertain(&operation, now) else {
        return Ok(LookupStart::Settled(Box::new(operation)));
    };
    if !operation.state.is_unsettled() {
        return Ok(LookupStart::Settled(Box::new(operation)));
    }
    let payment = tx.payment_key(operation.payment())?;
    if tx.working_on(&payment)?.is_some() {
        return Ok(LookupStart::Busy);
    }
    tx.take_payment(&payment, id)?;
    Ok(LookupStart::Look { operation: Box::new(operation), last_request })
}

/// Records what was found.
pub fn end(
    tx: &mut dyn Tx,
    id: &OperationId,
    found: LookupResult,
    last_request: u64,
    caller: &Caller,
    now: u64,
) -> LedgerResult<Operation> {
    let operation =
        tx.operation(id)?.ok_or_else(|| LedgerError::UnknownOperation(id.to_string()))?;
    let uncounted = attempt::uncounted(&operation);
    let settle = |tx: &mut dyn Tx, mut reading: Reading| {
        reading.changes_sent = uncounted;
        settlement::settle(tx, id, &reading, 0, caller, now)
    };
    let why = match found.refund {
        Ok(Some(refund)) if !seen::asked_for(&operation.request, &refund) => {
            let reading = Reading::carried_by_another(&refund);
            if found.is_definite {
                return settle(tx, reading);
            }
            reading.detail.unwrap_or_default()
        }
        Ok(Some(refund)) => return settle(tx, Reading::found(refund)),
        Ok(None) if found.is_definite => return settle(tx, Reading::absent(last_request)),
        Ok(None) => "Stripe has no such refund yet".to_owned(),
        Err(why) => why,
    };
    if operation.state == State::Sent {
        // What a process left behind that ended is marked as that.
        return settle(tx, Reading::unknown(why, last_request));
    }
    // It is as unknown as before, unless an event settled it in the meantime.
    tx.release_payment(id)?;
    Ok(operation)
}
