//! Invoices (reference 2.6), as far as what was paid for a period needs them.

use serde::Deserialize;

use super::lenient::{null_default, open_enum, sub_list};
use super::{InvoiceLine, InvoicePayment, Page};
use crate::id::InvoiceId;
use crate::money::Currency;

open_enum! {
    /// Where an invoice stands.
    InvoiceStatus {
        /// Still being written.
        Draft = "draft",
        /// Waits to be paid, in part or whole.
        Open = "open",
        /// Settled.
        Paid = "paid",
        /// Nobody expects it to be paid any more.
        Uncollectible = "uncollectible",
        /// Called off.
        Void = "void",
    }
}

/// An invoice. Since 2025-03-31 it names neither charge nor subscription at the top.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Invoice {
    /// `in_…`.
    pub id: InvoiceId,
    /// Where it stands; null where Stripe sent none.
    #[serde(default)]
    pub status: Option<InvoiceStatus>,
    /// The currency of everything on it.
    pub currency: Currency,
    /// The first of its lines.
    #[serde(default, deserialize_with = "sub_list")]
    pub lines: Option<Page<InvoiceLine>>,
    /// Its payments, where a request asked for them.
    #[serde(default, deserialize_with = "sub_list")]
    pub payments: Option<Page<InvoicePayment>>,
    /// Credited by notes before it was paid; absent where nobody said.
    #[serde(default)]
    pub pre_payment_credit_notes_amount: Option<u64>,
    /// Credited by notes after it was paid; absent where nobody said.
    #[serde(default)]
    pub post_payment_credit_notes_amount: Option<u64>,
    /// What was paid without Stripe.
    #[serde(default, deserialize_with = "null_default")]
    pub amount_paid_off_stripe: u64,
}

impl Invoice {
    /// Stripe says that no credit note stands against it.
    pub fn has_no_credit_notes(&self) -> bool {
        self.pre_payment_credit_notes_amount == Some(0)
            && self.post_payment_credit_notes_amount == Some(0)
    }
}
