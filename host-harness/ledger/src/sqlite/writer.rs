//! One thread writes, and makes many answers durable with one sync: calls that come while the disk is
//! busy are taken together.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::oneshot;

use crate::error::LedgerError;

/// Most calls in one transaction.
const BATCH: usize = 512;

/// Tells a caller how its call ended, once the transaction is on disk or is not.
type Tell = Box<dyn FnOnce(Result<(), LedgerError>) + Send>;
/// The work of a call. It is given no connection, but the error, when no transaction can begin.
type Job = Box<dyn FnOnce(Result<&Connection, LedgerError>) -> Ran + Send>;

/// A call that was carried out, and is not told yet.
struct Ran {
    tell: Tell,
    error: Option<LedgerError>,
}

/// The way to the writing thread.
#[derive(Clone)]
pub(super) struct Writer(Arc<Thread>);

struct Thread {
    jobs: Option<Sender<Job>>,
    running: Option<JoinHandle<()>>,
}

impl Drop for Thread {
    /// Waits until the file is closed, so that its log is taken into it: a file that is copied after the
    /// program has ended is whole.
    fn drop(&mut self) {
        self.jobs.take();
        if let Some(running) = self.running.take() {
            // It ends with an error only if a job panicked, and that was told where it happened.
            let _ = running.join();
        }
    }
}

impl Writer {
    /// Starts the thread. It ends when the last `Writer` is dropped.
    pub(super) fn start(connection: Connection) -> std::io::Result<Self> {
        let (jobs, incoming) = channel();
        let running = std::thread::Builder::new()
            .name("ledger".to_owned())
            .spawn(move || run(connection, &incoming))?;
        Ok(Self(Arc::new(Thread { jobs: Some(jobs), running: Some(running) })))
    }

    /// Does some work in a transaction, all of it or nothing; answers when it is durable.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let done = connection.and_then(|connection| in_savepoint(connection, work));
            let error = done.as_ref().err().cloned();
            let tell = Box::new(move |durable: Result<(), LedgerError>| {
                // A caller that stopped waiting wants no answer.
                let _ = answer.send(durable.and(done));
            });
            Ran { tell, error }
        });
        let jobs = self.0.jobs.as_ref().ok_or(LedgerError::Closed)?;
        jobs.send(job).map_err(|_| LedgerError::Closed)?;
        answered.await.map_err(|_| LedgerError::Closed)?
    }

    /// Does some work in a transaction, some time. What it gives is called once it is durable.
    pub(super) fn write_later<F: FnOnce() + Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<F, LedgerError> + Send + 'static,
    ) {
        let job: Job = Box::new(move |connection| {
            let done = connection.and_then(|connection| in_savepoint(connection, work));
            let error = done.as_ref().err().cloned();
            let tell = Box::new(move |durable: Result<(), LedgerError>| {
                if let (Ok(()), Ok(then)) = (durable, done) {
                    then();
                }
            });
            Ran { tell, error }
        });
        if let Some(jobs) = &self.0.jobs {
            // A thread that has ended takes no more work.
            let _ = jobs.send(job);
        }
    }
}

/// Undoes the work of one call without touching those that share its transaction.
fn in_savepoint<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, LedgerError>,
) -> Result<T, LedgerError> {
    connection.execute_batch("SAVEPOINT call")?;
    let done = work(connection);
    if done.is_ok() {
        connection.execute_batch("RELEASE call")?;
    } else if !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK TO call; RELEASE call")?;
    }
    done
}

fn run(mut connection: Connection, incoming: &Receiver<Job>) {
    while let Ok(first) = incoming.recv() {
        let (told, durable) = transact(&mut connection, first, incoming);
        for tell in told {
            tell(durable.clone());
        }
    }
}

/// Does what waits, in one transaction.
fn transact(
    connection: &mut Connection,
    first: Job,
    incoming: &Receiver<Job>,
) -> (Vec<Tell>, Result<(), LedgerError>) {
    let transaction = match connection.transaction_with_behavior(TransactionBehavior::Immediate) {
        Ok(transaction) => transaction,
        Err(error) => {
            let error = LedgerError::from(error);
            return (vec![first(Err(error.clone())).tell], Err(error));
        }
    };
    let mut told = Vec::new();
    let mut next = Some(first);
    while let Some(job) = next {
        let ran = job(Ok(&transaction));
        told.push(ran.tell);
        // A full disk undoes the whole transaction, with it the work of those that came before.
        if transaction.is_autocommit() {
            let undone = LedgerError::Write("the transaction was undone".to_owned());
            return (told, Err(ran.error.unwrap_or(undone)));
        }
        next = if told.len() < BATCH { incoming.try_recv().ok() } else { None };
    }
    let durable = transaction.commit().map_err(LedgerError::from);
    (told, durable)
}
