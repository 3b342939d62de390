//! Connections to a ledger's file.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::error::LedgerError;

/// How long a process waits for another one's transaction.
const PATIENCE: Duration = Duration::from_mins(1);
/// Up to this size, in bytes, every page is checked when the ledger is opened; beyond, a damaged page is found when
/// it is read, and `audit verify` checks all of them.
const CHECKED_AT_ONCE: u64 = 64 << 20;

pub(super) fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, LedgerError> {
    let failed = |problem: String| LedgerError::Open { path: path.display().to_string(), problem };
    let connection =
        Connection::open_with_flags(path, flags).map_err(|error| failed(error.to_string()))?;
    let set = || -> rusqlite::Result<()> {
        connection.busy_timeout(PATIENCE)?;
        prepare(&connection)?;
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

/// What every connection is set to.
pub(super) fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(128);
    // Plans do not depend on values; otherwise SQLite makes a kept statement anew for each value that is bound to it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "cell_size_check", true)
}

/// SQLite does not wait while it turns a new file to the write-ahead log: it says "busy" at once to all but one of the
/// processes that try together.
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
pub(super) fn check_pages(connection: &Connection, path: &Path) -> Result<(), LedgerError> {
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

/// Names the file in an error that SQLite gave without it.
pub(super) fn at(path: &Path, error: LedgerError) -> LedgerError {
    match error {
        LedgerError::Damaged { problem, path: unknown } if unknown.is_empty() => {
            LedgerError::Damaged { path: path.display().to_string(), problem }
        }
        other => other,
    }
}
