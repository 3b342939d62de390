//! What became of every line.

use std::io::{self, Write};

use refund_core::money::{Currency, Money};
use refund_ledger::{Ledger, LedgerError, LineState, Operation, Run};
use serde_json::{Value, json};

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
        (Some(line), Format::Json) => writeln!(target, "{}", object(&line)),
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

fn decimal(amount: Option<u64>, currency: Option<&str>) -> String {
    let money = amount.zip(currency.and_then(|code| Currency::parse(code).ok()));
    // "25.00 usd": the currency has a column of its own.
    money.map_or_else(String::new, |(amount, currency)| {
        let text = Money { amount, currency }.to_string();
        text.split(' ').next().unwrap_or_default().to_owned()
    })
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
    let Operation { id, payment, charge, state, refund, currency, detail, fee, request_id, .. } =
        operation.clone();
    let (fee, fee_currency) = fee.unzip();
    let fee = fee.and_then(|fee| u64::try_from(fee).ok());
    [
        number,
        id,
        payment,
        charge.unwrap_or_default(),
        state.to_string(),
        refund.unwrap_or_default(),
        decimal(operation.refunded.or(operation.amount), currency.as_deref()),
        currency.unwrap_or_default(),
        detail.unwrap_or_default(),
        decimal(fee, fee_currency.as_deref()),
        fee_currency.unwrap_or_default(),
        request_id.unwrap_or_default(),
        operation.updated.to_string(),
    ]
}

fn object(line: &LineState) -> Value {
    let Some(operation) = &line.operation else {
        return json!({ "line": line.line, "status": "unreadable", "reason": line.reason });
    };
    let amount = operation.refunded.or(operation.amount);
    json!({
        "line": line.line,
        "operation": operation.id,
        "payment": operation.payment,
        "charge": operation.charge,
        "status": operation.state.as_str(),
        "refund": operation.refund,
        "amount": amount,
        "amount_decimal": decimal(amount, operation.currency.as_deref()),
        "currency": operation.currency,
        "reason": operation.detail,
        "fee_kept": operation.fee.as_ref().map(|(amount, _)| amount),
        "fee_currency": operation.fee.as_ref().map(|(_, currency)| currency),
        "request_id": operation.request_id,
        "updated": operation.updated,
    })
}
