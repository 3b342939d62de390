//! `disputes list | show | stage | submit | close`

mod evidence;
mod print;

use std::process::ExitCode;

use refund_core::client::disputes::DisputeReport;
use refund_core::money::{Currency, Money};
use serde_json::{Value, json};

use self::evidence::Given;
use crate::args::{CloseDispute, Disputes, DisputesCommand, EvidenceArgs, Global, ListDisputes};
use crate::context::Context;
use crate::exit::Exit;
use crate::show;

/// Most that one call reads.
const ALL: u16 = 1_000;

pub(crate) async fn run(global: &Global, args: Disputes) -> anyhow::Result<ExitCode> {
    match args.command {
        DisputesCommand::List(args) => list(global, &args).await,
        DisputesCommand::Show { dispute } => {
            let output = retrieve(&Context::new(global)?, &dispute).await?;
            told(global, &output)
        }
        DisputesCommand::Stage { dispute, evidence } => stage(global, &dispute, &evidence).await,
        DisputesCommand::Submit { dispute, evidence, yes } => {
            submit(global, &dispute, &evidence, yes).await
        }
        DisputesCommand::Close(args) => close(global, &args).await,
    }
}

async fn list(global: &Global, args: &ListDisputes) -> anyhow::Result<ExitCode> {
    let input = json!({
        "payment": args.charge.as_ref().or(args.payment.as_ref()),
        "open_only": !args.all, "limit": ALL, "cursor": args.cursor,
    });
    let output = Context::new(global)?.invoke("disputes.list", input).await?;
    if global.json {
        show::line(&output);
    } else {
        print::list(&serde_json::from_value(output)?, args.all);
    }
    Ok(ExitCode::SUCCESS)
}

async fn retrieve(context: &Context, dispute: &str) -> anyhow::Result<Value> {
    context.invoke("disputes.retrieve", json!({ "dispute": dispute })).await
}

async fn stage(global: &Global, dispute: &str, args: &EvidenceArgs) -> anyhow::Result<ExitCode> {
    let given = Given::read(args)?;
    let context = Context::new(global)?;
    let evidence = given.upload(&context).await?;
    let input = json!({ "dispute": dispute, "evidence": evidence });
    let output = context.invoke("disputes.stage-evidence", input).await?;
    told(global, &output)
}

async fn submit(
    global: &Global,
    dispute: &str,
    args: &EvidenceArgs,
    yes: bool,
) -> anyhow::Result<ExitCode> {
    let given = Given::read(args)?;
    let context = Context::new(global)?;
    if !yes {
        return preview(global, &retrieve(&context, dispute).await?, &given);
    }
    let evidence = given.upload(&context).await?;
    let input = json!({ "dispute": dispute, "evidence": evidence });
    let output = context.invoke("disputes.submit", input).await?;
    told(global, &output)
}

/// What would be sent: what is staged, with what is given in its place. Nothing was uploaded.
fn preview(global: &Global, output: &Value, given: &Given) -> anyhow::Result<ExitCode> {
    let report: DisputeReport = serde_json::from_value(output.clone())?;
    let would_send = given.over(&report.dispute.evidence);
    if global.json {
        show::line(
            json!({ "dispute": report.dispute.id, "standing": report.standing, "would_send": would_send }),
        );
    } else {
        print::one(&report, &would_send);
    }
    Err(Exit::bad_input(
        "nothing was sent: evidence can be submitted once, and not be changed afterwards; to send this, say --yes",
    ))
}

async fn close(global: &Global, args: &CloseDispute) -> anyhow::Result<ExitCode> {
    let Some(confirm) = &args.confirm else {
        return Err(Exit::bad_input(format!(
            "nothing was sent: closing accepts the loss of {} {} for good, and cannot be undone; to do so, type the dispute again: --confirm {}",
            args.amount, args.currency, args.dispute
        )));
    };
    let currency = Currency::parse(&args.currency).map_err(Exit::bad_input)?;
    let lost = Money::parse_decimal(&args.amount, currency);
    let lost = lost.map_err(|problem| Exit::bad_input(problem.at("amount")))?;
    let input = json!({
        "dispute": args.dispute,
        "confirmation": { "dispute": confirm, "amount": lost.amount, "currency": lost.currency },
    });
    let output = Context::new(global)?.invoke("disputes.close", input).await?;
    told(global, &output)
}

/// A dispute that was read or changed.
fn told(global: &Global, output: &Value) -> anyhow::Result<ExitCode> {
    if global.json {
        show::line(output);
        return Ok(ExitCode::SUCCESS);
    }
    let report: DisputeReport = serde_json::from_value(output.clone())?;
    print::one(&report, &report.dispute.evidence);
    if output["reconciled"] == true {
        show::line("the answer was lost; the dispute was read again, and shows the change");
    }
    Ok(ExitCode::SUCCESS)
}
