//! CSV: every figure of a report in one table, for a spreadsheet or a database.

use std::io::{self, Write};

use refund_core::money::Money;
use refund_core::reports::{Charges, Figures, Rate, Summary};

use crate::words::{decimal, exact_percent};

/// The columns.
///
/// - `section`: `total`, `status`, `reason`, `product`, `month`, `customer` or `approval`; sections sum the
///   same refunds, so add up within one;
/// - `key`: the status, reason, product, month (`2026-11`), customer, or name of the time; empty for
///   totals and where none was given;
/// - `currency`, `count`, `amount`: amounts are decimals of the currency;
/// - `fee_lost`, `fee_currency`, `fee_unknown`: fees in a second currency have a record of their own, with
///   the same section, key and currency, and neither count nor amount;
/// - `charges`, `charges_amount`, `rate_by_count_percent`, `rate_by_amount_percent`: empty where not
///   known; rates are exact to four decimals;
/// - `seconds`: of `approval`.
pub const COLUMNS: [&str; 13] = [
    "section",
    "key",
    "currency",
    "count",
    "amount",
    "fee_lost",
    "fee_currency",
    "fee_unknown",
    "charges",
    "charges_amount",
    "rate_by_count_percent",
    "rate_by_amount_percent",
    "seconds",
];

/// One record; what is not said is empty.
#[derive(Default)]
struct Record {
    section: &'static str,
    key: String,
    money: Option<Money>,
    count: Option<u64>,
    fee: Option<Money>,
    fee_unknown: Option<u64>,
    charges: Option<Charges>,
    rate: Option<Rate>,
    seconds: Option<u64>,
}

/// Writes the header and all records.
pub(crate) fn write(summary: &Summary, target: &mut impl Write) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(target);
    writer.write_record(COLUMNS)?;
    for record in records(summary) {
        writer.write_record(record.cells())?;
    }
    writer.flush()
}

fn records(summary: &Summary) -> Vec<Record> {
    let mut records = Vec::new();
    for total in &summary.totals {
        figures(&mut records, "total", "", &total.figures, total.charges, total.rate);
    }
    for line in &summary.by_status {
        records.push(Record {
            section: "status",
            key: line.status.as_ref().map_or_else(String::new, ToString::to_string),
            money: Some(Money { amount: line.amount, currency: line.currency }),
            count: Some(line.count),
            ..Record::default()
        });
    }
    for line in &summary.by_reason {
        let reason = line.reason.as_ref().map_or("", |reason| reason.as_str());
        figures(&mut records, "reason", reason, &line.figures, None, None);
    }
    for line in &summary.by_product {
        let product = line.product.as_deref().unwrap_or_default();
        figures(&mut records, "product", product, &line.figures, None, None);
    }
    for line in &summary.by_month {
        let month = line.month.to_string();
        figures(&mut records, "month", &month, &line.figures, line.charges, line.rate);
    }
    customers(&mut records, summary);
    approvals(&mut records, summary);
    records
}

fn figures(
    records: &mut Vec<Record>,
    section: &'static str,
    key: &str,
    figures: &Figures,
    charges: Option<Charges>,
    rate: Option<Rate>,
) {
    let mut fees = figures.fee_lost.iter().copied();
    records.push(Record {
        section,
        key: key.to_owned(),
        money: Some(figures.money()),
        count: Some(figures.count),
        fee: fees.next(),
        fee_unknown: Some(figures.fee_unknown),
        charges,
        rate,
        seconds: None,
    });
    records.extend(fees.map(|fee| Record {
        section,
        key: key.to_owned(),
        money: Some(Money { amount: 0, currency: figures.currency }),
        fee: Some(fee),
        ..Record::default()
    }));
}

/// A customer has one record a currency; the count, over all currencies, stands on the first.
fn customers(records: &mut Vec<Record>, summary: &Summary) {
    for customer in &summary.repeat_customers.top {
        records.extend(customer.amounts.iter().enumerate().map(|(at, amount)| Record {
            section: "customer",
            key: customer.customer.to_string(),
            money: Some(*amount),
            count: (at == 0).then_some(customer.count),
            ..Record::default()
        }));
    }
}

fn approvals(records: &mut Vec<Record>, summary: &Summary) {
    let approvals = &summary.approvals;
    let mut add = |key: &str, count, seconds| {
        records.push(Record {
            section: "approval",
            key: key.to_owned(),
            count,
            seconds,
            ..Record::default()
        });
    };
    add("decided", Some(approvals.decided), None);
    add("waiting", Some(approvals.waiting), None);
    if let Some(times) = approvals.times {
        add("median", None, Some(times.median));
        add("ninetieth", None, Some(times.ninetieth));
        add("longest", None, Some(times.longest));
    }
}

impl Record {
    fn cells(&self) -> [String; 13] {
        let number = |number: Option<u64>| number.map_or_else(String::new, |n| n.to_string());
        let code =
            |money: Option<Money>| money.map_or_else(String::new, |m| m.currency.to_string());
        let percent = |parts: Option<u64>| parts.map_or_else(String::new, exact_percent);
        let is_more_fee = self.fee.is_some() && self.count.is_none();
        let amount = self.money.filter(|_| !is_more_fee);
        let taken = self.charges.zip(self.money);
        let taken = taken.map(|(taken, money)| Money { amount: taken.amount, ..money });
        [
            self.section.to_owned(),
            defused(&self.key),
            code(self.money),
            number(self.count),
            amount.map_or_else(String::new, decimal),
            self.fee.map_or_else(String::new, decimal),
            code(self.fee),
            number(self.fee_unknown),
            number(self.charges.map(|charges| charges.count)),
            taken.map_or_else(String::new, decimal),
            percent(self.rate.map(|rate| rate.by_count)),
            percent(self.rate.map(|rate| rate.by_amount)),
            number(self.seconds),
        ]
    }
}

/// What a spreadsheet would run as a formula becomes text.
fn defused(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}
