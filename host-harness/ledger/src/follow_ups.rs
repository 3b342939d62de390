//! What is left to do after a move of the ledger, by the rule of the core.

use refund_core::followups::{self, Ended, FollowUp, Kind, Options};
use refund_core::id::{ChargeId, OperationId, PaymentIntentId, PaymentRef, RefundId};
use refund_core::metadata::Metadata;
use refund_core::model::Refund;
use refund_core::money::{Currency, Money};
use serde_json::Value;

use crate::operation::{Kept, Operation, Outcome};
use crate::state::State;

/// What follows from an operation that was settled.
pub(crate) fn of_settled(
    settled: &Operation,
    outcome: &Outcome,
    options: &Options,
) -> Vec<FollowUp> {
    let ended = ended(settled, outcome);
    ended.map_or_else(Vec::new, |ended| told(settled, ended, outcome.left, options))
}

/// What follows from an operation that somebody called off who should have agreed.
pub(crate) fn of_called_off(operation: &Operation, options: &Options) -> Vec<FollowUp> {
    told(operation, Ended::Denied(operation.detail.clone().unwrap_or_default()), None, options)
}

/// What follows from a refund that somebody saw. Nobody is told of a state that the refund has left behind,
/// as far as the ledger knows: never "succeeded" after "failed".
pub(crate) fn of_seen(refund: &Kept, known: State, options: &Options) -> Vec<FollowUp> {
    let news = (refund.state() == known).then(|| in_state(refund, known)).flatten();
    news.map_or_else(Vec::new, |refund| followups::of_refund(&refund, options))
}

/// What follows from a second refund of an operation.
pub(crate) fn of_twice(operation: &Operation, refund: &Kept, options: &Options) -> Vec<FollowUp> {
    let refunds = operation.refund.iter().chain([&refund.id]);
    let refunds = refunds.map(|id| RefundId::from_stripe(id.as_str())).collect();
    told(operation, Ended::RefundedTwice(refunds), None, options)
}

/// What is left of what follows from an event, when a newer event about the same payment was there before.
pub(crate) fn late(mut found: Vec<FollowUp>) -> Vec<FollowUp> {
    found.retain(|one| one.task.kind() == Kind::Alert);
    found
}

/// How it ended, as far as the ledger knows: a webhook may have told more than the answer.
fn ended(settled: &Operation, outcome: &Outcome) -> Option<Ended> {
    if let Some(refund) = &outcome.refund {
        return in_state(refund, settled.state).map(|refund| Ended::Refund(Box::new(refund)));
    }
    let why = outcome.detail.clone().unwrap_or_default();
    match outcome.state {
        state if state != settled.state => None,
        State::Refused if outcome.denied => Some(Ended::Denied(why)),
        State::Refused => Some(Ended::Refused(why)),
        State::OutcomeUnknown => Some(Ended::OutcomeUnknown(why)),
        _ => None,
    }
}

fn told(
    operation: &Operation,
    ended: Ended,
    left: Option<u64>,
    options: &Options,
) -> Vec<FollowUp> {
    let Ok(operation_id) = OperationId::parse(&operation.id) else { return Vec::new() };
    let Ok(payment) = PaymentRef::parse(&operation.payment) else { return Vec::new() };
    let currency = operation.currency.as_deref().and_then(|code| Currency::parse(code).ok());
    let outcome = followups::Outcome {
        operation_id,
        payment,
        money: operation.amount.zip(currency).map(|(amount, currency)| Money { amount, currency }),
        ended,
        left,
        metadata: metadata(&operation.request),
    };
    followups::of_outcome(&outcome, options)
}

/// Stripe puts the metadata of a request on the refund; where there is none, these tell whom it was for.
fn metadata(request: &str) -> Metadata {
    let request: Value = serde_json::from_str(request).unwrap_or_default();
    serde_json::from_value(request["metadata"].clone()).unwrap_or_default()
}

/// The refund in the core's words, in the state that the ledger knows. `None` where its currency is none.
fn in_state(refund: &Kept, known: State) -> Option<Refund> {
    let status =
        if refund.state() == known { refund.status.as_deref() } else { Some(known.as_str()) };
    Some(Refund {
        id: RefundId::from_stripe(refund.id.as_str()),
        amount: refund.amount,
        currency: Currency::parse(&refund.currency).ok()?,
        charge: refund.charge.as_deref().map(ChargeId::from_stripe),
        payment_intent: refund.payment_intent.as_deref().map(PaymentIntentId::from_stripe),
        status: status.map(Into::into),
        reason: None,
        failure_reason: refund.failure_reason.clone(),
        pending_reason: None,
        created: refund.created,
        balance_transaction: None,
        failure_balance_transaction: None,
        receipt_number: None,
        destination_details: None,
        metadata: refund.metadata.clone(),
    })
}
