//! How it went from month to month: amounts and rates, one chart a currency.

use maud::{Markup, html};
use refund_core::money::{Currency, Money};
use refund_core::reports::{Month, MonthLine, Summary};

use super::chart::{Caption, Slot, columns, legend, lines};
use super::parts::{Columns, Ids, table};
use crate::words::{
    amount, count, counted, month, percent, short_decimal, short_month, short_percent,
};

/// A chart shows this many months, the table all.
const SHOWN: usize = 24;

/// Months side by side, those without refunds and charges included.
type Timeline<'a> = Vec<(Month, Option<&'a MonthLine>)>;

pub(super) fn section(summary: &Summary, ids: &mut Ids) -> Markup {
    let months = summary.by_month.chunk_by(|a, b| a.figures.currency == b.figures.currency);
    html! {
        section {
            h2 { "Month by month" }
            @for months in months { (card(months, ids)) }
        }
    }
}

fn card(months: &[MonthLine], ids: &mut Ids) -> Markup {
    let Some(currency) = months.first().map(|line| line.figures.currency) else { return html! {} };
    let timeline = timeline(months);
    let code = currency.as_str().to_ascii_uppercase();
    let has_rates = months.iter().any(|line| line.rate.is_some());
    html! {
        div.card {
            div class=(if has_rates { "split" } else { "whole" }) {
                figure {
                    figcaption { "Refunded, " (code) }
                    (amounts(&timeline, currency, &code, ids))
                    @if timeline.len() < span(months) {
                        p.quiet { "The last " (SHOWN) " months; the table has all." }
                    }
                }
                @if has_rates {
                    figure {
                        figcaption { "Refund rate, " (code) }
                        (rates(&timeline, &code, ids))
                        (legend(["by amount", "by number"]))
                    }
                }
            }
            (figures(months, &code))
        }
    }
}

/// The last months without a gap.
fn timeline(months: &[MonthLine]) -> Timeline<'_> {
    let skipped = span(months).saturating_sub(SHOWN);
    every_month(months).skip(skipped).collect()
}

fn span(months: &[MonthLine]) -> usize {
    every_month(months).count()
}

/// From the first month to the last.
fn every_month(months: &[MonthLine]) -> impl Iterator<Item = (Month, Option<&MonthLine>)> {
    let mut rest = months.iter().peekable();
    let last = months.last().map(|line| line.month);
    let first = months.first().map(|line| line.month);
    std::iter::successors(first, move |month| (Some(*month) != last).then(|| month.next()))
        .map(move |month| (month, rest.next_if(|line| line.month == month)))
}

/// The year stands at its first month, and where the axis begins.
fn name(month: Month) -> String {
    match month.number() {
        1 => month.year().to_string(),
        _ => short_month(month).to_owned(),
    }
}

fn amounts(timeline: &Timeline<'_>, currency: Currency, code: &str, ids: &mut Ids) -> Markup {
    let slot = |(at, line): &(Month, Option<&MonthLine>)| {
        let given = line.map_or(Money { amount: 0, currency }, |line| line.figures.money());
        let refunds = counted(line.map_or(0, |line| line.figures.count), "refund", "refunds");
        Slot {
            name: name(*at),
            story: format!("{}: {} in {refunds}", month(*at), amount(given)),
            values: vec![Some(given.amount)],
        }
    };
    let slots: Vec<Slot> = timeline.iter().map(slot).collect();
    let largest = timeline.iter().filter_map(|(_, line)| *line).max_by_key(|l| l.figures.amount);
    let description = largest.map_or_else(String::new, |line| {
        format!("The highest is {} with {}.", month(line.month), amount(line.figures.money()))
    });
    let title = format!("Refunded a month in {code}");
    let told = Caption { title: &title, description: &description };
    columns(&told, &slots, |amount| short_decimal(Money { amount, currency }), ids)
}

fn rates(timeline: &Timeline<'_>, code: &str, ids: &mut Ids) -> Markup {
    let slot = |(at, line): &(Month, Option<&MonthLine>)| {
        let rate = line.and_then(|line| line.rate);
        let told = rate.map_or_else(
            || "not known".to_owned(),
            |rate| {
                let (amount, number) = (percent(rate.by_amount), percent(rate.by_count));
                format!("{amount} by amount, {number} by number")
            },
        );
        Slot {
            name: name(*at),
            story: format!("{}: {told}", month(*at)),
            values: vec![rate.map(|rate| rate.by_amount), rate.map(|rate| rate.by_count)],
        }
    };
    let slots: Vec<Slot> = timeline.iter().map(slot).collect();
    let latest = timeline.iter().rev().find_map(|(at, line)| Some((*at, line.as_ref()?.rate?)));
    let description = latest.map_or_else(String::new, |(at, rate)| {
        format!("The latest is {} by amount, in {}.", percent(rate.by_amount), month(at))
    });
    let title = format!("Refund rate a month in {code}, in percent");
    let told = Caption { title: &title, description: &description };
    lines(&told, &slots, short_percent, ids)
}

fn figures(months: &[MonthLine], code: &str) -> Markup {
    let columns = Columns::of(months.iter().map(|line| &line.figures));
    let with_charges = months.iter().any(|line| line.charges.is_some());
    let row = |line: &MonthLine| {
        let mut cells = columns.cells(&line.figures);
        if with_charges {
            let known = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
            cells.extend([
                html! { (known(line.charges.map(|taken| count(taken.count)))) },
                html! { (known(line.rate.map(|rate| percent(rate.by_amount)))) },
                html! { (known(line.rate.map(|rate| percent(rate.by_count)))) },
            ]);
        }
        (html! { span.money { (month(line.month)) } }, cells)
    };
    let mut header = columns.header("Month");
    if with_charges {
        header.extend(["Charges", "Rate", "Rate by number"]);
    }
    table(&format!("Months, {code}"), &header, &months.iter().map(row).collect::<Vec<_>>())
}
