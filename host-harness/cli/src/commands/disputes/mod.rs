//! `disputes list | show | stage | submit | close`

mod evidence;
mod print;

use std::collections::BTreeMap;
use std::process::ExitCode;

use refund_app::Called;
use refund_core::client::disputes::{
    CloseConfirmation, DisputeChanged, DisputeError, DisputeFilter, DisputeReport,
};
use refund_core::disputes::Standing;
use refund_core::id::{DisputeId, PaymentRef};
use refund_core::money::{Currency, Money};
use serde::Serialize;

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
            let report = retrieve(&Context::new(global)?, &dispute).await?;
            if global.json {
                show::output(&report)?;
            } else {
                print::one(&report, &report.dispute.evidence);
            }
            Ok(ExitCode::SUCCESS)
        }
        DisputesCommand::Stage { dispute, evidence } => stage(global, &dispute, &evidence).await,
        DisputesCommand::Submit { dispute, evidence, yes } => {
            submit(global, &dispute, &evidence, yes).await
        }
        DisputesCommand::Close(args) => close(global, &args).await,
    }
}

async fn list(global: &Global, args: &ListDisputes) -> anyhow::Result<ExitCode> {
    let payment = args.charge.as_ref().or(args.payment.as_ref());
    let filter = DisputeFilter {
        payment: payment.map(|id| PaymentRef::parse(id)).transpose().map_err(Exit::bad_input)?,
        open_only: !args.all,
        limit: Some(ALL),
        cursor: args.cursor.clone(),
        ..DisputeFilter::default()
    };
    let page = Context::new(global)?.component.disputes(&filter).await.map_err(Exit::of_read)?;
    if global.json {
        show::output(&page)?;
    } else {
        print::list(&page, args.all);
    }
    Ok(ExitCode::SUCCESS)
}

async fn retrieve(context: &Context, dispute: &str) -> anyhow::Result<DisputeReport> {
    context.component.dispute(dispute).await.map_err(Exit::of_read)
}

async fn stage(global: &Global, dispute: &str, args: &EvidenceArgs) -> anyhow::Result<ExitCode> {
    let given = Given::read(args)?;
    let context = Context::new(global)?;
    let evidence = given.upload(&context).await?;
    changed(global, context.component.stage_evidence(dispute, &evidence).await)
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
    changed(global, context.component.submit_evidence(dispute, &evidence).await)
}

/// What would be sent, for programs.
#[derive(Serialize)]
struct Preview<'a> {
    dispute: &'a DisputeId,
    standing: &'a Standing,
    would_send: &'a BTreeMap<String, String>,
}

/// What would be sent: what is staged, with what is given in its place. Nothing was uploaded.
fn preview(global: &Global, report: &DisputeReport, given: &Given) -> anyhow::Result<ExitCode> {
    let would_send = &given.over(&report.dispute.evidence);
    if global.json {
        let DisputeReport { dispute, standing } = report;
        show::output(&Preview { dispute: &dispute.id, standing, would_send })?;
    } else {
        print::one(report, would_send);
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
    let confirmation = CloseConfirmation {
        dispute: confirm.clone(),
        amount: lost.amount,
        currency: lost.currency.to_string(),
    };
    let context = Context::new(global)?;
    changed(global, context.component.close_dispute(&args.dispute, &confirmation).await)
}

/// Shows a dispute that was changed.
fn changed(
    global: &Global,
    called: Called<DisputeChanged, DisputeError>,
) -> anyhow::Result<ExitCode> {
    let changed = Exit::of_change(called)?;
    if global.json {
        show::output(&changed)?;
        return Ok(ExitCode::SUCCESS);
    }
    let DisputeChanged { dispute, standing, reconciled, .. } = changed;
    let report = DisputeReport { dispute, standing };
    print::one(&report, &report.dispute.evidence);
    if reconciled {
        show::line("the answer was lost; the dispute was read again, and shows the change");
    }
    Ok(ExitCode::SUCCESS)
}
