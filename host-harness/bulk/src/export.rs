//! What became of every line.

use std::io::{self, Write};

use refund_core::id::{ChargeId, RefundId};
use refund_core::money::{Currency, Money};
use refund_ledger::{Ledger, LedgerError, LineState, Operation, Run};
use serde::Serialize;

/// How to write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A header and a record a line; amounts as decimals.
    Csv,
    /// One JSON object a line; amounts in the smallest unit and as decimals.
    Json,
}

/// An export did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// It cannot be written.
    #[error("the export cannot be written: {0}")]
    Write(#[from] io::Error),
}

const HEADER: [&str; 13] = [
    "line",
    "operation",
    "payment",
    "charge",
    "status",
    "refund",
    "amount",
    "currency",
    "reason",
    "fee_kept",
    "fee_currency",
    "request_id",
    "updated",
];

/// Writes every line of a run with what became of it, refused ones included. Memory does not grow with
/// the run.
pub async fn export<W: Write + Send + 'static>(
    ledger: &Ledger,
    run: &Run,
    format: Format,
    target: W,
) -> Result<(), ExportError> {
    let mut target = io::BufWriter::new(target);
    if format == Format::Csv {
        record(&mut target, &HEADER.map(str::to_owned))?;
    }
    let line = move |line: Option<LineState>| match (line, format) {
        (Some(line), Format::Csv) => record(&mut target, &row(&line)),
        (Some(line), Format::Json) => {
            serde_json::to_writer(&mut target, &object(&line))?;
            target.write_all(b"\n")
        }
        (None, _) => target.flush(),
    };
    Ok(ledger.each_line(run, line).await??)
}

fn record(target: &mut impl Write, fields: &[String]) -> io::Result<()> {
    let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
    writer.write_record(fields)?;
    let bytes = writer.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
    target.write_all(&bytes)
}

/// "25.00": the currency has a column of its own.
fn decimal(money: Option<Money>) -> String {
    let text = money.map_or_else(String::new, |money| money.to_string());
    text.split(' ').next().unwrap_or_default().to_owned()
}

/// The fee that Stripe keeps, where it can be said as money.
fn fee(operation: &Operation) -> Option<Money> {
    let fee = operation.fee.as_ref()?;
    let currency = Currency::parse(&fee.currency).ok()?;
    Some(Money { amount: u64::try_from(fee.amount).ok()?, currency })
}

fn row(line: &LineState) -> [String; 13] {
    let number = line.line.to_string();
    let Some(operation) = &line.operation else {
        let mut row: [String; 13] = Default::default();
        row[0] = number;
        "unreadable".clone_into(&mut row[4]);
        row[8] = line.reason.clone().unwrap_or_default();
        return row;
    };
    let refund = operation.refund.as_ref();
    let charge = refund.and_then(|refund| refund.charge.as_ref());
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    [
        number,
        operation.id().to_string(),
        operation.payment().to_string(),
        text(charge.map(ChargeId::as_str)),
        operation.state.to_string(),
        text(refund.map(|refund| refund.id.as_str())),
        decimal(operation.money()),
        operation.money().map_or_else(String::new, |money| money.currency.to_string()),
        text(operation.detail.as_deref()),
        decimal(fee(operation)),
        text(operation.fee.as_ref().map(|fee| fee.currency.as_str())),
        text(operation.request_id.as_deref()),
        operation.updated.to_string(),
    ]
}

/// A line as JSON.
#[derive(Serialize)]
#[serde(untagged)]
enum Object<'a> {
    Unreadable { line: u64, status: &'static str, reason: Option<&'a str> },
    Read(Box<ReadLine<'a>>),
}

#[derive(Serialize)]
struct ReadLine<'a> {
    line: u64,
    operation: &'a str,
    payment: &'a str,
    charge: Option<&'a ChargeId>,
    status: &'static str,
    refund: Option<&'a RefundId>,
    amount: Option<u64>,
    amount_decimal: String,
    currency: Option<Currency>,
    reason: Option<&'a str>,
    fee_kept: Option<i64>,
    fee_currency: Option<&'a str>,
    request_id: Option<&'a str>,
    updated: u64,
}

fn object(line: &LineState) -> Object<'_> {
    let Some(operation) = &line.operation else {
        let (status, reason) = ("unreadable", line.reason.as_deref());
        return Object::Unreadable { line: line.line, status, reason };
    };
    let (money, refund) = (operation.money(), operation.refund.as_ref());
    Object::Read(Box::new(ReadLine {
        line: line.line,
        operation: operation.id().as_str(),
        payment: operation.payment().as_str(),
        charge: refund.and_then(|refund| refund.charge.as_ref()),
        status: operation.state.as_str(),
        refund: refund.map(|refund| &refund.id),
        amount: money.map(|money| money.amount),
        amount_decimal: decimal(money),
        currency: money.map(|money| money.currency),
        reason: operation.detail.as_deref(),
        fee_kept: operation.fee.as_ref().map(|fee| fee.amount),
        fee_currency: operation.fee.as_ref().map(|fee| fee.currency.as_str()),
        request_id: operation.request_id.as_deref(),
        updated: operation.updated,
    }))
}
