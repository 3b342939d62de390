//! Pipeline: refunds the unused part of a period that ends early.
//!
//! One refund a payment. Its operation id is `<operation id>-<n>`, where n is the place of the payment in the
//! input, counted from 1: it stays the same whatever else becomes of the sum.

use std::collections::BTreeMap;

use pipeline_shared::Pipeline;
use pipeline_shared::batch::{Report, Terms, Told, Wish, refund};
use pipeline_shared::face::Input as Connected;
use pipeline_shared::imports::{Credits, Live, Refunds, Rules};
use refund_core::client::ConnectionInput;
use refund_core::credits::{
    Order, PaymentShare, Price, ProrateRequest, Proration, RefundShare, Rounding, Span,
};
use refund_core::eligibility::Policy;
use refund_core::face::InvokeError;
use refund_core::id::{OperationId, PaymentRef};
use refund_core::metadata::Metadata;
use refund_core::model::Reason;
use refund_core::money::Money;
use refund_core::policy::Document;
use refund_core::problem::FieldProblem;
use serde::{Deserialize, Serialize};

/// `proration.run`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Input {
    /// Which Stripe to talk to.
    #[serde(default)]
    pub connection: ConnectionInput,
    /// Your own name for this cancellation; the refund of the first payment is `<operation_id>-1`.
    pub operation_id: String,
    /// What the whole period costs.
    pub price: Price,
    /// The period, as on the subscription item or the invoice line.
    pub period: Span,
    /// When it ends instead, Unix seconds; inside the period, its two ends included.
    pub ends: u64,
    /// What paid for it; one or more, each once. Repeat a call with the same list in the same order: what this
    /// very operation refunded is not in `refunded`.
    pub payments: Vec<PaymentShare>,
    /// Given in another way, in the smallest unit: credit notes, credit balance. Subtracted first.
    #[serde(default)]
    pub credited: u64,
    /// A fee that is kept in any case, in the smallest unit, such as for set-up.
    #[serde(default)]
    pub kept: u64,
    /// `half_up` when absent.
    #[serde(default)]
    pub rounding: Option<Rounding>,
    /// `proportional` when absent.
    #[serde(default)]
    pub order: Option<Order>,
    /// Your rules.
    #[serde(default)]
    pub policy: Policy,
    /// Or a policy document; nothing may stand in `policy` then.
    #[serde(default)]
    pub document: Option<Document>,
    /// By operation id: the `request_hash` of an earlier answer that asked for approval.
    #[serde(default)]
    pub approvals: BTreeMap<String, String>,
    /// `duplicate`, `fraudulent` or `requested_by_customer`.
    #[serde(default)]
    pub reason: Option<Reason>,
    /// Your own keys for every refund, at most 49.
    #[serde(default)]
    pub metadata: Metadata,
    /// Only show what would be refunded: so unless you say `false`.
    #[serde(default = "yes")]
    pub dry_run: bool,
}

/// What is fair, and what became of it.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Output {
    /// What is fair, and how it came about.
    pub quote: Proration,
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
        input: Input,
        node: &mut (impl Live + Refunds + Credits),
    ) -> Result<Output, InvokeError> {
        let operations = operations(&input)?;
        let rules = Rules::either(input.policy, input.document.as_ref())?;
        let request = ProrateRequest {
            price: input.price,
            period: input.period,
            ends: input.ends,
            payments: input.payments,
            credited: input.credited,
            kept: input.kept,
            rounding: input.rounding,
            order: input.order,
        };
        let quote = node.prorate(&request)?;
        let wishes = wishes(&quote, &operations, input.approvals)?;
        let terms = Terms {
            dry_run: input.dry_run,
            rules: &rules,
            reason: input.reason.as_ref(),
            metadata: &input.metadata,
        };
        let report = refund(node, wishes, terms);
        Ok(Output { quote, report })
    }
}

/// The operation of each payment. That the list has each once, the quote sees to.
fn operations(input: &Input) -> Result<Vec<(PaymentRef, OperationId)>, FieldProblem> {
    OperationId::parse(&input.operation_id)?;
    let numbered = input.payments.iter().zip(1..);
    numbered
        .map(|(share, n)| {
            let operation = OperationId::parse(&format!("{}-{n}", input.operation_id))?;
            Ok((share.payment.clone(), operation))
        })
        .collect()
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

impl Connected for Input {
    fn connection(&self) -> &ConnectionInput {
        &self.connection
    }
}

impl Told for Output {
    fn report(&self) -> &Report {
        &self.report
    }
}

fn yes() -> bool {
    true
}

#[cfg(target_family = "wasm")]
pipeline_shared::export!(Prorate);

#[cfg(test)]
mod tests;
