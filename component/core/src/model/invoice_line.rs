//! Lines of invoices (reference 2.6).

use serde::Deserialize;

use super::lenient::null_default;
use crate::id::{ItemId, LineId};
use crate::money::Currency;

/// A line. Amounts are in the smallest unit of `currency`, and negative for credits.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct InvoiceLine {
    /// `il_…`.
    pub id: LineId,
    /// Before discounts, and with the tax that is included in it.
    pub amount: i64,
    /// Its currency.
    pub currency: Currency,
    /// What it is for. One-off items are for an instant: both ends are the same.
    pub period: LinePeriod,
    #[serde(default)]
    parent: Option<Parent>,
    #[serde(default, deserialize_with = "null_default")]
    discount_amounts: Vec<Part>,
    #[serde(default, deserialize_with = "null_default")]
    pretax_credit_amounts: Vec<Part>,
    #[serde(default, deserialize_with = "null_default")]
    taxes: Vec<Part>,
}

/// A period, in Unix seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct LinePeriod {
    /// Its first second.
    pub start: u64,
    /// The second after its last one.
    pub end: u64,
}

/// A part of a line's amount: a discount, a credit or a tax.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Part {
    amount: i64,
    #[serde(rename = "type", default, deserialize_with = "null_default")]
    kind: String,
    #[serde(default, deserialize_with = "null_default")]
    tax_behavior: String,
}

/// Where a line comes from.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Parent {
    #[serde(rename = "type", default, deserialize_with = "null_default")]
    kind: String,
    #[serde(default)]
    subscription_item_details: Option<ItemDetails>,
    #[serde(default)]
    invoice_item_details: Option<OneOffDetails>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct ItemDetails {
    subscription_item: ItemId,
    #[serde(default, deserialize_with = "null_default")]
    proration: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct OneOffDetails {
    #[serde(default, deserialize_with = "null_default")]
    proration: bool,
}

impl InvoiceLine {
    /// The subscription item that it bills; none for an item that was put on the invoice by hand.
    pub fn item(&self) -> Option<&ItemId> {
        let parent = self.parent.as_ref().filter(|of| of.kind == "subscription_item_details")?;
        Some(&parent.subscription_item_details.as_ref()?.subscription_item)
    }

    /// Whether it settles a change in the middle of a period.
    pub fn is_proration(&self) -> bool {
        self.parent.as_ref().is_some_and(|parent| {
            parent.subscription_item_details.as_ref().is_some_and(|details| details.proration)
                || parent.invoice_item_details.as_ref().is_some_and(|details| details.proration)
        })
    }

    /// What the customer was asked for: after discounts and billing credits, and with the taxes that come on
    /// top.
    pub fn charged(&self) -> i128 {
        let (discounts, credits) = (&self.discount_amounts, &self.pretax_credit_amounts);
        charged(self.amount, discounts, credits, &self.taxes)
    }
}

/// Returns the amount of a line less its discounts and billing credits, and with the taxes that come on top.
/// Discounts are listed among the credits before tax a second time.
pub(super) fn charged(amount: i64, discounts: &[Part], credits: &[Part], taxes: &[Part]) -> i128 {
    let sum = |parts: &[Part], counts: fn(&Part) -> bool| {
        let parts = parts.iter().filter(|part| counts(part));
        parts.map(|part| i128::from(part.amount)).sum::<i128>()
    };
    let discounts = sum(discounts, |_| true);
    let credits = sum(credits, |part| part.kind == "credit_balance_transaction");
    let taxes = sum(taxes, |part| part.tax_behavior == "exclusive");
    i128::from(amount) - discounts - credits + taxes
}
