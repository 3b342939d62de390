//! Credit notes (reference 8.2), as far as they tell what was given back already.

use serde::Deserialize;

use super::Page;
use super::invoice_line::{Part, charged};
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
    #[serde(default)]
    shipping_cost: Option<ShippingCost>,
}

/// A line of a credit note.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct CreditNoteLine {
    /// `cnli_…`.
    #[serde(default, deserialize_with = "null_default")]
    pub id: String,
    /// The line of the invoice that it credits; none for a line of its own.
    #[serde(default, deserialize_with = "id")]
    pub invoice_line_item: Option<LineId>,
    /// Before discounts, and with the tax that is included in it.
    #[serde(default)]
    amount: Option<i64>,
    #[serde(default, deserialize_with = "null_default")]
    discount_amounts: Vec<Part>,
    #[serde(default, deserialize_with = "null_default")]
    pretax_credit_amounts: Vec<Part>,
    #[serde(default, deserialize_with = "null_default")]
    taxes: Vec<Part>,
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

/// What a credit note grants for shipping.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct ShippingCost {
    #[serde(default, deserialize_with = "null_default")]
    amount_total: u64,
}

impl CreditNote {
    /// Whether it was called off; it then grants nothing.
    pub fn is_void(&self) -> bool {
        self.status == "void"
    }

    /// What it grants for shipping, with tax.
    pub fn shipping(&self) -> u64 {
        self.shipping_cost.as_ref().map_or(0, |cost| cost.amount_total)
    }

    /// Its lines, unless some of them are not included.
    pub fn all_lines(&self) -> Option<&[CreditNoteLine]> {
        self.lines.as_ref().filter(|page| !page.has_more).map(|page| page.data.as_slice())
    }
}

impl CreditNoteLine {
    /// What it credits: after discounts and billing credits, and with the taxes that come on top; none where
    /// Stripe does not say.
    pub fn credited(&self) -> Option<i128> {
        let (discounts, credits) = (&self.discount_amounts, &self.pretax_credit_amounts);
        self.amount.map(|amount| charged(amount, discounts, credits, &self.taxes))
    }
}
