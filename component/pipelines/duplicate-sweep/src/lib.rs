//! Pipeline: finds customers who paid twice, and refunds the later payments.
//!
//! The operation id of a refund is `<prefix>-<charge id>`.
//!
//! What this promises: with one prefix a charge is refunded at most once, however often it is swept, at any time, at
//! the same time too, and however ranges overlap. What it cannot promise: of two sweeps at the same time with different
//! prefixes, neither finds the refunds of the other. Each refunds everything that is refundable, so Stripe refuses the
//! second; only where a policy deducts from a refund, Stripe may accept both. Which charge of a group is kept
//! is decided by the scan.

use pipeline_shared::Pipeline;
use pipeline_shared::batch::{Common, HasReport, Operation, Report, refund};
use pipeline_shared::dispatch::Input as Connected;
use pipeline_shared::node::{Node, Rules};
use refund_core::client::{ConnectionInput, ScanRange, Scanned};
use refund_core::dispatch::InvokeError;
use refund_core::duplicates::{Confidence, Group, Options, Tally};
use refund_core::id::{ChargeId, OperationId, PaymentRef};
use refund_core::metadata::Metadata;
use refund_core::model::Reason;
use refund_core::money::Money;
use refund_core::policy::{Document, Terms};
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
    /// Your rules, in the terms of a policy document.
    #[serde(default)]
    pub policy: Terms,
    /// Or a policy document; nothing may stand in `policy` then.
    #[serde(default, deserialize_with = "refund_core::optional::value")]
    #[cfg_attr(test, schemars(transform = refund_core::optional::not_null))]
    pub document: Option<Document>,
    /// How the operation ids begin: `<prefix>-<charge id>`, at most 200 characters. Use the same prefix for every
    /// sweep.
    pub prefix: String,
    /// Stop after so many refunds, 1 to 1000; 100 when absent.
    #[serde(default, deserialize_with = "refund_core::optional::value")]
    #[cfg_attr(test, schemars(transform = refund_core::optional::not_null))]
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
    /// Counts the charges created in the scanned part of the range.
    pub tally: Tally,
    /// False if a part of the range or some refunds are left. `stopped_by` says why, and how to go on.
    pub complete: bool,
    /// Why the sweep is not complete; absent if it is.
    pub stopped_by: Option<StoppedBy>,
    /// The part of the range after this time is scanned, Unix seconds. Equal to `created_from` if all of it is.
    pub reached: u64,
    /// The refunds.
    #[serde(flatten)]
    pub report: Report,
}

/// Why a sweep is not complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum StoppedBy {
    /// A refund failed in a way that the next ones would have met too; `not_tried` has them. Repeat the call with
    /// the same input.
    Failure,
    /// The scanned part needs more than `most` refunds. Repeat the call with the same input; for a dry run, or if
    /// all refunds were denied, with a larger `most`.
    Most,
    /// The scan read `max_charges` charges before it reached `created_from`. Repeat the call with `created_to`
    /// set to `reached`.
    MaxCharges,
}

/// The pipeline.
pub struct DuplicateSweep;

impl Pipeline for DuplicateSweep {
    const OPERATION: &'static str = "duplicate-sweep.run";
    const MANIFEST: &'static str = include_str!("manifest.json");
    type Input = Input;
    type Output = Output;

    fn run(input: Input, node: &mut impl Node) -> Result<Output, InvokeError> {
        let (prefix, most) = check(&input)?;
        let rules = Rules::either(input.policy, input.document)?;
        let common = Common {
            dry_run: input.dry_run,
            rules: &rules,
            reason: Some(&Reason::Duplicate),
            metadata: &input.metadata,
            one_sum: false,
        };
        common.check()?;
        let Scanned { mut groups, tally, complete, reached } =
            node.scan(&input.range, &input.options)?;
        let found = groups.len();
        groups.retain(|group| group.confidence >= input.confidence);
        let unsure = found - groups.len();
        let mut operations = operations(&groups, &prefix)?;
        let is_within_most = operations.len() <= most;
        operations.truncate(most);
        let report = refund(node, operations, common);
        // What is left of the scanned part comes first: only then does the rest of the range follow.
        let stopped_by = if !report.not_tried.is_empty() {
            Some(StoppedBy::Failure)
        } else if !is_within_most {
            Some(StoppedBy::Most)
        } else if !complete {
            Some(StoppedBy::MaxCharges)
        } else {
            None
        };
        let complete = stopped_by.is_none();
        Ok(Output { groups, unsure, tally, complete, stopped_by, reached, report })
    }
}

/// The prefix and the greatest number of refunds.
fn check(input: &Input) -> Result<(OperationId, usize), Vec<FieldProblem>> {
    let mut problems = refund_core::problem::Problems::default();
    let prefix = OperationId::parse(&input.prefix).map_err(|problem| problem.at("prefix"));
    let prefix = problems.keep(prefix);
    let most = input.most.unwrap_or(DEFAULT_MOST);
    if !(1..=MAX_MOST).contains(&most) {
        problems.push(FieldProblem::new(
            "most",
            most,
            format!("is not between 1 and {MAX_MOST}"),
            "call again for more: a charge that is refunded is no duplicate any more",
        ));
    }
    problems.into_result()?;
    // Where it is absent a problem was noted.
    let prefix = prefix.ok_or_else(Vec::new)?;
    Ok((prefix, usize::try_from(most).unwrap_or(usize::MAX)))
}

/// The later charges of every group, each with everything that is refundable.
fn operations(groups: &[Group], prefix: &OperationId) -> Result<Vec<Operation>, FieldProblem> {
    let operation = |(group, charge): (&Group, &ChargeId)| {
        let payment = PaymentRef::Charge(charge.clone());
        let operation_id = prefix.for_payment(&payment).map_err(|problem| problem.at("prefix"))?;
        Ok(Operation {
            operation_id,
            payment,
            amount: Money { amount: group.amount, currency: group.currency },
            all: true,
            approval: None,
        })
    };
    let later = groups.iter().flat_map(|group| group.refund.iter().map(move |id| (group, id)));
    later.map(operation).collect()
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
