//! How much of each payment is left for the period that is asked about.

use std::collections::BTreeSet;

use super::attribution::Attribution;
use super::payments::check_currency;
use super::{Billed, InvoiceFacts, MadeShare, Notes, Paid};
use crate::credits::PaymentShare;
use crate::eligibility::Facts;
use crate::id::{OperationId, RefundId};
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
    payments: Vec<PaymentShare>,
    made: Vec<MadeShare>,
    paid_elsewhere: u64,
    read: BTreeSet<RefundId>,
}

impl<'a> Tally<'a> {
    pub(crate) fn new(
        invoice: &'a Invoice,
        billed: Billed,
        notes: Notes,
        operation: Option<&'a OperationId>,
    ) -> Self {
        Self {
            invoice,
            billed,
            notes,
            operation,
            payments: Vec::new(),
            made: Vec::new(),
            paid_elsewhere: 0,
            read: BTreeSet::new(),
        }
    }

    /// An amount that no charge holds.
    pub(crate) fn add_elsewhere(&mut self, amount: u64) {
        self.paid_elsewhere = self.paid_elsewhere.saturating_add(amount);
    }

    /// A payment with its refunds. Its number is its place, from 1.
    pub(crate) fn add(&mut self, paid: Paid, facts: &Facts) -> Result<(), FieldProblem> {
        check_currency(self.invoice, facts.charge.id.as_str(), facts.charge.currency)?;
        let n = self.payments.len() + 1;
        let operation = self.operation.map(|own| own.numbered(n)).transpose()?;
        let made = operation.as_ref().and_then(|own| Refund::made_by(own, &facts.refunds));
        self.payments.push(self.share(&paid, facts, made));
        self.made.extend(operation.zip(made).map(|(operation_id, refund)| MadeShare {
            payment: paid.payment,
            operation_id,
            amount: refund.amount,
        }));
        self.read.extend(facts.refunds.iter().map(|refund| refund.id.clone()));
        Ok(())
    }

    /// What was given back for other lines is no longer there for this one, but was not given for it either.
    fn share(&self, paid: &Paid, facts: &Facts, made: Option<&Refund>) -> PaymentShare {
        let attribution =
            Attribution { invoice: &self.invoice.id, item: &self.billed.item, notes: &self.notes };
        let (mut own, mut lines, mut invoices) = (0_u64, 0_u64, 0_u64);
        for refund in facts.own_refunds().into_iter().filter(|one| one.is_spent()) {
            if made.is_some_and(|made| made.id == refund.id) {
                own = own.saturating_add(refund.amount);
            } else {
                let elsewhere = attribution.elsewhere(refund);
                lines = lines.saturating_add(elsewhere.other_lines);
                invoices = invoices.saturating_add(elsewhere.other_invoices);
            }
        }
        let captured = facts.charge.captured_amount();
        // By the rule of every verdict: pending refunds, and those that only Stripe knows of, are in it.
        let gone = captured.saturating_sub(facts.balance().refundable);
        let left = captured.saturating_sub(lines).saturating_sub(invoices);
        let share = paid.amount.saturating_sub(lines).min(left);
        let before = gone.saturating_sub(own).saturating_sub(lines).saturating_sub(invoices);
        PaymentShare { payment: paid.payment.clone(), paid: share, refunded: before.min(share) }
    }

    /// All of it.
    pub(crate) fn finish(self) -> Result<InvoiceFacts, FieldProblem> {
        if self.payments.is_empty() {
            return Err(self.nothing_to_refund());
        }
        Ok(InvoiceFacts {
            invoice: self.invoice.id.clone(),
            item: self.billed.item,
            lines: self.billed.lines,
            price: self.billed.price,
            period: self.billed.period,
            payments: self.payments,
            credited: self.notes.credited(&self.read),
            paid_elsewhere: self.paid_elsewhere,
            made: self.made,
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
