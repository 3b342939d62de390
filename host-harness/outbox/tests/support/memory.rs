//! A store in memory.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use refund_outbox::{Claimed, Key, Message, State, Store, StoreError};

/// Messages in memory, the same in all clones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory(Arc<Mutex<Tables>>);

#[derive(Debug, Default)]
struct Tables {
    /// In the order they were added.
    rows: Vec<Row>,
    by_key: HashMap<Key, usize>,
    disabled: BTreeMap<String, String>,
    claims: u64,
}

#[derive(Debug)]
struct Row {
    message: Message,
    /// The newest claim, and until when it holds.
    claim: u64,
    leased_until: u64,
    /// Whether the sink may have got the body.
    is_fixed: bool,
}

impl Memory {
    /// Everything, in the order it was added.
    pub(crate) fn all(&self) -> Vec<Message> {
        self.tables().rows.iter().map(|row| row.message.clone()).collect()
    }

    /// A thread that died while it held the lock had changed one row at most, and whole.
    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn settle(&self, claimed: &Claimed, change: impl FnOnce(&mut Message)) {
        let mut tables = self.tables();
        let Some(row) = tables.row(&claimed.message.key) else { return };
        if row.claim == claimed.claim && row.message.state == State::Waiting {
            row.leased_until = 0;
            change(&mut row.message);
        }
    }
}

impl Tables {
    fn row(&mut self, key: &Key) -> Option<&mut Row> {
        let at = *self.by_key.get(key)?;
        self.rows.get_mut(at)
    }

    fn claim(&mut self, sink: &str, now: u64, lease: u64, most: usize) -> Vec<Claimed> {
        let mut earlier = HashSet::new();
        let mut found = Vec::new();
        let waiting =
            |row: &&mut Row| row.message.state == State::Waiting && row.message.key.sink == sink;
        for row in self.rows.iter_mut().filter(waiting) {
            if found.len() == most {
                break;
            }
            let first = earlier.insert(row.message.subject.clone());
            if first && row.message.next_try <= now && row.leased_until <= now {
                self.claims += 1;
                row.claim = self.claims;
                row.leased_until = now.saturating_add(lease);
                row.message.attempts += 1;
                found.push(Claimed {
                    message: row.message.clone(),
                    claim: row.claim,
                    is_fixed: row.is_fixed,
                });
            }
        }
        found
    }
}

impl Store for Memory {
    async fn add(&self, messages: Vec<Message>) -> Result<usize, StoreError> {
        let mut tables = self.tables();
        let before = tables.rows.len();
        for message in messages {
            if !tables.by_key.contains_key(&message.key) {
                let at = tables.rows.len();
                tables.by_key.insert(message.key.clone(), at);
                tables.rows.push(Row { message, claim: 0, leased_until: 0, is_fixed: false });
            }
        }
        Ok(tables.rows.len() - before)
    }

    async fn claim(
        &self,
        sink: &str,
        now: u64,
        lease: u64,
        most: usize,
    ) -> Result<Vec<Claimed>, StoreError> {
        let mut tables = self.tables();
        if tables.disabled.contains_key(sink) {
            return Ok(Vec::new());
        }
        Ok(tables.claim(sink, now, lease, most))
    }

    async fn fix_body(
        &self,
        claimed: &Claimed,
        new_body: Option<String>,
    ) -> Result<Option<String>, StoreError> {
        let mut tables = self.tables();
        let Key { id, sink } = &claimed.message.key;
        let newest = tables
            .row(&claimed.message.key)
            .is_some_and(|row| row.claim == claimed.claim && row.message.state == State::Waiting);
        if !newest {
            return Ok(None);
        }
        if let Some(new_body) = new_body {
            let open = |row: &&mut Row| {
                let key = &row.message.key;
                key.id == *id
                    && (!row.is_fixed || key.sink == *sink)
                    && row.message.body == claimed.message.body
            };
            tables
                .rows
                .iter_mut()
                .filter(open)
                .for_each(|row| row.message.body.clone_from(&new_body));
        }
        let row = tables.row(&claimed.message.key);
        Ok(row.map(|row| {
            row.is_fixed = true;
            row.message.body.clone()
        }))
    }

    async fn delivered(&self, claimed: &Claimed) -> Result<(), StoreError> {
        self.settle(claimed, |message| {
            message.state = State::Delivered;
            message.reason = None;
        });
        Ok(())
    }

    async fn failed(
        &self,
        claimed: &Claimed,
        next_try: u64,
        reason: &str,
    ) -> Result<(), StoreError> {
        self.settle(claimed, |message| {
            message.next_try = next_try;
            message.reason = Some(reason.to_owned());
        });
        Ok(())
    }

    async fn give_up(&self, claimed: &Claimed, reason: &str) -> Result<(), StoreError> {
        self.settle(claimed, |message| {
            message.state = State::Dead;
            message.reason = Some(reason.to_owned());
        });
        Ok(())
    }

    async fn disable(&self, sink: &str, reason: &str) -> Result<(), StoreError> {
        self.tables().disabled.insert(sink.to_owned(), reason.to_owned());
        Ok(())
    }

    async fn enable(&self, sink: &str) -> Result<bool, StoreError> {
        Ok(self.tables().disabled.remove(sink).is_some())
    }

    async fn disabled(&self) -> Result<Vec<(String, String)>, StoreError> {
        Ok(self.tables().disabled.clone().into_iter().collect())
    }

    async fn dead(&self, after: Option<&Key>, most: usize) -> Result<Vec<Message>, StoreError> {
        let tables = self.tables();
        let mut dead: Vec<_> = tables
            .rows
            .iter()
            .map(|row| &row.message)
            .filter(|message| message.state == State::Dead)
            .filter(|message| after.is_none_or(|after| message.key > *after))
            .cloned()
            .collect();
        dead.sort_by(|a, b| a.key.cmp(&b.key));
        dead.truncate(most);
        Ok(dead)
    }

    async fn resend(&self, key: &Key, now: u64) -> Result<bool, StoreError> {
        let mut tables = self.tables();
        let Some(row) = tables.row(key) else { return Ok(false) };
        row.message.state = State::Waiting;
        row.message.attempts = 0;
        row.message.next_try = now;
        row.leased_until = 0;
        Ok(true)
    }
}
