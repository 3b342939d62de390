//! `bulk plan | run | status | resume | cancel | export`

mod plan;
mod report;
mod run;
mod runs;

use std::fs::File;
use std::path::PathBuf;
use std::process::ExitCode;

use refund_bulk::{Format, export};
use serde_json::json;

use self::runs::{one_run, open_lines, run_of};
use crate::args::{Bulk, BulkCommand, Global};
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
