//! `approvals request | list | show | approve | deny | execute | expire`

use std::process::ExitCode;
use std::time::Duration;

use refund_app::outcome::table::{EXIT_DONE, worse};
use refund_app::{Ballot, Caller, Outcome};
use refund_core::eligibility::Verdict;
use refund_core::policy::Document;
use refund_ledger::{Approval, ApprovalId, ApprovalState, MerchantRules, Vote};
use serde::Serialize;

use crate::args::{Approvals, ApprovalsCommand, Decide, Global};
use crate::context::{App, Context, caller, named_caller, without_key};
use crate::create::with_ledger;
use crate::exit::Exit;
use crate::outcomes::OperationJson;
use crate::stop::finishing;
use crate::{documents, exit, inputs, show};

/// The name under which these commands write to the audit.
const COMMAND: &str = "approvals";

pub(crate) async fn run(global: &Global, args: Approvals) -> anyhow::Result<ExitCode> {
    match args.command {
        ApprovalsCommand::Request(request) => {
            let seconds = inputs::seconds("valid-for", &request.valid_for)?;
            let valid_for = Some(Duration::from_secs(seconds));
            finishing(Box::pin(with_ledger(global, &request.create, valid_for))).await
        }
        ApprovalsCommand::List { state } => list(global, state.as_deref()).await,
        ApprovalsCommand::Show { approval } => {
            let approval = without_key(global)?.approval(&approval).await;
            Ok(print(global, &approval.map_err(|error| Exit::of_decision(&error))?))
        }
        ApprovalsCommand::Approve(decide) => vote(global, decide, true).await,
        ApprovalsCommand::Deny(decide) => vote(global, decide, false).await,
        ApprovalsCommand::Execute { approvals, policy } => {
            let document = policy.as_deref().map(documents::parse::<Document>).transpose()?;
            finishing(Box::pin(execute(global, approvals, document))).await
        }
        ApprovalsCommand::Expire { approval } => {
            let caller = caller(global, COMMAND)?;
            let approval = without_key(global)?.withdraw(&approval, &caller).await;
            Ok(print(global, &approval.map_err(|error| Exit::of_decision(&error))?))
        }
    }
}

/// An approval for programs.
#[derive(Serialize)]
struct ApprovalJson<'a> {
    id: ApprovalId,
    operation: &'a str,
    payment: &'a str,
    amount: u64,
    currency: String,
    request_hash: &'a str,
    requester: &'a str,
    needed: u8,
    state: ApprovalState,
    verdict: Option<&'a Verdict>,
    created: u64,
    expires: u64,
    decided: Option<u64>,
    votes: &'a [Vote],
}

impl<'a> From<&'a Approval> for ApprovalJson<'a> {
    fn from(approval: &'a Approval) -> Self {
        Self {
            id: approval.id,
            operation: approval.operation.as_str(),
            payment: approval.payment.as_str(),
            amount: approval.money.amount,
            currency: approval.money.currency.to_string(),
            request_hash: &approval.request_hash,
            requester: approval.requester.as_str(),
            needed: approval.needed,
            state: approval.state,
            verdict: approval.verdict.as_ref(),
            created: approval.created,
            expires: approval.expires,
            decided: approval.decided,
            votes: &approval.votes,
        }
    }
}

#[derive(Serialize)]
struct ApprovalList<'a> {
    approvals: Vec<ApprovalJson<'a>>,
}

async fn list(global: &Global, state: Option<&str>) -> anyhow::Result<ExitCode> {
    let wanted = |word: &str| {
        ApprovalState::parse(word).ok_or_else(|| {
            Exit::bad_input(format!("--state `{word}` is none of: {}", ApprovalState::words()))
        })
    };
    let state = state.map(wanted).transpose()?;
    let application = without_key(global)?;
    let approvals = application.store().approvals(state, application.now()).await?;
    if global.json {
        show::json(&ApprovalList { approvals: approvals.iter().map(ApprovalJson::from).collect() });
    } else {
        let header =
            ["approval", "operation", "payment", "amount", "asked for by", "agreed", "state"];
        show::table(header, approvals.iter().map(row));
    }
    Ok(ExitCode::SUCCESS)
}

fn row(approval: &Approval) -> [String; 7] {
    [
        approval.id.to_string(),
        approval.operation.to_string(),
        approval.payment.to_string(),
        approval.money.to_string(),
        approval.requester.to_string(),
        agreed(approval),
        approval.state.to_string(),
    ]
}

fn agreed(approval: &Approval) -> String {
    format!("{} of {}", approval.agreed(), approval.needed)
}

fn print(global: &Global, approval: &Approval) -> ExitCode {
    if global.json {
        show::json(&ApprovalJson::from(approval));
        return ExitCode::SUCCESS;
    }
    let one = |name: &str, value: String| [name.to_owned(), value];
    let mut rows = vec![
        one("approval", approval.id.to_string()),
        one("state", approval.state.to_string()),
        one("operation", approval.operation.to_string()),
        one("payment", approval.payment.to_string()),
        one("amount", approval.money.to_string()),
        one("asked for by", approval.requester.to_string()),
        one("agreed", agreed(approval)),
        one("hash", approval.request_hash.clone()),
    ];
    for vote in &approval.votes {
        let word = if vote.agrees { "agrees" } else { "objects" };
        let note = vote.note.as_ref().map_or_else(String::new, |note| format!(": {note}"));
        rows.push(one("vote", format!("{} {word}{note}", vote.voter)));
    }
    if let Some(verdict) = &approval.verdict {
        rows.extend(verdict.sentences().into_iter().map(|sentence| one("because", sentence)));
    }
    show::table(["", ""], rows);
    ExitCode::SUCCESS
}

async fn vote(global: &Global, decide: Decide, agrees: bool) -> anyhow::Result<ExitCode> {
    let ballot = Ballot {
        agrees,
        note: decide.note,
        request_hash: decide.hash,
        own_requests: decide.own_requests,
    };
    let caller = named_caller(global, COMMAND)?;
    let decided = without_key(global)?.decide(&decide.approval, ballot, &caller).await;
    Ok(print(global, &decided.map_err(|error| Exit::of_decision(&error))?.approval))
}

/// Executes what was approved, each checked again under the policy in force. One that fails does not hold up the others.
async fn execute(
    global: &Global,
    ids: Vec<String>,
    document: Option<Document>,
) -> anyhow::Result<ExitCode> {
    let caller = caller(global, "approvals execute")?;
    let application = Context::new(global)?.application(global)?;
    let ids = if ids.is_empty() {
        let approved =
            application.store().approvals(Some(ApprovalState::Approved), application.now()).await?;
        approved.into_iter().rev().map(|approval| approval.id.to_string()).collect()
    } else {
        ids
    };
    let mut attempts = Vec::new();
    for id in ids {
        let outcome = execute_one(&application, &id, document.as_ref(), &caller).await;
        if let Err(error) = &outcome {
            exit::report(error);
        }
        attempts.push(Attempt { id, outcome });
    }
    if global.json {
        show::json(&Executed { executed: attempts.iter().map(Attempt::shown).collect() });
    } else {
        let header = ["approval", "operation", "state", "refund", "outcome"];
        show::table(header, attempts.iter().map(Attempt::row));
    }
    Ok(ExitCode::from(attempts.iter().map(Attempt::code).fold(EXIT_DONE, worse)))
}

async fn execute_one(
    application: &App,
    id: &str,
    document: Option<&Document>,
    caller: &Caller,
) -> Result<Outcome, anyhow::Error> {
    let approval = application.approval(id).await.map_err(|error| Exit::of_decision(&error))?;
    let rules = match document {
        Some(document) => {
            let asked_under = application.held(&approval.operation).await?.rules;
            Some(MerchantRules::document(document.clone(), asked_under.self_serve()))
        }
        None => None,
    };
    let executed = application.execute(id, rules, caller).await;
    let outcome = executed.map_err(|error| Exit::of_decision(&error))?;
    outcome.map_err(|error| Exit::of_ask(&error))
}

/// What became of one approval.
struct Attempt {
    id: String,
    outcome: Result<Outcome, anyhow::Error>,
}

#[derive(Serialize)]
struct Executed<'a> {
    executed: Vec<AttemptJson<'a>>,
}

/// What became of one approval, for programs.
#[derive(Serialize)]
#[serde(untagged)]
enum AttemptJson<'a> {
    Done {
        approval: &'a str,
        outcome: &'static str,
        operation: &'a str,
        state: &'static str,
        refund: Option<&'a str>,
        detail: Option<&'a str>,
        message: String,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        also_settled: Vec<OperationJson<'a>>,
    },
    Failed {
        approval: &'a str,
        error: String,
    },
}

impl Attempt {
    fn shown(&self) -> AttemptJson<'_> {
        match &self.outcome {
            Ok(outcome) => {
                let operation = &outcome.operation;
                AttemptJson::Done {
                    approval: &self.id,
                    outcome: outcome.kind().row().name,
                    operation: operation.id().as_str(),
                    state: operation.state.as_str(),
                    refund: operation.refund.as_ref().map(|refund| refund.id.as_str()),
                    detail: operation.detail.as_deref(),
                    message: outcome.text(),
                    also_settled: outcome.also_settled.iter().map(Into::into).collect(),
                }
            }
            Err(error) => AttemptJson::Failed { approval: &self.id, error: format!("{error:#}") },
        }
    }

    fn row(&self) -> [String; 5] {
        let dash = || "-".to_owned();
        match &self.outcome {
            Ok(outcome) => [
                self.id.clone(),
                outcome.operation.id().to_string(),
                outcome.operation.state.to_string(),
                outcome.operation.refund.as_ref().map_or_else(dash, |refund| refund.id.to_string()),
                outcome.text(),
            ],
            Err(error) => [self.id.clone(), dash(), dash(), dash(), format!("{error:#}")],
        }
    }

    fn code(&self) -> u8 {
        match &self.outcome {
            Ok(outcome) => outcome.kind().row().exit,
            Err(error) => exit::code_of(error),
        }
    }
}
