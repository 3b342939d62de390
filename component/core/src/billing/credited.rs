//! What credit notes gave (reference 8.2).

use std::collections::BTreeSet;

use crate::id::{LineId, RefundId};
use crate::model::{CreditNote, Refund};

/// The credit notes of an invoice that are not void, as one period sees them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notes {
    /// Those that count for it.
    own: Vec<CreditNote>,
    /// What those link that are for other lines alone.
    others: Vec<CreditNote>,
}

impl Notes {
    /// A note whose lines are all known, and all for other lines of the invoice, does not count. One that is
    /// for several lines, or names none, counts in full.
    pub(crate) fn new(notes: Vec<CreditNote>, lines: &[LineId]) -> Self {
        let issued = notes.into_iter().filter(|note| note.status != "void");
        let (own, others) = issued.partition(|note| counts_for(note, lines));
        Self { own, others }
    }

    /// How much of a refund was for other lines alone. A refund may be linked in parts, by several notes.
    pub(super) fn for_other_lines(&self, refund: &Refund) -> u64 {
        let ours = linked(&self.own, &refund.id);
        linked(&self.others, &refund.id).min(refund.amount.saturating_sub(ours))
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

fn linked(notes: &[CreditNote], refund: &RefundId) -> u64 {
    let links = notes.iter().flat_map(|note| &note.refunds);
    let links = links.filter(|one| one.refund.as_ref() == Some(refund));
    links.map(|one| one.amount_refunded).fold(0, u64::saturating_add)
}
