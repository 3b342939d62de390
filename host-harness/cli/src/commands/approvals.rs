//! `approvals request | list | show | approve | deny | execute | expire`

use std::process::ExitCode;
use std::time::Duration;

use refund_core::eligibility::Verdict;
use refund_core::money::{Currency, Money};
use refund_ledger::{
    Approval, ApprovalError, ApprovalState, Ballot, Ledger, Operation, Refunder, State,
};
use serde_json::{Value, json};

use super::{inputs, refund};
use crate::args::{Approvals, ApprovalsCommand, Decide, Global};
use crate::context::{Context, any_ledger, user, with_sinks};
use crate::exit::Exit;
use crate::{exit, show};

pub(crate) async fn run(global: &Global, args: Approvals) -> anyhow::Result<ExitCode> {
    match args.command {
        ApprovalsCommand::Request(request) => {
            let seconds = inputs::seconds("valid-for", &request.valid_for)?;
            refund::with_ledger(global, &request.create, Some(Duration::from_secs(seconds))).await
        }
        ApprovalsCommand::List { state } => list(global, state.as_deref()).await,
        ApprovalsCommand::Show { approval } => {
            let approval = ledger(global)?.approval(&approval).await.map_err(refused)?;
            print(global, &approval)
        }
        ApprovalsCommand::Approve(decide) => vote(global, decide, true).await,
        ApprovalsCommand::Deny(decide) => vote(global, decide, false).await,
        ApprovalsCommand::Execute { approvals } => execute(global, approvals).await,
        ApprovalsCommand::Expire { approval } => {
            let approval = ledger(global)?.withdraw(&approval).await.map_err(refused)?;
            print(global, &approval)
        }
    }
}

fn ledger(global: &Global) -> anyhow::Result<Ledger> {
    with_sinks(global, any_ledger(global, "approvals")?.in_the_name_of(&user(global)))
}

/// A ballot that does not count is a no, not a fault of the machine.
fn refused(error: ApprovalError) -> anyhow::Error {
    match error {
        ApprovalError::Ledger(error) => error.into(),
        ApprovalError::Unknown(_) | ApprovalError::Nameless => Exit::bad_input(error),
        ApprovalError::NotApproved { .. } => Exit::needs_approval(error),
        other => Exit::denied(other),
    }
}

async fn list(global: &Global, state: Option<&str>) -> anyhow::Result<ExitCode> {
    let wanted = |word: &str| {
        ApprovalState::parse(word).ok_or_else(|| {
            Exit::bad_input(format!("state `{word}` is none of: {}", ApprovalState::words()))
        })
    };
    let state = state.map(wanted).transpose()?;
    let approvals = any_ledger(global, "approvals")?.approvals(state).await?;
    if global.json {
        show::line(json!({ "approvals": approvals }));
    } else {
        let header = ["approval", "operation", "payment", "amount", "asked by", "agreed", "state"];
        show::table(header, approvals.iter().map(row));
    }
    Ok(ExitCode::SUCCESS)
}

fn row(approval: &Approval) -> [String; 7] {
    [
        approval.id.clone(),
        approval.operation.clone(),
        approval.payment.clone(),
        amount(approval),
        approval.requester.clone(),
        agreed(approval),
        approval.state.to_string(),
    ]
}

fn amount(approval: &Approval) -> String {
    match Currency::parse(&approval.currency) {
        Ok(currency) => Money { amount: approval.amount, currency }.to_string(),
        Err(_) => format!("{} {}", approval.amount, approval.currency),
    }
}

fn agreed(approval: &Approval) -> String {
    let count = approval.votes.iter().filter(|vote| vote.agrees).count();
    format!("{count} of {}", approval.needed)
}

fn print(global: &Global, approval: &Approval) -> anyhow::Result<ExitCode> {
    if global.json {
        show::line(serde_json::to_string(approval)?);
        return Ok(ExitCode::SUCCESS);
    }
    let one = |name: &str, value: String| [name.to_owned(), value];
    let mut rows = vec![
        one("approval", approval.id.clone()),
        one("state", approval.state.to_string()),
        one("operation", approval.operation.clone()),
        one("payment", approval.payment.clone()),
        one("amount", amount(approval)),
        one("asked by", approval.requester.clone()),
        one("agreed", agreed(approval)),
        one("hash", approval.request_hash.clone()),
    ];
    for vote in &approval.votes {
        let word = if vote.agrees { "agrees" } else { "objects" };
        let note = vote.note.as_ref().map_or_else(String::new, |note| format!(": {note}"));
        rows.push(one("vote", format!("{} {word}{note}", vote.voter)));
    }
    if let Ok(verdict) = serde_json::from_str::<Verdict>(&approval.verdict) {
        rows.extend(verdict.sentences().into_iter().map(|sentence| one("because", sentence)));
    }
    show::table(["", ""], rows);
    Ok(ExitCode::SUCCESS)
}

async fn vote(global: &Global, decide: Decide, agrees: bool) -> anyhow::Result<ExitCode> {
    let ballot = Ballot {
        agrees,
        note: decide.note,
        request_hash: decide.hash,
        own_requests: decide.own_requests,
    };
    let approval = ledger(global)?.decide(&decide.approval, ballot).await.map_err(refused)?;
    print(global, &approval)
}

/// Makes the refunds that were approved, each checked again. One that fails does not hold up the others.
async fn execute(global: &Global, ids: Vec<String>) -> anyhow::Result<ExitCode> {
    let context = Context::new(global)?;
    let ledger = context.ledger(global, "approvals execute")?;
    let refunder = context.refunder(global, &ledger);
    let ids = if ids.is_empty() {
        let approved = ledger.approvals(Some(ApprovalState::Approved)).await?;
        approved.into_iter().rev().map(|approval| approval.id).collect()
    } else {
        ids
    };
    let mut attempts = Vec::new();
    for id in ids {
        let outcome = carry_out(&ledger, &refunder, &id).await;
        if let Err(error) = &outcome {
            exit::report(error);
        }
        attempts.push(Attempt { id, outcome });
    }
    if global.json {
        let executed: Vec<_> = attempts.iter().map(Attempt::json).collect();
        show::line(json!({ "executed": executed }));
    } else {
        let header = ["approval", "operation", "state", "refund", "said"];
        show::table(header, attempts.iter().map(Attempt::row));
    }
    Ok(ExitCode::from(attempts.iter().map(Attempt::code).max().unwrap_or_default()))
}

async fn carry_out(
    ledger: &Ledger,
    refunder: &Refunder<Ledger>,
    id: &str,
) -> Result<Operation, anyhow::Error> {
    let operation = ledger.approved(id).await.map_err(refused)?;
    match refunder.refund_again(&operation).await {
        Ok(done) => Ok(done.operation),
        // Also when it is the ledger that failed: the refund may have been made by then.
        Err(error) => Err(Exit::unknown(error)),
    }
}

/// What became of one approval.
struct Attempt {
    id: String,
    outcome: Result<Operation, anyhow::Error>,
}

impl Attempt {
    fn json(&self) -> Value {
        match &self.outcome {
            Ok(operation) => json!({
                "approval": self.id, "operation": operation.id, "state": operation.state.as_str(),
                "refund": operation.refund, "detail": operation.detail,
            }),
            Err(error) => json!({ "approval": self.id, "error": format!("{error:#}") }),
        }
    }

    fn row(&self) -> [String; 5] {
        let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        match &self.outcome {
            Ok(operation) => [
                self.id.clone(),
                operation.id.clone(),
                operation.state.to_string(),
                or_dash(&operation.refund),
                or_dash(&operation.detail),
            ],
            Err(error) => {
                let dash = || "-".to_owned();
                [self.id.clone(), dash(), dash(), dash(), format!("{error:#}")]
            }
        }
    }

    fn code(&self) -> u8 {
        match &self.outcome {
            Ok(operation) => code(operation.state),
            Err(error) => exit::code_of(error),
        }
    }
}

fn code(state: State) -> u8 {
    match state {
        State::Pending | State::Succeeded => 0,
        State::NeedsApproval => exit::NEEDS_APPROVAL,
        State::Refused | State::Canceled => exit::DENIED,
        State::Failed | State::Planned => exit::FAILED,
        State::Sent | State::OutcomeUnknown => exit::UNKNOWN,
    }
}
