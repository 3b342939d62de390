//! From lines to requests.

use std::io::BufRead;

use refund_core::id::{OperationId, PaymentRef};
use refund_core::metadata::Metadata;
use refund_core::money::{Currency, Money};
use refund_core::problem::{FieldProblem, Problems};
use refund_core::request::Request;

use crate::columns::PAYMENTS;
use crate::csv_lines::CsvLines;
use crate::json_lines::JsonLines;
use crate::line::{Bad, Fields, InputError, Numbered};
use crate::lines::Lines;
use crate::template::Template;

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
