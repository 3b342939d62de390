//! What a call of the application layer was given so far, and what it waits for.
//!
//! The product's own code runs here: the futures of [`refund_app::Application`]. A future cannot be copied or compared,
//! so a call that is under way is kept as the answers that it was given: the call is begun anew and given the same
//! answers, until it waits for one that there is none of.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use refund_app::{Lost, Runtime};
use refund_core::client::HttpRequest;
use refund_core::id::OperationId;
use refund_ledger::{LedgerError, Store, Tx};

use crate::stripe::Reply;
use crate::tables::{Failure, Planted, ProcessId, Read, Replayed, Tables};

/// One thing that a call was given, in order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Entry {
    /// The time, Unix seconds.
    Now(u64),
    /// A transaction of the store.
    Transacted(Transacted),
    /// An answer to a request, or none.
    Replied(Replied),
    /// It slept.
    Slept,
    /// It let go of an operation.
    LetGo(OperationId),
}

/// A transaction that took place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Transacted {
    /// What it read, or why it changed nothing.
    pub reads: Result<Arc<[Read]>, Failure>,
    /// When it took place, Unix seconds; 0 for one that did not look at the clock.
    pub at: u64,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Replied {
    /// The answer, or none.
    pub reply: Reply,
    /// When it came, Unix seconds.
    pub at: u64,
    /// Whether the request changes something.
    pub is_change: bool,
}

impl Replied {
    /// Whether a request that changes something left, or may have.
    pub fn may_have_changed(&self) -> bool {
        let has_left = match self.reply {
            Reply::Answered(_) | Reply::Lost => true,
            Reply::NotReached => false,
            Reply::Stopped { left } => left,
        };
        self.is_change && has_left
    }
}

/// What a call waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A transaction of the store.
    Transaction,
    /// An answer to a request.
    Reply(HttpRequest),
    /// That time passes.
    Sleep,
}

/// The tables, for the one transaction that a call waits for.
#[derive(Debug)]
pub struct Turn {
    /// What the store holds.
    pub tables: Tables,
    /// Which process transacts.
    pub process: ProcessId,
    /// Whether the transaction is undone at its end, as on a full disk.
    pub is_undone: bool,
    /// A bug of the store.
    pub planted: Option<Planted>,
    /// Where the audit has a gap after it.
    pub gap: Option<String>,
    /// Whether it took place.
    pub is_over: bool,
}

#[derive(Debug, Default)]
struct Inner {
    log: Vec<Entry>,
    /// How much of the log was given again.
    given: usize,
    /// The time from now on.
    now: u64,
    /// The time within a transaction, and whether it was looked at.
    within: Option<(u64, bool)>,
    turn: Option<Turn>,
    wanted: Option<Wanted>,
    slept: u64,
    /// The future is dropped because it will be begun anew, not because the call ends.
    is_over: bool,
}

/// The answers of a call. Clones are the same tape.
#[derive(Clone, Debug)]
pub struct Tape(Arc<Mutex<Inner>>);

impl Tape {
    /// A tape with what was given before.
    pub fn new(log: Vec<Entry>, now: u64, turn: Option<Turn>) -> Self {
        let inner = Inner { log, now, turn, ..Inner::default() };
        Self(Arc::new(Mutex::new(inner)))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on nothing counts that the future does when it is dropped.
    pub fn stop(&self) {
        self.inner().is_over = true;
    }

    /// What was given, what the call waits for, and the tables it was given for a transaction.
    pub fn end(&self) -> (Vec<Entry>, Option<Wanted>, Option<Turn>) {
        let mut inner = self.inner();
        let Inner { log, wanted, turn, .. } = &mut *inner;
        (std::mem::take(log), wanted.take(), turn.take())
    }

    /// The time.
    pub fn now(&self) -> u64 {
        let mut inner = self.inner();
        if let Some((now, is_seen)) = &mut inner.within {
            *is_seen = true;
            return *now;
        }
        if let Some(Entry::Now(now)) = inner.repeat() {
            return now;
        }
        let now = inner.now;
        inner.note(Entry::Now(now));
        now
    }

    /// What came of a request.
    pub async fn reply(&self, request: &HttpRequest) -> Replied {
        std::future::poll_fn(|_| {
            let mut inner = self.inner();
            match inner.repeat() {
                Some(Entry::Replied(replied)) => Poll::Ready(replied),
                _ => inner.wait_for(Wanted::Reply(request.clone())),
            }
        })
        .await
    }

    fn transact<T>(
        &self,
        work: &mut Option<impl FnOnce(&mut dyn Tx) -> Result<T, LedgerError>>,
    ) -> Poll<Result<T, LedgerError>> {
        let mut inner = self.inner();
        if let Some(Entry::Transacted(Transacted { reads, at })) = inner.repeat() {
            let Some(work) = work.take() else { return Poll::Pending };
            inner.within = Some((at, false));
            drop(inner);
            let done = match reads {
                Ok(reads) => work(&mut Replayed::new(&reads)),
                Err(Failure(error)) => Err(error),
            };
            self.inner().within = None;
            return Poll::Ready(done);
        }
        if inner.turn.as_ref().is_none_or(|turn| turn.is_over) {
            return inner.wait_for(Wanted::Transaction);
        }
        let (Some(mut turn), Some(work)) = (inner.turn.take(), work.take()) else {
            return Poll::Pending;
        };
        inner.within = Some((inner.now, false));
        drop(inner);
        let planted = turn.planted.take();
        let done = turn.tables.transact_with(turn.process, turn.is_undone, planted, |tx| work(tx));
        let mut inner = self.inner();
        let at = match inner.within.take() {
            Some((now, true)) => now,
            _ => 0,
        };
        let reads = done.done.map(|_| done.reads.into()).map_err(Failure);
        inner.note(Entry::Transacted(Transacted { reads, at }));
        inner.turn = Some(Turn { gap: done.gap, is_over: true, ..turn });
        // The rest of the call is another step.
        Poll::Pending
    }
}

impl Inner {
    /// The next entry that was given before.
    fn repeat(&mut self) -> Option<Entry> {
        let entry = self.log.get(self.given).cloned();
        self.given += usize::from(entry.is_some());
        entry
    }

    /// Adds an entry behind the last.
    fn note(&mut self, entry: Entry) {
        self.log.push(entry);
        self.given = self.log.len();
    }

    fn wait_for<T>(&mut self, wanted: Wanted) -> Poll<T> {
        self.wanted = Some(wanted);
        Poll::Pending
    }
}

/// The store, as one call of a process sees it.
#[derive(Clone, Debug)]
pub struct TapeStore(pub Tape);

impl Store for TapeStore {
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Tx) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let mut work = Some(work);
        std::future::poll_fn(|_| self.0.transact(&mut work)).await
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Tx) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        self.write(work).await
    }

    fn let_go(&self, operation: &OperationId) {
        let mut inner = self.0.inner();
        if !inner.is_over && inner.repeat().is_none() {
            inner.note(Entry::LetGo(operation.clone()));
        }
    }
}

/// The clocks, as one call sees them.
#[derive(Clone, Debug)]
pub struct TapeClock {
    /// Of the call.
    pub tape: Tape,
    /// Where the wall clock stands still, for a bug.
    pub stands_at: Option<u64>,
}

impl Runtime for TapeClock {
    fn now(&self) -> u64 {
        self.stands_at.unwrap_or_else(|| self.tape.now())
    }

    /// A second for each time it slept.
    fn elapsed(&self) -> Duration {
        Duration::from_secs(self.tape.inner().slept)
    }

    async fn sleep(&self, _: Duration) {
        std::future::poll_fn(|_| {
            let mut inner = self.tape.inner();
            match inner.repeat() {
                Some(Entry::Slept) => {
                    inner.slept += 1;
                    Poll::Ready(())
                }
                _ => inner.wait_for(Wanted::Sleep),
            }
        })
        .await;
    }

    #[expect(clippy::manual_async_fn, reason = "as an `async fn` it would borrow the clock")]
    fn spawn<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = Result<T, Lost>> + Send + 'static {
        async move { Ok(task.await) }
    }
}
