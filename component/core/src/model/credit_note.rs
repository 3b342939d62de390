//! Credit notes (reference 8.2), as far as they tell what was given back already.

use serde::Deserialize;

use super::Page;
use super::lenient::{id, null_default, sub_list};
use crate::id::{LineId, RefundId};

/// A credit note. What it grants went to the customer's balance, was paid without Stripe, or was refunded.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct CreditNote {
    /// `cn_…`.
    pub id: String,
    /// All it grants, in the smallest unit of the invoice's currency.
    pub amount: u64,
    /// In Stripe's word: `issued` or `void`.
    #[serde(default, deserialize_with = "null_default")]
    pub status: String,
    /// The first of its lines.
    #[serde(default, deserialize_with = "sub_list")]
    pub lines: Option<Page<CreditNoteLine>>,
    /// The refunds that it counts as its own.
    #[serde(default, deserialize_with = "null_default")]
    pub refunds: Vec<CreditNoteRefund>,
}

/// A line of a credit note.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct CreditNoteLine {
    /// The line of the invoice that it credits; none for a line of its own.
    #[serde(default, deserialize_with = "id")]
    pub invoice_line_item: Option<LineId>,
}

/// A refund that a credit note counts as its own.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct CreditNoteRefund {
    /// How much of it.
    pub amount_refunded: u64,
    /// Which; none for a refund of a payment that was only recorded.
    #[serde(default, deserialize_with = "id")]
    pub refund: Option<RefundId>,
}
