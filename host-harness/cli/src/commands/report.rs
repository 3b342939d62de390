//! `report`
//!
//! Pages are read and decoded by the component, and summed up natively, page by page: `reports.summarize`
//! takes all rows at once, which is memory for every refund of the range, while a [`Summarizer`] keeps groups
//! alone. There is nothing left to contain: what Stripe said was read inside the sandbox.

mod charges;

use std::path::Path;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use refund_core::client::{RowPage, RowRange};
use refund_core::money::{Currency, Money};
use refund_core::problem::FieldProblem;
use refund_core::reports::{Approval, Options, Row, Summarizer, Summary};
use refund_ledger::{Known, Ledger};
use refund_report::{About, Format, render};

use super::inputs;
use crate::args::{Global, Report};
use crate::context::{Context, any_ledger};
use crate::exit::Exit;
use crate::instants::{Typed, offset};
use crate::show;

const DEFAULT_RANGE: &str = "90d";

/// What is reported on: from its first to its last second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Range {
    from: u64,
    to: u64,
    /// Where months begin, in minutes east of UTC.
    offset: i32,
}

pub(crate) async fn run(global: &Global, args: &Report) -> anyhow::Result<ExitCode> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let range = range(args, now)?;
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

fn range(args: &Report, now: u64) -> anyhow::Result<Range> {
    let offset = offset("by-offset", &args.by_offset).map_err(Exit::bad_input)?;
    let minutes = offset.seconds() / 60;
    let Some(from) = &args.from else {
        let since = inputs::seconds("since", args.since.as_deref().unwrap_or(DEFAULT_RANGE))?;
        return Ok(Range { from: now.saturating_sub(since), to: now, offset: minutes });
    };
    let from = Typed::read("from", from).and_then(|typed| typed.start("from", offset));
    let from = from.map_err(Exit::bad_input)?;
    let end = |text: &String| Typed::read("to", text).and_then(|typed| typed.end("to", offset));
    let end = args.to.as_ref().map(end).transpose().map_err(Exit::bad_input)?;
    // What is still to come would only make months without charges. The end itself is not part of it.
    let to = end.map_or(now, |end| end.saturating_sub(1).min(now));
    if from > to {
        let typed = args.from.as_deref().unwrap_or_default();
        let fix = "give a range that begins in the past, and before it ends";
        let problem = FieldProblem::new("from", typed, "is not before the end", fix);
        return Err(Exit::bad_input(problem));
    }
    Ok(Range { from, to, offset: minutes })
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

    /// 2026-12-05T00:00:00Z
    const NOW: u64 = 1_796_428_800;

    fn typed(since: Option<&str>, from: Option<&str>, to: Option<&str>, by: &str) -> Report {
        let text = |text: Option<&str>| text.map(str::to_owned);
        Report {
            since: text(since),
            from: text(from),
            to: text(to),
            by_offset: by.to_owned(),
            format: None,
            output: None,
            product_key: "product".to_owned(),
            title: None,
            no_rate: false,
        }
    }

    #[test]
    fn ranges() {
        for (since, from, to, by, expected) in [
            (None, None, None, "+00:00", Some((NOW - 90 * 86_400, NOW, 0))),
            (Some("2h"), None, None, "-05:30", Some((NOW - 7_200, NOW, -330))),
            // The last second of November, where it is November.
            (
                None,
                Some("2026-11-01"),
                Some("2026-11-30"),
                "+00:00",
                Some((1_793_491_200, 1_796_083_199, 0)),
            ),
            (
                None,
                Some("2026-11-01"),
                Some("2026-11-30"),
                "+01:00",
                Some((1_793_487_600, 1_796_079_599, 60)),
            ),
            (None, Some("2026-11-01"), Some("2027-12-31"), "+00:00", Some((1_793_491_200, NOW, 0))),
            (None, Some("1000"), Some("1001"), "+00:00", Some((1_000, 1_000, 0))),
            (None, Some("1000"), Some("1000"), "+00:00", None),
            (None, Some("2026-12-24"), None, "+00:00", None),
            (Some("soon"), None, None, "+00:00", None),
            (None, None, None, "CET", None),
        ] {
            let found = range(&typed(since, from, to, by), NOW).ok();
            let expected = expected.map(|(from, to, offset)| Range { from, to, offset });
            assert_eq!(found, expected, "{since:?} {from:?} {to:?} {by}");
        }
    }

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
            created: NOW,
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
