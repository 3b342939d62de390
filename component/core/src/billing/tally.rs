//! How much of each payment is left for the period that is asked about.

use std::collections::BTreeMap;

use super::attribution::Attribution;
use super::credited::{Credits, Marked};
use super::payments::check_currency;
use super::{Billed, InvoiceFacts, MadeShare, Notes, Paid};
use crate::credits::PaymentShare;
use crate::eligibility::Facts;
use crate::id::{OperationId, PaymentRef, RefundId};
use crate::model::{Invoice, Refund};
use crate::problem::FieldProblem;

/// Adds up the payments of an invoice, one after the other.
#[derive(Debug)]
pub(crate) struct Tally<'a> {
    invoice: &'a Invoice,
    billed: Billed,
    notes: Notes,
    /// Whose refunds are not counted.
    operation: Option<&'a OperationId>,
    payments: Vec<Payment>,
    paid_elsewhere: u64,
}

/// A payment, and what is known of it.
#[derive(Debug)]
struct Payment {
    paid: Paid,
    facts: Facts,
    /// The operation that refunds it.
    operation: Option<OperationId>,
}

impl<'a> Tally<'a> {
    pub(crate) fn new(
        invoice: &'a Invoice,
        billed: Billed,
        notes: Notes,
        operation: Option<&'a OperationId>,
    ) -> Self {
        Self { invoice, billed, notes, operation, payments: Vec::new(), paid_elsewhere: 0 }
    }

    /// An amount that no charge holds.
    pub(crate) fn add_elsewhere(&mut self, amount: u64) {
        self.paid_elsewhere = self.paid_elsewhere.saturating_add(amount);
    }

    /// A payment with its refunds.
    pub(crate) fn add(&mut self, paid: Paid, facts: Facts) -> Result<(), FieldProblem> {
        check_currency(self.invoice, facts.charge.id.as_str(), facts.charge.currency)?;
        let charge = PaymentRef::Charge(facts.charge.id.clone());
        let operation = self.operation.map(|own| own.for_payment(&charge)).transpose()?;
        self.payments.push(Payment { paid, facts, operation });
        Ok(())
    }

    /// All of it. Credit notes are counted last: they may link refunds of any of the payments.
    pub(crate) fn finish(self) -> Result<InvoiceFacts, FieldProblem> {
        if self.payments.is_empty() {
            return Err(self.nothing_to_refund());
        }
        let attribution = Attribution { invoice: &self.invoice.id, item: &self.billed.item };
        // One by one: collecting would bring a sort into the component.
        let mut marks = BTreeMap::new();
        marks.extend(self.payments.iter().flat_map(|payment| payment.marks(attribution)));
        let credits = self.notes.credits(&marks);
        let share = |payment: &Payment| payment.share(attribution, &credits);
        Ok(InvoiceFacts {
            invoice: self.invoice.id.clone(),
            payments: self.payments.iter().map(share).collect(),
            credited: credits.credited,
            paid_elsewhere: self.paid_elsewhere,
            made: self.payments.iter().filter_map(Payment::made_share).collect(),
            item: self.billed.item,
            lines: self.billed.lines,
            price: self.billed.price,
            period: self.billed.period,
        })
    }

    fn nothing_to_refund(&self) -> FieldProblem {
        let (problem, fix) = if self.paid_elsewhere > 0 {
            ("was paid without Stripe", "give it back as it was paid")
        } else {
            ("was settled without a payment", "there is nothing to refund")
        };
        FieldProblem::new("invoice", &self.invoice.id, problem, fix)
    }
}

impl Payment {
    /// The refund that the operation made of it.
    fn made(&self) -> Option<&Refund> {
        Refund::made_by(self.operation.as_ref()?, &self.facts.refunds)
    }

    fn made_share(&self) -> Option<MadeShare> {
        Some(MadeShare {
            payment: self.paid.payment.clone(),
            operation_id: self.operation.clone()?,
            amount: self.made()?.amount,
        })
    }

    /// Its refunds, with what each says itself. One that the operation made is for the period.
    fn marks<'a>(
        &'a self,
        attribution: Attribution<'a>,
    ) -> impl Iterator<Item = (&'a RefundId, Marked)> {
        let made = self.made().map(|made| &made.id);
        self.facts.refunds.iter().map(move |refund| {
            let is_made = made == Some(&refund.id);
            (&refund.id, if is_made { Marked::Own } else { attribution.marked(refund) })
        })
    }

    /// What was given back for other lines is no longer there for this one, but was not given for it either.
    fn share(&self, attribution: Attribution<'_>, credits: &Credits) -> PaymentShare {
        let made = self.made();
        let (mut own, mut lines, mut invoices) = (0_u64, 0_u64, 0_u64);
        for refund in self.facts.own_refunds().into_iter().filter(|one| one.is_spent()) {
            if made.is_some_and(|made| made.id == refund.id) {
                own = own.saturating_add(refund.amount);
            } else {
                let elsewhere = attribution.elsewhere(refund, credits);
                lines = lines.saturating_add(elsewhere.other_lines);
                invoices = invoices.saturating_add(elsewhere.other_invoices);
            }
        }
        let captured = self.facts.charge.captured_amount();
        // By the rule of every verdict: pending refunds, and those that only Stripe knows of, are in it.
        let gone = captured.saturating_sub(self.facts.balance().refundable);
        let left = captured.saturating_sub(lines).saturating_sub(invoices);
        let share = self.paid.amount.saturating_sub(lines).min(left);
        let before = gone.saturating_sub(own).saturating_sub(lines).saturating_sub(invoices);
        PaymentShare {
            payment: self.paid.payment.clone(),
            paid: share,
            refunded: before.min(share),
        }
    }
}
