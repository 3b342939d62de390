//! What a follow-up is told of: an object with an id.

use super::contact::{first, written};
use super::follow_up::{About, FollowUp, FollowUpId, Task};
use crate::id::PaymentRef;
use crate::metadata::Metadata;
use crate::model::{Charge, Dispute, Refund};
use crate::money::Money;

const SUBSCRIPTION_KEYS: [&str; 2] = ["subscription_id", "subscription"];

/// An object, ready to be told of.
pub(super) struct Source {
    /// The id that goes into the hash.
    key: String,
    about: About,
}

impl Source {
    pub(super) fn of_refund(refund: &Refund) -> Self {
        let about = About {
            operation: refund.metadata.operation_id().map(str::to_owned),
            refund: Some(refund.id.clone()),
            charge: refund.charge.clone(),
            payment_intent: refund.payment_intent.clone(),
            money: Some(refund.money()),
            dispute: None,
        };
        Self { key: refund.id.to_string(), about }
    }

    pub(super) fn of_charge(charge: &Charge) -> Self {
        let about = About {
            charge: Some(charge.id.clone()),
            payment_intent: charge.payment_intent.clone(),
            money: Some(charge.money(charge.amount_refunded)),
            ..About::default()
        };
        Self { key: charge.id.to_string(), about }
    }

    /// The payment of a refund; `None` where Stripe names none.
    pub(super) fn of_payment(refund: &Refund) -> Option<Self> {
        let about = Self::of_refund(refund).about;
        Some(Self { key: payment(&about)?, about })
    }

    pub(super) fn of_dispute(dispute: &Dispute) -> Self {
        let about = About {
            dispute: Some(dispute.id.clone()),
            charge: dispute.charge.clone(),
            payment_intent: dispute.payment_intent.clone(),
            money: Some(Money { amount: dispute.amount, currency: dispute.currency }),
            ..About::default()
        };
        Self { key: dispute.id.to_string(), about }
    }

    /// An operation that has no refund to show.
    pub(super) fn of_operation(operation: &str, payment: &PaymentRef) -> Self {
        let mut about = About { operation: Some(operation.to_owned()), ..About::default() };
        match payment {
            PaymentRef::Charge(id) => about.charge = Some(id.clone()),
            PaymentRef::PaymentIntent(id) => about.payment_intent = Some(id.clone()),
        }
        // No refund's id looks like this, whatever the operation is called.
        Self { key: format!("operation {operation}"), about }
    }

    pub(super) fn with_money(mut self, money: Option<Money>) -> Self {
        self.about.money = money;
        self
    }

    /// A follow-up about this object in this state.
    pub(super) fn tell(&self, state: &str, task: Task) -> FollowUp {
        FollowUp {
            id: FollowUpId::derive(task.kind(), &self.key, state),
            subject: payment(&self.about).unwrap_or_else(|| self.key.clone()),
            about: self.about.clone(),
            task,
        }
    }
}

fn payment(about: &About) -> Option<String> {
    let charge = about.charge.as_ref().map(ToString::to_string);
    charge.or_else(|| about.payment_intent.as_ref().map(ToString::to_string))
}

pub(super) fn subscription(places: &[&Metadata]) -> Option<String> {
    first(places, &SUBSCRIPTION_KEYS).and_then(written)
}
