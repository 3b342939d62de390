//! Amounts by currency, as people write them.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::json::Tree;
use crate::money::{Currency, Money};
use crate::problem::FieldProblem;

/// An amount for each currency, as decimals of it in text: `{ usd = "50.00", jpy = "5000" }`. As text:
/// a number would leave open whether 50 means dollars or cents. At least one currency.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "PolicyAmounts", extend("minProperties" = 1)))]
pub struct Limits(pub(super) BTreeMap<Currency, Decimal>);

impl<'de> Deserialize<'de> for Limits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Entries)
    }
}

/// Reads the entries one by one: of `USD` and `usd`, one would be dropped without a word.
struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = Limits;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an amount for each currency")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Limits, A::Error> {
        let mut limits = BTreeMap::new();
        while let Some((currency, amount)) = entries.next_entry::<Currency, Decimal>()? {
            if limits.insert(currency, amount).is_some() {
                return Err(A::Error::custom(format_args!(
                    "has two amounts for {currency}: keep the one that holds"
                )));
            }
        }
        Ok(Limits(limits))
    }
}

/// A decimal of a currency, not read yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(super) struct Decimal(String);

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Tree::deserialize(deserializer)? {
            Tree::Text(text) => Ok(Self(text.into_owned())),
            Tree::Null => Err(D::Error::custom(
                "is null: leave the currency out to have no limit in it, or write an amount like \"50.00\"",
            )),
            _ => Err(D::Error::custom(
                "is not a text: write an amount like \"50.00\", in quotes, since a number could be cents",
            )),
        }
    }
}

impl From<Money> for Limits {
    /// A limit in one currency.
    fn from(limit: Money) -> Self {
        Self([(limit.currency, Decimal(limit.decimal()))].into())
    }
}

impl Limits {
    /// From amounts in smallest units.
    ///
    /// # Errors
    /// Two amounts in one currency.
    pub fn of(amounts: &[Money]) -> Result<Self, FieldProblem> {
        let mut limits = BTreeMap::new();
        for limit in amounts {
            if limits.insert(limit.currency, Decimal(limit.decimal())).is_some() {
                return Err(FieldProblem::new(
                    limit.currency.as_str(),
                    limit,
                    "is a second amount for one currency",
                    "keep the one that holds",
                ));
            }
        }
        Ok(Self(limits))
    }

    /// The limit for a currency; `None` if the table leaves it out.
    pub(super) fn amount(&self, currency: Currency) -> Option<u64> {
        let Decimal(text) = self.0.get(&currency)?;
        read(text, currency).ok().map(|limit| limit.amount)
    }

    /// The amounts. Zero is one: nothing is below it.
    ///
    /// # Errors
    /// Every entry that is no amount, named as an entry of `field`.
    pub fn read(&self, field: &str) -> Result<Vec<Money>, Vec<FieldProblem>> {
        let mut problems = Vec::new();
        let mut limits = Vec::new();
        for (currency, Decimal(text)) in &self.0 {
            match read(text, *currency) {
                Ok(limit) => limits.push(limit),
                Err(problem) => problems.push(problem.at(format!("{field}.{currency}"))),
            }
        }
        if problems.is_empty() { Ok(limits) } else { Err(problems) }
    }
}

fn read(text: &str, currency: Currency) -> Result<Money, FieldProblem> {
    if text.starts_with('-') {
        return Err(FieldProblem::new(
            "amount",
            text,
            "is negative",
            "an amount is zero or above; leave the entry out where there is no limit",
        ));
    }
    let zero = text.starts_with('0') && text.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    if zero { Ok(Money { amount: 0, currency }) } else { Money::parse_decimal(text, currency) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_a_limit_and_less_is_none() {
        let usd = Currency::parse("usd").unwrap();
        let amount = |text| read(text, usd).map(|money| money.amount).map_err(|p| p.problem);
        assert_eq!(amount("0"), Ok(0));
        assert_eq!(amount("0.00"), Ok(0));
        assert_eq!(amount("0.01"), Ok(1));
        assert_eq!(amount("50"), Ok(5000));
        assert_eq!(amount("-5"), Err("is negative".into()));
        assert!(amount("5,00").is_err());
        assert!(amount("").is_err());
    }
}
