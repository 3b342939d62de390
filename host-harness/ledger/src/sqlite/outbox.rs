//! The outbox: follow-ups wait in the file of the operations they follow from, and are written in the same
//! transaction.

use std::sync::Arc;

use refund_outbox::{
    Claimed, Dispatcher, DispatcherOptions, Key, Message, Sinks, State, Store, StoreError,
};
use rusqlite::params;

use super::ledger::Ledger;
use super::messages::{self, COLUMNS, read, word};
use super::values::unsigned;
use crate::error::LedgerError;

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
        let mut ledger = self.clone();
        ledger.shared.sinks = sinks;
        ledger
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
            let newest = messages::mark(connection, &claimed, state, next_try, reason.as_deref())?;
            match next_try {
                Some(next_try) if newest => messages::hold_up(connection, &claimed, next_try),
                _ => Ok(()),
            }
        });
        marked.await.map_err(failed)
    }
}

impl Store for Outbox {
    async fn add(&self, messages: Vec<Message>) -> Result<usize, StoreError> {
        self.0
            .write_rows(move |connection| messages::add(connection, &messages))
            .await
            .map_err(failed)
    }

    async fn claim(
        &self,
        sink: &str,
        now: u64,
        lease: u64,
        most: usize,
    ) -> Result<Vec<Claimed>, StoreError> {
        let sink = sink.to_owned();
        let claimed = self
            .0
            .write_rows(move |connection| messages::claim(connection, &sink, now, lease, most));
        claimed.await.map_err(failed)
    }

    async fn fix_body(
        &self,
        claimed: &Claimed,
        new_body: Option<String>,
    ) -> Result<Option<String>, StoreError> {
        let claimed = claimed.clone();
        let fixed = self.0.write_rows(move |connection| {
            messages::fix_body(connection, &claimed, new_body.as_deref())
        });
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
        self.0
            .write_rows(move |connection| messages::resend(connection, &key, now))
            .await
            .map_err(failed)
    }
}
