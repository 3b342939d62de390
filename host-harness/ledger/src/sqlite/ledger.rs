//! An open ledger: the file, the thread that writes and the connections that read.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use refund_core::id::OperationId;
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use tempfile::TempDir;

use super::connection::{at, check_pages, connect};
use super::readers::Readers;
use super::transaction::{Shared, Transaction};
use super::values::now;
use super::writer::Writer;
use super::{audit, operations, schema};
use crate::error::LedgerError;
use crate::holder::Holder;
use crate::store::{Store, Tx};

/// What a ledger is for: operation ids are unique within an account and mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Where Stripe is.
    pub base_url: String,
    /// Whether real money moves.
    pub live: bool,
    /// The connected account, where the calls act for one.
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
    /// Before the writer, and so closed before it: the last connection that closes takes the log into the file, and must
    /// be one that may write.
    readers: Arc<Readers>,
    writer: Writer,
    pub(super) shared: Shared,
    /// The folder of a scratch copy, removed when the last clone is dropped.
    _scratch: Option<Arc<TempDir>>,
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger").field("path", &self.path).finish_non_exhaustive()
    }
}

/// How a file is opened.
#[derive(Clone, Copy)]
struct Opening<'a> {
    scope: Option<&'a Scope>,
    /// The largest size, in pages of 4 KiB.
    max_pages: i64,
    /// Whether a commit is on disk before it is answered.
    durable: bool,
}

impl Ledger {
    /// Opens a ledger, or makes one.
    ///
    /// # Errors
    /// When it cannot be opened, is damaged, or belongs to another account or mode.
    pub fn open(path: &Path, scope: &Scope) -> Result<Self, LedgerError> {
        let opening = Opening { scope: Some(scope), max_pages: i64::MAX, durable: true };
        Self::with(path, opening, None)
    }

    /// Opens a ledger that exists, whatever account it is for: to look at it.
    ///
    /// # Errors
    /// When there is none, or it cannot be opened or is damaged.
    pub fn open_existing(path: &Path) -> Result<Self, LedgerError> {
        let open = |problem: &str| LedgerError::Open {
            path: path.display().to_string(),
            problem: problem.to_owned(),
        };
        if !path.exists() {
            return Err(open("there is no such file: name it with --ledger"));
        }
        Self::with(path, Opening { scope: None, max_pages: i64::MAX, durable: true }, None)
    }

    /// As [`Ledger::open`], with a bound on the size of the file, in pages of 4 KiB: beyond it writes fail as on a full
    /// disk.
    pub fn open_bounded(path: &Path, scope: &Scope, max_pages: i64) -> Result<Self, LedgerError> {
        Self::with(path, Opening { scope: Some(scope), max_pages, durable: true }, None)
    }

    /// A throw-away copy of a ledger, or an empty one where there is no such file: what is written to it changes nothing.
    ///
    /// # Errors
    /// When the file cannot be read, is damaged, or belongs to another account or mode.
    pub fn scratch(path: &Path, scope: &Scope) -> Result<Self, LedgerError> {
        let failed = |problem: String| LedgerError::Open {
            path: path.display().to_string(),
            problem: format!("no copy of it can be made: {problem}"),
        };
        let folder = tempfile::tempdir().map_err(|error| failed(error.to_string()))?;
        let copy = folder.path().join("scratch.ledger");
        if path.exists() {
            let source = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
            let target = copy.to_str().ok_or_else(|| failed("its folder is not UTF-8".into()))?;
            source.execute("VACUUM INTO ?", [target]).map_err(|error| failed(error.to_string()))?;
        }
        let opening = Opening { scope: Some(scope), max_pages: i64::MAX, durable: false };
        Self::with(&copy, opening, Some(Arc::new(folder)))
    }

    fn with(
        path: &Path,
        opening: Opening<'_>,
        scratch: Option<Arc<TempDir>>,
    ) -> Result<Self, LedgerError> {
        let mut connection = connect(path, OpenFlags::default())?;
        connection.pragma_update(
            None,
            "max_page_count",
            opening.max_pages.min(i64::from(u32::MAX - 1)),
        )?;
        if !opening.durable {
            connection.pragma_update(None, "synchronous", "off")?;
        }
        check_pages(&connection, path)?;
        let named = |error: LedgerError| at(path, error);
        schema::migrate(&mut connection, &path.display().to_string()).map_err(named)?;
        if let Some(scope) = opening.scope {
            check_scope(&mut connection, path, scope)?;
        }
        let failed = |problem: std::io::Error| LedgerError::Open {
            path: path.display().to_string(),
            problem: problem.to_string(),
        };
        let holder = Holder::beside(path).map_err(failed)?;
        let shared = Shared { holder: Arc::new(holder), sinks: Arc::default() };
        Ok(Self {
            path: Arc::new(path.to_owned()),
            readers: Arc::new(Readers::new(path.to_owned())),
            writer: Writer::start(connection).map_err(failed)?,
            shared,
            _scratch: scratch,
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Does some work in a transaction, all of it or nothing; answers when it is durable.
    pub(super) async fn write_rows<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        self.writer.write(work).await.map_err(|error| at(&self.path, error))
    }

    /// Reads beside the writer, from one moment's state.
    pub(super) async fn read_rows<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let readers = Arc::clone(&self.readers);
        let reading = tokio::task::spawn_blocking(move || readers.read(work));
        reading.await.map_err(|error| LedgerError::Read(error.to_string()))?
    }
}

impl Store for Ledger {
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Tx) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let shared = self.shared.clone();
        let left = shared.holder.left_behind();
        let freed = left.clone();
        let done = self.write_rows(move |connection| {
            operations::free(connection, &left, &shared.holder)?;
            work(&mut Transaction::new(connection, &shared))
        });
        let done = done.await?;
        self.shared.holder.forget(&freed);
        Ok(done)
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Tx) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let shared = self.shared.clone();
        self.read_rows(move |connection| work(&mut Transaction::new(connection, &shared))).await
    }

    fn let_go(&self, operation: &OperationId) {
        let holder = Arc::clone(&self.shared.holder);
        holder.leave(operation.as_str());
        let left = vec![operation.to_string()];
        // Where this fails, the next write does it.
        self.writer.write_later(move |connection| {
            operations::free(connection, &left, &holder)?;
            Ok(move || holder.forget(&left))
        });
    }
}

fn check_scope(connection: &mut Connection, path: &Path, scope: &Scope) -> Result<(), LedgerError> {
    const KEPT: &str = "SELECT value FROM meta WHERE key = 'scope'";
    let wanted = scope.to_string();
    let mut found: Option<String> = connection.query_row(KEPT, [], |row| row.get(0)).optional()?;
    if found.is_none() {
        // Two processes may try at once.
        let transaction =
            connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        found = transaction.query_row(KEPT, [], |row| row.get(0)).optional()?;
        if found.is_none() {
            transaction.execute("INSERT INTO meta VALUES ('scope', ?)", [&wanted])?;
            audit::record_scope(&transaction, &wanted, now())?;
            found = Some(wanted.clone());
        }
        transaction.commit()?;
    }
    match found {
        Some(found) if found != wanted => {
            Err(LedgerError::OtherScope { path: path.display().to_string(), found, wanted })
        }
        _ => Ok(()),
    }
}
