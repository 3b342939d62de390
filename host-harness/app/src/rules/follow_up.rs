//! What should happen after a move of the ledger, by the rule of the core.

use refund_core::followups::{self, Ended, FollowUp, Kind, Options};
use refund_core::id::RefundId;
use refund_core::model::{Refund, RefundStatus};
use refund_ledger::{LedgerResult, Operation, Settlement, State, Tx};

use super::moves::state_of;
use super::reading::Reading;

/// Adds what follows, in the transaction of the move.
pub(super) fn add(
    tx: &mut dyn Tx,
    now: u64,
    found: impl FnOnce(&Options) -> Vec<FollowUp>,
) -> LedgerResult<()> {
    match tx.follow_up_options() {
        Some(options) => tx.add_follow_ups(&found(&options), now),
        None => Ok(()),
    }
}

/// What follows from an operation that was settled.
pub(super) fn of_settled(
    settled: &Operation,
    reading: &Reading,
    options: &Options,
) -> Vec<FollowUp> {
    let ended = ended(settled, reading);
    ended.map_or_else(Vec::new, |ended| of_operation(settled, ended, reading.left, options))
}

/// What follows from an operation that an approver called off.
pub(super) fn of_called_off(operation: &Operation, options: &Options) -> Vec<FollowUp> {
    let why = operation.detail.clone().unwrap_or_default();
    of_operation(operation, Ended::Denied(why), None, options)
}

/// What follows from a refund that was seen. Nothing follows from a state that the refund has left behind, as far as the
/// ledger knows: never "succeeded" after "failed".
pub(super) fn of_seen(refund: &Refund, known: State, options: &Options) -> Vec<FollowUp> {
    if state_of(refund.status.as_ref()) == known {
        followups::of_refund(refund, options)
    } else {
        Vec::new()
    }
}

/// What follows from a second refund of an operation.
pub(super) fn of_second_refund(
    operation: &Operation,
    refund: &Refund,
    options: &Options,
) -> Vec<FollowUp> {
    let known = operation.refund.iter().map(|known| known.id.clone());
    let refunds: Vec<RefundId> = known.chain([refund.id.clone()]).collect();
    of_operation(operation, Ended::RefundedTwice(refunds), None, options)
}

/// What is left of what follows from an event, when a newer event about the same payment was there before.
pub(super) fn of_late_event(mut found: Vec<FollowUp>) -> Vec<FollowUp> {
    found.retain(|one| one.task.kind() == Kind::Alert);
    found
}

/// How it ended, as far as the ledger knows: an event may have said more than the answer.
fn ended(settled: &Operation, reading: &Reading) -> Option<Ended> {
    if let Some(refund) = &reading.refund {
        return Some(Ended::Refund(Box::new(in_state(refund, settled.state))));
    }
    if reading.state != settled.state {
        return None;
    }
    let why = reading.detail.clone().unwrap_or_default();
    match &reading.settlement {
        Settlement::Denied { .. } => Some(Ended::Denied(why)),
        _ if reading.state == State::Refused => Some(Ended::Refused(why)),
        Settlement::Unknown { .. } => Some(Ended::OutcomeUnknown(why)),
        _ => None,
    }
}

fn of_operation(
    operation: &Operation,
    ended: Ended,
    left: Option<u64>,
    options: &Options,
) -> Vec<FollowUp> {
    let outcome = followups::Outcome {
        operation_id: operation.id().clone(),
        payment: operation.payment().clone(),
        money: operation.request.amount,
        ended,
        left,
        // Stripe puts the metadata of a request on the refund; where there is none, these say whom it was for.
        metadata: operation.request.metadata.clone(),
    };
    followups::of_outcome(&outcome, options)
}

/// The refund in the state that the ledger knows.
fn in_state(refund: &Refund, known: State) -> Refund {
    if state_of(refund.status.as_ref()) == known {
        return refund.clone();
    }
    let status = RefundStatus::from(known.as_str());
    Refund { status: Some(status), ..refund.clone() }
}
