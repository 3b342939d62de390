//! Pipeline: refunds the unused part of a period that ends early.
//!
//! One refund for each payment, under the operation id `<operation id>-<charge id>`. The id follows from the payment
//! alone: other payments beside it and their order do not change it. Before anything is refunded, every payment is
//! read. Where the same operation refunded another amount before than is fair now, nothing is refunded.
//!
//! What this promises: calls with one operation id never refund more in sum than is fair, when each call gives the
//! payments of the calls before, in any order and under any of their names, and perhaps more payments. What it cannot
//! promise, since Stripe cannot be searched for refunds by metadata: a payment that a later call leaves out is not
//! read, so what was refunded of it is not seen. And of two calls at the same time neither sees what the other makes:
//! they come to the same shares when they give the same payments, unless `order` makes the shares depend on the order
//! of the payments. A host with a ledger rules both out.

mod basis;
mod conflict;
mod input;
mod payments;

use pipeline_shared::Pipeline;
use pipeline_shared::batch::{Common, HasReport, Report};
use pipeline_shared::node::{Node, Rules};
use refund_core::billing::InvoiceFacts;
use refund_core::credits::{Order, ProrateRequest, Proration};
use refund_core::dispatch::InvokeError;
use refund_core::id::OperationId;
use serde::Serialize;

use crate::basis::{Basis, Source};
pub use crate::input::Input;
use crate::payments::Payments;

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

    fn run(mut input: Input, node: &mut impl Node) -> Result<Output, InvokeError> {
        let operation = OperationId::parse(&input.operation_id)?;
        let rules = Rules::either(std::mem::take(&mut input.policy), input.document.take())?;
        let Basis { price, period, payments, read } =
            Source::of(&mut input)?.resolve(node, &operation, input.ends)?;
        let metadata = match &read {
            Some(read) => read.mark(input.metadata),
            None => input.metadata,
        };
        let common = Common {
            dry_run: input.dry_run,
            rules: &rules,
            reason: input.reason.as_ref(),
            metadata: &metadata,
            one_sum: true,
        };
        common.check()?;
        let credited = read.as_ref().map_or(0, |read| read.credited);
        let mut request = ProrateRequest {
            price,
            period,
            ends: input.ends,
            payments,
            credited: credited.saturating_add(input.credited),
            kept: input.kept,
            rounding: input.rounding,
            order: input.order,
        };
        // Finds what is wrong with the input before any payment is read.
        node.prorate(&request)?;
        let payments = Payments::read(node, &operation, &request.payments, &common)?;
        if request.order.unwrap_or_default() == Order::Proportional {
            // What does not divide goes to the first: the first must not depend on the order of the input.
            payments.sort(&mut request.payments);
        }
        let quote = node.prorate(&request)?;
        let report = payments.refund(node, &operation, &quote, common, input.approvals)?;
        Ok(Output { quote, invoice: read, report })
    }
}

impl HasReport for Output {
    fn report(&self) -> &Report {
        &self.report
    }
}

#[cfg(target_family = "wasm")]
pipeline_shared::export!(Prorate);

#[cfg(test)]
mod tests;
