//! What a refund was for, as far as anybody wrote it down.

use std::collections::BTreeSet;

use crate::id::{InvoiceId, ItemId, RefundId};
use crate::metadata::PERIOD_KEY;
use crate::model::Refund;

/// What a refund was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum For {
    /// The period that is asked about; also where nobody said.
    ThisPeriod,
    /// Another line of the same invoice.
    OtherLine,
    /// Another invoice that the payment paid.
    OtherInvoice,
}

/// The period that is asked about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attribution<'a> {
    pub(super) invoice: &'a InvoiceId,
    pub(super) item: &'a ItemId,
    /// Refunds of credit notes for other lines of the invoice.
    pub(super) of_other_lines: &'a BTreeSet<RefundId>,
}

impl Attribution<'_> {
    /// By the mark in its metadata, else by the credit note that counts it as its own.
    pub(super) fn of(self, refund: &Refund) -> For {
        match refund.metadata.get(PERIOD_KEY).and_then(|mark| mark.split_once('/')) {
            Some((invoice, _)) if invoice != self.invoice.as_str() => For::OtherInvoice,
            Some((_, item)) if item != self.item.as_str() => For::OtherLine,
            None if self.of_other_lines.contains(&refund.id) => For::OtherLine,
            _ => For::ThisPeriod,
        }
    }
}
