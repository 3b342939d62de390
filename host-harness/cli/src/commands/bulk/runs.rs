//! The run that a command means, and the input of one.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use refund_bulk::Source;
use refund_bulk::input::Template;
use refund_ledger::{Ledger, Run, Store};
use tempfile::NamedTempFile;

use crate::args::BulkInput;
use crate::exit::Exit;
use crate::inputs;

/// A run by its id, or by the beginning of its id.
pub(super) async fn run_of(ledger: &Ledger, id: String) -> anyhow::Result<Run> {
    Ok(ledger.read(move |tx| tx.run(&id)).await?)
}

/// How many lines of a run are open.
pub(super) async fn open_lines(ledger: &Ledger, run: &Run) -> anyhow::Result<u64> {
    let run = run.clone();
    Ok(ledger.read(move |tx| tx.open_lines(&run)).await?)
}

/// The run that is meant; the newest when none is named.
pub(super) async fn one_run(ledger: &Ledger, id: Option<String>) -> anyhow::Result<Run> {
    if let Some(id) = id {
        return run_of(ledger, id).await;
    }
    let newest = ledger.runs().await?.into_iter().next();
    newest.ok_or_else(|| Exit::bad_input("the ledger has no run yet: begin with `bulk run FILE`"))
}

/// Where lines come from; stdin is kept in a file while it is needed.
pub(super) fn source(args: &BulkInput) -> anyhow::Result<(Source, Option<NamedTempFile>)> {
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
