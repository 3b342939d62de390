//! From an input to planned operations in the ledger, a batch at a time.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use refund_ledger::{Ledger, LedgerError, NewLine, NewOperation, NewRun, Planned, Run, RunState};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use crate::rejects::Rejects;
use refund_lines::{Bad, InputError, Line, Reader, Template};

/// Lines in one transaction.
const BATCH: usize = 2000;

/// Where lines come from, and what they mean.
#[derive(Clone, Debug)]
pub struct Source {
    /// The file.
    pub path: PathBuf,
    /// What people call it; also where refused lines are kept beside.
    pub name: PathBuf,
    /// Makes operation ids from columns.
    pub template: Option<Template>,
    /// Passes over columns that mean nothing.
    pub ignore_unknown: bool,
    /// Rules of the merchant, as `refunds.create` takes them.
    pub policy: Value,
}

/// An input cannot be imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The input makes no sense.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The ledger cannot be used.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Refused lines cannot be kept.
    #[error("refused lines cannot be kept in a file: {0}")]
    Rejects(io::Error),
    /// The run was called off.
    #[error(
        "run {0} of this input was called off, and its operations with it: give new operation ids to refund them after all"
    )]
    Canceled(String),
}

/// What an import brought.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The run.
    pub run: Run,
    /// Lines refused, in this import.
    pub refused: u64,
    /// Lines that say the same as an earlier one.
    pub repeated: u64,
    /// Operations that were in the ledger before.
    pub known: u64,
    /// Where refused lines are kept.
    pub rejects: Option<PathBuf>,
}

/// Writes an input into the ledger. The same input is the same run: one that is there is only opened,
/// one that was interrupted goes on. `progress` is told how many lines were read.
pub async fn import(
    ledger: &Ledger,
    source: &Source,
    progress: impl Fn(u64),
) -> Result<Imported, ImportError> {
    let run = ledger.open_run(identify(source)?).await?;
    let mut imported = Imported { run, refused: 0, repeated: 0, known: 0, rejects: None };
    match imported.run.state {
        RunState::Ready => return Ok(imported),
        RunState::Canceled => return Err(ImportError::Canceled(imported.run.id)),
        RunState::Reading => {}
    }
    let mut rejects = Rejects::beside(&source.name);
    let (batches, mut incoming) = mpsc::channel(4);
    let reading = tokio::task::spawn_blocking({
        let source = source.clone();
        move || read(&source, &batches)
    });
    while let Some(batch) = incoming.recv().await {
        progress(batch.last);
        take(ledger, batch, source, &mut imported, &mut rejects).await?;
    }
    reading.await.map_err(|error| InputError::Read(io::Error::other(error)))??;
    ledger.set_run(&imported.run, RunState::Ready).await?;
    imported.run = ledger.run(&imported.run.id).await?;
    imported.rejects = rejects.finish().map_err(ImportError::Rejects)?;
    Ok(imported)
}

/// Lines that were read.
#[derive(Default)]
struct Batch {
    good: Vec<(u64, Line)>,
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

/// Writes a batch down. Lines that the ledger refuses join those that could not be read.
async fn take(
    ledger: &Ledger,
    batch: Batch,
    source: &Source,
    imported: &mut Imported,
    rejects: &mut Rejects,
) -> Result<(), ImportError> {
    let mut bad = batch.bad;
    let lines: Vec<_> =
        batch.good.iter().map(|(line, read)| new_line(*line, read, source)).collect();
    let planned = ledger.plan(&imported.run, lines).await?;
    for ((line, read), planned) in batch.good.iter().zip(planned) {
        let id = &read.request.operation;
        let mut refuse = |reason: String| {
            bad.push(Bad { line: *line, reason, text: format!("operation {id}") });
        };
        match planned {
            Planned::New => {}
            Planned::Known(_) => imported.known += 1,
            Planned::Repeated(first) => {
                imported.repeated += 1;
                refuse(format!(
                    "operation `{id}` says the same as line {first}: it is refunded once, with that line"
                ));
            }
            Planned::Conflict(Some(first)) => refuse(format!(
                "operation `{id}` is on line {first} with other values: one id is one refund, give this line another"
            )),
            Planned::Conflict(None) => refuse(format!(
                "operation `{id}` is in the ledger with other values: one id is one refund, give this line another"
            )),
        }
    }
    bad.sort_by_key(|bad| bad.line);
    for one in &bad {
        rejects.keep(one).map_err(ImportError::Rejects)?;
    }
    imported.refused += bad.len() as u64;
    let noted = bad.into_iter().map(|bad| (bad.line, bad.reason)).collect();
    Ok(ledger.reject(&imported.run, noted).await?)
}

fn new_line(line: u64, read: &Line, source: &Source) -> NewLine {
    let operation =
        NewOperation::new(&read.request).policy(&source.policy).approval(read.approval.clone());
    NewLine { line, operation }
}

/// The run of an input: its bytes, and everything that decides about its operations.
fn identify(source: &Source) -> Result<NewRun, InputError> {
    let template = format!("{:?}", source.template);
    let mut hash = Sha256::new();
    for part in [template.as_str(), &source.policy.to_string()] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.update(digest(&source.path)?);
    let mut id = refund_core::wire::hex(&hash.finalize());
    id.truncate(12);
    let options = json!({ "policy": source.policy, "path": absolute(&source.name) });
    Ok(NewRun { id, input: source.name.display().to_string(), options: options.to_string() })
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
