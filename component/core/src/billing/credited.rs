//! What credit notes gave (reference 8.2).

use std::collections::BTreeSet;

use crate::id::{LineId, RefundId};
use crate::model::CreditNote;

/// The credit notes of an invoice that are not void, as one period sees them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notes {
    /// Those that count for it.
    own: Vec<CreditNote>,
    /// Refunds of those that are for other lines alone.
    pub(super) of_other_lines: BTreeSet<RefundId>,
}

impl Notes {
    /// A note whose lines are all known, and all for other lines of the invoice, does not count. One that is
    /// for several lines, or names none, counts in full.
    pub(crate) fn new(notes: Vec<CreditNote>, lines: &[LineId]) -> Self {
        let issued = notes.into_iter().filter(|note| note.status != "void");
        let (own, others): (Vec<_>, Vec<_>) = issued.partition(|note| counts_for(note, lines));
        let mut of_other_lines: BTreeSet<_> = others.iter().flat_map(refunds).collect();
        own.iter().flat_map(refunds).for_each(|refund| {
            of_other_lines.remove(&refund);
        });
        Self { own, of_other_lines }
    }

    /// What they gave in another way than by refunds of the payments that were read: those are counted there.
    pub(super) fn credited(&self, read: &BTreeSet<RefundId>) -> u64 {
        let credited = |note: &CreditNote| {
            let known = note
                .refunds
                .iter()
                .filter(|one| one.refund.as_ref().is_some_and(|refund| read.contains(refund)));
            known.fold(note.amount, |left, one| left.saturating_sub(one.amount_refunded))
        };
        self.own.iter().map(credited).fold(0, u64::saturating_add)
    }
}

fn counts_for(note: &CreditNote, lines: &[LineId]) -> bool {
    let Some(page) = note.lines.as_ref().filter(|page| !page.has_more) else { return true };
    let elsewhere = |of: &Option<LineId>| of.as_ref().is_some_and(|line| !lines.contains(line));
    page.data.is_empty() || !page.data.iter().all(|line| elsewhere(&line.invoice_line_item))
}

fn refunds(note: &CreditNote) -> impl Iterator<Item = RefundId> {
    note.refunds.iter().filter_map(|one| one.refund.clone())
}
