//! What paid an invoice, in an order that stays.

use crate::id::PaymentRef;
use crate::model::{Invoice, InvoicePayment, InvoicePaymentStatus};
use crate::money::Currency;
use crate::problem::FieldProblem;
use crate::sort::sort_by;

/// A payment, and how much of it was for the invoice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Paid {
    pub(crate) payment: PaymentRef,
    pub(crate) amount: u64,
}

/// The payments of an invoice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Payments {
    /// Those that can be refunded, each once.
    pub(crate) through: Vec<Paid>,
    /// What was paid by those that cannot.
    pub(crate) elsewhere: u64,
}

impl Payments {
    /// Those that were paid, in the order in which they were: one that is paid later comes later, so that the
    /// place of each stays the same.
    pub(crate) fn of(invoice: &Invoice, all: Vec<InvoicePayment>) -> Result<Self, FieldProblem> {
        let mut paid: Vec<_> =
            all.into_iter().filter(|one| one.status == InvoicePaymentStatus::Paid).collect();
        sort_by(&mut paid, |a, b| {
            (a.paid_at(), a.created, &a.id).cmp(&(b.paid_at(), b.created, &b.id))
        });
        let mut payments = Self::default();
        for one in &paid {
            check_currency(invoice, &one.id, one.currency)?;
            payments.add(one.payment.reference(), one.amount_paid.unwrap_or_default());
        }
        payments.elsewhere = payments.elsewhere.max(invoice.amount_paid_off_stripe);
        Ok(payments)
    }

    /// One payment may pay an invoice in parts.
    fn add(&mut self, payment: Option<PaymentRef>, amount: u64) {
        let Some(payment) = payment else {
            self.elsewhere = self.elsewhere.saturating_add(amount);
            return;
        };
        match self.through.iter_mut().find(|known| known.payment == payment) {
            Some(known) => known.amount = known.amount.saturating_add(amount),
            None => self.through.push(Paid { payment, amount }),
        }
    }
}

/// Everything of an invoice is in its currency; what is not cannot be reckoned with.
pub(super) fn check_currency(
    invoice: &Invoice,
    what: &str,
    currency: Currency,
) -> Result<(), FieldProblem> {
    if currency == invoice.currency {
        return Ok(());
    }
    let problem = format!("is in {}, but {what} is in {currency}", invoice.currency);
    let fix = "refund its payments one by one, each in its own currency";
    Err(FieldProblem::new("invoice", &invoice.id, problem, fix))
}
