//! One page of HTML: no script, no font, no picture from anywhere. maud escapes every text; the policy
//! in the head lets the browser load nothing at all and use no style but the one whose hash it names.

mod chart;
mod months;
mod parts;
mod sections;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use refund_core::money::Currency;
use refund_core::reports::{StatusLine, Summary, Total};
use sha2::{Digest, Sha256};

use self::parts::{Ids, fees, money};
use crate::about::About;
use crate::words::{self, count, counted, date, percent, plain, zone};

const STYLE: &str = include_str!("style.css");

/// The whole page.
pub(crate) fn page(summary: &Summary, about: &About) -> String {
    let title = plain(&about.title);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                meta name="robots" content="noindex";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main { (content(summary, about, &title)) }
            }
        }
    };
    page.into_string()
}

fn policy() -> String {
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    format!("default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'")
}

fn content(summary: &Summary, about: &About, title: &str) -> Markup {
    let mut ids = Ids::default();
    html! {
        (head(summary, about, title))
        @if summary.totals.is_empty() {
            section.card.empty {
                h2 { "No refunds" }
                p { "Nothing was refunded in this range." }
            }
        } @else {
            section.totals aria-label="Totals" {
                @for total in &summary.totals { (total_card(summary, total)) }
            }
            (months::section(summary, &mut ids))
            (sections::reasons(summary, &mut ids))
            (sections::products(summary, &mut ids))
            div.pair {
                (sections::approvals(summary, &mut ids))
                (sections::customers(summary))
            }
            (sections::statuses(summary))
        }
        (foot())
    }
}

fn head(summary: &Summary, about: &About, title: &str) -> Markup {
    let offset = summary.utc_offset_minutes;
    html! {
        header {
            h1 { (title) }
            p {
                @if let (Some(first), Some(last)) = (summary.first_created, summary.last_created) {
                    strong { (date(first, offset)) " – " (date(last, offset)) }
                    span.dot { (counted(summary.rows, "refund", "refunds")) }
                    span.dot { "dates in " (zone(offset)) }
                }
                @if let Some(generated) = about.generated {
                    span.dot { "made on " (date(generated, offset)) }
                }
            }
        }
    }
}

/// What one currency comes to.
fn total_card(summary: &Summary, total: &Total) -> Markup {
    let figures = &total.figures;
    let unknown = html! { span.quiet { "not known" } };
    html! {
        div.card {
            h2 { "Refunded in " (words::code(figures.money())) }
            p.big { (money(figures.money())) }
            dl.facts {
                div { dt { "Refunds" } dd { (count(figures.count)) } }
                div {
                    dt { "Refund rate" }
                    dd { (total.rate.map_or(unknown, |rate| html! { (percent(rate.by_amount)) })) }
                }
                div {
                    dt { "Fees lost" }
                    dd {
                        (fees(figures))
                        @if figures.fee_unknown > 0 && figures.fee_unknown < figures.count {
                            span.quiet.below { (count(figures.fee_unknown)) " not known" }
                        }
                    }
                }
                div { dt { "Not counted" } dd { (not_counted(summary, figures.currency)) } }
            }
        }
    }
}

/// `9 failed, 13 cancelled`
fn not_counted(summary: &Summary, currency: Currency) -> Markup {
    let left_out = |line: &&StatusLine| line.currency == currency && !line.is_counted;
    let lines: Vec<_> = summary.by_status.iter().filter(left_out).collect();
    html! {
        @if lines.is_empty() { "none" }
        @for line in lines {
            span.below { (count(line.count)) " " (words::status(line.status.as_ref()).to_lowercase()) }
        }
    }
}

fn foot() -> Markup {
    html! {
        footer {
            p {
                "Failed and cancelled refunds are counted by status alone. Amounts of different currencies \
                 are never added. The refund rate compares the refunds made in a time with the charges \
                 taken in it; it is left out where the charges are not known. Approval times are by \
                 nearest rank."
            }
            p { "Made by refund-node. This page loads nothing and sends nothing." }
        }
    }
}
