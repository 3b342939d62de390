//! The outbox: follow-ups wait in the file of the operations they follow from, and are written in the same
//! transaction.

use std::sync::Arc;

use refund_core::followups::FollowUp;
use refund_outbox::{
    Claimed, Dispatcher, DispatcherOptions, Key, Message, Sinks, State, Store, StoreError,
};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error as BadWord;

use super::{Ledger, Shared, signed, unsigned};
use crate::error::LedgerError;

const COLUMNS: &str =
    "id, sink, kind, subject, body, created, attempts, next_try, state, reason, claim";

/// The outbox of a ledger.
#[derive(Clone, Debug)]
pub struct Outbox(Ledger);

/// How many messages of a sink are in a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The sink.
    pub sink: String,
    /// The state.
    pub state: State,
    /// How many.
    pub count: u64,
}

impl Ledger {
    /// The same ledger; what follows from its moves goes to these sinks. Without them nothing is kept.
    #[must_use]
    pub fn with_sinks(&self, sinks: Arc<Sinks>) -> Self {
        Self { shared: Shared { sinks, ..self.shared.clone() }, ..self.clone() }
    }

    /// What waits for the sinks, what they took, and what died.
    pub fn outbox(&self) -> Outbox {
        Outbox(self.clone())
    }

    /// Takes what waits to the sinks of this ledger. Any number of processes may do so at once.
    pub fn dispatcher(&self) -> Dispatcher<Outbox> {
        Dispatcher::new(self.outbox(), Arc::clone(&self.shared.sinks), DispatcherOptions::default())
    }
}

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
fn add(connection: &Connection, messages: &[Message]) -> Result<usize, LedgerError> {
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
fn claim(
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
fn fix_body(
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
fn mark(
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
fn hold_up(connection: &Connection, claimed: &Claimed, next_try: u64) -> Result<(), LedgerError> {
    let message = &claimed.message;
    connection
        .prepare_cached(
            "UPDATE outbox SET next_try = ?3
             WHERE sink = ?1 AND subject = ?2 AND state = 'waiting' AND next_try < ?3",
        )?
        .execute(params![message.key.sink, message.subject, signed(next_try)])?;
    Ok(())
}

fn resend(connection: &Connection, key: &Key, now: u64) -> Result<bool, LedgerError> {
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
fn read(row: &Row<'_>, first: usize) -> rusqlite::Result<Message> {
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
fn word<'de, T: Deserialize<'de>>(row: &Row<'_>, at: usize) -> rusqlite::Result<T> {
    let text: String = row.get(at)?;
    T::deserialize(text.into_deserializer()).map_err(|error: BadWord| {
        rusqlite::Error::FromSqlConversionFailure(at, Type::Text, Box::new(error))
    })
}

fn failed(error: LedgerError) -> StoreError {
    StoreError(Box::new(error))
}

impl Outbox {
    /// Messages in a state, or all; newest first.
    pub async fn messages(
        &self,
        state: Option<State>,
        most: usize,
    ) -> Result<Vec<Message>, LedgerError> {
        self.0
            .read_rows(move |connection| {
                let sql = format!(
                    "SELECT {COLUMNS} FROM outbox WHERE ?1 IS NULL OR state = ?1 ORDER BY key DESC LIMIT ?2"
                );
                let mut statement = connection.prepare(&sql)?;
                let most = i64::try_from(most).unwrap_or(i64::MAX);
                let rows =
                    statement.query_map(params![state.map(State::as_str), most], |row| read(row, 0))?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
            .await
    }

    /// How many there are, by sink and state.
    pub async fn counts(&self) -> Result<Vec<Waiting>, LedgerError> {
        self.0
            .read_rows(|connection| {
                let mut statement = connection.prepare(
                    "SELECT sink, state, count(*) FROM outbox GROUP BY sink, state ORDER BY sink, state",
                )?;
                let rows = statement.query_map([], |row| {
                    let count = unsigned(row.get(2)?);
                    Ok(Waiting { sink: row.get(0)?, state: word(row, 1)?, count })
                })?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
            .await
    }

    /// The messages of every follow-up whose id begins like this.
    pub async fn beginning(&self, id: &str) -> Result<Vec<Message>, LedgerError> {
        let id = id.to_owned();
        self.0
            .read_rows(move |connection| {
                // Beyond every hexadecimal digit.
                let sql = format!(
                    "SELECT {COLUMNS} FROM outbox WHERE id >= ?1 AND id < ?1 || 'g' ORDER BY id, sink"
                );
                let mut statement = connection.prepare(&sql)?;
                let rows = statement.query_map([id], |row| read(row, 0))?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
            .await
    }

    async fn mark(
        &self,
        claimed: &Claimed,
        state: State,
        next_try: Option<u64>,
        reason: Option<&str>,
    ) -> Result<(), StoreError> {
        let (claimed, reason) = (claimed.clone(), reason.map(str::to_owned));
        let marked = self.0.write_rows(move |connection| {
            let newest = mark(connection, &claimed, state, next_try, reason.as_deref())?;
            match next_try {
                Some(next_try) if newest => hold_up(connection, &claimed, next_try),
                _ => Ok(()),
            }
        });
        marked.await.map_err(failed)
    }
}

impl Store for Outbox {
    async fn add(&self, messages: Vec<Message>) -> Result<usize, StoreError> {
        self.0.write_rows(move |connection| add(connection, &messages)).await.map_err(failed)
    }

    async fn claim(
        &self,
        sink: &str,
        now: u64,
        lease: u64,
        most: usize,
    ) -> Result<Vec<Claimed>, StoreError> {
        let sink = sink.to_owned();
        let claimed =
            self.0.write_rows(move |connection| claim(connection, &sink, now, lease, most));
        claimed.await.map_err(failed)
    }

    async fn fix_body(
        &self,
        claimed: &Claimed,
        new_body: Option<String>,
    ) -> Result<Option<String>, StoreError> {
        let claimed = claimed.clone();
        let fixed = self
            .0
            .write_rows(move |connection| fix_body(connection, &claimed, new_body.as_deref()));
        fixed.await.map_err(failed)
    }

    async fn delivered(&self, claimed: &Claimed) -> Result<(), StoreError> {
        self.mark(claimed, State::Delivered, None, None).await
    }

    async fn failed(
        &self,
        claimed: &Claimed,
        next_try: u64,
        reason: &str,
    ) -> Result<(), StoreError> {
        self.mark(claimed, State::Waiting, Some(next_try), Some(reason)).await
    }

    async fn give_up(&self, claimed: &Claimed, reason: &str) -> Result<(), StoreError> {
        self.mark(claimed, State::Dead, None, Some(reason)).await
    }

    async fn disable(&self, sink: &str, reason: &str) -> Result<(), StoreError> {
        let (sink, reason) = (sink.to_owned(), reason.to_owned());
        let disabled = self.0.write_rows(move |connection| {
            connection
                .prepare_cached("INSERT OR REPLACE INTO sinks_off VALUES (?, ?)")?
                .execute([sink, reason])?;
            Ok(())
        });
        disabled.await.map_err(failed)
    }

    async fn enable(&self, sink: &str) -> Result<bool, StoreError> {
        let sink = sink.to_owned();
        let enabled = self.0.write_rows(move |connection| {
            let mut delete = connection.prepare_cached("DELETE FROM sinks_off WHERE sink = ?")?;
            Ok(delete.execute([sink])? > 0)
        });
        enabled.await.map_err(failed)
    }

    async fn disabled(&self) -> Result<Vec<(String, String)>, StoreError> {
        let disabled = self.0.read_rows(|connection| {
            let mut statement =
                connection.prepare("SELECT sink, reason FROM sinks_off ORDER BY sink")?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        });
        disabled.await.map_err(failed)
    }

    async fn dead(&self, after: Option<&Key>, most: usize) -> Result<Vec<Message>, StoreError> {
        let after = after
            .map_or_else(Default::default, |key| (key.id.as_str().to_owned(), key.sink.clone()));
        let dead = self.0.read_rows(move |connection| {
            let sql = format!(
                "SELECT {COLUMNS} FROM outbox WHERE state = 'dead' AND (id, sink) > (?1, ?2)
                 ORDER BY id, sink LIMIT ?3"
            );
            let mut statement = connection.prepare(&sql)?;
            let most = i64::try_from(most).unwrap_or(i64::MAX);
            let rows = statement.query_map(params![after.0, after.1, most], |row| read(row, 0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        });
        dead.await.map_err(failed)
    }

    async fn resend(&self, key: &Key, now: u64) -> Result<bool, StoreError> {
        let key = key.clone();
        self.0.write_rows(move |connection| resend(connection, &key, now)).await.map_err(failed)
    }
}
