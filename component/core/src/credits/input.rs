//! Amounts as a caller names them, before anything is known to be right.

use serde::{Deserialize, Serialize};

use crate::money::{Currency, MAX_AMOUNT, Money};
use crate::problem::{FieldProblem, Problems};

/// An amount whose currency was not looked at yet, so that a wrong one is reported beside all other problems.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Price {
    /// In the smallest unit of the currency: cents, yen, fils.
    pub amount: u64,
    /// ISO 4217 code, for example `usd`.
    pub currency: String,
}

impl From<Money> for Price {
    fn from(Money { amount, currency }: Money) -> Self {
        Self { amount, currency: currency.to_string() }
    }
}

impl Price {
    /// The money. Nothing is a fair price, and it need be no multiple of the currency's step: it may be a
    /// part of an invoice.
    pub(super) fn check(&self, field: &str) -> Result<Money, Vec<FieldProblem>> {
        let mut problems = Problems::default();
        problems.keep(check_amount(self.amount, &format!("{field}.amount")));
        let currency = problems.keep(
            Currency::parse(&self.currency)
                .map_err(|problem| problem.at(format!("{field}.currency"))),
        );
        problems.into_result()?;
        // Where it is absent a problem was noted.
        currency.map(|currency| Money { amount: self.amount, currency }).ok_or_else(Vec::new)
    }
}

/// Below the bound every sum and product of this module is exact.
pub(super) fn check_amount(amount: u64, field: &str) -> Result<(), FieldProblem> {
    if amount <= MAX_AMOUNT {
        return Ok(());
    }
    Err(FieldProblem::new(
        field,
        amount,
        "is larger than any charge can be",
        "check the number of digits",
    ))
}

/// Refuses a list that is too long.
pub(super) fn check_length(found: usize, most: usize, field: &str) -> Result<(), FieldProblem> {
    if found <= most {
        return Ok(());
    }
    Err(FieldProblem::new(
        field,
        found,
        format!("are too many, {most} are the most"),
        "merge or leave out some",
    ))
}
