//! Reasons, products, approvals, customers and statuses.

use maud::{Markup, html};
use refund_core::money::Money;
use refund_core::reports::{Figures, Summary};

use super::chart::{Bar, Caption, bars};
use super::parts::{Columns, Ids, foreign, money, table};
use crate::words::{
    self, amount, amounts, count, counted, duration, grouped_decimal, plain, product, reason,
    shortened, status,
};

/// So many products have a bar and a row.
const PRODUCTS: usize = 10;
/// A name above a bar, beside its figure, on a phone.
const NAME: usize = 26;

/// One line of a list by amount.
struct Line<'a> {
    name: String,
    figures: &'a Figures,
}

pub(super) fn reasons(summary: &Summary, ids: &mut Ids) -> Markup {
    let line = |line: &'_ refund_core::reports::ReasonLine| reason(line.reason.as_ref());
    let lines: Vec<_> = summary
        .by_reason
        .iter()
        .map(|one| Line { name: line(one), figures: &one.figures })
        .collect();
    by_amount("Reasons", "Reason", &lines, usize::MAX, ids)
}

pub(super) fn products(summary: &Summary, ids: &mut Ids) -> Markup {
    let lines: Vec<_> = summary
        .by_product
        .iter()
        .map(|one| Line { name: product(one.product.as_deref()), figures: &one.figures })
        .collect();
    // A report without any product has nothing to say here.
    if summary.by_product.iter().all(|one| one.product.is_none()) {
        return html! {};
    }
    by_amount("Products", "Product", &lines, PRODUCTS, ids)
}

/// A card a currency: bars, and the table below.
fn by_amount(
    title: &str,
    column: &'static str,
    lines: &[Line<'_>],
    most: usize,
    ids: &mut Ids,
) -> Markup {
    html! {
        @if !lines.is_empty() {
            section {
                h2 { (title) }
                div.cards {
                    @for lines in lines.chunk_by(|a, b| a.figures.currency == b.figures.currency) {
                        (amount_card(title, column, lines, most, ids))
                    }
                }
            }
        }
    }
}

fn amount_card(
    title: &str,
    column: &'static str,
    all: &[Line<'_>],
    most: usize,
    ids: &mut Ids,
) -> Markup {
    let shown = &all[..all.len().min(most)];
    let code = shown.first().map_or_else(String::new, |line| words::code(line.figures.money()));
    let bar = |line: &Line<'_>| Bar {
        name: shortened(&line.name, NAME),
        figure: grouped_decimal(line.figures.money()),
        value: line.figures.amount,
        story: format!(
            "{}: {} in {}",
            line.name,
            amount(line.figures.money()),
            counted(line.figures.count, "refund", "refunds"),
        ),
    };
    let told = format!("{title} by amount in {code}");
    let first = shown.first().map_or_else(String::new, |line| {
        format!("The largest is {} with {}.", line.name, amount(line.figures.money()))
    });
    let columns = Columns::of(shown.iter().map(|line| line.figures));
    let row = |line: &Line<'_>| (foreign(&line.name), columns.cells(line.figures));
    let rows: Vec<_> = shown.iter().map(row).collect();
    html! {
        div.card {
            figure {
                figcaption { (title) ", " (code) }
                (bars(
                    &Caption { title: &told, description: &first },
                    &shown.iter().map(bar).collect::<Vec<_>>(),
                    ids,
                ))
            }
            (table(&format!("{title}, {code}"), &columns.header(column), &rows))
            @if all.len() > shown.len() {
                p.quiet {
                    "The first " (shown.len()) " of " (count(all.len() as u64))
                    "; the CSV has all."
                }
            }
        }
    }
}

pub(super) fn approvals(summary: &Summary, ids: &mut Ids) -> Markup {
    let approvals = &summary.approvals;
    html! {
        section {
            h2 { "Approval times" }
            div.card {
                @if let Some(times) = approvals.times {
                    @let marks = [
                        ("Median", times.median),
                        ("90th percentile", times.ninetieth),
                        ("Longest", times.longest),
                    ];
                    (times_chart(&marks, ids))
                    (table("Approval times", &["Time", "Took"], &marks.map(|(name, seconds)| {
                        (html! { (name) }, vec![html! { (duration(seconds)) }])
                    })))
                }
                p {
                    (count(approvals.decided)) " decided, " (count(approvals.waiting)) " waiting."
                }
                @if let Some(resolution) = approvals.times.map(|t| t.resolution).filter(|r| *r > 1) {
                    p.quiet {
                        "Median and 90th percentile are rounded down to steps of "
                        (duration(resolution)) "."
                    }
                }
            }
        }
    }
}

fn times_chart(marks: &[(&str, u64)], ids: &mut Ids) -> Markup {
    let bar = |(name, seconds): &(&str, u64)| Bar {
        name: (*name).to_owned(),
        figure: duration(*seconds),
        value: *seconds,
        story: format!("{name}: {}", duration(*seconds)),
    };
    let told = Caption {
        title: "Approval times",
        description: "From the question to the answer: median, 90th percentile and longest.",
    };
    html! {
        figure {
            figcaption { "From question to answer" }
            (bars(&told, &marks.iter().map(bar).collect::<Vec<_>>(), ids))
        }
    }
}

pub(super) fn customers(summary: &Summary) -> Markup {
    let found = &summary.repeat_customers;
    let rows: Vec<_> = found
        .top
        .iter()
        .map(|one| {
            let sums = html! { span.money { (amounts(&one.amounts, amount)) } };
            let cells = vec![html! { (count(one.count)) }, sums];
            (html! { code { (foreign(&plain(one.customer.as_str()))) } }, cells)
        })
        .collect();
    html! {
        section {
            h2 { "Repeat customers" }
            div.card {
                p {
                    (count(found.repeating)) " of " (counted(found.customers, "customer", "customers"))
                    " had more than one refund."
                }
                @if !rows.is_empty() {
                    (table("Repeat customers", &["Customer", "Refunds", "Refunded"], &rows))
                }
                @if let Some(cut) = words::cut(summary) { p.quiet { (cut) } }
            }
        }
    }
}

pub(super) fn statuses(summary: &Summary) -> Markup {
    let rows: Vec<_> = summary
        .by_status
        .iter()
        .map(|line| {
            let sum = Money { amount: line.amount, currency: line.currency };
            let counted = if line.is_counted { "yes" } else { "no" };
            let cells = vec![html! { (count(line.count)) }, money(sum), html! { (counted) }];
            (foreign(&status(line.status.as_ref())), cells)
        })
        .collect();
    html! {
        section {
            h2 { "Where they stand" }
            div.card {
                (table("Statuses", &["Status", "Refunds", "Amount", "Counted above"], &rows))
            }
        }
    }
}
