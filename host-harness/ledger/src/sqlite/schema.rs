//! The tables, version by version. A migration is never changed once released: the next one follows.

use rusqlite::{Connection, OptionalExtension};

use super::audit;
use super::values::now;
use crate::error::LedgerError;

/// One step each, in order; `user_version` counts those that were taken.
const MIGRATIONS: [&str; 5] = [
    include_str!("schema/1.sql"),
    include_str!("schema/2.sql"),
    include_str!("schema/3.sql"),
    include_str!("schema/4.sql"),
    include_str!("schema/5.sql"),
];

/// From this format on, rows of the audit hold a digest of the tables.
const WITH_DIGESTS: usize = 4;

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
        if (1..WITH_DIGESTS).contains(&taken) {
            adopt(&transaction, found)?;
        }
        transaction.pragma_update(None, "user_version", known)?;
    }
    Ok(transaction.commit()?)
}

/// Records what the tables of an earlier format hold, so that the audit covers it from now on.
fn adopt(connection: &Connection, from: i64) -> Result<(), LedgerError> {
    let mut statement = connection.prepare("SELECT id FROM operations ORDER BY rowid")?;
    let ids: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let time = now();
    for id in ids {
        audit::adopt(connection, &id, from, time)?;
    }
    let scope: Option<String> = connection
        .query_row("SELECT value FROM meta WHERE key = 'scope'", [], |row| row.get(0))
        .optional()?;
    scope.map_or(Ok(()), |scope| audit::record_scope(connection, &scope, time))
}
