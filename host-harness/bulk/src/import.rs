//! From an input to planned operations in the ledger, a batch at a time.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use refund_app::bulk::{LineAdmitted, NewLine, StartedWith};
use refund_app::{Application, Caller, Component, Runtime};
use refund_core::request::Request;
use refund_ledger::{LedgerError, MerchantRules, NewRun, Run, RunState, Store};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use crate::rejects::Rejects;
use refund_lines::{Bad, InputError, Reader, Template};

/// Lines in one transaction.
const BATCH: usize = 2000;

/// Where lines come from, and what they mean.
#[derive(Clone, Debug)]
pub struct Source {
    /// The file.
    pub path: PathBuf,
    /// What people call it; rejected lines are kept beside it.
    pub name: PathBuf,
    /// Makes operation ids from columns.
    pub template: Option<Template>,
    /// Ignore columns that are not known.
    pub ignore_unknown: bool,
    /// The merchant's rules.
    pub rules: MerchantRules,
}

/// An input cannot be imported. Nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The input makes no sense.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The ledger cannot be used.
    #[error("{0}. Nothing was sent.")]
    Ledger(#[from] LedgerError),
    /// Rejected lines cannot be kept.
    #[error("rejected lines cannot be kept in a file: {0}. Nothing was sent.")]
    Rejects(io::Error),
    /// The run was canceled.
    #[error(
        "run {0} of this input was canceled, and its operations with it: give new operation ids to refund them after all"
    )]
    Canceled(String),
}

/// What an import brought.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The run.
    pub run: Run,
    /// Lines rejected, in this import.
    pub rejected: u64,
    /// Lines that ask for the same as an earlier one.
    pub repeated: u64,
    /// Operations that were in the ledger before.
    pub known: u64,
    /// Operations that were in the ledger with other values, for which nothing had been sent.
    pub corrected: u64,
    /// Where rejected lines are kept.
    pub rejects: Option<PathBuf>,
}

/// Records an input in the ledger. The same input is the same run: one that was interrupted goes on. One that is there is
/// read again as well: why a line was rejected may be gone by now, and an operation may have other values than its line.
/// `progress` is given how many lines were read; `rejects` says where rejected lines are kept.
pub async fn import<C: Component, S: Store, R: Runtime>(
    application: &Application<C, S, R>,
    source: &Source,
    caller: &Caller,
    mut rejects: Rejects,
    progress: impl Fn(u64),
) -> Result<Imported, ImportError> {
    let run = application.open_run(identify(source)?).await?;
    let mut imported =
        Imported { run, rejected: 0, repeated: 0, known: 0, corrected: 0, rejects: None };
    if imported.run.state == RunState::Canceled {
        return Err(ImportError::Canceled(imported.run.id));
    }
    let (batches, mut incoming) = mpsc::channel(4);
    let reading = tokio::task::spawn_blocking({
        let source = source.clone();
        move || read(&source, &batches)
    });
    while let Some(batch) = incoming.recv().await {
        progress(batch.last);
        take(application, batch, source, caller, &mut imported, &mut rejects).await?;
    }
    reading.await.map_err(|error| InputError::Read(io::Error::other(error)))??;
    imported.run = application.close_input(&imported.run).await?;
    if imported.run.state == RunState::Canceled {
        return Err(ImportError::Canceled(imported.run.id));
    }
    imported.rejects = rejects.finish().map_err(ImportError::Rejects)?;
    Ok(imported)
}

/// Lines that were read.
#[derive(Default)]
struct Batch {
    good: Vec<(u64, Request)>,
    bad: Vec<Bad>,
    last: u64,
}

fn read(source: &Source, batches: &mpsc::Sender<Batch>) -> Result<(), InputError> {
    let file = BufReader::with_capacity(256 << 10, File::open(&source.path)?);
    let mut reader = Reader::new(file, source.template.clone(), source.ignore_unknown)?;
    let mut batch = Batch::default();
    while let Some((number, line)) = reader.next_line()? {
        batch.last = number;
        match line {
            Ok(line) => batch.good.push((number, line)),
            Err(bad) => batch.bad.push(bad),
        }
        if batch.good.len() + batch.bad.len() >= BATCH
            && batches.blocking_send(std::mem::take(&mut batch)).is_err()
        {
            // The ledger refused, and its error is on its way to the caller.
            return Ok(());
        }
    }
    let _ = batches.blocking_send(batch);
    Ok(())
}

/// Records a batch. Lines that the ledger rejects join those that could not be read.
async fn take<C: Component, S: Store, R: Runtime>(
    application: &Application<C, S, R>,
    batch: Batch,
    source: &Source,
    caller: &Caller,
    imported: &mut Imported,
    rejects: &mut Rejects,
) -> Result<(), ImportError> {
    let mut bad = batch.bad;
    let unreadable = bad.iter().map(|bad| (bad.line, bad.reason.clone())).collect();
    application.add_rejects(&imported.run, unreadable).await?;
    let lines =
        batch.good.iter().map(|(line, request)| NewLine { line: *line, request: request.clone() });
    let lines: Vec<_> = lines.collect();
    let admitted = application.add_lines(&imported.run, lines, &source.rules, caller).await?;
    if admitted.contains(&LineAdmitted::Canceled) {
        return Err(ImportError::Canceled(imported.run.id.clone()));
    }
    for ((line, request), admitted) in batch.good.iter().zip(admitted) {
        let id = &request.operation;
        match &admitted {
            LineAdmitted::Known(_) => imported.known += 1,
            LineAdmitted::Corrected => imported.corrected += 1,
            LineAdmitted::Repeated(_) => imported.repeated += 1,
            LineAdmitted::New
            | LineAdmitted::OtherLine(_)
            | LineAdmitted::Conflict(_)
            | LineAdmitted::Waits(_)
            | LineAdmitted::Canceled => {}
        }
        if let Some(reason) = admitted.rejection(id) {
            bad.push(Bad { line: *line, reason, text: format!("operation {id}") });
        }
    }
    bad.sort_by_key(|bad| bad.line);
    for one in &bad {
        rejects.keep(one).map_err(ImportError::Rejects)?;
    }
    imported.rejected += bad.len() as u64;
    Ok(())
}

/// The run of an input: its bytes, and everything that decides about its operations.
fn identify(source: &Source) -> Result<NewRun, InputError> {
    let template = format!("{:?}", source.template);
    let mut hash = Sha256::new();
    for part in [template.as_str(), &source.rules.json()] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.update(digest(&source.path)?);
    let mut id = refund_core::wire::hex(&hash.finalize());
    id.truncate(12);
    let options = StartedWith { path: &absolute(&source.name), rules: &source.rules }.json();
    Ok(NewRun { id, input: source.name.display().to_string(), options })
}

fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

fn digest(path: &Path) -> Result<[u8; 32], InputError> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut part = vec![0; 256 << 10];
    loop {
        match file.read(&mut part) {
            Ok(0) => return Ok(hash.finalize().into()),
            Ok(read) => hash.update(&part[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
}
