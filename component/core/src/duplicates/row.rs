//! What the search needs of a charge.

use crate::metadata::Metadata;
use crate::model::{Charge, ChargeStatus};
use crate::money::Currency;

/// A charge as the search sees it, borrowed from wherever it was read. Empty texts count as absent.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// `ch_…` or `py_…`.
    pub id: &'a str,
    /// When it was made, Unix seconds.
    pub created: u64,
    /// What was taken, in the smallest unit of `currency`.
    pub amount: u64,
    /// Its currency.
    pub currency: Currency,
    /// Who paid.
    pub customer: &'a str,
    /// The fingerprint of the card.
    pub card: &'a str,
    /// The PaymentIntent it belongs to.
    pub payment_intent: &'a str,
    /// See [`is_money_taken`].
    pub is_money_taken: bool,
    /// Whether a part was given back already.
    pub is_partly_refunded: bool,
    /// Order and invoice references: the index among [`super::Options::keys`], and the value.
    pub references: &'a [(usize, &'a str)],
}

impl<'a> Row<'a> {
    /// The charge, beside the references that were found in it.
    pub fn of(charge: &'a Charge, references: &'a [(usize, &'a str)]) -> Self {
        let succeeded = charge.status == ChargeStatus::Succeeded;
        Self {
            id: charge.id.as_str(),
            created: charge.created,
            amount: charge.captured_amount(),
            currency: charge.currency,
            customer: charge.customer.as_ref().map_or("", |id| id.as_str()),
            card: charge.card_fingerprint().unwrap_or_default(),
            payment_intent: charge.payment_intent.as_ref().map_or("", |id| id.as_str()),
            is_money_taken: is_money_taken(
                succeeded && charge.captured,
                charge.disputed,
                charge.is_fully_refunded(),
            ),
            is_partly_refunded: charge.amount_refunded > 0,
            references,
        }
    }

    /// The customer, or lacking one the card; empty where there is neither.
    pub(super) fn basis(&self) -> &'a str {
        if self.customer.is_empty() { self.card } else { self.customer }
    }
}

/// Whether the merchant holds the customer's money: captured, not disputed, not given back.
pub fn is_money_taken(captured: bool, disputed: bool, fully_refunded: bool) -> bool {
    captured && !disputed && !fully_refunded
}

/// The references among a charge's metadata: the index of the key, and its value.
pub fn references<'a>(metadata: &'a Metadata, keys: &[String]) -> Vec<(usize, &'a str)> {
    keys.iter()
        .enumerate()
        .filter_map(|(at, name)| Some((at, metadata.get(name)?)))
        .filter(|(_, value)| !value.is_empty())
        .collect()
}
