//! The rows of the outbox: messages that wait, were delivered, or were given up.

use refund_core::followups::FollowUp;
use refund_outbox::{Claimed, Key, Message, Sinks, State};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error as BadWord;

use super::values::{signed, unsigned};
use crate::error::LedgerError;

/// The columns that [`read`] takes.
pub(super) const COLUMNS: &str =
    "id, sink, kind, subject, body, created, attempts, next_try, state, reason, claim";

/// Adds follow-ups for every sink that wants them.
pub(super) fn route(
    connection: &Connection,
    sinks: &Sinks,
    follow_ups: &[FollowUp],
    now: u64,
) -> Result<(), LedgerError> {
    let messages: Vec<_> = follow_ups.iter().flat_map(|one| sinks.route(one, now)).collect();
    add(connection, &messages).map(drop)
}

/// What is there in any state is left out. What is behind another message is not due before that one, so that
/// a receiver that is down for long does not make every look at its queue a long one.
pub(super) fn add(connection: &Connection, messages: &[Message]) -> Result<usize, LedgerError> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO outbox (id, sink, kind, subject, body, created, attempts, next_try, state, reason)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, max(?8, (SELECT coalesce(max(next_try), 0) FROM outbox
             WHERE sink = ?2 AND subject = ?4 AND state = 'waiting')), ?9, ?10)
         ON CONFLICT DO NOTHING",
    )?;
    let mut added = 0;
    for message in messages {
        added += insert.execute(params![
            message.key.id.as_str(),
            message.key.sink,
            message.kind.as_str(),
            message.subject,
            message.body,
            signed(message.created),
            message.attempts,
            signed(message.next_try),
            message.state.as_str(),
            message.reason,
        ])?;
    }
    Ok(added)
}

/// The first waiting message of each subject, where it is due and in nobody's hands; those that are due for
/// longest come first.
pub(super) fn claim(
    connection: &Connection,
    sink: &str,
    now: u64,
    lease: u64,
    most: usize,
) -> Result<Vec<Claimed>, LedgerError> {
    let off = connection
        .prepare_cached("SELECT 1 FROM sinks_off WHERE sink = ?")?
        .query_row([sink], |_| Ok(()))
        .optional()?;
    if off.is_some() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT key, {COLUMNS}, fixed FROM outbox AS one
         WHERE sink = ?1 AND state = 'waiting' AND next_try <= ?2 AND leased_until <= ?2
           AND NOT EXISTS (SELECT 1 FROM outbox AS earlier WHERE earlier.sink = ?1
               AND earlier.subject = one.subject AND earlier.state = 'waiting' AND earlier.key < one.key)
         ORDER BY next_try, key LIMIT ?3"
    );
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params![sink, signed(now), most], |row| {
        Ok((row.get::<_, i64>(0)?, read(row, 1)?, row.get::<_, i64>(11)?, row.get(12)?))
    })?;
    let rows: Vec<_> = rows.collect::<Result<_, _>>()?;
    let until = signed(now.saturating_add(lease));
    let mut take = connection.prepare_cached(
        "UPDATE outbox SET claim = ?2, leased_until = ?3, attempts = attempts + 1 WHERE key = ?1",
    )?;
    let mut claimed = Vec::new();
    for (key, mut message, earlier, is_fixed) in rows {
        let claim = earlier + 1;
        take.execute(params![key, claim, until])?;
        message.attempts += 1;
        claimed.push(Claimed { message, claim: unsigned(claim), is_fixed });
    }
    Ok(claimed)
}

/// Fixes the body of a message, if the claim is the newest one; gives the body that is kept.
pub(super) fn fix_body(
    connection: &Connection,
    claimed: &Claimed,
    new_body: Option<&str>,
) -> Result<Option<String>, LedgerError> {
    let Key { id, sink } = &claimed.message.key;
    let newest = connection
        .prepare_cached(
            "UPDATE outbox SET fixed = 1 WHERE id = ?1 AND sink = ?2 AND claim = ?3 AND state = 'waiting'",
        )?
        .execute(params![id.as_str(), sink, signed(claimed.claim)])?;
    if newest == 0 {
        return Ok(None);
    }
    if let Some(new_body) = new_body {
        connection
            .prepare_cached(
                "UPDATE outbox SET body = ?4 WHERE id = ?1 AND (sink = ?2 OR fixed = 0) AND body = ?3",
            )?
            .execute(params![id.as_str(), sink, claimed.message.body, new_body])?;
    }
    let kept = connection
        .prepare_cached("SELECT body FROM outbox WHERE id = ?1 AND sink = ?2")?
        .query_row([id.as_str(), sink], |row| row.get(0))?;
    Ok(Some(kept))
}

/// Marks a message, if the claim is the newest one; says whether it was.
pub(super) fn mark(
    connection: &Connection,
    claimed: &Claimed,
    state: State,
    next_try: Option<u64>,
    reason: Option<&str>,
) -> Result<bool, LedgerError> {
    let Key { id, sink } = &claimed.message.key;
    let marked = connection
        .prepare_cached(
            "UPDATE outbox SET state = ?4, next_try = coalesce(?5, next_try), reason = ?6, leased_until = 0
             WHERE id = ?1 AND sink = ?2 AND claim = ?3 AND state = 'waiting'",
        )?
        .execute(params![
            id.as_str(),
            sink,
            signed(claimed.claim),
            state.as_str(),
            next_try.map(signed),
            reason,
        ])?;
    Ok(marked > 0)
}

/// Those behind a message that waits are due no earlier than it.
pub(super) fn hold_up(
    connection: &Connection,
    claimed: &Claimed,
    next_try: u64,
) -> Result<(), LedgerError> {
    let message = &claimed.message;
    connection
        .prepare_cached(
            "UPDATE outbox SET next_try = ?3
             WHERE sink = ?1 AND subject = ?2 AND state = 'waiting' AND next_try < ?3",
        )?
        .execute(params![message.key.sink, message.subject, signed(next_try)])?;
    Ok(())
}

pub(super) fn resend(connection: &Connection, key: &Key, now: u64) -> Result<bool, LedgerError> {
    let (id, now) = (key.id.as_str(), signed(now));
    let found = connection
        .prepare_cached(
            "UPDATE outbox SET state = 'waiting', attempts = 0, next_try = ?3, leased_until = 0
             WHERE id = ?1 AND sink = ?2",
        )?
        .execute(params![id, key.sink, now])?;
    // What waited behind it alone need not wait any longer.
    connection
        .prepare_cached(
            "UPDATE outbox SET next_try = min(next_try, ?3)
             WHERE state = 'waiting' AND attempts = 0 AND sink = ?2
               AND subject = (SELECT subject FROM outbox WHERE id = ?1 AND sink = ?2)",
        )?
        .execute(params![id, key.sink, now])?;
    Ok(found > 0)
}

/// A message from the columns that begin there.
pub(super) fn read(row: &Row<'_>, first: usize) -> rusqlite::Result<Message> {
    let number = |at: usize| row.get(first + at).map(unsigned);
    Ok(Message {
        key: Key { id: word(row, first)?, sink: row.get(first + 1)? },
        kind: word(row, first + 2)?,
        subject: row.get(first + 3)?,
        body: row.get(first + 4)?,
        created: number(5)?,
        attempts: row.get(first + 6)?,
        next_try: number(7)?,
        state: word(row, first + 8)?,
        reason: row.get(first + 9)?,
    })
}

/// A word of the outbox.
pub(super) fn word<'de, T: Deserialize<'de>>(row: &Row<'_>, at: usize) -> rusqlite::Result<T> {
    let text: String = row.get(at)?;
    T::deserialize(text.into_deserializer()).map_err(|error: BadWord| {
        rusqlite::Error::FromSqlConversionFailure(at, Type::Text, Box::new(error))
    })
}
