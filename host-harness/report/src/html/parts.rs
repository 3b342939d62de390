//! What every part of the page is made of.

use maud::{Markup, html};
use refund_core::money::Money;
use refund_core::reports::Figures;

use crate::words::{amounts, code, count, grouped_decimal};

/// Names for elements that others refer to.
#[derive(Default)]
pub(super) struct Ids(u32);

impl Ids {
    pub(super) fn next(&mut self) -> String {
        self.0 += 1;
        format!("c{}", self.0)
    }
}

/// An amount; its currency stands back.
pub(super) fn money(money: Money) -> Markup {
    html! { span.money { (grouped_decimal(money)) " " span.code { (code(money)) } } }
}

/// An amount where the currency stands above.
fn bare(money: Money) -> Markup {
    html! { span.money { (grouped_decimal(money)) } }
}

/// Fees that are known.
pub(super) fn fees(figures: &Figures) -> Markup {
    html! {
        @if figures.count > 0 && figures.fee_unknown == figures.count {
            span.quiet { "not known" }
        } @else {
            span.money { (amounts(&figures.fee_lost, crate::words::amount)) }
        }
    }
}

/// The columns that every group of refunds has; that of unknown fees only where there are any.
pub(super) struct Columns {
    with_unknown: bool,
}

impl Columns {
    pub(super) fn of<'a>(mut all: impl Iterator<Item = &'a Figures>) -> Self {
        Self { with_unknown: all.any(|figures| figures.fee_unknown > 0) }
    }

    pub(super) fn header(&self, first: &'static str) -> Vec<&'static str> {
        let mut header = vec![first, "Refunds", "Refunded", "Fees lost"];
        header.extend(self.with_unknown.then_some("Fee unknown"));
        header
    }

    pub(super) fn cells(&self, figures: &Figures) -> Vec<Markup> {
        let mut cells =
            vec![html! { (count(figures.count)) }, bare(figures.money()), fees(figures)];
        let unknown = html! { span.quiet { (count(figures.fee_unknown)) } };
        cells.extend(self.with_unknown.then_some(unknown));
        cells
    }
}

/// Somebody else's text: its direction of writing ends where it ends.
pub(super) fn foreign(text: &str) -> Markup {
    html! { bdi { (text) } }
}

/// A table whose first column names the row and whose other columns are numbers.
pub(super) fn table(caption: &str, header: &[&str], rows: &[(Markup, Vec<Markup>)]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(caption) {
            table {
                caption { (caption) }
                thead { tr { @for name in header { th scope="col" { (name) } } } }
                tbody {
                    @for (name, cells) in rows {
                        tr {
                            th scope="row" { (name) }
                            @for cell in cells { td { (cell) } }
                        }
                    }
                }
            }
        }
    }
}
