//! `report`
//!
//! Pages are read and decoded by the component, and summed up natively, page by page: `reports.summarize`
//! takes all rows at once, which is memory for every refund of the range, while a [`Summarizer`] keeps groups
//! alone. There is nothing left to contain: what Stripe said was read inside the sandbox.

mod charges;
mod range;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use refund_core::client::{RowPage, RowRange};
use refund_core::money::{Currency, Money};
use refund_core::problem::FieldProblem;
use refund_core::reports::{Approval, Options, Row, Summarizer, Summary};
use refund_ledger::{Known, Ledger};
use refund_report::{About, Format, render};

use self::range::Range;
use crate::args::{Global, Report};
use crate::context::{Context, any_ledger};
use crate::exit::Exit;
use crate::instants::now;
use crate::show;

pub(crate) async fn run(global: &Global, args: &Report) -> anyhow::Result<ExitCode> {
    let now = now();
    let range = Range::read(args, now)?;
    let format = format(global, args);
    let ledger = global.ledger.as_ref().map(|_| any_ledger(global)).transpose()?;
    let context = Context::new(global)?;
    let reader = Reader { context: &context, range, args, ledger };
    let bar = bar();
    let summary = reader.summary(&bar).await;
    bar.finish_and_clear();
    let default = About::default().title;
    let title = args.title.clone().unwrap_or(default);
    let mut text = Vec::new();
    render(&summary?, format, &About { title, generated: Some(now) }, &mut text)?;
    match &args.output {
        Some(file) => std::fs::write(file, text)
            .with_context(|| format!("{} cannot be written", file.display()))?,
        None => show::bytes(&text),
    }
    Ok(ExitCode::SUCCESS)
}

fn format(global: &Global, args: &Report) -> Format {
    let ending = || args.output.as_deref().and_then(Path::extension)?.to_str()?.parse().ok();
    match args.format {
        Some(format) => format,
        None if global.json => Format::Json,
        None => ending().unwrap_or(Format::Table),
    }
}

/// Where refunds, charges and approvals are read.
struct Reader<'a> {
    context: &'a Context,
    range: Range,
    args: &'a Report,
    ledger: Option<Ledger>,
}

impl Reader<'_> {
    async fn summary(&self, bar: &ProgressBar) -> anyhow::Result<Summary> {
        let charges = if self.args.no_rate {
            Vec::new()
        } else {
            charges::taken(self.context, self.range, bar).await?
        };
        let utc_offset_minutes = self.range.offset;
        let options = Options { utc_offset_minutes, charges, ..Options::default() };
        let mut summarizer = Summarizer::new(&options).map_err(unsound)?;
        bar.set_message("refunds read");
        bar.set_position(0);
        let mut cursor: Option<String> = None;
        loop {
            let RowPage { mut rows, next } = self.page(cursor).await?;
            if let Some(ledger) = &self.ledger {
                join(&mut rows, ledger).await?;
            }
            bar.inc(rows.len() as u64);
            summarizer.push(&rows).map_err(unsound)?;
            if next.is_none() {
                return Ok(summarizer.summary());
            }
            cursor = next;
        }
    }

    async fn page(&self, cursor: Option<String>) -> anyhow::Result<RowPage> {
        let range = RowRange {
            created_from: self.range.from,
            created_to: Some(self.range.to),
            product_key: Some(self.args.product_key.clone()),
            limit: None,
            cursor,
        };
        self.context.component.rows(&range).await.map_err(Exit::of_read)
    }
}

/// Adds what only the ledger knows.
async fn join(rows: &mut [Row], ledger: &Ledger) -> anyhow::Result<()> {
    let ids: Vec<_> = rows.iter().map(|row| row.id.as_str()).collect();
    let known = ledger.known(&ids).await?;
    for row in rows {
        if let Some(known) = known.get(row.id.as_str()) {
            add(row, known);
        }
    }
    Ok(())
}

/// What Stripe tells of the fee goes first: the ledger's may be an estimate.
fn add(row: &mut Row, known: &Known) {
    let fee = known.fee.as_ref().and_then(|(amount, currency)| {
        Some(Money { amount: *amount, currency: Currency::parse(currency).ok()? })
    });
    row.fee_lost = row.fee_lost.or(fee);
    // A clock that was set back shall not spoil the report.
    row.approval = known.requested.map(|requested| Approval {
        requested,
        decided: known.decided.map(|decided| decided.max(requested)),
    });
}

/// Rows that cannot be summed up: what Stripe said cannot be right.
fn unsound(problems: impl AsRef<[FieldProblem]>) -> anyhow::Error {
    let lines: Vec<_> = problems.as_ref().iter().map(ToString::to_string).collect();
    Exit::failed(lines.join("\n       "))
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    match ProgressStyle::with_template("{spinner} {pos} {msg}, {per_sec}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ledger_adds_what_stripe_does_not_tell() {
        let row = |fee: Option<u64>| Row {
            id: refund_core::id::RefundId::from_stripe("re_1"),
            amount: 100,
            currency: Currency::parse("usd").unwrap(),
            status: None,
            reason: None,
            product: None,
            customer: None,
            created: 1_796_428_800,
            fee_lost: fee.map(|amount| Money { amount, currency: Currency::parse("usd").unwrap() }),
            approval: None,
        };
        let known =
            Known { fee: Some((7, "usd".to_owned())), requested: Some(100), decided: Some(90) };
        for (fee, expected) in [(Some(5), 5), (None, 7)] {
            let mut row = row(fee);
            add(&mut row, &known);
            assert_eq!(row.fee_lost.unwrap().amount, expected);
            assert_eq!(row.approval, Some(Approval { requested: 100, decided: Some(100) }));
        }
    }
}
