//! Whether a rule matches a payment.

use std::fmt;

use super::document::When;
use crate::model::Charge;

/// Whether a rule matches a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Match<'r> {
    /// Every condition holds.
    Yes,
    /// A condition does not hold.
    No,
    /// No condition fails, but the payment lacks this fact.
    Unknown(Fact<'r>),
}

/// A fact about a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fact<'r> {
    /// The type of the payment method.
    PaymentMethod,
    /// The value of this metadata key.
    Metadata(&'r str),
}

/// As a field of the payment: `payment_method` or `metadata.plan`.
impl fmt::Display for Fact<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PaymentMethod => f.write_str("payment_method"),
            Self::Metadata(key) => write!(f, "metadata.{key}"),
        }
    }
}

/// What conditions look at, read from the charge once for all rules.
pub(super) struct Payment<'p> {
    charge: &'p Charge,
    method: Option<&'p str>,
    product_key: &'p str,
    product: Option<&'p str>,
}

impl<'p> Payment<'p> {
    pub(super) fn new(charge: &'p Charge, product_key: &'p str) -> Self {
        Self {
            charge,
            method: charge.payment_method_type(),
            product_key,
            product: charge.metadata.get(product_key),
        }
    }
}

impl When {
    /// Whether every condition holds. A condition on a fact that the payment lacks may hold or not.
    pub(super) fn matches<'r>(&'r self, payment: &Payment<'r>) -> Match<'r> {
        if !self.currency.is_empty() && !self.currency.contains(&payment.charge.currency) {
            return Match::No;
        }
        let mut missing = None;
        let mut may_hold = |values: &[String], found: Option<&str>, fact| {
            let Some(found) = found else {
                missing.get_or_insert(fact);
                return true;
            };
            values.is_empty() || values.iter().any(|value| value == found)
        };
        if !self.payment_method.is_empty()
            && !may_hold(&self.payment_method, payment.method, Fact::PaymentMethod)
        {
            return Match::No;
        }
        if !self.product.is_empty()
            && !may_hold(&self.product, payment.product, Fact::Metadata(payment.product_key))
        {
            return Match::No;
        }
        for (key, values) in &self.metadata {
            if !may_hold(values, payment.charge.metadata.get(key), Fact::Metadata(key)) {
                return Match::No;
            }
        }
        missing.map_or(Match::Yes, Match::Unknown)
    }

    /// It has no condition, so it matches every payment.
    pub(super) fn is_everything(&self) -> bool {
        self.payment_method.is_empty()
            && self.product.is_empty()
            && self.currency.is_empty()
            && self.metadata.is_empty()
    }
}
