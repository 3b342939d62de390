//! The audit in the ledger: appending, and checking all of it.

use refund_core::id::OperationId;
use refund_core::wire::hex;
use rusqlite::types::ValueRef;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, ToSql, params};
use sha2::{Digest, Sha256};

use super::operations::operation_id;
use super::values::signed;
use crate::chain::{AuditRow, BEGINNING, Broken, Hash};
use crate::error::LedgerError;
use crate::record::{Entry, Operation, PaymentKey};

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

/// How many breaks are reported: after the first, the rest mostly follows from it.
const MOST_REPORTED: usize = 20;

/// The row that says what the ledger is for has no operation.
const NO_OPERATION: &str = "";

/// Records a move of an operation, and what the tables hold of it now.
pub(super) fn record(
    connection: &Connection,
    operation: &Operation,
    entry: Entry,
) -> Result<(), LedgerError> {
    let money = operation.money();
    let charge = operation.refund.as_ref().and_then(|refund| refund.charge.as_ref());
    let id = operation.id().as_str();
    let row = AuditRow {
        seq: 0,
        time: signed(entry.time),
        actor: entry.actor,
        operation: id.to_owned(),
        before: entry.before.map(|state| state.as_str().to_owned()),
        after: operation.state.as_str().to_owned(),
        request_hash: operation.fingerprint.as_str().to_owned(),
        payment: operation.payment().as_str().to_owned(),
        charge: charge.map(ToString::to_string),
        amount: money.map(|money| signed(money.amount)),
        currency: operation.money().map(|money| money.currency.to_string()),
        refund: operation.refund.as_ref().map(|refund| refund.id.to_string()),
        outcome: entry.outcome,
        request_id: entry.request_id,
        held: Some(held(connection, id)?),
    };
    point(connection, row)
}

/// Records that a ledger of an earlier format holds this operation.
pub(super) fn adopt(
    connection: &Connection,
    id: &str,
    from: i64,
    time: u64,
) -> Result<(), LedgerError> {
    let row = connection
        .prepare_cached(
            "SELECT state, request_hash, payment, charge, coalesce(refunded, amount), currency, refund
             FROM operations WHERE id = ?",
        )?
        .query_row([id], |row| {
            let state: String = row.get(0)?;
            Ok(AuditRow {
                time: signed(time),
                actor: "migration".to_owned(),
                operation: id.to_owned(),
                before: Some(state.clone()),
                after: state,
                request_hash: row.get(1)?,
                payment: row.get(2)?,
                charge: row.get(3)?,
                amount: row.get(4)?,
                currency: row.get(5)?,
                refund: row.get(6)?,
                outcome: Some(format!("taken over from ledger format {from}")),
                ..AuditRow::default()
            })
        })?;
    point(connection, AuditRow { held: Some(held(connection, id)?), ..row })
}

/// Records what the ledger is for.
pub(super) fn record_scope(
    connection: &Connection,
    scope: &str,
    time: u64,
) -> Result<(), LedgerError> {
    let row = AuditRow {
        time: signed(time),
        actor: "ledger".to_owned(),
        after: "scope".to_owned(),
        outcome: Some(scope.to_owned()),
        ..AuditRow::default()
    };
    append(connection, row).map(drop)
}

/// Appends a row, and lets the operation point at it.
fn point(connection: &Connection, row: AuditRow) -> Result<(), LedgerError> {
    let id = row.operation.clone();
    let seq = append(connection, row)?;
    connection
        .prepare_cached("UPDATE operations SET audit = ? WHERE id = ?")?
        .execute(params![seq, id])?;
    Ok(())
}

/// Appends a row; its number.
fn append(connection: &Connection, mut row: AuditRow) -> Result<i64, LedgerError> {
    let mut last =
        connection.prepare_cached("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")?;
    let last = last.query_row([], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let (seq, before): (i64, Hash) = last.unwrap_or((0, BEGINNING));
    row.seq = seq + 1;
    let hash = row.hash(&before);
    connection
        .prepare_cached(
            "INSERT INTO audit (seq, time, actor, operation, before, after, request_hash, payment, charge,
                 amount, currency, refund, outcome, request_id, held, hash)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )?
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
            row.held,
            hash,
        ])?;
    Ok(row.seq)
}

/// A digest of every column of an operation, its approvals and their votes, but for the pointer at the audit. A column
/// that a later version adds is not in it while it is empty.
fn held(connection: &Connection, id: &str) -> Result<String, LedgerError> {
    let mut hash = Sha256::new();
    for sql in [
        "SELECT * FROM operations WHERE id = ?",
        "SELECT * FROM approvals WHERE operation = ? ORDER BY key",
        "SELECT votes.* FROM votes JOIN approvals ON approvals.key = votes.approval
         WHERE approvals.operation = ? ORDER BY votes.approval, votes.voter",
    ] {
        digest_rows(&mut connection.prepare_cached(sql)?, id, &mut hash)?;
    }
    Ok(hex(&hash.finalize()))
}

fn digest_rows(
    statement: &mut CachedStatement<'_>,
    id: impl ToSql,
    hash: &mut Sha256,
) -> Result<(), LedgerError> {
    let names: Vec<_> = statement.column_names().map(str::to_owned).collect();
    let mut part = |kind: u8, bytes: &[u8]| {
        hash.update([kind]);
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    let mut rows = statement.query([id])?;
    while let Some(row) = rows.next()? {
        part(b'r', &[]);
        for (at, name) in names.iter().enumerate().filter(|(_, name)| *name != "audit") {
            let (kind, bytes) = match row.get_ref(at)? {
                ValueRef::Null => continue,
                ValueRef::Integer(number) => (b'i', number.to_be_bytes().to_vec()),
                ValueRef::Real(number) => (b'f', number.to_be_bytes().to_vec()),
                ValueRef::Text(text) => (b't', text.to_vec()),
                ValueRef::Blob(bytes) => (b'b', bytes.to_vec()),
            };
            part(b'n', name.as_bytes());
            part(kind, &bytes);
        }
    }
    part(b'e', &[]);
    Ok(())
}

/// The columns that [`read`] reads.
macro_rules! columns {
    () => {
        "seq, time, actor, operation, before, after, request_hash, payment, charge, amount, currency, \
         refund, outcome, request_id, held, hash"
    };
}

/// The operations that the audit knows on a payment, whatever the tables hold of them by now.
pub(super) fn recorded_on(
    connection: &Connection,
    payment: &PaymentKey,
) -> Result<Vec<OperationId>, LedgerError> {
    let mut statement = connection.prepare_cached(
        "SELECT operation FROM audit WHERE payment = ?1
         UNION SELECT operation FROM audit WHERE charge = ?1
         UNION SELECT operation FROM audit
             WHERE payment IN (SELECT payment_intent FROM aliases WHERE charge = ?1)",
    )?;
    let ids = statement.query_map([payment.as_str()], |row| row.get::<_, String>(0))?;
    ids.map(|id| operation_id(&id?)).collect()
}

/// Compares what the tables hold of an operation with the last row of the audit about it, and that row with the row
/// before it in the chain. An operation that neither knows is new.
pub(super) fn check_held(connection: &Connection, id: &str) -> Result<(), LedgerError> {
    let altered = || LedgerError::Altered(id.to_owned());
    let last = connection
        .prepare_cached(concat!(
            "SELECT ",
            columns!(),
            " FROM audit WHERE operation = ? ORDER BY seq DESC LIMIT 1"
        ))?
        .query_row([id], read)
        .optional()?;
    let pointing = connection
        .prepare_cached(
            "SELECT audit, policy, (SELECT json FROM policies WHERE hash = policy) FROM operations
             WHERE id = ?",
        )?
        .query_row([id], |row| {
            let policy: Option<String> = row.get(1)?;
            let json: Option<String> = row.get(2)?;
            let intact = match (&policy, json) {
                (Some(hash), Some(json)) => hex(&Sha256::digest(json)) == *hash,
                (None, _) => true,
                (Some(_), None) => false,
            };
            Ok((row.get::<_, i64>(0)?, policy, intact))
        })
        .optional()?;
    let ((pointed, policy, is_policy_intact), (row, hash)) = match (pointing, last) {
        (Some(pointing), Some(last)) => (pointing, last),
        (None, None) => return Ok(()),
        _ => return Err(altered()),
    };
    let before: Option<Hash> = connection
        .prepare_cached("SELECT hash FROM audit WHERE seq = ?")?
        .query_row([row.seq - 1], |row| row.get(0))
        .optional()?;
    let before = if row.seq == 1 { Some(BEGINNING) } else { before };
    let is_intact = row.seq == pointed
        && is_policy_intact
        && before.is_some_and(|before| row.hash(&before)[..] == hash[..])
        && row.held.as_ref() == Some(&held(connection, id)?);
    if is_intact {
        Ok(())
    } else {
        tracing::error!(operation = id, policy, "the ledger was edited");
        Err(altered())
    }
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
        held: row.get(14)?,
    };
    Ok((read, row.get(15)?))
}

/// The audit of one operation, oldest first.
pub(super) fn history(
    connection: &Connection,
    operation: &str,
) -> Result<Vec<AuditRow>, LedgerError> {
    let mut rows = connection.prepare_cached(concat!(
        "SELECT ",
        columns!(),
        " FROM audit WHERE operation = ? ORDER BY seq"
    ))?;
    let rows = rows.query_map([operation], |row| Ok(read(row)?.0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Checks every page of the file, the chain, and the tables against it.
pub(super) fn verify_file(
    connection: &Connection,
    path: String,
    head: Option<String>,
) -> Result<Audited, LedgerError> {
    let pages: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if pages != "ok" {
        return Err(LedgerError::Damaged { path, problem: pages });
    }
    verify(connection, head)
}

/// The chain, and the tables against it.
pub(super) fn verify(
    connection: &Connection,
    head: Option<String>,
) -> Result<Audited, LedgerError> {
    let mut audited = chain(connection, head)?;
    for check in [operations, policies, aliases, orphans, scope] {
        if audited.broken.len() < MOST_REPORTED {
            check(connection, &mut audited.broken)?;
        }
    }
    audited.broken.truncate(MOST_REPORTED);
    Ok(audited)
}

fn chain(connection: &Connection, head: Option<String>) -> Result<Audited, LedgerError> {
    let mut statement =
        connection.prepare(concat!("SELECT ", columns!(), " FROM audit ORDER BY seq"))?;
    let mut rows = statement.query([])?;
    let mut audited = Audited { rows: 0, head: hex(&BEGINNING), broken: Vec::new() };
    let (mut before, mut expected) = (BEGINNING, 1);
    let mut seen = head.is_none();
    while let Some(row) = rows.next()? {
        let (row, hash) = read(row)?;
        for missing in (expected..row.seq).take(MOST_REPORTED) {
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
        if audited.broken.len() >= MOST_REPORTED {
            break;
        }
    }
    if let Some(head) = head.filter(|_| !seen) {
        audited.broken.push(Broken::Head(head));
    }
    Ok(audited)
}

/// Every operation points at its last row, and that row has the digest of what the tables hold of it. An operation that
/// only the audit knows was deleted.
fn operations(connection: &Connection, broken: &mut Vec<Broken>) -> Result<(), LedgerError> {
    let mut statement = connection.prepare(
        "SELECT operations.id, audit.held,
             operations.audit = (SELECT max(seq) FROM audit WHERE audit.operation = operations.id)
                 AND audit.operation = operations.id AND audit.after = operations.state
                 AND audit.request_hash = operations.request_hash
                 AND audit.refund IS operations.refund
         FROM operations LEFT JOIN audit ON audit.seq = operations.audit ORDER BY operations.rowid",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let id: String = row.get(0)?;
        let recorded: Option<String> = row.get(1)?;
        let agrees = row.get::<_, Option<bool>>(2)?.unwrap_or(false);
        if !agrees || recorded != Some(held(connection, &id)?) {
            broken.push(Broken::Operation(id));
            if broken.len() >= MOST_REPORTED {
                return Ok(());
            }
        }
    }
    let mut statement = connection.prepare(
        "SELECT DISTINCT operation FROM audit
         WHERE operation <> ?1 AND operation NOT IN (SELECT id FROM operations) LIMIT ?2",
    )?;
    let most = i64::try_from(MOST_REPORTED).unwrap_or(i64::MAX);
    let deleted = statement.query_map(params![NO_OPERATION, most], |row| row.get(0))?;
    for id in deleted {
        broken.push(Broken::Operation(id?));
    }
    Ok(())
}

fn policies(connection: &Connection, broken: &mut Vec<Broken>) -> Result<(), LedgerError> {
    let mut statement = connection.prepare("SELECT hash, json FROM policies")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (hash, json): (String, String) = (row.get(0)?, row.get(1)?);
        if hex(&Sha256::digest(json)) != hash {
            broken.push(Broken::Policy(hash));
        }
    }
    let mut missing = connection.prepare(
        "SELECT DISTINCT policy FROM operations
         WHERE policy IS NOT NULL AND policy NOT IN (SELECT hash FROM policies)",
    )?;
    for hash in missing.query_map([], |row| row.get(0))? {
        broken.push(Broken::Policy(hash?));
    }
    Ok(())
}

/// A PaymentIntent and its charge are one payment: without that two operations on it could run at once.
fn aliases(connection: &Connection, broken: &mut Vec<Broken>) -> Result<(), LedgerError> {
    let mut statement = connection.prepare(
        "SELECT id FROM operations
         WHERE charge IS NOT NULL AND payment_intent IS NOT NULL AND NOT EXISTS
             (SELECT 1 FROM aliases WHERE aliases.payment_intent = operations.payment_intent
                  AND aliases.charge = operations.charge)
         LIMIT ?",
    )?;
    let most = i64::try_from(MOST_REPORTED).unwrap_or(i64::MAX);
    for id in statement.query_map([most], |row| row.get(0))? {
        broken.push(Broken::Alias(id?));
    }
    Ok(())
}

/// Approvals and votes that no digest covers.
fn orphans(connection: &Connection, broken: &mut Vec<Broken>) -> Result<(), LedgerError> {
    let mut statement = connection.prepare(
        "SELECT key FROM approvals WHERE operation NOT IN (SELECT id FROM operations)
         UNION SELECT approval FROM votes WHERE approval NOT IN (SELECT key FROM approvals)
         LIMIT ?",
    )?;
    let most = i64::try_from(MOST_REPORTED).unwrap_or(i64::MAX);
    for key in statement.query_map([most], |row| row.get::<_, i64>(0))? {
        broken.push(Broken::Approval(format!("ap_{}", key?)));
    }
    Ok(())
}

fn scope(connection: &Connection, broken: &mut Vec<Broken>) -> Result<(), LedgerError> {
    let kept: Option<String> = connection
        .query_row("SELECT value FROM meta WHERE key = 'scope'", [], |row| row.get(0))
        .optional()?;
    let recorded: Option<String> = connection
        .query_row(
            "SELECT outcome FROM audit WHERE operation = ? ORDER BY seq LIMIT 1",
            [NO_OPERATION],
            |row| row.get(0),
        )
        .optional()?;
    if kept != recorded {
        broken.push(Broken::Scope(kept.unwrap_or_else(|| "nothing".to_owned())));
    }
    Ok(())
}
