//! One charge of a file: a Stripe object a line, or a row of CSV with the same field names.

use std::io::BufRead;

use anyhow::Context;
use refund_core::duplicates::{Row, is_money_taken, references};
use refund_core::model::Charge;
use refund_core::money::Currency;
use smallvec::SmallVec;

/// A line as it was read. It is used again for a later one, so that reading allocates nothing.
#[derive(Default)]
pub(super) struct Line {
    /// Where it begins, from 1.
    pub(super) number: u64,
    record: csv::StringRecord,
    text: Vec<u8>,
    broken: Option<String>,
}

/// Reads lines.
pub(super) enum Reader<R> {
    Csv { reader: csv::Reader<R>, columns: Vec<Column> },
    Json { source: R, number: u64 },
}

/// Makes charges of lines.
pub(super) enum Rows {
    Csv(Vec<Column>),
    Json,
}

/// What a column holds.
#[derive(Clone)]
pub(super) enum Column {
    Id,
    Created,
    Amount,
    AmountCaptured,
    AmountRefunded,
    Currency,
    Status,
    Captured,
    Refunded,
    Disputed,
    Customer,
    Card,
    PaymentIntent,
    Metadata(String),
    Other,
}

impl<R: BufRead> Reader<R> {
    /// Looks whether it is JSON or CSV, where that is not known, and reads the header.
    pub(super) fn new(mut source: R, is_jsonl: bool) -> anyhow::Result<Self> {
        if source.fill_buf()?.starts_with(b"\xEF\xBB\xBF") {
            source.consume(3);
        }
        let mut begins = source.fill_buf()?.iter().filter(|byte| !byte.is_ascii_whitespace());
        if is_jsonl || begins.next().is_none_or(|byte| matches!(byte, b'{' | b'[')) {
            return Ok(Self::Json { source, number: 0 });
        }
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(source);
        let header = reader.headers().context("the header cannot be read")?;
        let columns = header.iter().map(Column::named).collect();
        Ok(Self::Csv { reader, columns })
    }

    /// What its lines are.
    pub(super) fn rows(&self) -> Rows {
        match self {
            Self::Csv { columns, .. } => Rows::Csv(columns.clone()),
            Self::Json { .. } => Rows::Json,
        }
    }

    /// Reads the next line that is not empty; false at the end.
    pub(super) fn read(&mut self, line: &mut Line) -> anyhow::Result<bool> {
        line.broken = None;
        match self {
            Self::Csv { reader, .. } => {
                let before = reader.position().line();
                match reader.read_record(&mut line.record) {
                    Ok(more) => {
                        line.number = line.record.position().map_or(before, csv::Position::line);
                        Ok(more)
                    }
                    Err(error) if error.is_io_error() => Err(error.into()),
                    Err(error) => {
                        line.number = before;
                        line.broken = Some(format!("is not CSV: {error}"));
                        Ok(true)
                    }
                }
            }
            Self::Json { source, number } => loop {
                line.text.clear();
                if source.read_until(b'\n', &mut line.text)? == 0 {
                    return Ok(false);
                }
                *number += 1;
                line.number = *number;
                if !line.text.trim_ascii().is_empty() {
                    return Ok(true);
                }
            },
        }
    }
}

impl Column {
    fn named(name: &str) -> Self {
        match name.trim() {
            "id" => Self::Id,
            "created" => Self::Created,
            "amount" => Self::Amount,
            "amount_captured" => Self::AmountCaptured,
            "amount_refunded" => Self::AmountRefunded,
            "currency" => Self::Currency,
            "status" => Self::Status,
            "captured" => Self::Captured,
            "refunded" => Self::Refunded,
            "disputed" => Self::Disputed,
            "customer" => Self::Customer,
            "card_fingerprint" | "fingerprint" => Self::Card,
            "payment_intent" => Self::PaymentIntent,
            other => other
                .strip_prefix("metadata.")
                .map_or(Self::Other, |key| Self::Metadata(key.to_owned())),
        }
    }
}

impl Rows {
    /// Hands the charge of a line to `see`. `keys` name the references.
    pub(super) fn with<T>(
        &self,
        line: &Line,
        keys: &[String],
        see: impl FnOnce(&Row<'_>) -> T,
    ) -> Result<T, String> {
        if let Some(problem) = &line.broken {
            return Err(problem.clone());
        }
        match self {
            Self::Csv(columns) => in_columns(columns, &line.record, keys, see),
            Self::Json => {
                let charge: Charge = serde_json::from_slice(line.text.trim_ascii())
                    .map_err(|error| format!("is not a charge: {error}"))?;
                Ok(see(&Row::of(&charge, &references(&charge.metadata, keys))))
            }
        }
    }
}

/// The charge that stands in a row.
fn in_columns<T>(
    columns: &[Column],
    record: &csv::StringRecord,
    keys: &[String],
    see: impl FnOnce(&Row<'_>) -> T,
) -> Result<T, String> {
    if record.len() != columns.len() {
        return Err(format!("has {} columns, the header has {}", record.len(), columns.len()));
    }
    let (mut id, mut customer, mut card, mut payment_intent) = ("", "", "", "");
    let (mut created, mut amount, mut amount_captured) = (None, None, None);
    let (mut amount_refunded, mut currency, mut status) = (0, None, None);
    let (mut captured, mut refunded, mut disputed) = (true, false, false);
    let mut references: SmallVec<[(usize, &str); 4]> = SmallVec::new();
    for (column, value) in columns.iter().zip(record).filter(|(_, value)| !value.is_empty()) {
        match column {
            Column::Id => id = value,
            Column::Created => created = Some(whole("created", value)?),
            Column::Amount => amount = Some(whole("amount", value)?),
            Column::AmountCaptured => amount_captured = Some(whole("amount_captured", value)?),
            Column::AmountRefunded => amount_refunded = whole("amount_refunded", value)?,
            Column::Currency => {
                currency = Some(Currency::parse(value).map_err(|problem| problem.to_string())?);
            }
            Column::Status => status = Some(value),
            Column::Captured => captured = truth("captured", value)?,
            Column::Refunded => refunded = truth("refunded", value)?,
            Column::Disputed => disputed = truth("disputed", value)?,
            Column::Customer => customer = value,
            Column::Card => card = value,
            Column::PaymentIntent => payment_intent = value,
            Column::Metadata(name) => {
                references.extend(keys.iter().position(|key| key == name).map(|at| (at, value)));
            }
            Column::Other => {}
        }
    }
    if id.is_empty() {
        return Err(missing("id"));
    }
    let amount = amount.ok_or_else(|| missing("amount"))?;
    let status = status.ok_or_else(|| missing("status"))?;
    let is_captured = captured && status == "succeeded";
    let taken = amount_captured.unwrap_or(if is_captured { amount } else { 0 });
    let given_back = refunded || (amount_refunded > 0 && amount_refunded >= taken);
    Ok(see(&Row {
        id,
        created: created.ok_or_else(|| missing("created"))?,
        amount: taken,
        currency: currency.ok_or_else(|| missing("currency"))?,
        customer,
        card,
        payment_intent,
        is_money_taken: is_money_taken(is_captured, disputed, given_back),
        is_partly_refunded: amount_refunded > 0,
        references: &references,
    }))
}

fn missing(name: &str) -> String {
    format!("has no {name}: a charge needs id, amount, currency, status and created")
}

fn whole(name: &str, value: &str) -> Result<u64, String> {
    value.parse().map_err(|_| {
        format!("{name} `{value}` is not a whole number: give amounts in the smallest unit and instants in Unix seconds")
    })
}

fn truth(name: &str, value: &str) -> Result<bool, String> {
    match value {
        "true" | "TRUE" | "True" => Ok(true),
        "false" | "FALSE" | "False" => Ok(false),
        _ => Err(format!("{name} `{value}` is neither true nor false")),
    }
}
