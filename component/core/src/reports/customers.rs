//! Customers who got money back more than once.

use std::cmp::{Ordering, Reverse};

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use super::Row;
use super::figures::add_to;
use crate::id::CustomerId;
use crate::money::Money;
use crate::sort::sort_by;

/// Up to this many customers are told apart.
pub const MAX_CUSTOMERS: usize = 100_000;

/// Customers with two or more refunds, those that failed or were cancelled left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RepeatCustomers {
    /// The first of them: by count, then by amount where the currency is the same, then by id.
    pub top: Vec<RepeatCustomer>,
    /// How many there are in all.
    pub repeating: u64,
    /// How many customers got a refund.
    pub customers: u64,
    /// Refunds of customers above the hundred thousandth, who were not told apart. When it is not zero,
    /// the numbers of those listed are exact, but others may be missing, and who is depends on the order
    /// of the rows.
    pub untracked: u64,
}

/// A customer with two or more refunds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RepeatCustomer {
    /// Who.
    pub customer: CustomerId,
    /// How many refunds.
    pub count: u64,
    /// How much, one sum a currency, ordered by currency.
    pub amounts: Vec<Money>,
}

impl RepeatCustomer {
    fn compare(&self, other: &Self) -> Ordering {
        let amounts = |one: &Self| -> Vec<_> {
            one.amounts.iter().map(|sum| (sum.currency, Reverse(sum.amount))).collect()
        };
        let by_amount = || amounts(self).cmp(&amounts(other));
        let by_count = other.count.cmp(&self.count);
        by_count.then_with(by_amount).then_with(|| self.customer.cmp(&other.customer))
    }
}

/// Counts refunds by customer.
#[derive(Debug)]
pub(super) struct Customers {
    most: usize,
    seen: HashMap<CustomerId, Seen>,
    untracked: u64,
}

#[derive(Debug, Default)]
struct Seen {
    count: u64,
    amounts: Vec<Money>,
}

impl Customers {
    pub(super) fn new(most: usize) -> Self {
        Self { most, seen: HashMap::new(), untracked: 0 }
    }

    pub(super) fn add(&mut self, row: &Row) {
        let Some(customer) = row.customer.as_ref().filter(|id| !id.as_str().is_empty()) else {
            return;
        };
        if !self.seen.contains_key(customer) {
            if self.seen.len() >= self.most {
                self.untracked += 1;
                return;
            }
            self.seen.insert(customer.clone(), Seen::default());
        }
        if let Some(seen) = self.seen.get_mut(customer) {
            seen.count += 1;
            add_to(&mut seen.amounts, Money { amount: row.amount, currency: row.currency });
        }
    }

    pub(super) fn repeating(&self, top: usize) -> RepeatCustomers {
        let repeat = |(customer, seen): (&CustomerId, &Seen)| RepeatCustomer {
            customer: customer.clone(),
            count: seen.count,
            amounts: seen.amounts.clone(),
        };
        let mut found: Vec<_> =
            self.seen.iter().filter(|(_, seen)| seen.count > 1).map(repeat).collect();
        sort_by(&mut found, RepeatCustomer::compare);
        let repeating = found.len() as u64;
        found.truncate(top);
        RepeatCustomers {
            top: found,
            repeating,
            customers: self.seen.len() as u64,
            untracked: self.untracked,
        }
    }
}
