//! What follows from an operation that this host executed.

use serde::{Deserialize, Serialize};

use super::follow_up::{AlertReason, Contact, FollowUp, Message, Severity, Task};
use super::options::Options;
use super::payment::of_rest;
use super::refund::of_refund;
use super::source::Source;
use crate::id::{OperationId, PaymentRef, RefundId};
use crate::metadata::Metadata;
use crate::model::Refund;
use crate::money::Money;

/// An operation that came to an end, for now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Its id.
    pub operation_id: OperationId,
    /// What was to be refunded.
    pub payment: PaymentRef,
    /// How much was asked for; absent for everything. Not looked at where there is a refund.
    pub money: Option<Money>,
    /// How it ended.
    pub ended: Ended,
    /// What is left to refund of the payment afterwards, in the smallest unit: the verdict's `refundable`
    /// less the refund. Only with it can it be said whether the payment was refunded in whole.
    pub left: Option<u64>,
    /// The payment's own metadata, where known: customer, order and subscription are looked for in the
    /// refund's first, then here.
    pub metadata: Metadata,
}

/// How an operation ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Ended {
    /// There is a refund; its status tells whether it succeeded, is pending or failed.
    Refund(Box<Refund>),
    /// A rule or a person said no: why.
    Denied(String),
    /// Stripe refused: why.
    Refused(String),
    /// Nobody knows whether a refund was made: what went wrong.
    OutcomeUnknown(String),
    /// The operation has more than one refund: all of them.
    RefundedTwice(Vec<RefundId>),
}

/// What follows from an operation. Of the same refund in the same status it tells exactly what an event
/// tells, under the same ids.
pub fn of_outcome(outcome: &Outcome, options: &Options) -> Vec<FollowUp> {
    let source = Source::of_operation(outcome.operation_id.as_str(), &outcome.payment)
        .with_money(outcome.money);
    let found = match &outcome.ended {
        Ended::Refund(refund) => of_made(outcome, refund, options),
        Ended::Denied(why) => {
            let customer = Contact::of(&[&outcome.metadata]);
            let message = Message::RefundDenied;
            let detail = Some(why.clone());
            vec![source.tell("denied", Task::NotifyCustomer { message, customer, detail })]
        }
        Ended::Refused(why) => {
            let (severity, reason) = (Severity::Warning, AlertReason::RefundRefused);
            vec![source.tell("refused", Task::alert(severity, reason, Some(why.clone())))]
        }
        Ended::OutcomeUnknown(why) => {
            let (severity, reason) = (Severity::Critical, AlertReason::OutcomeUnknown);
            vec![source.tell("unknown", Task::alert(severity, reason, Some(why.clone())))]
        }
        Ended::RefundedTwice(refunds) => {
            let names: Vec<_> = refunds.iter().map(RefundId::as_str).collect();
            let (severity, reason) = (Severity::Critical, AlertReason::RefundedTwice);
            vec![source.tell("twice", Task::alert(severity, reason, Some(names.join(", "))))]
        }
    };
    options.wanted(found)
}

fn of_made(outcome: &Outcome, refund: &Refund, options: &Options) -> Vec<FollowUp> {
    let mut found = of_refund(refund, Some(&outcome.metadata), options);
    let payment = Source::of_payment(refund).filter(|_| refund.is_spent());
    if let (Some(payment), Some(left)) = (payment, outcome.left) {
        let places = [&outcome.metadata, &refund.metadata];
        let known: Vec<_> = found.iter().map(|one| one.id.clone()).collect();
        let more = of_rest(&payment, left, &places, options);
        found.extend(more.into_iter().filter(|one| !known.contains(&one.id)));
    }
    found
}
