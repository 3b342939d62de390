//! Lines of an input: what they ask for, or what is wrong with them.
//!
//! CSV with a header, or one JSON object a line. Columns and fields have the same names:
//!
//! | name | what |
//! |---|---|
//! | `payment`, `charge` or `payment_intent` | `ch_…`, `py_…` or `pi_…` |
//! | `amount` | a decimal of the currency (`25.00`, `500` yen), or `all` for what is left |
//! | `minor` | the amount in the smallest unit, instead of `amount` |
//! | `currency` | needed beside an amount |
//! | `operation` | your own name for this refund; or a template makes it from other columns |
//! | `reason` | `duplicate`, `fraudulent`, `requested_by_customer`, or empty |
//! | `metadata.…` | your own keys; in JSON also `metadata` as an object |
//!
//! `approval` is refused: an approval is the votes that the ledger recorded, and no value of a file.

mod columns;
mod csv_lines;
mod json_lines;
mod lines;
mod objects;
mod template;

use std::collections::BTreeMap;
use std::io::BufRead;

use refund_core::id::{OperationId, PaymentRef};
use refund_core::metadata::Metadata;
use refund_core::money::{Currency, Money};
use refund_core::problem::{FieldProblem, Problems};
use refund_core::request::Request;

pub use self::columns::Columns;
use self::csv_lines::CsvLines;
use self::json_lines::JsonLines;
use self::lines::Lines;
pub use self::objects::{NumberedObject, Objects};
pub use self::template::Template;

/// Longest line, in bytes. Longer ones are refused without being held in memory.
pub const LONGEST_LINE: usize = 256 << 10;

/// A line, by field name.
pub type Fields = BTreeMap<String, String>;

/// A line that cannot be used: nothing is sent for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bad {
    /// Its number, from 1.
    pub line: u64,
    /// What is wrong, and what to do.
    pub reason: String,
    /// The line as it was read, its beginning if it is long.
    pub text: String,
}

/// A line with its number.
pub type Numbered = (u64, Result<Request, Bad>);

/// The input as a whole makes no sense: nothing is sent.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// It cannot be read.
    #[error("the input cannot be read: {0}")]
    Read(#[from] std::io::Error),
    /// There is nothing in it.
    #[error("the input is empty: give CSV with a header, or one JSON object a line")]
    Empty,
    /// It is not UTF-8 throughout.
    #[error("the input is UTF-16: save it as UTF-8 (in a spreadsheet: CSV UTF-8)")]
    Utf16,
    /// The header of a CSV makes no sense.
    #[error("the header {0}")]
    Header(String),
}

/// Reads lines one after the other, bad ones included.
pub struct Reader<R> {
    lines: Either<R>,
    template: Option<Template>,
}

enum Either<R> {
    Csv(CsvLines<R>),
    Json(JsonLines<R>),
}

impl<R: BufRead> Reader<R> {
    /// Finds out what kind of input it is, and reads the header of a CSV. Without a template every line
    /// must name its operation.
    pub fn new(
        source: R,
        template: Option<Template>,
        ignore_unknown: bool,
    ) -> Result<Self, InputError> {
        let mut lines = Lines::new(source)?;
        let first = lines.first_byte()?.ok_or(InputError::Empty)?;
        let lines = if first == b'{' || first == b'[' {
            Either::Json(JsonLines::new(lines, template.as_ref(), ignore_unknown))
        } else {
            Either::Csv(CsvLines::new(lines, template.as_ref(), ignore_unknown)?)
        };
        Ok(Self { lines, template })
    }

    /// The next line with its number; `None` at the end.
    pub fn next_line(&mut self) -> Result<Option<Numbered>, InputError> {
        let read = match &mut self.lines {
            Either::Csv(lines) => lines.next_fields()?,
            Either::Json(lines) => lines.next_fields()?,
        };
        let Some((number, text, fields)) = read else { return Ok(None) };
        let line = fields.and_then(|fields| self.line(&fields).map_err(|problems| list(&problems)));
        Ok(Some((number, line.map_err(|reason| Bad { line: number, reason, text }))))
    }

    /// All problems of a line at once.
    fn line(&self, fields: &Fields) -> Result<Request, Vec<FieldProblem>> {
        let get =
            |name: &str| fields.get(name).map(|text| text.trim()).filter(|text| !text.is_empty());
        let mut problems = Problems::default();
        let payment = problems.keep(payment(fields));
        let amount = problems.keep(amount(get("amount"), get("minor"), get("currency")));
        let operation = problems.keep(self.operation(fields));
        let metadata: Metadata = fields
            .iter()
            .filter_map(|(name, value)| Some((name.strip_prefix("metadata.")?, value)))
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name.to_owned(), value.clone()))
            .collect();
        metadata.check_input(&mut problems);
        let reason = get("reason").map(str::to_owned);
        if let Some(reason) = reason.as_deref().filter(|reason| !REASONS.contains(reason)) {
            problems.push(FieldProblem::new(
                "reason",
                reason,
                "is not a reason Stripe takes",
                "use duplicate, fraudulent or requested_by_customer, and put your own words into metadata",
            ));
        }
        problems.into_result()?;
        let (Some(payment), Some(amount), Some(operation)) = (payment, amount, operation) else {
            return Err(Vec::new());
        };
        Ok(Request { amount, reason, metadata, ..Request::new(operation, payment) })
    }

    fn operation(&self, fields: &Fields) -> Result<OperationId, FieldProblem> {
        let given = fields.get("operation").filter(|text| !text.trim().is_empty());
        let text = match (given, &self.template) {
            (Some(text), _) => text.trim().to_owned(),
            (None, Some(template)) => template.fill(fields)?,
            (None, None) => {
                return Err(FieldProblem::missing(
                    "operation",
                    "give each line its own name for the refund, or a template for all of them with --operation-template",
                ));
            }
        };
        OperationId::parse(&text).map_err(|problem| problem.at("operation"))
    }
}

/// Reasons that may be given (reference 1.4).
const REASONS: [&str; 3] = ["duplicate", "fraudulent", "requested_by_customer"];

/// The names under which a payment may be given.
pub(crate) const PAYMENTS: [&str; 3] = ["payment", "charge", "payment_intent"];

fn payment(fields: &Fields) -> Result<PaymentRef, FieldProblem> {
    let mut given = PAYMENTS
        .iter()
        .filter_map(|name| Some((*name, fields.get(*name)?.trim())))
        .filter(|(_, text)| !text.is_empty());
    let Some((name, text)) = given.next() else {
        return Err(FieldProblem::missing(
            "payment",
            "give a charge (ch_…) or PaymentIntent (pi_…)",
        ));
    };
    if let Some((other, value)) = given.next() {
        return Err(FieldProblem::new(
            other,
            value,
            format!("is given beside {name}"),
            "give one of the two",
        ));
    }
    PaymentRef::parse(text).map_err(|problem| problem.at(name))
}

/// `None` is everything that is left; that must be said, it never comes about by leaving something out.
fn amount(
    amount: Option<&str>,
    minor: Option<&str>,
    currency: Option<&str>,
) -> Result<Option<Money>, FieldProblem> {
    let needed = || {
        let code = currency.ok_or_else(|| {
            FieldProblem::missing("currency", "give the currency of the amount, for example usd")
        })?;
        Currency::parse(code).map_err(|problem| problem.at("currency"))
    };
    let money = match (amount, minor) {
        (Some(_), Some(minor)) => {
            return Err(FieldProblem::new(
                "minor",
                minor,
                "is given beside amount",
                "give one of the two",
            ));
        }
        (None, None) => {
            return Err(FieldProblem::missing(
                "amount",
                "give a decimal such as 25.00, or `all` for what is left",
            ));
        }
        (Some(text), None) if text.eq_ignore_ascii_case("all") => return Ok(None),
        (Some(text), None) => {
            Money::parse_decimal(text, needed()?).map_err(|problem| problem.at("amount"))?
        }
        (None, Some(text)) => {
            let amount = text.parse().map_err(|_| {
                FieldProblem::new(
                    "minor",
                    text,
                    "is not a whole number",
                    "give the amount in the smallest unit, for example 2500 for 25.00 dollars",
                )
            })?;
            Money { amount, currency: needed()? }
        }
    };
    money.check_input(if amount.is_some() { "amount" } else { "minor" })?;
    Ok(Some(money))
}

fn list(problems: &[FieldProblem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// The beginning of a line, for people to find it by.
pub(crate) fn shown(line: &[u8]) -> String {
    const SHOWN: usize = 2000;
    let text = String::from_utf8_lossy(&line[..line.len().min(SHOWN)]);
    let text = text.trim_end_matches(['\r', '\n']);
    if line.len() > SHOWN { format!("{text}…") } else { text.to_owned() }
}

#[cfg(test)]
mod tests;
