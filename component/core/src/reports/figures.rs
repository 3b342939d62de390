//! Counts and sums of one group of refunds.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::Row;
use crate::money::{Currency, Money};

/// Refunds of one currency, those that failed or were cancelled left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Figures {
    /// Their currency.
    pub currency: Currency,
    /// How many.
    pub count: u64,
    /// How much, in the smallest unit of `currency`.
    pub amount: u64,
    /// Processing fees that did not come back, one sum a currency, ordered by currency.
    pub fee_lost: Vec<Money>,
    /// Refunds whose fee nobody knows; `fee_lost` lacks them.
    pub fee_unknown: u64,
}

/// Charges that were taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Charges {
    /// How many.
    pub count: u64,
    /// How much, in the smallest unit of the currency.
    pub amount: u64,
}

/// Refunds made in a time, compared with the charges taken in it, in parts per million (`25000` is
/// 2.5 %), rounded half up.
///
/// Refunds of older charges count when they are made, so a rate above a million is possible. By count,
/// two partial refunds of one charge are two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Rate {
    /// Number of refunds by number of charges.
    pub by_count: u64,
    /// Amount refunded by amount taken.
    pub by_amount: u64,
}

impl Figures {
    pub(super) fn new(currency: Currency) -> Self {
        Self { currency, count: 0, amount: 0, fee_lost: Vec::new(), fee_unknown: 0 }
    }

    /// Takes a row in. That no sum can overflow was checked before, on the sum of all rows.
    pub(super) fn add(&mut self, row: &Row) {
        self.count += 1;
        self.amount += row.amount;
        match row.fee_lost {
            Some(fee) => add_to(&mut self.fee_lost, fee),
            None => self.fee_unknown += 1,
        }
    }

    /// What was given back.
    pub fn money(&self) -> Money {
        Money { amount: self.amount, currency: self.currency }
    }

    /// By currency, then the largest amount, then the largest count first.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        let key = |one: &Self| (one.currency, std::cmp::Reverse((one.amount, one.count)));
        key(self).cmp(&key(other))
    }
}

/// Adds to the sum of the same currency.
pub(super) fn add_to(sums: &mut Vec<Money>, money: Money) {
    match sums.binary_search_by_key(&money.currency, |sum| sum.currency) {
        Ok(at) => sums[at].amount += money.amount,
        Err(at) => sums.insert(at, money),
    }
}

impl Charges {
    /// Adds, unless a sum would overflow.
    pub(super) fn add(&mut self, count: u64, amount: u64) -> bool {
        let sums = self.count.checked_add(count).zip(self.amount.checked_add(amount));
        sums.map(|(count, amount)| *self = Self { count, amount }).is_some()
    }

    /// The rate of refunds; there is none where nothing was taken.
    pub(super) fn rate(self, figures: &Figures) -> Option<Rate> {
        let rate = Rate {
            by_count: parts_per_million(figures.count, self.count)?,
            by_amount: parts_per_million(figures.amount, self.amount)?,
        };
        Some(rate)
    }
}

/// Rounded half up; the largest number where it does not fit.
fn parts_per_million(part: u64, whole: u64) -> Option<u64> {
    let (part, whole) = (u128::from(part), u128::from(whole));
    let rounded = (part * 1_000_000 + whole / 2).checked_div(whole)?;
    Some(u64::try_from(rounded).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_rounded_half_up_and_never_invented() {
        assert_eq!(parts_per_million(1, 40), Some(25_000));
        assert_eq!(parts_per_million(1, 3), Some(333_333));
        assert_eq!(parts_per_million(2, 3), Some(666_667));
        assert_eq!(parts_per_million(1, 2_000_000), Some(1));
        assert_eq!(parts_per_million(3, 1), Some(3_000_000));
        assert_eq!(parts_per_million(0, 7), Some(0));
        assert_eq!(parts_per_million(7, 0), None);
        assert_eq!(parts_per_million(u64::MAX, 1), Some(u64::MAX));
        assert_eq!(parts_per_million(u64::MAX, u64::MAX), Some(1_000_000));
    }
}
