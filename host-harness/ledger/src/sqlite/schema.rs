//! The tables, version by version. A migration is never changed once released: the next one follows.

use rusqlite::Connection;

use crate::error::LedgerError;

/// One step each, in order; `user_version` counts those that were taken.
const MIGRATIONS: [&str; 3] =
    [include_str!("schema/1.sql"), include_str!("schema/2.sql"), include_str!("schema/3.sql")];

/// Brings a ledger to the newest format. Two processes may try at once.
pub(super) fn migrate(connection: &mut Connection, path: &str) -> Result<(), LedgerError> {
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let found: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let taken = usize::try_from(found).unwrap_or(usize::MAX);
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    if found > known {
        return Err(LedgerError::TooNew { path: path.to_owned(), found, known });
    }
    for migration in &MIGRATIONS[taken..] {
        transaction.execute_batch(migration)?;
    }
    if taken < MIGRATIONS.len() {
        transaction.pragma_update(None, "user_version", known)?;
    }
    Ok(transaction.commit()?)
}
