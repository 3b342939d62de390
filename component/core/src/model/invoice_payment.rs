//! Payments of invoices (reference 2.6): one invoice may have several, one payment may pay several invoices.

use serde::Deserialize;

use super::lenient::{id, null_default, open_enum};
use crate::id::{ChargeId, PaymentIntentId, PaymentRef};
use crate::money::Currency;

open_enum! {
    /// Where a payment of an invoice stands.
    InvoicePaymentStatus {
        /// Not paid yet.
        Open = "open",
        /// Paid.
        Paid = "paid",
        /// Called off.
        Canceled = "canceled",
    }
}

/// What one payment did for one invoice.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct InvoicePayment {
    /// `inpay_…`.
    pub id: String,
    /// How much of the payment was for this invoice; null until it is paid.
    #[serde(default)]
    pub amount_paid: Option<u64>,
    /// Its currency.
    pub currency: Currency,
    /// When it was made, Unix seconds.
    #[serde(default, deserialize_with = "null_default")]
    pub created: u64,
    /// Where it stands.
    pub status: InvoicePaymentStatus,
    #[serde(default)]
    status_transitions: Option<Transitions>,
    /// What paid.
    pub payment: PaidBy,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Transitions {
    #[serde(default)]
    paid_at: Option<u64>,
}

/// What paid: a charge, a PaymentIntent, or something without Stripe.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PaidBy {
    #[serde(rename = "type", default, deserialize_with = "null_default")]
    kind: String,
    #[serde(default, deserialize_with = "id")]
    charge: Option<ChargeId>,
    #[serde(default, deserialize_with = "id")]
    payment_intent: Option<PaymentIntentId>,
}

impl InvoicePayment {
    /// When it was paid, Unix seconds.
    pub fn paid_at(&self) -> u64 {
        self.status_transitions.as_ref().and_then(|at| at.paid_at).unwrap_or(self.created)
    }
}

impl PaidBy {
    /// What can be refunded; none for a payment that was only recorded.
    pub fn reference(&self) -> Option<PaymentRef> {
        match self.kind.as_str() {
            "payment_intent" => self.payment_intent.clone().map(PaymentRef::PaymentIntent),
            "charge" => self.charge.clone().map(PaymentRef::Charge),
            _ => None,
        }
    }
}
