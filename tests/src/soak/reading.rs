//! What the product printed or answered, read as answers about operations. Nothing of the product's reading is used.

use std::collections::BTreeMap;

use refund_app::OutcomeKind;
use refund_app::outcome::table::{EXIT_DIFFERS, EXIT_FAILED, EXIT_STOPPED, EXIT_UNKNOWN};
use refund_ledger::State;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::history::{Code, Lines, Named, Said};
use super::judge::kind;

/// What one call says.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) answers: Vec<(String, Said)>,
    pub(super) right_code: Option<Code>,
    pub(super) lines: Option<Lines>,
}

/// A refund as Stripe has it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Refund {
    id: Option<String>,
    amount: Option<u64>,
    status: Option<String>,
    metadata: BTreeMap<String, String>,
}

/// An operation as the ledger holds it.
#[derive(Deserialize)]
struct Held {
    id: String,
    state: String,
    refund: Option<String>,
    refunded: Option<u64>,
}

/// The answer to one ask: of `refund create`, of a pipeline for one of its refunds, of the API, and its problems.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    outcome: Option<String>,
    code: Option<String>,
    operation_id: Option<String>,
    operation: Option<Held>,
    refund: Option<Refund>,
    also_settled: Vec<Held>,
}

fn named(refund: &Refund) -> Named {
    Named { id: refund.id.clone(), amount: refund.amount }
}

/// The outcome of a refund that an earlier call had made.
fn existing(refund: &Refund) -> OutcomeKind {
    match refund.status.as_deref() {
        Some("failed") => OutcomeKind::Failed,
        Some("canceled") => OutcomeKind::Canceled,
        _ => OutcomeKind::Found,
    }
}

impl Held {
    fn said(&self) -> Option<(String, Said)> {
        let named = Named { id: self.refund.clone(), amount: self.refunded };
        Some((self.id.clone(), Said::Held(State::parse(&self.state)?, named)))
    }
}

impl Asked {
    fn kind(&self) -> Option<OutcomeKind> {
        self.outcome.as_deref().or(self.code.as_deref()).and_then(kind)
    }

    /// What it says of `operation`, which was asked for.
    fn said(&self, operation: &str) -> Vec<(String, Said)> {
        let held = self.operation.iter().chain(&self.also_settled).filter_map(Held::said);
        let named = self.refund.as_ref().map(named).unwrap_or_default();
        let said = self.kind().map(|kind| (operation.to_owned(), Said::Outcome(kind, named)));
        said.into_iter().chain(held).collect()
    }
}

/// `refund create`, and `refunds.create` of `invoke`.
pub(super) fn create(text: &str, operation: &str) -> Option<Heard> {
    let asked: Asked = serde_json::from_str(text).ok()?;
    let exit = asked.kind()?.row().exit;
    let right_code = Some(Code::Exit(exit));
    Some(Heard { answers: asked.said(operation), right_code, lines: None })
}

/// An answer of the API to an ask, or to a decision that may execute.
pub(super) fn http(text: &str, operation: &str) -> Option<Heard> {
    let asked: Asked = serde_json::from_str(text).ok()?;
    let right_code = asked.kind().map(|kind| Code::Status(kind.row().http));
    Some(Heard { answers: asked.said(operation), right_code, lines: None })
}

/// One operation as the API shows it.
pub(super) fn view(text: &str) -> Option<Heard> {
    let held: Held = serde_json::from_str(text).ok()?;
    Some(Heard { answers: held.said().into_iter().collect(), ..Heard::default() })
}

/// A page of operations.
#[derive(Deserialize)]
struct Page {
    operations: Vec<Held>,
    next: Option<i64>,
}

/// A page of operations, and the cursor of the next one.
pub(super) fn page(text: &str) -> Option<(Heard, Option<i64>)> {
    let page: Page = serde_json::from_str(text).ok()?;
    let answers = page.operations.iter().filter_map(Held::said).collect();
    Some((Heard { answers, ..Heard::default() }, page.next))
}

/// A payment of a plan.
#[derive(Deserialize)]
struct Planned {
    operation_id: String,
    amount: Amount,
}

#[derive(Deserialize)]
struct Amount {
    amount: u64,
}

/// The output of a pipeline.
#[derive(Deserialize)]
struct Pipeline {
    planned: Vec<Planned>,
    refunds: Vec<Asked>,
    failures: Vec<Asked>,
    not_tried: Vec<Planned>,
    ended_by: Option<IgnoredAny>,
}

/// A pipeline, as a dry run and through the ledger.
pub(super) fn pipeline(text: &str) -> Option<Heard> {
    let run: Pipeline = serde_json::from_str(text).ok()?;
    let mut answers = Vec::new();
    for one in &run.planned {
        answers.push((one.operation_id.clone(), Said::Planned(one.amount.amount)));
    }
    for one in &run.not_tried {
        answers.push((one.operation_id.clone(), Said::NotAsked));
    }
    let mut exits = Vec::new();
    for one in run.refunds.iter().chain(&run.failures) {
        exits.extend(one.kind().map(|kind| kind.row().exit));
        match one.operation_id.as_ref().or(one.operation.as_ref().map(|held| &held.id)) {
            // The pipeline could not plan it.
            Some(operation) if one.kind().is_none() => {
                answers.push((operation.clone(), Said::NotAsked));
            }
            Some(operation) => answers.extend(one.said(operation)),
            None => {
                let Some(refund) = &one.refund else { continue };
                exits.push(existing(refund).row().exit);
                let operation = refund.metadata.get("refund_node_operation").cloned();
                let said = Said::Outcome(existing(refund), named(refund));
                answers.extend(operation.map(|operation| (operation, said)));
            }
        }
    }
    let is_left = !run.not_tried.is_empty() || !run.failures.is_empty();
    let is_left = is_left || exits.iter().any(|exit| *exit != 0);
    let right = if exits.contains(&EXIT_UNKNOWN) {
        Some(EXIT_UNKNOWN)
    } else if run.ended_by.is_some() {
        None
    } else {
        Some(if is_left { EXIT_FAILED } else { 0 })
    };
    Some(Heard { answers, right_code: right.map(Code::Exit), lines: None })
}

/// What became of an approval that was executed.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Executed {
    outcome: Option<String>,
    operation: String,
    state: String,
    refund: Option<String>,
    also_settled: Vec<Held>,
}

#[derive(Deserialize)]
struct AllExecuted {
    executed: Vec<Executed>,
}

/// `approvals execute`
pub(super) fn executed(text: &str) -> Option<Heard> {
    let all: AllExecuted = serde_json::from_str(text).ok()?;
    let (mut answers, mut exits) = (Vec::new(), Vec::new());
    for one in &all.executed {
        let kind = one.outcome.as_deref().and_then(kind);
        exits.push(kind.map(|kind| kind.row().exit));
        let Some(kind) = kind else { continue };
        let named = Named { id: one.refund.clone(), amount: None };
        answers.push((one.operation.clone(), Said::Outcome(kind, named.clone())));
        let state = State::parse(&one.state);
        answers.extend(state.map(|state| (one.operation.clone(), Said::Held(state, named))));
        answers.extend(one.also_settled.iter().filter_map(Held::said));
    }
    let exits: Option<Vec<_>> = exits.into_iter().collect();
    let right_code = exits.map(|exits| Code::Exit(exits.into_iter().max().unwrap_or_default()));
    Some(Heard { answers, right_code, lines: None })
}

/// An approval.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Approval {
    pub(super) id: String,
    pub(super) operation: String,
    pub(super) votes: Vec<Vote>,
}

/// One approver's decision.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Vote {
    pub(super) voter: String,
    pub(super) agrees: bool,
}

/// Every approval, newest first.
pub(super) fn approvals(text: &str) -> Option<Vec<Approval>> {
    serde_json::from_str(text).ok()
}

/// The approval as it is printed after a vote.
pub(super) fn voted(text: &str, voter: &str, agrees: bool) -> Option<Heard> {
    let Approval { id, operation, .. } = serde_json::from_str(text).ok()?;
    let said = Said::Voted { approval: id, voter: voter.to_owned(), agrees };
    Some(Heard { answers: vec![(operation, said)], ..Heard::default() })
}

/// The lines of one state.
#[derive(Deserialize)]
struct Total {
    state: String,
    lines: u64,
    amount: u64,
}

/// The end of a bulk run.
#[derive(Deserialize)]
struct End {
    ended: String,
    open: u64,
    totals: Vec<Total>,
}

/// `bulk run` and `bulk resume`.
pub(super) fn bulk(text: &str) -> Option<Heard> {
    let end: End = serde_json::from_str(text).ok()?;
    let of = |states: &[&str]| {
        let totals = end.totals.iter().filter(|total| states.contains(&total.state.as_str()));
        totals.fold((0, 0), |sum, total| (sum.0 + total.lines, sum.1 + total.amount))
    };
    let any = |states: &[&str]| of(states).0 > 0;
    let exit = if end.ended != "complete" && end.ended != "incomplete" {
        EXIT_STOPPED
    } else if end.open > 0 && any(&["sent", "outcome-unknown"]) {
        EXIT_UNKNOWN
    } else if end.open > 0 {
        EXIT_FAILED
    } else if any(&["failed"]) {
        OutcomeKind::Failed.row().exit
    } else if any(&["refused", "unreadable"]) {
        OutcomeKind::Denied.row().exit
    } else if any(&["needs-approval"]) {
        OutcomeKind::Waiting.row().exit
    } else {
        0
    };
    let (refunded, amount) = of(&["succeeded", "pending", "failed"]);
    let is_complete = end.ended == "complete" && end.open == 0;
    let lines = is_complete.then_some(Lines { refunded, amount: Some(amount) });
    Some(Heard { answers: Vec::new(), right_code: Some(Code::Exit(exit)), lines })
}

#[derive(Deserialize)]
struct Sum {
    lines: u64,
    amount: u64,
}

#[derive(Deserialize)]
struct Plan {
    refunds: BTreeMap<String, Sum>,
}

/// `bulk plan`, of a run of one currency.
pub(super) fn plan(text: &str) -> Option<Heard> {
    let plan: Plan = serde_json::from_str(text).ok()?;
    let (mut refunded, mut amount) = (0, 0);
    for sum in plan.refunds.values() {
        refunded += sum.lines;
        amount += sum.amount;
    }
    let lines = Some(Lines { refunded, amount: Some(amount) });
    Some(Heard { lines, ..Heard::default() })
}

/// A line of an export.
#[derive(Deserialize)]
struct Exported {
    operation: Option<String>,
    status: String,
    refund: Option<String>,
    amount: Option<u64>,
}

/// `bulk export`
pub(super) fn export(text: &str) -> Option<Heard> {
    let mut answers = Vec::new();
    for line in text.lines() {
        let line: Exported = serde_json::from_str(line).ok()?;
        let (Some(operation), Some(state)) = (line.operation, State::parse(&line.status)) else {
            continue;
        };
        let amount = line.amount.filter(|_| line.refund.is_some());
        answers.push((operation, Said::Held(state, Named { id: line.refund, amount })));
    }
    Some(Heard { answers, ..Heard::default() })
}

/// A difference of ledger and Stripe, or the sum at the end.
#[derive(Deserialize)]
struct Compared {
    difference: Option<String>,
    differences: Option<u64>,
    operation: Option<String>,
    refund: Option<String>,
}

/// `reconcile`
pub(super) fn reconcile(text: &str) -> Option<Heard> {
    let mut heard = Heard::default();
    for line in text.lines() {
        let line: Compared = serde_json::from_str(line).ok()?;
        if let Some(differences) = line.differences {
            let exit = if differences == 0 { 0 } else { EXIT_DIFFERS };
            heard.right_code = Some(Code::Exit(exit));
        }
        let (Some(kind), Some(operation)) = (line.difference, line.operation) else { continue };
        let named = Named { id: line.refund, amount: None };
        let state = match kind.as_str() {
            "unsettled" => State::OutcomeUnknown,
            "operation-without-refund" => State::Planned,
            _ => State::Succeeded,
        };
        heard.answers.push((operation, Said::Held(state, named)));
    }
    Some(heard)
}
