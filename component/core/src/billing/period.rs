//! Which part of an invoice is for the period that is asked about.

use super::payments::check_currency;
use crate::credits::Span;
use crate::id::{ItemId, LineId};
use crate::model::{Invoice, InvoiceLine};
use crate::money::Money;
use crate::problem::FieldProblem;

/// Most periods that a message names.
const NAMED: usize = 20;

/// How a caller names the part of an invoice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LineRef {
    /// By the line itself.
    Line(LineId),
    /// By the subscription item that it bills.
    Item(ItemId),
}

impl LineRef {
    /// Tells a line from a subscription item by its prefix.
    pub(crate) fn parse(text: &str) -> Result<Self, FieldProblem> {
        if text.starts_with("si_") {
            return ItemId::parse(text).map(Self::Item).map_err(|problem| problem.at("line"));
        }
        LineId::parse(text).map(Self::Line).map_err(|mut problem| {
            if !text.starts_with("il_") {
                problem.fix = "give an invoice line (il_…) or a subscription item (si_…)".into();
            }
            problem
        })
    }

    fn as_str(&self) -> &str {
        match self {
            Self::Line(id) => id.as_str(),
            Self::Item(id) => id.as_str(),
        }
    }
}

/// One period of one subscription item, as an invoice bills it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Billed {
    pub(super) item: ItemId,
    pub(crate) lines: Vec<LineId>,
    pub(super) price: Money,
    pub(super) period: Span,
}

/// The lines of one period. Prices in tiers bill one period by several.
struct Part<'a> {
    item: &'a ItemId,
    period: Span,
    lines: Vec<&'a InvoiceLine>,
}

impl Billed {
    /// The only part that fits, or what there is instead.
    pub(crate) fn find(
        invoice: &Invoice,
        lines: &[InvoiceLine],
        named: Option<&LineRef>,
        period: Option<Span>,
    ) -> Result<Self, FieldProblem> {
        let parts = match named {
            Some(LineRef::Line(id)) => vec![the_line(invoice, lines, id)?],
            _ => parts(lines),
        };
        let fits = |part: &&Part<'_>| {
            period.is_none_or(|period| period == part.period)
                && !matches!(named, Some(LineRef::Item(item)) if item != part.item)
        };
        match *parts.iter().filter(fits).collect::<Vec<_>>() {
            [part] => part.price(invoice),
            [] => Err(none(invoice, named, period, &parts)),
            ref several => Err(ambiguous(invoice, named, several)),
        }
    }
}

/// The periods that an invoice bills, in its order. What settles a change, and what was put on the invoice by
/// hand, is none.
fn parts(lines: &[InvoiceLine]) -> Vec<Part<'_>> {
    let mut parts: Vec<Part<'_>> = Vec::new();
    for line in lines.iter().filter(|line| why_none(line).is_none()) {
        let Some(item) = line.item() else { continue };
        let period = span(line);
        match parts.iter_mut().find(|part| part.item == item && part.period == period) {
            Some(part) => part.lines.push(line),
            None => parts.push(Part { item, period, lines: vec![line] }),
        }
    }
    parts
}

fn the_line<'a>(
    invoice: &Invoice,
    lines: &'a [InvoiceLine],
    id: &LineId,
) -> Result<Part<'a>, FieldProblem> {
    let fix = "give a line that bills a period of a subscription item";
    let problem = |problem: String| FieldProblem::new("line", id, problem, fix);
    let line = lines.iter().find(|line| line.id == *id);
    let line = line.ok_or_else(|| problem(format!("is no line of {}", invoice.id)))?;
    match (why_none(line), line.item()) {
        (None, Some(item)) => Ok(Part { item, period: span(line), lines: vec![line] }),
        (why, _) => Err(problem(why.unwrap_or("bills no period").to_owned())),
    }
}

fn span(line: &InvoiceLine) -> Span {
    Span { start: line.period.start, end: line.period.end }
}

/// Why a line bills no period.
fn why_none(line: &InvoiceLine) -> Option<&'static str> {
    let Span { start, end } = span(line);
    if line.is_proration() {
        Some("settles a change in the middle of a period")
    } else if line.item().is_none() {
        Some("is a one-off item")
    } else if end <= start {
        Some("is for an instant: its period has no length")
    } else {
        None
    }
}

impl Part<'_> {
    fn price(&self, invoice: &Invoice) -> Result<Billed, FieldProblem> {
        for line in &self.lines {
            check_currency(invoice, line.id.as_str(), line.currency)?;
        }
        let charged: i128 = self.lines.iter().map(|line| line.charged()).sum();
        let amount = u64::try_from(charged).map_err(|_| {
            let problem = format!("is no price: with discounts and taxes it comes to {charged}");
            let line = self.lines.first().map_or("", |line| line.id.as_str());
            FieldProblem::new("line", line, problem, "give a line that was paid for")
        })?;
        Ok(Billed {
            item: self.item.clone(),
            lines: self.lines.iter().map(|line| line.id.clone()).collect(),
            price: Money { amount, currency: invoice.currency },
            period: self.period,
        })
    }

    /// `il_1 (si_1, 1790000000 to 1792592000)`
    fn named(&self) -> String {
        let lines: Vec<_> = self.lines.iter().map(|line| line.id.as_str()).collect();
        let Span { start, end } = self.period;
        format!("{} ({}, {start} to {end})", lines.join(" and "), self.item)
    }
}

fn listed<'a>(parts: impl ExactSizeIterator<Item = &'a Part<'a>>) -> String {
    let more = parts.len().saturating_sub(NAMED);
    let mut named: Vec<_> = parts.take(NAMED).map(Part::named).collect();
    if more > 0 {
        named.push(format!("{more} more"));
    }
    named.join(", ")
}

fn ambiguous(invoice: &Invoice, named: Option<&LineRef>, parts: &[&Part<'_>]) -> FieldProblem {
    let of = named.map_or(String::new(), |of| format!(" of {}", of.as_str()));
    let all = listed(parts.iter().copied());
    let problem = format!("is needed: {} bills several periods{of}: {all}", invoice.id);
    let value = named.map_or("", LineRef::as_str);
    FieldProblem::new("line", value, problem, "name one of these lines, or its subscription item")
}

fn none(
    invoice: &Invoice,
    named: Option<&LineRef>,
    period: Option<Span>,
    parts: &[Part<'_>],
) -> FieldProblem {
    let which = period.map_or_else(
        || "no period".to_owned(),
        |Span { start, end }| format!("no period from {start} to {end}"),
    );
    let (field, value, place) = match named {
        Some(named) => ("line", named.as_str(), format!(" on {}", invoice.id)),
        None => ("invoice", invoice.id.as_str(), String::new()),
    };
    let all = if parts.is_empty() { "none at all".to_owned() } else { listed(parts.iter()) };
    let problem = format!("bills {which}{place}; of all lines that bill one there are: {all}");
    let fix = "give the invoice that billed it; what settles a change and one-off items bill none";
    FieldProblem::new(field, value, problem, fix)
}
