//! Webhook events, each once, and refunds that no operation made.

use refund_core::id::{ChargeId, RefundId};
use refund_core::model::{Refund, RefundStatus};
use rusqlite::{Connection, OptionalExtension, params};

use super::values::{signed, unsigned};
use crate::error::LedgerError;
use crate::record::{Elsewhere, Event};

pub(super) fn is_known(connection: &Connection, event: &str) -> Result<bool, LedgerError> {
    let mut statement = connection.prepare_cached("SELECT 1 FROM events WHERE id = ?")?;
    Ok(statement.query_row([event], |_| Ok(())).optional()?.is_some())
}

pub(super) fn insert(
    connection: &Connection,
    event: &Event,
    effect: &str,
    now: u64,
) -> Result<(), LedgerError> {
    connection.prepare_cached("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)")?.execute(
        params![
            event.id,
            event.kind,
            signed(event.created),
            event.object,
            event.status,
            effect,
            signed(now),
        ],
    )?;
    Ok(())
}

pub(super) fn has_newer(connection: &Connection, event: &Event) -> Result<bool, LedgerError> {
    let mut statement = connection.prepare_cached(
        "SELECT 1 FROM events WHERE kind = 'charge.refunded' AND kind = ?1 AND object = ?2 AND created > ?3",
    )?;
    let newer = statement
        .query_row(params![event.kind, event.object, signed(event.created)], |_| Ok(()))
        .optional()?;
    Ok(newer.is_some())
}

pub(super) fn count(connection: &Connection, name: &str) -> Result<(), LedgerError> {
    connection
        .prepare_cached(
            "INSERT INTO counters VALUES (?, 1) ON CONFLICT DO UPDATE SET count = count + 1",
        )?
        .execute([name])?;
    Ok(())
}

pub(super) fn elsewhere(
    connection: &Connection,
    refund: &RefundId,
) -> Result<Option<Elsewhere>, LedgerError> {
    let found = connection
        .prepare_cached("SELECT status FROM elsewhere WHERE refund = ?")?
        .query_row([refund.as_str()], |row| Ok(Elsewhere { status: row.get(0)? }))
        .optional()?;
    Ok(found)
}

pub(super) fn put_elsewhere(
    connection: &Connection,
    refund: &Refund,
    now: u64,
) -> Result<(), LedgerError> {
    connection
        .prepare_cached(
            "INSERT INTO elsewhere VALUES (?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET status = excluded.status",
        )?
        .execute(params![
            refund.id.as_str(),
            refund.metadata.operation_id(),
            refund.charge.as_ref().map(ChargeId::as_str),
            signed(refund.amount),
            refund.currency.as_str(),
            refund.status.as_ref().map(RefundStatus::as_str),
            signed(refund.created),
            signed(now),
        ])?;
    Ok(())
}

/// What was counted, by name.
pub(super) fn counters(connection: &Connection) -> Result<Vec<(String, u64)>, LedgerError> {
    let mut statement =
        connection.prepare_cached("SELECT name, count FROM counters ORDER BY name")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, unsigned(row.get(1)?))))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
