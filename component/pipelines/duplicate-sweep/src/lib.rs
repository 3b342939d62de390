//! Pipeline: finds customers who paid twice, and refunds the later payments.
//!
//! The operation id of a refund is `<prefix>-<charge id>`: however often a range is swept with a prefix, and
//! however ranges overlap, a charge is refunded once.

use pipeline_shared::Pipeline;
use pipeline_shared::batch::{Report, Terms, Told, Wish, refund};
use pipeline_shared::face::Input as Connected;
use pipeline_shared::imports::{Credits, Live, Refunds, Rules};
use refund_core::client::{ConnectionInput, ScanRange, Scanned};
use refund_core::duplicates::{Confidence, Group, Options, Tally};
use refund_core::eligibility::Policy;
use refund_core::face::InvokeError;
use refund_core::id::{ChargeId, OperationId, PaymentRef};
use refund_core::metadata::Metadata;
use refund_core::model::Reason;
use refund_core::money::Money;
use refund_core::policy::Document;
use refund_core::problem::FieldProblem;
use serde::{Deserialize, Serialize};

const DEFAULT_MOST: u32 = 100;
/// More are more than a call has time for.
const MAX_MOST: u32 = 1000;

/// `duplicate-sweep.run`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Input {
    /// Which Stripe to talk to.
    #[serde(default)]
    pub connection: ConnectionInput,
    /// Which charges to look at.
    pub range: ScanRange,
    /// How to look.
    #[serde(default)]
    pub options: Options,
    /// How sure a group must be for its refunds to be made: `high` when absent.
    #[serde(default = "high")]
    pub confidence: Confidence,
    /// Your rules.
    #[serde(default)]
    pub policy: Policy,
    /// Or a policy document; nothing may stand in `policy` then.
    #[serde(default)]
    pub document: Option<Document>,
    /// How the operation ids begin; the charge's id follows. Keep it the same from sweep to sweep.
    pub prefix: String,
    /// Stop after so many refunds, 1 to 1000; 100 when absent.
    #[serde(default)]
    pub most: Option<u32>,
    /// Your own keys for every refund, at most 49.
    #[serde(default)]
    pub metadata: Metadata,
    /// Only show what would be refunded: so unless you say `false`.
    #[serde(default = "yes")]
    pub dry_run: bool,
}

/// What was found, and what became of it.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Output {
    /// The groups that are sure enough, ordered by first charge.
    pub groups: Vec<Group>,
    /// Groups that were left out, being less sure: look at them with `duplicates.scan-live`.
    pub unsure: usize,
    /// What was seen.
    pub tally: Tally,
    /// False when `max_charges` or `most` ended it. After `max_charges` sweep again with `created_to` set to
    /// `reached`, after `most` give the same input again.
    pub complete: bool,
    /// Up to where the rest has to be scanned, Unix seconds.
    pub reached: u64,
    /// The refunds.
    #[serde(flatten)]
    pub report: Report,
}

/// The pipeline.
pub struct DuplicateSweep;

impl Pipeline for DuplicateSweep {
    const OPERATION: &'static str = "duplicate-sweep.run";
    const MANIFEST: &'static str = include_str!("manifest.json");
    type Input = Input;
    type Output = Output;

    fn run(
        input: Input,
        node: &mut (impl Live + Refunds + Credits),
    ) -> Result<Output, InvokeError> {
        let most = check(&input)?;
        let rules = Rules::either(input.policy, input.document.as_ref())?;
        let Scanned { mut groups, tally, complete, reached } =
            node.scan(&input.range, &input.options)?;
        let found = groups.len();
        groups.retain(|group| group.confidence >= input.confidence);
        let unsure = found - groups.len();
        let mut wishes = wishes(&groups, &input.prefix)?;
        let complete = complete && wishes.len() <= most;
        wishes.truncate(most);
        let terms = Terms {
            dry_run: input.dry_run,
            rules: &rules,
            reason: Some(&Reason::Duplicate),
            metadata: &input.metadata,
        };
        let report = refund(node, wishes, terms);
        Ok(Output { groups, unsure, tally, complete, reached, report })
    }
}

/// The greatest number of refunds, of an input that makes sense.
fn check(input: &Input) -> Result<usize, Vec<FieldProblem>> {
    let mut problems = refund_core::problem::Problems::default();
    problems.keep(OperationId::parse(&input.prefix).map_err(|problem| problem.at("prefix")));
    let most = input.most.unwrap_or(DEFAULT_MOST);
    if !(1..=MAX_MOST).contains(&most) {
        problems.push(FieldProblem::new(
            "most",
            most,
            format!("is not between 1 and {MAX_MOST}"),
            "call again for more: what is refunded is no duplicate any more",
        ));
    }
    problems.into_result()?;
    Ok(usize::try_from(most).unwrap_or(usize::MAX))
}

/// The later charges of every group, whatever is left of them.
fn wishes(groups: &[Group], prefix: &str) -> Result<Vec<Wish>, FieldProblem> {
    let wish = |group: &Group, charge: &ChargeId| {
        let operation_id = OperationId::parse(&format!("{prefix}-{charge}"))
            .map_err(|problem| problem.at("prefix"))?;
        Ok(Wish {
            operation_id,
            payment: PaymentRef::Charge(charge.clone()),
            amount: Money { amount: group.amount, currency: group.currency },
            all: true,
            approval: None,
        })
    };
    let later = groups.iter().flat_map(|group| group.refund.iter().map(move |id| (group, id)));
    later.map(|(group, charge)| wish(group, charge)).collect()
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

fn high() -> Confidence {
    Confidence::High
}

fn yes() -> bool {
    true
}

#[cfg(target_family = "wasm")]
pipeline_shared::export!(DuplicateSweep);

#[cfg(test)]
mod tests;
