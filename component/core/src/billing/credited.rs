//! What credit notes gave (reference 8.2).

use std::collections::BTreeMap;

use crate::id::{LineId, RefundId};
use crate::model::{CreditNote, CreditNoteLine, CreditNoteRefund};
use crate::rounding::Rounding;

/// The credit notes of an invoice that are not void, as one period sees them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notes(Vec<Note>);

/// A credit note.
#[derive(Clone, Debug)]
struct Note {
    /// All it grants.
    amount: u64,
    /// What of that is for the period.
    own: u64,
    /// The refunds that it counts as its own.
    refunds: Vec<CreditNoteRefund>,
}

/// What a refund says itself about what it was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marked {
    /// Nothing.
    No,
    /// The period that is asked about.
    Own,
    /// Something else.
    Elsewhere,
}

/// What the credit notes come to, once the refunds of the payments are known.
#[derive(Clone, Debug, Default)]
pub(super) struct Credits {
    /// Given in another way than by refunds of the payments that were read: those are counted there.
    pub(super) credited: u64,
    /// Of refunds that say nothing themselves: the parts that notes count as theirs.
    linked: BTreeMap<RefundId, Linked>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Linked {
    own: u64,
    other: u64,
}

impl Notes {
    /// The notes, as the period of these lines sees them.
    pub(crate) fn new(notes: Vec<CreditNote>, lines: &[LineId]) -> Self {
        let issued = notes.into_iter().filter(|note| !note.is_void());
        let note = |note: CreditNote| Note {
            amount: note.amount,
            own: own_amount(&note, lines),
            refunds: note.refunds,
        };
        Self(issued.map(note).collect())
    }

    /// Splits each note into what refunds of the payments gave and what was given in another way. The refunds
    /// are those that were read, with what they say themselves.
    pub(super) fn credits(&self, read: &BTreeMap<&RefundId, Marked>) -> Credits {
        let mut credits = Credits::default();
        for note in &self.0 {
            note.split(read, &mut credits);
        }
        credits
    }
}

/// What a note grants for the period. By its lines: what they credit of other lines, and shipping, is for
/// something else. What no line names, and a note whose lines are not all known, may be for the period.
fn own_amount(note: &CreditNote, lines: &[LineId]) -> u64 {
    let Some(all) = note.all_lines() else { return note.amount };
    let is_other = |line: &Option<LineId>| line.as_ref().is_some_and(|id| !lines.contains(id));
    let is_own = |line: &Option<LineId>| line.as_ref().is_some_and(|id| lines.contains(id));
    if !all.is_empty() && all.iter().all(|line| is_other(&line.invoice_line_item)) {
        return 0;
    }
    let sum = |counts: &dyn Fn(&Option<LineId>) -> bool| {
        let counted = all.iter().filter(|line| counts(&line.invoice_line_item));
        counted.map(CreditNoteLine::credited).sum::<Option<i128>>()
    };
    let Some((own, other)) = sum(&is_own).zip(sum(&is_other)) else { return note.amount };
    // Lines may come to more than the note grants, or to less: the difference counts for each of them.
    let amount = i128::from(note.amount);
    let rest = amount - other - i128::from(note.shipping());
    u64::try_from(rest.max(own).clamp(0, amount)).unwrap_or(note.amount)
}

impl Note {
    /// What marked refunds gave is taken from the note first. The rest of it is split in one proportion
    /// between the period and everything else, whatever gave it: other refunds, the balance, something
    /// without Stripe.
    fn split(&self, read: &BTreeMap<&RefundId, Marked>, credits: &mut Credits) {
        let marked = |link: &CreditNoteRefund| {
            link.refund.as_ref().and_then(|refund| read.get(refund)).copied()
        };
        let sum = |wanted: Marked| {
            let of = self.refunds.iter().filter(|link| marked(link) == Some(wanted));
            of.fold(0_u64, |sum, link| sum.saturating_add(link.amount_refunded))
        };
        let (by_own, by_others) = (sum(Marked::Own), sum(Marked::Elsewhere));
        let rest = self.amount.saturating_sub(by_own).saturating_sub(by_others);
        let own = self.own.saturating_sub(by_own).min(rest);
        let other = rest - own;
        let mut credited = own;
        let mut given = 0_u64;
        for link in &self.refunds {
            if matches!(marked(link), Some(Marked::Own | Marked::Elsewhere)) {
                continue;
            }
            // Rounded over the sum so far, so that the parts of several refunds add up. What a note links
            // beyond what it grants is for the period.
            let part = |given: u64| Rounding::Down.part(other, given.min(rest).into(), rest.into());
            let before = given;
            given = given.saturating_add(link.amount_refunded);
            let of_other = part(given) - part(before);
            let of_own = link.amount_refunded - of_other;
            if let Some(refund) = link.refund.as_ref().filter(|_| marked(link).is_some()) {
                credited = credited.saturating_sub(of_own);
                let linked = credits.linked.entry(refund.clone()).or_default();
                linked.own = linked.own.saturating_add(of_own);
                linked.other = linked.other.saturating_add(of_other);
            }
        }
        credits.credited = credits.credited.saturating_add(credited);
    }
}

impl Credits {
    /// How much of a refund was for other lines. A refund may be linked in parts, by several notes; a part
    /// that two of them claim is for the period.
    pub(super) fn for_other_lines(&self, refund: &RefundId, amount: u64) -> u64 {
        let linked = self.linked.get(refund).copied().unwrap_or_default();
        linked.other.min(amount.saturating_sub(linked.own))
    }
}
