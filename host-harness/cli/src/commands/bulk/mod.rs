//! `bulk plan | run | status | resume | cancel | export`

mod plan;
mod report;
mod run;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use refund_bulk::input::Template;
use refund_bulk::{Format, Source, export};
use refund_host::{KeyMode, Pace};
use refund_ledger::{Ledger, Run};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

pub(crate) use self::run::interrupt;
use super::inputs;
use crate::args::{Bulk, BulkCommand, BulkInput, Global, Speed};
use crate::context::any_ledger;
use crate::exit::Exit;
use crate::show;

pub(crate) async fn run(global: &Global, args: Bulk) -> anyhow::Result<ExitCode> {
    match args.command {
        BulkCommand::Plan(args) => plan::run(global, &args).await,
        BulkCommand::Run(args) => run::run(global, &args).await,
        BulkCommand::Resume { run, speed, stop } => run::resume(global, run, &speed, &stop).await,
        BulkCommand::Status { run: Some(run) } => {
            let ledger = any_ledger(global, "bulk status")?;
            let run = ledger.run(&run).await?;
            report::status(global, &ledger, &run).await
        }
        BulkCommand::Status { run: None } => runs(global).await,
        BulkCommand::Cancel { run } => cancel(global, &run).await,
        BulkCommand::Export { run, output } => write(global, run, output).await,
    }
}

async fn runs(global: &Global) -> anyhow::Result<ExitCode> {
    let ledger = any_ledger(global, "bulk status")?;
    let mut rows = Vec::new();
    for run in ledger.runs().await? {
        let open = ledger.open_lines(&run).await?;
        if global.json {
            show::line(json!({
                "run": run.id, "input": run.input, "state": run.state.as_str(),
                "lines": run.lines, "open": open, "created": run.created,
            }));
        }
        let state = run.state.as_str().to_owned();
        rows.push([run.id, run.input, state, run.lines.to_string(), open.to_string()]);
    }
    if !global.json {
        show::table(["run", "input", "state", "lines", "open"], rows);
    }
    Ok(ExitCode::SUCCESS)
}

async fn cancel(global: &Global, run: &str) -> anyhow::Result<ExitCode> {
    let ledger = any_ledger(global, "bulk cancel")?;
    let run = ledger.run(run).await?;
    let canceled = ledger.cancel_run(&run).await?;
    if global.json {
        show::line(json!({ "run": run.id, "canceled": canceled }));
    } else {
        show::line(format_args!(
            "{canceled} operations were called off; what was sent before stays as it is"
        ));
    }
    Ok(ExitCode::SUCCESS)
}

async fn write(
    global: &Global,
    run: Option<String>,
    output: Option<PathBuf>,
) -> anyhow::Result<ExitCode> {
    let ledger = any_ledger(global, "bulk export")?;
    let run = one_run(&ledger, run).await?;
    let is_json =
        |path: &PathBuf| path.extension().is_some_and(|kind| kind == "json" || kind == "jsonl");
    let json = global.json || output.as_ref().is_some_and(is_json);
    let format = if json { Format::Json } else { Format::Csv };
    match output {
        Some(path) => {
            let file = File::create(&path).map_err(|error| {
                Exit::bad_input(format!("output `{}` cannot be written: {error}", path.display()))
            })?;
            export(&ledger, &run, format, file).await?;
        }
        None => export(&ledger, &run, format, io::stdout()).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The run that is meant; the newest when none is named.
async fn one_run(ledger: &Ledger, id: Option<String>) -> anyhow::Result<Run> {
    if let Some(id) = id {
        return Ok(ledger.run(&id).await?);
    }
    let newest = ledger.runs().await?.into_iter().next();
    newest.ok_or_else(|| Exit::bad_input("the ledger has no run yet: begin with `bulk run FILE`"))
}

/// Where lines come from; stdin is kept in a file while it is needed.
fn source(args: &BulkInput) -> anyhow::Result<(Source, Option<NamedTempFile>)> {
    let template = args.operation_template.as_deref().map(Template::parse).transpose();
    let policy = inputs::rules(&args.policy, args.currency.as_deref())?;
    let mut source = Source {
        path: args.input.clone(),
        name: args.input.clone(),
        template: template.map_err(Exit::bad_input)?,
        ignore_unknown: args.ignore_unknown,
        policy: said(policy),
    };
    if args.input != Path::new("-") {
        if let Err(error) = File::open(&args.input) {
            let path = args.input.display();
            return Err(Exit::bad_input(format!("input `{path}` cannot be read: {error}")));
        }
        return Ok((source, None));
    }
    let mut kept = NamedTempFile::new().context("stdin cannot be kept in a file")?;
    io::copy(&mut io::stdin().lock(), &mut kept).context("stdin cannot be read")?;
    kept.path().clone_into(&mut source.path);
    source.name = PathBuf::from("stdin");
    Ok((source, Some(kept)))
}

/// The rules that were given, without those that were not: a later version with more rules must find the
/// same run for the same words.
fn said(policy: Value) -> Value {
    let Value::Object(mut rules) = policy else { return policy };
    rules.retain(|_, rule| !rule.is_null() && rule != &json!([]) && rule != &json!(false));
    Value::Object(rules)
}

/// The rates to keep to.
pub(crate) fn pace(speed: &Speed, mode: KeyMode) -> Option<Pace> {
    let default = if mode == KeyMode::Live { Pace::LIVE } else { Pace::TEST };
    (!speed.no_pace).then(|| Pace {
        endpoint: speed.rate,
        account: speed.account_rate.unwrap_or(default.account),
    })
}
