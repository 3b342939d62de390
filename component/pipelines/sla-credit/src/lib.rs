//! Pipeline: refunds what a service level grants after an outage.
//!
//! What was paid is read from Stripe, never believed from the input.

use pipeline_shared::Pipeline;
use pipeline_shared::batch::{Report, Terms, Told, Wish, refund};
use pipeline_shared::face::Input as Connected;
use pipeline_shared::imports::{Credits, Live, Refunds, Rules};
use refund_core::client::{ConnectionInput, CreateError};
use refund_core::credits::{Downtime, Price, Quote, Rounding, Scale, SlaRequest, Span};
use refund_core::eligibility::{Amount, Policy};
use refund_core::face::InvokeError;
use refund_core::id::{OperationId, PaymentRef};
use refund_core::metadata::Metadata;
use refund_core::model::Reason;
use refund_core::money::Money;
use refund_core::policy::Document;
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
    /// Your rules.
    #[serde(default)]
    pub policy: Policy,
    /// Or a policy document; nothing may stand in `policy` then.
    #[serde(default)]
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
    #[serde(default)]
    pub cap: Option<u32>,
    /// Credited or refunded for this period before this operation, in the smallest unit of the currency; it is
    /// subtracted.
    #[serde(default)]
    pub credited: u64,
    /// `half_up` when absent.
    #[serde(default)]
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

    fn run(
        input: Input,
        node: &mut (impl Live + Refunds + Credits),
    ) -> Result<Output, InvokeError> {
        let mut problems = Problems::default();
        let operation_id = problems.keep(OperationId::parse(&input.operation_id));
        let payment = problems.keep(PaymentRef::parse(&input.payment));
        let rules = problems.keep(Rules::either(input.policy, input.document.as_ref()));
        let (Some(operation_id), Some(payment), Some(rules)) = (operation_id, payment, rules)
        else {
            return Err(problems.into_result().err().unwrap_or_default().into());
        };
        let checked = node.check(&payment, &Amount::Everything, input.reason.as_ref(), &rules)?;
        let Some(paid) = checked.captured else {
            return Err(CreateError::Denied { verdict: checked.verdict }.into());
        };
        let quote = node
            .sla_quote(&input.sla.of(paid))
            .map_err(|problems| problems.into_iter().map(in_sla).collect::<Vec<_>>())?;
        let wish = Wish {
            operation_id,
            payment,
            amount: quote.credit,
            all: false,
            approval: input.approval,
        };
        let wishes = if quote.credit.amount == 0 { Vec::new() } else { vec![wish] };
        let terms = Terms {
            dry_run: input.dry_run,
            rules: &rules,
            reason: input.reason.as_ref(),
            metadata: &input.metadata,
        };
        let mut report = refund(node, wishes, terms);
        match report.failures.pop() {
            // One refund, so its failure is that of the call.
            Some(failed) => Err(failed.error.into()),
            None => Ok(Output { quote, report }),
        }
    }
}

/// Problems are named as the input has them; what was paid is not in it.
fn in_sla(problem: FieldProblem) -> FieldProblem {
    let field = match problem.field.as_str() {
        paid if paid.starts_with("paid") => "payment".to_owned(),
        field => format!("sla.{field}"),
    };
    problem.at(field)
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
pipeline_shared::export!(SlaCredit);

#[cfg(test)]
mod tests;
