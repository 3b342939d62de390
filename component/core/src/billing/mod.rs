//! What was paid for a billed period, by which payments, and what was given back of it already (reference 2.6,
//! 2.7, 8.1 and 8.2): all that [`crate::credits::prorate`] asks for.
//!
//! Where Stripe does not say what a refund or a credit note was for, it counts for the period that is asked
//! about: too little is left to refund then, and nothing is paid twice. A credit note says it by its lines, and its refunds are
//! split like the note.

mod attribution;
mod credited;
mod payments;
mod period;
mod subscription;
mod tally;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use subscription::{SubscriptionPeriod, check_begun};

pub(crate) use credited::Notes;
pub(crate) use payments::{Paid, Payments};
pub(crate) use period::{Billed, LineRef};
pub(crate) use tally::Tally;

use crate::credits::{PaymentShare, Span, as_id, by_prefix};
use crate::id::{InvoiceId, ItemId, LineId, OperationId, PaymentRef};
use crate::metadata::{Metadata, PERIOD_KEY};
use crate::model::{Invoice, InvoiceStatus};
use crate::money::Money;
use crate::problem::FieldProblem;

/// What was paid for one period of one subscription item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InvoiceFacts {
    /// The invoice, `in_…`.
    pub invoice: InvoiceId,
    /// The subscription item, `si_…`.
    pub item: ItemId,
    /// The lines that bill it, `il_…`; prices in tiers have several.
    pub lines: Vec<LineId>,
    /// What the customer was charged for it: after discounts and billing credits, and with the taxes on top.
    pub price: Money,
    /// The period.
    pub period: Span,
    /// What paid the invoice, in the order in which it was paid; one at least. `paid` is the part for this
    /// invoice, without what was given back of it for other lines.
    pub payments: Vec<PaymentShare>,
    /// Given in another way for this period, by credit notes that are not void: to the customer's balance, or
    /// without Stripe.
    pub credited: u64,
    /// Paid without Stripe: it cannot be refunded here.
    pub paid_elsewhere: u64,
    /// What the operation that was named made already. It is not in `refunded`.
    pub made: Vec<MadeShare>,
}

/// A refund that the operation made of one payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MadeShare {
    /// The payment.
    #[serde(serialize_with = "as_id", deserialize_with = "by_prefix")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub payment: PaymentRef,
    /// The id of that refund: the operation id and the charge.
    pub operation_id: OperationId,
    /// How much, whatever became of it since.
    pub amount: u64,
}

impl InvoiceFacts {
    /// The metadata of a refund of this period, so that it is not taken for one of another.
    #[must_use]
    pub fn mark(&self, mut metadata: Metadata) -> Metadata {
        metadata.0.insert(PERIOD_KEY.to_owned(), format!("{}/{}", self.invoice, self.item));
        metadata
    }
}

/// Only what is settled can be given back in proportion.
pub(crate) fn check_paid(invoice: &Invoice) -> Result<(), FieldProblem> {
    let fix = match &invoice.status {
        Some(InvoiceStatus::Paid) => return Ok(()),
        Some(InvoiceStatus::Draft | InvoiceStatus::Open) => {
            "void or change the invoice instead, or wait until it is paid"
        }
        Some(InvoiceStatus::Void) => "nothing is owed for it; give the invoice that was paid",
        _ => "give an invoice that was paid, or refund its payments one by one",
    };
    let status = invoice.status.as_ref().map_or("without a status", InvoiceStatus::as_str);
    let problem = format!("is not paid but {status}");
    Err(FieldProblem::new("invoice", &invoice.id, problem, fix))
}
