//! A store that lives as long as the process: for tests, and for hosts that keep nothing.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::message::{Claimed, Key, Message, State};
use crate::store::{Store, StoreError};

/// Messages in memory.
#[derive(Debug, Default)]
pub struct Memory(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
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
    pub fn all(&self) -> Vec<Message> {
        self.kept().rows.iter().map(|row| row.message.clone()).collect()
    }

    /// A thread that died while it held the lock had changed one row at most, and whole.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn settle(&self, claimed: &Claimed, change: impl FnOnce(&mut Message)) {
        let mut kept = self.kept();
        let Some(row) = kept.row(&claimed.message.key) else { return };
        if row.claim == claimed.claim && row.message.state == State::Waiting {
            row.leased_until = 0;
            change(&mut row.message);
        }
    }
}

impl Kept {
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
        let mut kept = self.kept();
        let before = kept.rows.len();
        for message in messages {
            if !kept.by_key.contains_key(&message.key) {
                let at = kept.rows.len();
                kept.by_key.insert(message.key.clone(), at);
                kept.rows.push(Row { message, claim: 0, leased_until: 0, is_fixed: false });
            }
        }
        Ok(kept.rows.len() - before)
    }

    async fn claim(
        &self,
        sink: &str,
        now: u64,
        lease: u64,
        most: usize,
    ) -> Result<Vec<Claimed>, StoreError> {
        let mut kept = self.kept();
        if kept.disabled.contains_key(sink) {
            return Ok(Vec::new());
        }
        Ok(kept.claim(sink, now, lease, most))
    }

    async fn fix_body(
        &self,
        claimed: &Claimed,
        new_body: Option<String>,
    ) -> Result<Option<String>, StoreError> {
        let mut kept = self.kept();
        let Key { id, sink } = &claimed.message.key;
        let newest = kept
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
            kept.rows
                .iter_mut()
                .filter(open)
                .for_each(|row| row.message.body.clone_from(&new_body));
        }
        let row = kept.row(&claimed.message.key);
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
        self.kept().disabled.insert(sink.to_owned(), reason.to_owned());
        Ok(())
    }

    async fn enable(&self, sink: &str) -> Result<bool, StoreError> {
        Ok(self.kept().disabled.remove(sink).is_some())
    }

    async fn disabled(&self) -> Result<Vec<(String, String)>, StoreError> {
        Ok(self.kept().disabled.clone().into_iter().collect())
    }

    async fn dead(&self, after: Option<&Key>, most: usize) -> Result<Vec<Message>, StoreError> {
        let kept = self.kept();
        let mut dead: Vec<_> = kept
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
        let mut kept = self.kept();
        let Some(row) = kept.row(key) else { return Ok(false) };
        row.message.state = State::Waiting;
        row.message.attempts = 0;
        row.message.next_try = now;
        row.leased_until = 0;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use proptest::prelude::*;

    use super::*;

    fn message(number: usize, subject: u8) -> Message {
        let json = serde_json::json!({
            "id": format!("fu_{number}"), "subject": format!("ch_{subject}"), "type": "alert",
            "data": { "severity": "info", "reason": "dispute_closed", "detail": null, "due_by": null },
            "about": {
                "operation": null, "refund": null, "dispute": null, "charge": null, "payment_intent": null,
                "money": null,
            },
        });
        Message::new(&serde_json::from_value(json).unwrap(), "shop", 0)
    }

    fn claim(store: &Memory, now: u64) -> Vec<Claimed> {
        block_on(store.claim("shop", now, 10, 100)).unwrap()
    }

    fn ids(claimed: &[Claimed]) -> Vec<&str> {
        claimed.iter().map(|one| one.message.key.id.as_str()).collect()
    }

    #[test]
    fn a_claim_holds_for_a_while_and_the_newest_counts() {
        let store = Memory::default();
        assert_eq!(block_on(store.add(vec![message(0, 0), message(0, 0)])).unwrap(), 1);
        let first = claim(&store, 0);
        assert_eq!((ids(&first), claim(&store, 9).len()), (vec!["fu_0"], 0));
        let second = claim(&store, 10);
        assert_eq!((second[0].message.attempts, second[0].claim > first[0].claim), (2, true));
        block_on(store.give_up(&first[0], "too late")).unwrap();
        assert_eq!(store.all()[0].state, State::Waiting);
        block_on(store.delivered(&second[0])).unwrap();
        block_on(store.failed(&second[0], 99, "twice")).unwrap();
        assert_eq!(store.all()[0].state, State::Delivered);
        assert_eq!(block_on(store.add(vec![message(0, 0)])).unwrap(), 0, "delivered, and known");
    }

    #[test]
    fn the_dead_are_listed_page_by_page() {
        let store = Memory::default();
        block_on(store.add((0..5).map(|n| message(n, u8::try_from(n).unwrap())).collect()))
            .unwrap();
        for one in claim(&store, 0) {
            block_on(store.give_up(&one, "no")).unwrap();
        }
        let page = block_on(store.dead(None, 3)).unwrap();
        let rest = block_on(store.dead(Some(&page[2].key), 3)).unwrap();
        assert_eq!((page.len(), rest.len()), (3, 2));
        assert!(block_on(store.resend(&page[0].key, 7)).unwrap());
        assert_eq!(ids(&claim(&store, 7)), ["fu_0"]);
        let unknown = Key { sink: "other".to_owned(), ..page[0].key.clone() };
        assert!(!block_on(store.resend(&unknown, 7)).unwrap());
    }

    proptest! {
        /// Whatever happens to each try, nothing is lost, and no subject is taken out of order.
        #[test]
        fn nothing_is_lost_and_order_is_kept(
            subjects in prop::collection::vec(0..3_u8, 1..12),
            fates in prop::collection::vec(0..4_u8, 0..60),
        ) {
            let store = Memory::default();
            let all: Vec<_> = subjects.iter().enumerate().map(|(n, s)| message(n, *s)).collect();
            block_on(store.add(all.clone())).unwrap();
            let mut settled: Vec<Key> = Vec::new();
            let mut fates = fates.into_iter();
            let mut now = 0;
            while settled.len() < all.len() {
                for one in claim(&store, now) {
                    let earlier = all.iter().take_while(|other| other.key != one.message.key);
                    for other in earlier.filter(|other| other.subject == one.message.subject) {
                        prop_assert!(settled.contains(&other.key));
                    }
                    match fates.next().unwrap_or(0) {
                        0 => block_on(store.delivered(&one)).unwrap(),
                        1 => block_on(store.give_up(&one, "no")).unwrap(),
                        2 => { block_on(store.failed(&one, now + 5, "later")).unwrap(); continue }
                        _ => continue,
                    }
                    settled.push(one.message.key);
                }
                now += 3;
            }
            prop_assert!(claim(&store, now + 1000).is_empty());
            prop_assert!(store.all().iter().all(|one| one.state != State::Waiting));
        }
    }
}
