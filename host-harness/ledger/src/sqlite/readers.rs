//! Connections that only read. They are kept: opening one, which reads the schema, takes longer than most reads.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, OpenFlags};

use super::connection::{at, connect};
use crate::error::LedgerError;

/// As many as are worth keeping; more are opened when more read at once, and closed again.
const KEPT: usize = 4;

/// The way to read.
pub(super) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, idle: Mutex::default() }
    }

    /// Reads from one moment's state. A connection that failed is not used again.
    pub(super) fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        let connection = self.take()?;
        let read =
            from_one_moment(&connection, work).map_err(|error| match at(&self.path, error) {
                LedgerError::Write(problem) => LedgerError::Read(problem),
                other => other,
            })?;
        self.keep(connection);
        Ok(read)
    }

    fn take(&self) -> Result<Connection, LedgerError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| connect(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY), Ok)
    }

    fn keep(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < KEPT {
            idle.push(connection);
        }
    }
}

/// The transaction ends with the work, so that nothing keeps the log from being taken into the file.
fn from_one_moment<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, LedgerError>,
) -> Result<T, LedgerError> {
    let moment = connection.unchecked_transaction()?;
    work(&moment)
}
