//! Pipeline: refunds the unused part of a period that ends early.
//!
//! One refund a payment. Its operation id is `<operation id>-<n>`, where n is the place of the payment, counted
//! from 1: in the input, or in the order in which they paid the invoice that was read. It stays the same whatever
//! else becomes of the sum.

mod basis;
mod input;

use std::collections::BTreeMap;

use pipeline_shared::Pipeline;
use pipeline_shared::batch::{Report, Terms, Told, Wish, refund};
use pipeline_shared::imports::{Billing, Credits, Live, Refunds, Rules};
use refund_core::billing::{InvoiceFacts, MadeShare};
use refund_core::client::{CreateError, OperationConflict};
use refund_core::credits::{PaymentShare, ProrateRequest, Proration, RefundShare};
use refund_core::face::InvokeError;
use refund_core::id::{OperationId, PaymentRef};
use refund_core::money::Money;
use refund_core::problem::FieldProblem;
use serde::Serialize;

use crate::basis::{Basis, Source};
pub use crate::input::Input;

/// What is fair, and what became of it.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Output {
    /// What is fair, and how it came about.
    pub quote: Proration,
    /// What was read from Stripe; absent where price, period and payments were given.
    pub invoice: Option<InvoiceFacts>,
    /// The refunds.
    #[serde(flatten)]
    pub report: Report,
}

/// The pipeline.
pub struct Prorate;

impl Pipeline for Prorate {
    const OPERATION: &'static str = "proration.run";
    const MANIFEST: &'static str = include_str!("manifest.json");
    type Input = Input;
    type Output = Output;

    fn run(
        mut input: Input,
        node: &mut (impl Live + Refunds + Credits + Billing),
    ) -> Result<Output, InvokeError> {
        let operation = OperationId::parse(&input.operation_id)?;
        let rules = Rules::either(input.policy.clone(), input.document.as_ref())?;
        let Basis { price, period, payments, read } =
            Source::of(&mut input)?.resolve(node, &operation, input.ends)?;
        let operations = operations(&operation, &payments)?;
        let credited = read.as_ref().map_or(0, |read| read.credited);
        let quote = node.prorate(&ProrateRequest {
            price,
            period,
            ends: input.ends,
            payments,
            credited: credited.saturating_add(input.credited),
            kept: input.kept,
            rounding: input.rounding,
            order: input.order,
        })?;
        let metadata = match &read {
            Some(read) => {
                check_made(&quote, &read.made)?;
                read.mark(input.metadata)
            }
            None => input.metadata,
        };
        let wishes = wishes(&quote, &operations, input.approvals)?;
        let terms = Terms {
            dry_run: input.dry_run,
            rules: &rules,
            reason: input.reason.as_ref(),
            metadata: &metadata,
        };
        let report = refund(node, wishes, terms);
        Ok(Output { quote, invoice: read, report })
    }
}

/// The operation of each payment. That the list has each once, the quote sees to.
fn operations(
    operation: &OperationId,
    payments: &[PaymentShare],
) -> Result<Vec<(PaymentRef, OperationId)>, FieldProblem> {
    let numbered = payments.iter().zip(1..);
    numbered.map(|(share, n)| Ok((share.payment.clone(), operation.numbered(n)?))).collect()
}

/// What the operation made before must still be what is fair. Otherwise somebody refunded or credited in
/// between, or the input is another one, and together with the rest it would come to a wrong sum.
fn check_made(quote: &Proration, made: &[MadeShare]) -> Result<(), CreateError> {
    for one in made {
        let share = quote.shares.iter().find(|share| share.payment == one.payment);
        let fair = share.map_or(0, |share| share.amount);
        if fair != one.amount {
            let money = |amount| Money { amount, currency: quote.refund.currency };
            return Err(CreateError::OperationConflict(OperationConflict {
                operation_id: one.operation_id.to_string(),
                existing: None,
                detail: format!(
                    "{} of {} was refunded, {} is fair by now; nothing was refunded this time",
                    money(one.amount),
                    one.payment,
                    money(fair)
                ),
            }));
        }
    }
    Ok(())
}

/// A refund for each share of the quote.
fn wishes(
    quote: &Proration,
    operations: &[(PaymentRef, OperationId)],
    mut approvals: BTreeMap<String, String>,
) -> Result<Vec<Wish>, FieldProblem> {
    let operation = |payment: &PaymentRef| {
        let own = operations.iter().find(|(of, _)| of == payment);
        own.map(|(_, operation)| operation.clone()).ok_or_else(|| {
            let problem = "is in the quote, but not in the input";
            FieldProblem::new("payments", payment, problem, "report this; nothing was refunded")
        })
    };
    let mut wish = |share: &RefundShare| {
        let operation_id = operation(&share.payment)?;
        Ok(Wish {
            approval: approvals.remove(operation_id.as_str()),
            operation_id,
            payment: share.payment.clone(),
            amount: Money { amount: share.amount, currency: quote.refund.currency },
            all: false,
        })
    };
    quote.shares.iter().map(&mut wish).collect()
}

impl Told for Output {
    fn report(&self) -> &Report {
        &self.report
    }
}

#[cfg(target_family = "wasm")]
pipeline_shared::export!(Prorate);

#[cfg(test)]
mod tests;
