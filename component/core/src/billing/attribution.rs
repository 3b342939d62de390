//! What a refund was for, as far as anybody wrote it down.

use super::credited::{Credits, Marked};
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
}

impl Attribution<'_> {
    /// What the refund itself says, by the mark in its metadata: it is for the whole refund.
    pub(super) fn marked(self, refund: &Refund) -> Marked {
        match mark(refund) {
            None => Marked::No,
            Some((invoice, item))
                if invoice == self.invoice.as_str() && item == self.item.as_str() =>
            {
                Marked::Own
            }
            Some(_) => Marked::Elsewhere,
        }
    }

    /// By its mark, else by the credit notes that count a part of it as their own.
    pub(super) fn elsewhere(self, refund: &Refund, credits: &Credits) -> Elsewhere {
        match mark(refund) {
            Some((invoice, _)) if invoice != self.invoice.as_str() => {
                Elsewhere { other_invoices: refund.amount, ..Elsewhere::default() }
            }
            Some((_, item)) if item != self.item.as_str() => {
                Elsewhere { other_lines: refund.amount, ..Elsewhere::default() }
            }
            Some(_) => Elsewhere::default(),
            None => Elsewhere {
                other_lines: credits.for_other_lines(&refund.id, refund.amount),
                ..Elsewhere::default()
            },
        }
    }
}

fn mark(refund: &Refund) -> Option<(&str, &str)> {
    refund.metadata.get(PERIOD_KEY)?.split_once('/')
}
