//! Approvals and their votes.

use refund_core::id::OperationId;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::operations::{money, operation_id, payment_ref};
use super::values::{signed, unreadable, unsigned};
use crate::error::LedgerError;
use crate::record::{
    Approval, ApprovalId, ApprovalState, Fingerprint, NewApproval, UserName, Vote,
};

const SELECT: &str =
    "SELECT key, operation, (SELECT payment FROM operations WHERE id = operation), amount, currency,
         request_hash, operation_hash, requester, needed, state, verdict, created, expires, decided
     FROM approvals ";

/// A row as SQLite has it.
struct Stored {
    key: i64,
    operation: String,
    payment: Option<String>,
    amount: i64,
    currency: String,
    request_hash: String,
    fingerprint: String,
    requester: String,
    needed: u8,
    state: String,
    verdict: String,
    created: i64,
    expires: i64,
    decided: Option<i64>,
}

fn row(row: &Row<'_>) -> rusqlite::Result<Stored> {
    Ok(Stored {
        key: row.get(0)?,
        operation: row.get(1)?,
        payment: row.get(2)?,
        amount: row.get(3)?,
        currency: row.get(4)?,
        request_hash: row.get(5)?,
        fingerprint: row.get(6)?,
        requester: row.get(7)?,
        needed: row.get(8)?,
        state: row.get(9)?,
        verdict: row.get(10)?,
        created: row.get(11)?,
        expires: row.get(12)?,
        decided: row.get(13)?,
    })
}

impl Stored {
    fn read(self, connection: &Connection) -> Result<Approval, LedgerError> {
        let Some(money) = money(Some(self.amount), Some(self.currency))? else {
            return Err(unreadable("amount", self.amount));
        };
        Ok(Approval {
            id: ApprovalId(self.key),
            operation: operation_id(&self.operation)?,
            payment: payment_ref(self.payment.as_deref().unwrap_or_default())?,
            money,
            request_hash: self.request_hash,
            fingerprint: Fingerprint::stored(self.fingerprint),
            requester: UserName::stored(&self.requester),
            needed: self.needed,
            state: ApprovalState::parse(&self.state)
                .ok_or_else(|| unreadable("approval state", &self.state))?,
            verdict: serde_json::from_str(&self.verdict).ok(),
            created: unsigned(self.created),
            expires: unsigned(self.expires),
            decided: self.decided.map(unsigned),
            votes: votes(connection, self.key)?,
        })
    }
}

fn votes(connection: &Connection, key: i64) -> Result<Vec<Vote>, LedgerError> {
    let mut statement = connection.prepare_cached(
        "SELECT voter, agrees, note, time, own_request FROM votes WHERE approval = ? ORDER BY time, voter",
    )?;
    let votes = statement.query_map([key], |row| {
        Ok(Vote {
            voter: UserName::stored(&row.get::<_, String>(0)?),
            agrees: row.get(1)?,
            note: row.get(2)?,
            time: unsigned(row.get(3)?),
            own_request: row.get(4)?,
        })
    })?;
    Ok(votes.collect::<Result<_, _>>()?)
}

fn one(
    connection: &Connection,
    which: &str,
    parameter: impl rusqlite::ToSql,
) -> Result<Option<Approval>, LedgerError> {
    let sql = [SELECT, which].concat();
    let stored = connection.prepare_cached(&sql)?.query_row([parameter], row).optional()?;
    stored.map(|stored| stored.read(connection)).transpose()
}

/// An approval by its id.
pub(super) fn by_id(
    connection: &Connection,
    id: ApprovalId,
) -> Result<Option<Approval>, LedgerError> {
    one(connection, "WHERE key = ?", id.0)
}

/// The approval of an operation that is open or approved.
pub(super) fn live(
    connection: &Connection,
    operation: &OperationId,
) -> Result<Option<Approval>, LedgerError> {
    let which = "WHERE operation = ? AND state IN ('open', 'approved')";
    one(connection, which, operation.as_str())
}

/// The newest approval of an operation.
pub(super) fn last(
    connection: &Connection,
    operation: &OperationId,
) -> Result<Option<Approval>, LedgerError> {
    one(connection, "WHERE operation = ? ORDER BY key DESC LIMIT 1", operation.as_str())
}

/// Live approvals whose time is over. What is under way is left to whoever executes it.
pub(super) fn overdue(connection: &Connection, now: u64) -> Result<Vec<Approval>, LedgerError> {
    let sql = [
        SELECT,
        "WHERE state IN ('open', 'approved') AND expires < ?
           AND (SELECT state FROM operations WHERE id = operation) NOT IN ('sent', 'outcome-unknown')
         ORDER BY key",
    ]
    .concat();
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map([signed(now)], row)?.collect::<Result<Vec<_>, _>>()?;
    rows.into_iter().map(|stored| stored.read(connection)).collect()
}

pub(super) fn insert(
    connection: &Connection,
    approval: &NewApproval,
) -> Result<ApprovalId, LedgerError> {
    let verdict = serde_json::to_string(&approval.verdict)
        .map_err(|problem| unreadable("verdict", problem))?;
    connection
        .prepare_cached(
            "INSERT INTO approvals (operation, request_hash, operation_hash, amount, currency, requester,
                 needed, verdict, state, created, expires)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'open', ?, ?)",
        )?
        .execute(params![
            approval.operation.as_str(),
            approval.request_hash,
            approval.fingerprint.as_str(),
            signed(approval.money.amount),
            approval.money.currency.as_str(),
            approval.requester.as_str(),
            approval.needed,
            verdict,
            signed(approval.created),
            signed(approval.expires),
        ])?;
    Ok(ApprovalId(connection.last_insert_rowid()))
}

/// Replaces what may change.
pub(super) fn put(connection: &Connection, approval: &Approval) -> Result<(), LedgerError> {
    let verdict = approval.verdict.as_ref().map(serde_json::to_string).transpose();
    let verdict = verdict.map_err(|problem| unreadable("verdict", problem))?;
    connection
        .prepare_cached(
            "UPDATE approvals SET request_hash = ?2, needed = ?3, verdict = coalesce(?4, verdict), state = ?5,
                 decided = ?6, requester = ?7
             WHERE key = ?1",
        )?
        .execute(params![
            approval.id.0,
            approval.request_hash,
            approval.needed,
            verdict,
            approval.state.as_str(),
            approval.decided.map(signed),
            approval.requester.as_str(),
        ])?;
    Ok(())
}

pub(super) fn insert_vote(
    connection: &Connection,
    approval: ApprovalId,
    vote: &Vote,
) -> Result<(), LedgerError> {
    connection
        .prepare_cached(
            "INSERT INTO votes (approval, voter, agrees, note, time, own_request) VALUES (?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            approval.0,
            vote.voter.as_str(),
            vote.agrees,
            vote.note,
            signed(vote.time),
            vote.own_request,
        ])?;
    Ok(())
}

/// Approvals in a state, or all; newest first.
pub(super) fn list(
    connection: &Connection,
    state: Option<ApprovalState>,
    now: u64,
) -> Result<Vec<Approval>, LedgerError> {
    let sql = [
        SELECT,
        "WHERE ?1 IS NULL OR ?1 = CASE WHEN state IN ('open', 'approved') AND expires < ?2
             THEN 'expired' ELSE state END
         ORDER BY key DESC",
    ]
    .concat();
    let mut statement = connection.prepare_cached(&sql)?;
    let wanted = params![state.map(ApprovalState::as_str), signed(now)];
    let rows = statement.query_map(wanted, row)?.collect::<Result<Vec<_>, _>>()?;
    rows.into_iter().map(|stored| Ok(as_of(stored.read(connection)?, now))).collect()
}

/// How an approval stands at an instant, whether or not a write has ended it yet.
fn as_of(mut approval: Approval, now: u64) -> Approval {
    if approval.state.is_live() && approval.expires < now {
        approval.state = ApprovalState::Expired;
        approval.decided = approval.decided.or(Some(approval.expires));
    }
    approval
}
