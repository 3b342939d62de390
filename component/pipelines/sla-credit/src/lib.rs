//! Pipeline: refunds what a service level grants after an outage.
//!
//! The amount paid is read from Stripe and not taken from the input.
//!
//! What this promises: one operation id makes at most one refund of a payment, whatever the incidents and however often
//! it is called. Where the credit is another one by now, nothing is refunded. What it cannot promise, since Stripe
//! cannot be searched for refunds by metadata: with one operation id on two payments, Stripe refuses the second for a
//! day only. Two operation ids on one payment are two credits, each of which knows of the other what `sla.credited`
//! says; Stripe refuses what exceeds the payment.

use pipeline_shared::Pipeline;
use pipeline_shared::batch::{Common, HasReport, Operation, Report, refund};
use pipeline_shared::dispatch::Input as Connected;
use pipeline_shared::node::{Node, Rules};
use refund_core::client::{CallError, ConnectionInput, CreateError, find_existing};
use refund_core::credits::{Downtime, Price, Quote, Rounding, Scale, SlaRequest, Span};
use refund_core::dispatch::InvokeError;
use refund_core::eligibility::{Amount, Facts};
use refund_core::id::{OperationId, PaymentRef};
use refund_core::metadata::Metadata;
use refund_core::model::Reason;
use refund_core::money::Money;
use refund_core::policy::{Document, Terms};
use refund_core::problem::{FieldProblem, Problems};
use serde::{Deserialize, Serialize};

/// `sla-credit.run`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Input {
    /// Which Stripe to talk to.
    #[serde(default)]
    pub connection: ConnectionInput,
    /// Your own name for this refund, 1 to 200 characters. One id makes at most one refund.
    pub operation_id: String,
    /// The charge (`ch_…`) or PaymentIntent (`pi_…`) with which the whole period was paid.
    pub payment: String,
    /// The service level, and what happened.
    pub sla: Sla,
    /// Your rules, in the terms of a policy document.
    #[serde(default)]
    pub policy: Terms,
    /// Or a policy document; nothing may stand in `policy` then.
    #[serde(default, deserialize_with = "refund_core::optional::value")]
    #[cfg_attr(test, schemars(transform = refund_core::optional::not_null))]
    pub document: Option<Document>,
    /// The `request_hash` of an earlier answer that asked for approval.
    #[serde(default)]
    pub approval: Option<String>,
    /// `duplicate`, `fraudulent` or `requested_by_customer`.
    #[serde(default)]
    pub reason: Option<Reason>,
    /// Your own keys, at most 49.
    #[serde(default)]
    pub metadata: Metadata,
    /// Only show what would be refunded: so unless you say `false`.
    #[serde(default = "yes")]
    pub dry_run: bool,
}

/// A service level, and what happened. Shares are parts per million: `999000` is 99.9 %.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Sla {
    /// The period.
    pub period: Span,
    /// What went wrong.
    pub downtime: Downtime,
    /// Announced maintenance: seconds in here do not count at all.
    #[serde(default)]
    pub excluded: Vec<Span>,
    /// How an outage becomes money.
    pub scale: Scale,
    /// Never credit more than this share of what was paid; all of it when absent.
    #[serde(default, deserialize_with = "refund_core::optional::limit")]
    #[cfg_attr(test, schemars(transform = refund_core::optional::not_null))]
    pub cap: Option<u32>,
    /// Credited or refunded for this period before this operation, in the smallest unit of the currency; it is
    /// subtracted.
    #[serde(default)]
    pub credited: u64,
    /// `half_up` when absent.
    #[serde(default, deserialize_with = "refund_core::optional::value")]
    #[cfg_attr(test, schemars(transform = refund_core::optional::not_null))]
    pub rounding: Option<Rounding>,
}

impl Sla {
    fn of(self, paid: Money) -> SlaRequest {
        SlaRequest {
            paid: Price { amount: paid.amount, currency: paid.currency.to_string() },
            period: self.period,
            downtime: self.downtime,
            excluded: self.excluded,
            scale: self.scale,
            cap: self.cap,
            credited: self.credited,
            rounding: self.rounding,
        }
    }
}

/// The credit, and what became of it.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Output {
    /// The credit, and how it came about.
    pub quote: Quote,
    /// The refund; none when nothing is to be credited.
    #[serde(flatten)]
    pub report: Report,
}

/// The pipeline.
pub struct SlaCredit;

impl Pipeline for SlaCredit {
    const OPERATION: &'static str = "sla-credit.run";
    const MANIFEST: &'static str = include_str!("manifest.json");
    type Input = Input;
    type Output = Output;

    fn run(input: Input, node: &mut impl Node) -> Result<Output, InvokeError> {
        let mut problems = Problems::default();
        let operation_id = problems.keep(OperationId::parse(&input.operation_id));
        let payment = problems.keep(PaymentRef::parse(&input.payment));
        let rules = problems.keep(Rules::either(input.policy, input.document));
        let (Some(operation_id), Some(payment), Some(rules)) = (operation_id, payment, rules)
        else {
            return Err(problems.into_result().err().unwrap_or_default().into());
        };
        let common = Common {
            dry_run: input.dry_run,
            rules: &rules,
            reason: input.reason.as_ref(),
            metadata: &input.metadata,
            one_sum: true,
        };
        common.check()?;
        let checked = node.check(&payment, &Amount::Everything, common.reason, &rules)?;
        let Some(Facts { charge, refunds, .. }) = checked.facts else {
            return Err(CreateError::Denied { verdict: checked.verdict }.into());
        };
        let paid = charge.money(charge.captured_amount());
        let quote = node.sla_quote(&input.sla.of(paid)).map_err(in_sla)?;
        let amount = Amount::Exactly(quote.credit);
        let existing = find_existing(&operation_id, &amount, common.reason, &refunds);
        if let Some(Err(conflict)) = existing {
            return Err(CreateError::from(conflict).into());
        }
        let operation = Operation {
            operation_id,
            payment: PaymentRef::Charge(charge.id),
            amount: quote.credit,
            all: false,
            approval: input.approval,
        };
        let operations = if quote.credit.amount == 0 { Vec::new() } else { vec![operation] };
        let mut report = refund(node, operations, common);
        match report.failures.pop() {
            // There is one refund, so its failure is the failure of the call.
            Some(failed) => Err(failed.error.into()),
            None => Ok(Output { quote, report }),
        }
    }
}

/// Problems are named as the input has them; what was paid is not in it.
fn in_sla(error: CallError) -> CallError {
    let named = |problem: FieldProblem| {
        let field = match problem.field.as_str() {
            paid if paid.starts_with("paid") => "payment".to_owned(),
            field => format!("sla.{field}"),
        };
        problem.at(field)
    };
    match error {
        CallError::Invalid { problems } => {
            problems.into_iter().map(named).collect::<Vec<_>>().into()
        }
        other => other,
    }
}

impl Connected for Input {
    fn connection(&self) -> &ConnectionInput {
        &self.connection
    }
}

impl HasReport for Output {
    fn report(&self) -> &Report {
        &self.report
    }
}

fn yes() -> bool {
    true
}

#[cfg(target_family = "wasm")]
pipeline_shared::export!(SlaCredit);

#[cfg(test)]
mod tests;
