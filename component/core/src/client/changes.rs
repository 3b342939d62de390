//! The calls that change a refund and move no money: update its metadata, cancel it.

use super::call::{Exchange, Failure, call, exchange};
use super::connection::Connection;
use super::error::{ChangeError, ChangeUnknown};
use super::transport::Transport;
use crate::id::RefundId;
use crate::metadata::Metadata;
use crate::model::{Refund, RefundStatus};
use crate::problem::{FieldProblem, Problems};
use crate::wire::{RefusalKind, requests};

/// Sets metadata keys; an empty value removes a key, keys not named stay.
pub fn update_metadata(
    transport: &mut dyn Transport,
    connection: &Connection,
    id: &str,
    metadata: &Metadata,
) -> Result<Refund, ChangeError> {
    let id = check_update(id, metadata)?;
    let sent = exchange(transport, connection, &requests::update_refund(&id, metadata));
    settle(sent, transport, connection, &id, |now| metadata.is_in(&now.metadata))
}

fn check_update(id: &str, metadata: &Metadata) -> Result<RefundId, Vec<FieldProblem>> {
    let mut problems = Problems::default();
    let id = problems.keep(RefundId::parse(id));
    metadata.check_input(&mut problems);
    if metadata.0.is_empty() {
        // An empty `metadata` would remove every key at Stripe, the operation id among them.
        problems.push(FieldProblem::missing(
            "metadata",
            "give at least one key; an empty value removes it",
        ));
    }
    problems.into_result()?;
    id.ok_or_else(Vec::new)
}

/// Cancels a refund that waits for the customer; Stripe refuses all others. One that is canceled already is the
/// answer, so that repeating a call tells what became of it.
pub fn cancel(
    transport: &mut dyn Transport,
    connection: &Connection,
    id: &str,
) -> Result<Refund, ChangeError> {
    let id = RefundId::parse(id)?;
    let is_canceled = |now: &Refund| now.status == Some(RefundStatus::Canceled);
    let sent = exchange(transport, connection, &requests::cancel_refund(&id));
    let refusal = match settle(sent, transport, connection, &id, is_canceled) {
        Err(ChangeError::Refused(refusal)) if refusal.kind == RefusalKind::InvalidRequest => {
            refusal
        }
        settled => return settled,
    };
    // Stripe refuses to cancel twice, and an earlier call may have done it after nobody waited for it any more.
    match call::<Refund>(transport, connection, &requests::retrieve_refund(&id)) {
        Ok(refund) if is_canceled(&refund) => Ok(refund),
        _ => Err(ChangeError::Refused(refusal)),
    }
}

/// What a change came to. A repetition may be refused because the first try had worked and only its answer was
/// lost; `shows` tells whether a refund that was read again shows the change.
fn settle(
    sent: Exchange<Refund>,
    transport: &mut dyn Transport,
    connection: &Connection,
    id: &RefundId,
    shows: impl Fn(&Refund) -> bool,
) -> Result<Refund, ChangeError> {
    let failure = match sent.outcome {
        Ok(replied) => return Ok(replied.object),
        Err(failure) if !sent.ambiguous => return Err(failure.into()),
        Err(failure) => failure,
    };
    // A change that is not there proves nothing: the request may still be on its way.
    match call::<Refund>(transport, connection, &requests::retrieve_refund(id)) {
        Ok(refund) if shows(&refund) => Ok(refund),
        _ => Err(unknown(&failure, sent.attempts)),
    }
}

pub(super) fn unknown(failure: &Failure, attempts: u32) -> ChangeError {
    ChangeError::OutcomeUnknown(ChangeUnknown { attempts, detail: failure.brief() })
}

/// A failure after which certainly nothing was changed.
impl From<Failure> for ChangeError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(refusal) => Self::Refused(refusal),
            Failure::Transport(failure) => Self::Transport(failure),
        }
    }
}
