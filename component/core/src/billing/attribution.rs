//! What a refund was for, as far as anybody wrote it down.

use super::Notes;
use crate::id::{InvoiceId, ItemId};
use crate::metadata::PERIOD_KEY;
use crate::model::Refund;

/// How much of a refund was for something else than the period that is asked about. Where nobody said, it was
/// for that period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Elsewhere {
    /// For other lines of the same invoice.
    pub(super) other_lines: u64,
    /// For other invoices that the payment paid.
    pub(super) other_invoices: u64,
}

/// The period that is asked about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attribution<'a> {
    pub(super) invoice: &'a InvoiceId,
    pub(super) item: &'a ItemId,
    /// The invoice's credit notes.
    pub(super) notes: &'a Notes,
}

impl Attribution<'_> {
    /// By the mark in its metadata, which is for the whole of it, else by the credit notes that count a part
    /// of it as their own.
    pub(super) fn elsewhere(self, refund: &Refund) -> Elsewhere {
        match refund.metadata.get(PERIOD_KEY).and_then(|mark| mark.split_once('/')) {
            Some((invoice, _)) if invoice != self.invoice.as_str() => {
                Elsewhere { other_invoices: refund.amount, ..Elsewhere::default() }
            }
            Some((_, item)) if item != self.item.as_str() => {
                Elsewhere { other_lines: refund.amount, ..Elsewhere::default() }
            }
            Some(_) => Elsewhere::default(),
            None => Elsewhere {
                other_lines: self.notes.for_other_lines(refund),
                ..Elsewhere::default()
            },
        }
    }
}
