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
use refund_ledger::{Ledger, Run, Store};
use serde_json::json;
use tempfile::NamedTempFile;

pub(crate) use self::run::interrupt;
use super::inputs;
use crate::args::{Bulk, BulkCommand, BulkInput, Global, Speed};
use crate::context::{any_ledger, caller, without_key};
use crate::exit::Exit;
use crate::show;

pub(crate) async fn run(global: &Global, args: Bulk) -> anyhow::Result<ExitCode> {
    match args.command {
        BulkCommand::Plan(args) => plan::run(global, &args).await,
        BulkCommand::Run(args) => run::run(global, &args).await,
        BulkCommand::Resume(args) => run::resume(global, &args).await,
        BulkCommand::Status { run: Some(run) } => {
            let ledger = any_ledger(global)?;
            let run = run_of(&ledger, run).await?;
            report::status(global, &ledger, &run).await
        }
        BulkCommand::Status { run: None } => runs(global).await,
        BulkCommand::Cancel { run } => cancel(global, &run).await,
        BulkCommand::Export { run, output } => write(global, run, output).await,
    }
}

async fn runs(global: &Global) -> anyhow::Result<ExitCode> {
    let ledger = any_ledger(global)?;
    let mut rows = Vec::new();
    for run in ledger.runs().await? {
        let open = open_lines(&ledger, &run).await?;
        if global.json {
            show::json(&json!({
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
    let application = without_key(global)?;
    let run = application.run_of(run).await?;
    let canceled = application.cancel_run(&run, &caller(global, "bulk cancel")?).await?;
    if global.json {
        show::json(&json!({ "run": run.id, "canceled": canceled }));
    } else {
        show::line(format_args!(
            "{canceled} operations were called off; what was sent before stays as it is"
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// A run by its id, or by the beginning of its id.
async fn run_of(ledger: &Ledger, id: String) -> anyhow::Result<Run> {
    Ok(ledger.read(move |tx| tx.run(&id)).await?)
}

/// How many lines of a run are open.
async fn open_lines(ledger: &Ledger, run: &Run) -> anyhow::Result<u64> {
    let run = run.clone();
    Ok(ledger.read(move |tx| tx.open_lines(&run)).await?)
}

async fn write(
    global: &Global,
    run: Option<String>,
    output: Option<PathBuf>,
) -> anyhow::Result<ExitCode> {
    let ledger = any_ledger(global)?;
    let run = one_run(&ledger, run).await?;
    let is_json =
        |path: &PathBuf| path.extension().is_some_and(|kind| kind == "json" || kind == "jsonl");
    let json = global.json || output.as_ref().is_some_and(is_json);
    let format = if json { Format::Json } else { Format::Csv };
    match output {
        Some(path) => {
            let file = File::create(&path).map_err(|error| {
                Exit::bad_input(format!("--output `{}` cannot be written: {error}", path.display()))
            })?;
            export(&ledger, &run, format, file).await?;
        }
        None => export(&ledger, &run, format, crate::terminal::document()).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The run that is meant; the newest when none is named.
async fn one_run(ledger: &Ledger, id: Option<String>) -> anyhow::Result<Run> {
    if let Some(id) = id {
        return run_of(ledger, id).await;
    }
    let newest = ledger.runs().await?.into_iter().next();
    newest.ok_or_else(|| Exit::bad_input("the ledger has no run yet: begin with `bulk run FILE`"))
}

/// Where lines come from; stdin is kept in a file while it is needed.
fn source(args: &BulkInput) -> anyhow::Result<(Source, Option<NamedTempFile>)> {
    let template = args.operation_template.as_deref().map(Template::parse).transpose();
    let mut source = Source {
        path: args.input.clone(),
        name: args.input.clone(),
        template: template.map_err(Exit::bad_input)?,
        ignore_unknown: args.ignore_unknown,
        rules: inputs::rules(&args.policy, args.currency.as_deref())?,
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

/// The rates to keep to.
pub(crate) fn pace(speed: &Speed, mode: KeyMode) -> Option<Pace> {
    let default = if mode == KeyMode::Live { Pace::LIVE } else { Pace::TEST };
    (!speed.no_pace).then(|| Pace {
        endpoint: speed.rate,
        account: speed.account_rate.unwrap_or(default.account),
    })
}
