//! The ledger in a SQLite file: write-ahead log, full sync at every commit.

mod approvals;
mod audit;
mod known;
mod operations;
mod outbox;
mod readers;
mod schema;
mod writer;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use refund_outbox::Sinks;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension};

pub use self::audit::Audited;
pub use self::known::Known;
pub use self::operations::Page;
pub(crate) use self::operations::{find, insert, keep_terms, move_to, of_refund};
pub(crate) use self::outbox::follow;
pub use self::outbox::{Outbox, Waiting};
use self::readers::Readers;
use self::writer::Writer;
use crate::error::LedgerError;
use crate::holder::Holder;

/// How long a process waits for another one's transaction.
const PATIENCE: Duration = Duration::from_mins(1);
/// Up to this size every page is checked when the ledger is opened; beyond, a damaged page is found when
/// it is read, and `audit verify` checks all of them.
const CHECKED_AT_ONCE: u64 = 64 << 20;

/// How long people may take to approve, unless told otherwise: a week, in seconds.
const APPROVAL_TIME: i64 = 7 * 86_400;

/// What a ledger is for: operation ids are unique within an account and mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Where Stripe is.
    pub base_url: String,
    /// Whether real money moves.
    pub live: bool,
    /// The connected account, where one is acted for.
    pub account: Option<String>,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {} mode", self.base_url, if self.live { "live" } else { "test" })?;
        self.account.as_ref().map_or(Ok(()), |account| write!(f, " for {account}"))
    }
}

/// An open ledger. Cheap to clone; all clones write through one thread.
#[derive(Clone)]
pub struct Ledger {
    path: Arc<PathBuf>,
    /// Before the writer, and so closed before it: whoever closes the file last takes its log into it, and may write.
    readers: Arc<Readers>,
    writer: Writer,
    pub(crate) holder: Arc<Holder>,
    pub(crate) actor: Arc<str>,
    /// The person in whose name it is written to.
    pub(crate) user: Option<Arc<str>>,
    /// How long people may take to approve, in seconds.
    pub(crate) approval_time: i64,
    /// Who wants to know what follows from a move.
    pub(crate) sinks: Arc<Sinks>,
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Ledger {
    /// Opens a ledger, or makes one. `actor` is who will stand in the audit.
    pub fn open(path: &Path, scope: &Scope, actor: &str) -> Result<Self, LedgerError> {
        Self::open_bounded(path, scope, actor, i64::MAX)
    }

    /// Opens a ledger that is there, whatever account it is for: to look at it.
    pub fn open_existing(path: &Path, actor: &str) -> Result<Self, LedgerError> {
        let open = |problem: &str| LedgerError::Open {
            path: path.display().to_string(),
            problem: problem.to_owned(),
        };
        if !path.exists() {
            return Err(open("there is no such file: name it with --ledger"));
        }
        Self::with(path, None, actor, i64::MAX)
    }

    /// As [`Ledger::open`], with a bound on the size of the file, in pages of 4 KiB: beyond it the ledger says that
    /// the disk is full, and nothing is sent.
    pub fn open_bounded(
        path: &Path,
        scope: &Scope,
        actor: &str,
        most_pages: i64,
    ) -> Result<Self, LedgerError> {
        Self::with(path, Some(scope), actor, most_pages)
    }

    fn with(
        path: &Path,
        scope: Option<&Scope>,
        actor: &str,
        most_pages: i64,
    ) -> Result<Self, LedgerError> {
        let mut connection = connect(path, OpenFlags::default())?;
        connection.pragma_update(
            None,
            "max_page_count",
            most_pages.min(i64::from(u32::MAX - 1)),
        )?;
        check_pages(&connection, path)?;
        let named = |error: LedgerError| at(path, error);
        schema::migrate(&mut connection, &path.display().to_string()).map_err(named)?;
        if let Some(scope) = scope {
            check_scope(&connection, path, scope)?;
        }
        let failed = |problem: std::io::Error| LedgerError::Open {
            path: path.display().to_string(),
            problem: problem.to_string(),
        };
        let holder = Holder::new(path).map_err(failed)?;
        Ok(Self {
            path: Arc::new(path.to_owned()),
            readers: Arc::new(Readers::new(path.to_owned())),
            writer: Writer::start(connection).map_err(failed)?,
            holder: Arc::new(holder),
            actor: actor.into(),
            user: None,
            approval_time: APPROVAL_TIME,
            sinks: Arc::default(),
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The same ledger, written to in another name.
    #[must_use]
    pub fn acting_as(&self, actor: &str) -> Self {
        Self { actor: actor.into(), ..self.clone() }
    }

    /// The same ledger, written to in a person's name: who asks and who approves must be told apart.
    #[must_use]
    pub fn in_the_name_of(&self, user: &str) -> Self {
        let actor = format!("{user} ({})", self.actor).into();
        Self { user: Some(user.into()), actor, ..self.clone() }
    }

    /// How long people may take to approve, and an approval holds.
    #[must_use]
    pub fn approval_time(&self, time: Duration) -> Self {
        let approval_time = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        Self { approval_time, ..self.clone() }
    }

    /// Does some work in a transaction, all of it or nothing; answers when it is durable.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        self.writer.write(work).await.map_err(|error| at(&self.path, error))
    }

    /// Reads beside the writer, from one moment's state.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let readers = Arc::clone(&self.readers);
        let reading = tokio::task::spawn_blocking(move || readers.read(work));
        reading.await.map_err(|error| LedgerError::Read(error.to_string()))?
    }
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, LedgerError> {
    let failed = |problem: String| LedgerError::Open { path: path.display().to_string(), problem };
    let connection =
        Connection::open_with_flags(path, flags).map_err(|error| failed(error.to_string()))?;
    let set = || -> rusqlite::Result<()> {
        connection.busy_timeout(PATIENCE)?;
        connection.set_prepared_statement_cache_capacity(64);
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "cell_size_check", true)?;
        if !flags.contains(OpenFlags::SQLITE_OPEN_READ_ONLY) {
            with_patience(|| connection.pragma_update(None, "journal_mode", "wal"))?;
            connection.pragma_update(None, "synchronous", "full")?;
        }
        Ok(())
    };
    set().map_err(|error| match LedgerError::from(error) {
        damaged @ LedgerError::Damaged { .. } => at(path, damaged),
        LedgerError::Write(problem) => failed(problem),
        other => other,
    })?;
    let writes = !flags.contains(OpenFlags::SQLITE_OPEN_READ_ONLY);
    if writes && connection.is_readonly("main").unwrap_or(true) {
        return Err(failed("the file is read-only: make it writable, or give another".into()));
    }
    Ok(connection)
}

/// SQLite waits for nobody while it turns a new file to the write-ahead log: it says "busy" at once to all but
/// one of the processes that try together.
fn with_patience<T>(mut attempt: impl FnMut() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    let until = Instant::now() + PATIENCE;
    loop {
        match attempt() {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && Instant::now() < until =>
            {
                std::thread::sleep(Duration::from_millis(5));
            }
            ended => return ended,
        }
    }
}

/// A damaged ledger is refused before anything is sent.
fn check_pages(connection: &Connection, path: &Path) -> Result<(), LedgerError> {
    if std::fs::metadata(path).is_ok_and(|file| file.len() > CHECKED_AT_ONCE) {
        return Ok(());
    }
    let damaged =
        |problem: String| LedgerError::Damaged { path: path.display().to_string(), problem };
    let found: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|error| damaged(error.to_string()))?;
    if found == "ok" { Ok(()) } else { Err(damaged(found)) }
}

fn check_scope(connection: &Connection, path: &Path, scope: &Scope) -> Result<(), LedgerError> {
    let wanted = scope.to_string();
    connection.execute("INSERT OR IGNORE INTO meta VALUES ('scope', ?)", [&wanted])?;
    let found: String =
        connection.query_row("SELECT value FROM meta WHERE key = 'scope'", [], |row| row.get(0))?;
    if found == wanted {
        return Ok(());
    }
    Err(LedgerError::OtherScope { path: path.display().to_string(), found, wanted })
}

/// Names the file in an error that SQLite gave without it.
fn at(path: &Path, error: LedgerError) -> LedgerError {
    match error {
        LedgerError::Damaged { problem, path: unknown } if unknown.is_empty() => {
            LedgerError::Damaged { path: path.display().to_string(), problem }
        }
        other => other,
    }
}

/// Unix seconds.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// The PaymentIntent of a charge and the charge itself are one payment: this is its name in the ledger.
pub(crate) fn canonical(connection: &Connection, payment: &str) -> Result<String, LedgerError> {
    let mut known =
        connection.prepare_cached("SELECT charge FROM aliases WHERE payment_intent = ?")?;
    let charge = known.query_row([payment], |row| row.get(0)).optional()?;
    Ok(charge.unwrap_or_else(|| payment.to_owned()))
}
