//! What was given back, why, to whom and at what cost.
//!
//! Three rules hold for every number here:
//!
//! - amounts of different currencies are never added;
//! - a refund that failed or was cancelled is counted by status alone: no money left (see
//!   [`Row::is_counted`]);
//! - sums are exact. Rows whose sum does not fit into 64 bits are refused.

mod customers;
mod figures;
mod month;
mod row;
mod summarizer;
mod summary;
mod times;

pub use customers::{MAX_CUSTOMERS, RepeatCustomer, RepeatCustomers};
pub use figures::{Charges, Figures, Rate};
pub use month::{Month, civil_date};
pub use row::{Approval, Row};
pub use summarizer::Summarizer;
pub use summary::{MonthLine, ProductLine, ReasonLine, StatusLine, Summary, Total};
pub use times::{ApprovalTimes, Approvals, MAX_DISTINCT_TIMES};

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use crate::money::Currency;
use crate::problem::{FieldProblem, Problems};

/// How many repeat customers are listed when nothing is said.
pub const DEFAULT_TOP: u32 = 10;
/// Most repeat customers that are listed.
pub const MAX_TOP: u32 = 1000;

/// Local times on Earth, in minutes from UTC.
const OFFSETS: std::ops::RangeInclusive<i32> = -12 * 60..=14 * 60;

/// How to report, and what the refunds are compared with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Options {
    /// Where months begin, in minutes east of UTC, -720 to 840; UTC when absent. It is the same all
    /// year: daylight saving moves no refund to another month.
    pub utc_offset_minutes: i32,
    /// Charges taken in the range, one entry a currency and month. Without them there is no refund
    /// rate.
    pub charges: Vec<ChargesTaken>,
    /// How many repeat customers to list, at most 1000; 10 when absent.
    pub top_customers: Option<u32>,
}

/// The charges of one currency and month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChargesTaken {
    /// Their currency.
    pub currency: Currency,
    /// Their month.
    pub month: Month,
    /// How many.
    pub count: u64,
    /// How much, in the smallest unit of `currency`.
    pub amount: u64,
}

impl Options {
    /// Whether the options make sense: all problems at once.
    pub fn check_input(&self) -> Result<(), Vec<FieldProblem>> {
        let mut problems = Problems::default();
        if !OFFSETS.contains(&self.utc_offset_minutes) {
            problems.push(FieldProblem::new(
                "utc_offset_minutes",
                self.utc_offset_minutes,
                format!("is not between {} and {}", OFFSETS.start(), OFFSETS.end()),
                "give minutes east of UTC, for example 60 for Berlin in winter",
            ));
        }
        if self.top_customers.is_some_and(|top| top > MAX_TOP) {
            problems.push(FieldProblem::new(
                "top_customers",
                self.top() as u64,
                format!("is more than {MAX_TOP}"),
                "list fewer; the refunds themselves are in the ledger",
            ));
        }
        self.check_charges(&mut problems);
        problems.into_result()
    }

    fn check_charges(&self, problems: &mut Problems) {
        let mut seen = BTreeSet::new();
        let mut sums: HashMap<Currency, Charges> = HashMap::new();
        for (index, taken) in self.charges.iter().enumerate() {
            let month = taken.month;
            if !seen.insert((taken.currency, month)) {
                problems.push(FieldProblem::new(
                    format!("charges[{index}].month"),
                    month,
                    format!("is given twice for {}", taken.currency),
                    "give one entry a currency and month",
                ));
            }
            if (taken.count == 0) != (taken.amount == 0) {
                problems.push(FieldProblem::new(
                    format!("charges[{index}].amount"),
                    taken.amount,
                    format!("does not go with a count of {}", taken.count),
                    "count the charges that took money, and add up what they took",
                ));
            }
            if !sums.entry(taken.currency).or_default().add(taken.count, taken.amount) {
                problems.push(too_large(format!("charges[{index}].amount"), taken.currency));
            }
        }
    }

    pub(crate) fn top(&self) -> usize {
        self.top_customers.unwrap_or(DEFAULT_TOP) as usize
    }
}

/// A sum that does not fit into 64 bits.
fn too_large(field: String, currency: Currency) -> FieldProblem {
    FieldProblem::new(
        field,
        "",
        format!("makes the sum in {currency} larger than 64 bits hold"),
        "check the amounts: they are in the smallest unit of their currency",
    )
}

/// Sums up a list of refunds. The order of the rows does not matter; an id that comes twice is refused,
/// since one of the two is stale and only the caller knows which.
pub fn summarize(rows: &[Row], options: &Options) -> Result<Summary, Vec<FieldProblem>> {
    let mut problems = Problems::default();
    let summarizer = problems.keep_all(Summarizer::new(options));
    let mut seen = HashMap::with_capacity(rows.len());
    for (index, row) in rows.iter().enumerate() {
        if let Some(first) = seen.insert(&row.id, index) {
            problems.push(FieldProblem::new(
                format!("rows[{index}].id"),
                &row.id,
                format!("is the refund of rows[{first}] again"),
                "give every refund once, as it stands now",
            ));
        }
    }
    let Some(mut summarizer) = summarizer else { return Err(all(problems)) };
    problems.keep_all(summarizer.push(rows));
    problems.into_result()?;
    Ok(summarizer.summary())
}

fn all(problems: Problems) -> Vec<FieldProblem> {
    problems.into_result().err().unwrap_or_default()
}

#[cfg(test)]
mod tests;
