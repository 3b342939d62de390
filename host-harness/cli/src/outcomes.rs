//! Outcomes on stdout and stderr, and the exit code: what the table says.

use std::process::ExitCode;

use refund_app::outcome::{Standing, Unrecorded};
use refund_app::{Outcome, OutcomeKind};
use refund_core::client::{Created, Origin};
use refund_core::eligibility::{Decision, Verdict};
use refund_core::model::Refund;
use refund_ledger::Operation;
use serde::Serialize;

use crate::args::Global;
use crate::{show, terminal};

/// An outcome for programs. Where there is a refund it has the fields of the component's `refunds.create`.
#[derive(Serialize)]
pub(crate) struct OutcomeJson<'a> {
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    refund: Option<&'a Refund>,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<Origin>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<u32>,
    request_id: Option<&'a str>,
    verdict: Option<&'a Verdict>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<OperationJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_hash: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    also_settled: Vec<OperationJson<'a>>,
    message: &'a str,
}

/// An operation as the ledger holds it, for programs.
#[derive(Serialize)]
pub(crate) struct OperationJson<'a> {
    id: &'a str,
    payment: &'a str,
    state: &'static str,
    refund: Option<&'a str>,
    refunded: Option<u64>,
    amount: Option<u64>,
    currency: Option<String>,
    detail: Option<&'a str>,
}

impl<'a> From<&'a Operation> for OperationJson<'a> {
    fn from(operation: &'a Operation) -> Self {
        let refund = operation.refund.as_ref();
        Self {
            id: operation.id().as_str(),
            payment: operation.payment().as_str(),
            state: operation.state.as_str(),
            refund: refund.map(|refund| refund.id.as_str()),
            refunded: refund.map(|refund| refund.money.amount),
            amount: operation.request.amount.map(|money| money.amount),
            currency: operation.money().map(|money| money.currency.to_string()),
            detail: operation.detail.as_deref(),
        }
    }
}

/// Shows what became of an operation of the ledger.
pub(crate) fn recorded(global: &Global, outcome: &Outcome) -> ExitCode {
    let (kind, message) = (outcome.kind(), outcome.sentences().join("\n       "));
    let created = outcome.created();
    if global.json {
        show::json(&OutcomeJson::recorded(outcome, created.as_ref(), &message));
    } else if let Some(created) = &created {
        show::table(show::REFUND, [show::refund_row(&created.refund)]);
    } else if let Some(refund) = &outcome.operation.refund {
        // Stripe did not show it: as the ledger holds it.
        let row = [
            refund.id.to_string(),
            refund.money.to_string(),
            outcome.operation.state.to_string(),
            "-".to_owned(),
            refund.charge.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string),
            outcome.operation.id().to_string(),
        ];
        show::table(show::REFUND, [row]);
    }
    let is_plain = created.is_some_and(|made| made.origin == Origin::Made);
    say(kind, &message, !is_plain || !outcome.also_settled.is_empty());
    ExitCode::from(kind.row().exit)
}

/// Shows what became of a call without a ledger.
pub(crate) fn unrecorded(global: &Global, operation: &str, called: &Unrecorded) -> ExitCode {
    let (kind, message) = (called.kind(), called.text(operation));
    let created = called.created.as_ref();
    if global.json {
        let request_hash = match &called.standing {
            Standing::NeedsApproval { request: Some(request), .. } => {
                Some(request.request_hash.as_str())
            }
            _ => None,
        };
        show::json(&OutcomeJson { request_hash, ..OutcomeJson::of(kind, created, &message) });
    } else if let Some(created) = created {
        show::table(show::REFUND, [show::refund_row(&created.refund)]);
    }
    say(kind, &message, created.is_none_or(|made| made.origin != Origin::Made));
    ExitCode::from(kind.row().exit)
}

/// Errors go to stderr; so does how a refund came about that this call did not simply make.
fn say(kind: OutcomeKind, message: &str, is_unusual: bool) {
    if kind.row().exit != 0 {
        terminal::say(format_args!("error: {message}"));
    } else if is_unusual {
        terminal::say(message);
    }
}

/// The exit code of a verdict.
pub(crate) fn verdict_code(verdict: &Verdict) -> ExitCode {
    ExitCode::from(match verdict.decision {
        Decision::Approve => 0,
        Decision::NeedsApproval => OutcomeKind::Waiting.row().exit,
        Decision::Deny => OutcomeKind::Denied.row().exit,
    })
}

impl<'a> OutcomeJson<'a> {
    /// An outcome of the ledger. `created` and `message` are the outcome's own.
    pub(crate) fn recorded(
        outcome: &'a Outcome,
        created: Option<&'a Created>,
        message: &'a str,
    ) -> Self {
        let approval = match &outcome.standing {
            Standing::NeedsApproval { approval: Some(approval), .. } => {
                Some(approval.id.to_string())
            }
            _ => None,
        };
        Self {
            operation: Some((&outcome.operation).into()),
            approval,
            also_settled: outcome.also_settled.iter().map(Into::into).collect(),
            ..Self::of(outcome.kind(), created, message)
        }
    }

    fn of(kind: OutcomeKind, created: Option<&'a Created>, message: &'a str) -> Self {
        Self {
            outcome: kind.row().name,
            refund: created.map(|created| &created.refund),
            origin: created.map(|created| created.origin),
            attempts: created.map(|created| created.attempts),
            request_id: created.and_then(|created| created.request_id.as_deref()),
            verdict: created.and_then(|created| created.verdict.as_ref()),
            operation: None,
            approval: None,
            request_hash: None,
            also_settled: Vec::new(),
            message,
        }
    }
}
