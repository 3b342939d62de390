//! Sums up a stream of refunds. Its memory follows the number of groups, not of rows.

use std::collections::BTreeMap;

use super::customers::Customers;
use super::times::Times;
use super::{
    Charges, Figures, MAX_CUSTOMERS, MAX_DISTINCT_TIMES, Month, MonthLine, Options, ProductLine,
    ReasonLine, Row, StatusLine, Summary, Total, too_large,
};
use crate::model::{Reason, RefundStatus};
use crate::money::{Currency, Money};
use crate::problem::{FieldProblem, Problems};
use crate::sort::sort_by;

/// Sums up a stream of refunds, page by page.
///
/// It holds the groups (currencies, statuses, reasons, products, months), up to [`MAX_CUSTOMERS`]
/// customers and up to [`MAX_DISTINCT_TIMES`] approval times, and no rows: it cannot know whether a
/// refund came before, so each must be pushed once.
#[derive(Debug)]
pub struct Summarizer {
    options: Options,
    rows: u64,
    created: Option<(u64, u64)>,
    sums: Sums,
    groups: BTreeMap<Currency, Groups>,
    approvals: Times,
    customers: Customers,
}

impl Summarizer {
    /// Starts, unless the options make no sense.
    pub fn new(options: &Options) -> Result<Self, Vec<FieldProblem>> {
        Self::bounded(options, MAX_CUSTOMERS, MAX_DISTINCT_TIMES)
    }

    pub(super) fn bounded(
        options: &Options,
        customers: usize,
        times: usize,
    ) -> Result<Self, Vec<FieldProblem>> {
        options.check_input()?;
        let mut groups: BTreeMap<_, Groups> = BTreeMap::new();
        for taken in &options.charges {
            let group = groups.entry(taken.currency).or_insert_with(|| Groups::new(taken.currency));
            let charges = Charges { count: taken.count, amount: taken.amount };
            group.month(taken.month).charges = Some(charges);
        }
        Ok(Self {
            options: options.clone(),
            rows: 0,
            created: None,
            sums: Sums::default(),
            groups,
            approvals: Times::new(times),
            customers: Customers::new(customers),
        })
    }

    /// Takes a page of rows. On an error nothing of the page was taken in.
    pub fn push(&mut self, page: &[Row]) -> Result<(), Vec<FieldProblem>> {
        let mut problems = Problems::default();
        let mut sums = self.sums.clone();
        for (index, row) in page.iter().enumerate() {
            row.check(index, self.options.utc_offset_minutes, &mut problems);
            sums.add(row, index, &mut problems);
        }
        problems.into_result()?;
        self.sums = sums;
        for row in page {
            self.take(row);
        }
        Ok(())
    }

    fn take(&mut self, row: &Row) {
        self.rows += 1;
        let (first, last) = self.created.unwrap_or((row.created, row.created));
        self.created = Some((first.min(row.created), last.max(row.created)));
        if let Some(approval) = row.approval {
            self.approvals.add(approval);
        }
        let month = Month::of(row.created, self.options.utc_offset_minutes);
        let groups = self.groups.entry(row.currency).or_insert_with(|| Groups::new(row.currency));
        groups.add(row, month);
        if row.is_counted() {
            self.customers.add(row);
        }
    }

    /// What was taken in so far. Pushing on afterwards goes on.
    pub fn summary(&self) -> Summary {
        let (first_created, last_created) = self.created.unzip();
        let mut summary = Summary {
            rows: self.rows,
            first_created,
            last_created,
            utc_offset_minutes: self.options.utc_offset_minutes,
            totals: Vec::new(),
            by_status: Vec::new(),
            by_reason: Vec::new(),
            by_product: Vec::new(),
            by_month: Vec::new(),
            approvals: self.approvals.approvals(),
            repeat_customers: self.customers.repeating(self.options.top()),
        };
        for groups in self.groups.values() {
            groups.report(&mut summary);
        }
        summary
    }
}

/// The groups of one currency. Absent texts are empty ones.
#[derive(Debug)]
struct Groups {
    total: Figures,
    statuses: BTreeMap<String, Figures>,
    reasons: BTreeMap<String, Figures>,
    products: BTreeMap<String, Figures>,
    months: BTreeMap<Month, MonthLine>,
}

impl Groups {
    fn new(currency: Currency) -> Self {
        Self {
            total: Figures::new(currency),
            statuses: BTreeMap::new(),
            reasons: BTreeMap::new(),
            products: BTreeMap::new(),
            months: BTreeMap::new(),
        }
    }

    fn month(&mut self, month: Month) -> &mut MonthLine {
        let figures = || Figures::new(self.total.currency);
        self.months.entry(month).or_insert_with(|| MonthLine {
            month,
            figures: figures(),
            charges: None,
            rate: None,
        })
    }

    fn add(&mut self, row: &Row, month: Option<Month>) {
        add_under(&mut self.statuses, row.status(), row);
        if !row.is_counted() {
            return;
        }
        self.total.add(row);
        add_under(&mut self.reasons, row.reason(), row);
        add_under(&mut self.products, row.product(), row);
        // Rows without a month were refused.
        if let Some(month) = month {
            self.month(month).figures.add(row);
        }
    }

    fn report(&self, summary: &mut Summary) {
        summary.totals.push(self.total());
        summary.by_status.extend(by_amount(&self.statuses).map(|(status, figures)| {
            let status = (!status.is_empty()).then(|| RefundStatus::from(status));
            StatusLine {
                is_counted: Row::counts(status.as_ref()),
                status,
                currency: figures.currency,
                count: figures.count,
                amount: figures.amount,
            }
        }));
        summary.by_reason.extend(by_amount(&self.reasons).map(|(reason, figures)| ReasonLine {
            reason: (!reason.is_empty()).then(|| Reason::from(reason)),
            figures: figures.clone(),
        }));
        summary.by_product.extend(by_amount(&self.products).map(|(product, figures)| {
            ProductLine {
                product: (!product.is_empty()).then(|| product.to_owned()),
                figures: figures.clone(),
            }
        }));
        summary.by_month.extend(self.months.values().map(|line| {
            let rate = line.charges.and_then(|charges| charges.rate(&line.figures));
            MonthLine { rate, ..line.clone() }
        }));
    }

    fn total(&self) -> Total {
        let given = self.months.values().filter_map(|line| line.charges);
        let charges = given.reduce(|mut sum, month| {
            // Checked with the options.
            sum.add(month.count, month.amount);
            sum
        });
        let complete = self.months.values().all(|line| line.charges.is_some());
        let rate = charges.filter(|_| complete).and_then(|charges| charges.rate(&self.total));
        Total { figures: self.total.clone(), charges, rate }
    }
}

fn add_under(groups: &mut BTreeMap<String, Figures>, key: &str, row: &Row) {
    if let Some(figures) = groups.get_mut(key) {
        return figures.add(row);
    }
    let mut figures = Figures::new(row.currency);
    figures.add(row);
    groups.insert(key.to_owned(), figures);
}

/// The largest amount first; equal ones by name.
fn by_amount(groups: &BTreeMap<String, Figures>) -> impl Iterator<Item = (&str, &Figures)> {
    let mut lines: Vec<_> = groups.iter().map(|(key, figures)| (key.as_str(), figures)).collect();
    sort_by(&mut lines, |(_, a), (_, b)| a.compare(b));
    lines.into_iter()
}

/// The sums of all rows. While these fit, those of every group do.
#[derive(Clone, Debug, Default)]
struct Sums {
    amounts: BTreeMap<Currency, u64>,
    fees: BTreeMap<Currency, u64>,
}

impl Sums {
    fn add(&mut self, row: &Row, index: usize, problems: &mut Problems) {
        let mut add = |sums: &mut BTreeMap<Currency, u64>, money: Money, field: &str| {
            let sum = sums.entry(money.currency).or_default();
            match sum.checked_add(money.amount) {
                Some(larger) => *sum = larger,
                None => {
                    problems.push(too_large(format!("rows[{index}].{field}"), money.currency));
                }
            }
        };
        add(&mut self.amounts, Money { amount: row.amount, currency: row.currency }, "amount");
        if let Some(fee) = row.fee_lost {
            add(&mut self.fees, fee, "fee_lost.amount");
        }
    }
}
