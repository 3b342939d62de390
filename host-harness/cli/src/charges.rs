//! Charges from a file: a Stripe object a line, or CSV with the same field names.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anyhow::Context;
use refund_core::model::Charge;
use refund_host::api::types;
use serde_json::{Map, Value};

/// Charges that could be read, and how many lines could not.
pub(crate) struct Charges {
    pub(crate) read: Vec<Charge>,
    pub(crate) unreadable: u64,
}

/// Reads a file, or stdin for `-`. A line that cannot be read is reported with its number; the rest
/// goes on.
pub(crate) fn read(path: &Path) -> anyhow::Result<Charges> {
    let source: Box<dyn Read> = if path == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        Box::new(
            std::fs::File::open(path)
                .with_context(|| format!("{} cannot be read", path.display()))?,
        )
    };
    let mut source = BufReader::new(source);
    let first = source.fill_buf()?;
    let bom = first.starts_with(b"\xEF\xBB\xBF");
    if bom {
        source.consume(3);
    }
    let begins = source.fill_buf()?.iter().find(|byte| !byte.is_ascii_whitespace()).copied();
    let mut charges = Charges { read: Vec::new(), unreadable: 0 };
    match begins {
        None => {}
        Some(b'{' | b'[') => read_lines(source, &mut charges)?,
        Some(_) if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("jsonl")) => {
            read_lines(source, &mut charges)?;
        }
        Some(_) => read_csv(source, &mut charges)?,
    }
    Ok(charges)
}

impl Charges {
    fn take(&mut self, line: u64, charge: Result<Charge, String>) {
        match charge {
            Ok(charge) => self.read.push(charge),
            Err(problem) => {
                self.unreadable += 1;
                report(line, &problem);
            }
        }
    }
}

#[expect(clippy::print_stderr, reason = "this is where messages go")]
fn report(line: u64, problem: &str) {
    eprintln!("line {line}: {problem}");
}

fn read_lines(source: impl BufRead, charges: &mut Charges) -> anyhow::Result<()> {
    for (number, line) in (1..).zip(source.split(b'\n')) {
        let line = line?;
        let line = line.trim_ascii();
        if !line.is_empty() {
            let charge =
                serde_json::from_slice(line).map_err(|error| format!("is not a charge: {error}"));
            charges.take(number, charge);
        }
    }
    Ok(())
}

fn read_csv(source: impl Read, charges: &mut Charges) -> anyhow::Result<()> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(source);
    let header = reader.headers().context("the header cannot be read")?.clone();
    let mut record = csv::StringRecord::new();
    loop {
        let line = reader.position().line();
        match reader.read_record(&mut record) {
            Ok(false) => return Ok(()),
            Ok(true) => {
                let line = record.position().map_or(line, csv::Position::line);
                charges.take(line, row(&header, &record));
            }
            Err(error) => charges.take(line, Err(format!("is not CSV: {error}"))),
        }
    }
}

/// A row as the object that Stripe would send. `metadata.order_id` and `card_fingerprint` are nested
/// where Stripe nests them.
fn row(header: &csv::StringRecord, record: &csv::StringRecord) -> Result<Charge, String> {
    if record.len() != header.len() {
        return Err(format!("has {} columns, the header has {}", record.len(), header.len()));
    }
    let mut charge = Map::new();
    let mut metadata = Map::new();
    for (name, value) in header.iter().zip(record).filter(|(_, value)| !value.is_empty()) {
        let name = name.trim();
        if let Some(key) = name.strip_prefix("metadata.") {
            metadata.insert(key.to_owned(), Value::from(value));
        } else if matches!(name, "card_fingerprint" | "fingerprint") {
            let details = serde_json::json!({ "type": "card", "card": { "fingerprint": value } });
            charge.insert("payment_method_details".to_owned(), details);
        } else {
            charge.insert(name.to_owned(), typed(name, value)?);
        }
    }
    charge.insert("metadata".to_owned(), Value::Object(metadata));
    serde_json::from_value(Value::Object(charge))
        .map_err(|error| format!("is not a charge: {error}"))
}

fn typed(name: &str, value: &str) -> Result<Value, String> {
    match name {
        "amount" | "amount_captured" | "amount_refunded" | "created" => value
            .parse::<u64>()
            .map(Value::from)
            .map_err(|_| format!("{name} `{value}` is not a whole number: give amounts in the smallest unit and instants in Unix seconds")),
        "captured" | "refunded" | "disputed" | "livemode" | "paid" => match value {
            "true" | "TRUE" | "True" => Ok(Value::from(true)),
            "false" | "FALSE" | "False" => Ok(Value::from(false)),
            _ => Err(format!("{name} `{value}` is neither true nor false")),
        },
        _ => Ok(Value::from(value)),
    }
}

/// The charge in the contract's words.
pub(crate) fn contract(charge: Charge) -> types::Charge {
    let amount_captured = charge.captured_amount();
    let fraud = charge.fraud_details.clone().unwrap_or_default();
    types::Charge {
        payment_method_type: charge.payment_method_type().map(str::to_owned),
        card_fingerprint: charge.card_fingerprint().map(str::to_owned),
        id: charge.id.to_string(),
        amount: types::Money { amount: charge.amount, currency: charge.currency.to_string() },
        amount_captured,
        amount_refunded: charge.amount_refunded,
        status: match charge.status.as_str() {
            "succeeded" => types::ChargeStatus::Succeeded,
            "pending" => types::ChargeStatus::Pending,
            "failed" => types::ChargeStatus::Failed,
            other => types::ChargeStatus::Other(other.to_owned()),
        },
        captured: charge.captured,
        refunded: charge.refunded,
        disputed: charge.disputed,
        created: charge.created,
        customer: charge.customer.map(|id| id.to_string()),
        payment_intent: charge.payment_intent.map(|id| id.to_string()),
        fraud_user_report: fraud.user_report,
        fraud_stripe_report: fraud.stripe_report,
        balance_transaction: None,
        livemode: charge.livemode,
        metadata: charge.metadata.0.into_iter().collect(),
    }
}
