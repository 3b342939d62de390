//! The audit in the ledger: appending, and checking all of it.

use refund_core::wire::hex;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::Ledger;
use crate::chain::{AuditRow, BEGINNING, Broken, Hash};
use crate::error::LedgerError;

/// What a check of the audit found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audited {
    /// Rows that were read.
    pub rows: i64,
    /// The hash of the last one: note it elsewhere, and give it to the next check.
    pub head: String,
    /// Where it does not hold; the first few.
    pub broken: Vec<Broken>,
}

/// Most breaks that are told: after the first, the rest mostly follows from it.
const MOST_TOLD: usize = 20;

/// Appends a row; its number.
pub(super) fn append(connection: &Connection, mut row: AuditRow) -> Result<i64, LedgerError> {
    let mut last =
        connection.prepare_cached("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")?;
    let last = last.query_row([], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let (seq, before): (i64, Hash) = last.unwrap_or((0, BEGINNING));
    row.seq = seq + 1;
    let hash = row.hash(&before);
    connection
        .prepare_cached("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?
        .execute(params![
            row.seq,
            row.time,
            row.actor,
            row.operation,
            row.before,
            row.after,
            row.request_hash,
            row.payment,
            row.charge,
            row.amount,
            row.currency,
            row.refund,
            row.outcome,
            row.request_id,
            hash,
        ])?;
    Ok(row.seq)
}

fn read(row: &Row<'_>) -> rusqlite::Result<(AuditRow, Vec<u8>)> {
    let read = AuditRow {
        seq: row.get(0)?,
        time: row.get(1)?,
        actor: row.get(2)?,
        operation: row.get(3)?,
        before: row.get(4)?,
        after: row.get(5)?,
        request_hash: row.get(6)?,
        payment: row.get(7)?,
        charge: row.get(8)?,
        amount: row.get(9)?,
        currency: row.get(10)?,
        refund: row.get(11)?,
        outcome: row.get(12)?,
        request_id: row.get(13)?,
    };
    Ok((read, row.get(14)?))
}

impl Ledger {
    /// Checks every page of the file, the chain from its first row, and that every operation agrees with
    /// its last row. `head` is a hash noted earlier, which must be in the chain.
    pub async fn audit(&self, head: Option<String>) -> Result<Audited, LedgerError> {
        let path = self.path().display().to_string();
        self.read(move |connection| {
            let pages: String =
                connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
            if pages != "ok" {
                return Err(LedgerError::Damaged { path, problem: pages });
            }
            let mut audited = chain(connection, head)?;
            operations(connection, &mut audited.broken)?;
            Ok(audited)
        })
        .await
    }

    /// The audit of one operation, oldest first.
    pub async fn history(&self, operation: &str) -> Result<Vec<AuditRow>, LedgerError> {
        let operation = operation.to_owned();
        self.read(move |connection| {
            let mut rows =
                connection.prepare("SELECT * FROM audit WHERE operation = ? ORDER BY seq")?;
            let rows = rows.query_map([operation], |row| Ok(read(row)?.0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }
}

fn chain(connection: &Connection, head: Option<String>) -> Result<Audited, LedgerError> {
    let mut statement = connection.prepare("SELECT * FROM audit ORDER BY seq")?;
    let mut rows = statement.query([])?;
    let mut audited = Audited { rows: 0, head: hex(&BEGINNING), broken: Vec::new() };
    let (mut before, mut expected) = (BEGINNING, 1);
    let mut seen = head.is_none();
    while let Some(row) = rows.next()? {
        let (row, hash) = read(row)?;
        for missing in (expected..row.seq).take(MOST_TOLD) {
            audited.broken.push(Broken::Missing(missing));
        }
        if expected == row.seq && row.hash(&before)[..] != hash[..] {
            audited.broken.push(Broken::Changed(row.seq));
        }
        expected = row.seq + 1;
        audited.rows += 1;
        audited.head = hex(&hash);
        seen |= head.as_ref() == Some(&audited.head);
        before = hash.try_into().unwrap_or(BEGINNING);
        if audited.broken.len() >= MOST_TOLD {
            break;
        }
    }
    if let Some(head) = head.filter(|_| !seen) {
        audited.broken.push(Broken::Head(head));
    }
    Ok(audited)
}

/// Rows missing from the end leave no gap: but operations point at them.
fn operations(connection: &Connection, broken: &mut Vec<Broken>) -> Result<(), LedgerError> {
    let mut statement = connection.prepare(
        "SELECT operations.id FROM operations LEFT JOIN audit ON audit.seq = operations.audit
         WHERE audit.seq IS NULL OR audit.operation <> operations.id
            OR audit.after <> operations.state OR audit.request_hash <> operations.request_hash
            OR audit.refund IS NOT operations.refund
         LIMIT ?",
    )?;
    let most = i64::try_from(MOST_TOLD).unwrap_or(i64::MAX);
    let ids = statement.query_map([most], |row| row.get(0))?;
    for id in ids {
        broken.push(Broken::Operation(id?));
    }
    Ok(())
}
