//! The charges within reach of the newest one, and which of them have the same customer and amount.
//!
//! Millions of charges pass through, so nothing is allocated for one: what an old charge held is used for a
//! new one.

use std::hash::BuildHasher;

use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashTable};

use super::row::Row;
use crate::money::Currency;

/// There is no older charge.
const NONE: u32 = u32::MAX;

/// What is kept of a charge.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) created: u64,
    pub(super) amount: u64,
    pub(super) currency: Currency,
    /// Whether the customer makes it belong to others, or else the card.
    pub(super) by_customer: bool,
    pub(super) is_partly_refunded: bool,
    /// Id, basis, payment intent, card and references, one after the other.
    text: String,
    /// Where the first four end.
    ends: [usize; 4],
    /// Index of the reference key, and where its value ends.
    references: Vec<(usize, usize)>,
    hash: u64,
    /// When the first charge of its run was made.
    run_began: u64,
    /// The one before it in its run.
    older: u32,
    /// Whether none came after it in its run.
    is_newest: bool,
    /// Whether its run still grows.
    is_open: bool,
    /// Whether it lies within the window.
    is_queued: bool,
}

impl Seen {
    pub(super) fn id(&self) -> &str {
        &self.text[..self.ends[0]]
    }

    pub(super) fn basis(&self) -> &str {
        &self.text[self.ends[0]..self.ends[1]]
    }

    pub(super) fn payment_intent(&self) -> Option<&str> {
        Some(&self.text[self.ends[1]..self.ends[2]]).filter(|text| !text.is_empty())
    }

    pub(super) fn card(&self) -> Option<&str> {
        Some(&self.text[self.ends[2]..self.ends[3]]).filter(|text| !text.is_empty())
    }

    /// The value of the reference key with that index.
    pub(super) fn reference(&self, key: usize) -> Option<&str> {
        let mut begin = self.ends[3];
        for &(at, end) in &self.references {
            if at == key {
                return Some(&self.text[begin..end]);
            }
            begin = end;
        }
        None
    }

    fn is_alike(&self, row: &Row<'_>) -> bool {
        self.amount == row.amount
            && self.currency == row.currency
            && self.by_customer != row.customer.is_empty()
            && self.basis() == row.basis()
    }

    fn fill(&mut self, row: &Row<'_>, hash: u64) {
        self.created = row.created;
        self.amount = row.amount;
        self.currency = row.currency;
        self.by_customer = !row.customer.is_empty();
        self.is_partly_refunded = row.is_partly_refunded;
        self.hash = hash;
        self.run_began = row.created;
        self.older = NONE;
        (self.is_newest, self.is_open, self.is_queued) = (true, true, true);
        self.text.clear();
        self.references.clear();
        for (end, part) in
            self.ends.iter_mut().zip([row.id, row.basis(), row.payment_intent, row.card])
        {
            self.text.push_str(part);
            *end = self.text.len();
        }
        for &(key, value) in row.references {
            self.text.push_str(value);
            self.references.push((key, self.text.len()));
        }
    }

    fn new(currency: Currency) -> Self {
        Self {
            created: 0,
            amount: 0,
            currency,
            by_customer: false,
            is_partly_refunded: false,
            text: String::new(),
            ends: [0; 4],
            references: Vec::new(),
            hash: 0,
            run_began: 0,
            older: NONE,
            is_newest: false,
            is_open: false,
            is_queued: false,
        }
    }
}

/// Charges within the window, chained into runs: charges alike, each no more than a window from its neighbour.
#[derive(Debug, Default)]
pub(super) struct Window {
    slots: Vec<Seen>,
    free: Vec<u32>,
    /// The newest charge of every open run.
    runs: HashTable<u32>,
    /// In the order they came.
    queue: std::collections::VecDeque<u32>,
    hasher: DefaultHashBuilder,
}

impl Window {
    /// Puts a charge at the end of its run, or begins one. `over` says of a run, by the instant of its first
    /// charge, that it has ended: it is handed to `close` first.
    pub(super) fn add(
        &mut self,
        row: &Row<'_>,
        over: impl Fn(u64) -> bool,
        close: impl FnMut(Vec<&Seen>),
    ) {
        let hash = self.hash(row);
        let slot = self.take_slot(row, hash);
        let slots = &self.slots;
        let entry = self.runs.entry(
            hash,
            |&run| slots[run as usize].is_alike(row),
            |&run| slots[run as usize].hash,
        );
        let newest = match entry {
            Entry::Vacant(place) => {
                place.insert(slot);
                None
            }
            Entry::Occupied(mut run) => Some(std::mem::replace(run.get_mut(), slot)),
        };
        self.queue.push_back(slot);
        let Some(newest) = newest else { return };
        if over(self.slots[newest as usize].run_began) {
            self.end(newest, close);
        } else {
            self.slots[newest as usize].is_newest = false;
            self.slots[slot as usize].run_began = self.slots[newest as usize].run_began;
            self.slots[slot as usize].older = newest;
        }
    }

    /// Lets go of the charges that are more than `reach` away from `now`, and closes the runs that end with one.
    pub(super) fn expire(&mut self, now: u64, reach: u64, mut close: impl FnMut(Vec<&Seen>)) {
        while let Some(&slot) = self.queue.front() {
            let seen = &mut self.slots[slot as usize];
            if seen.created.abs_diff(now) <= reach {
                break;
            }
            self.queue.pop_front();
            seen.is_queued = false;
            if !seen.is_open {
                self.free.push(slot);
            } else if seen.is_newest {
                let hash = seen.hash;
                if let Ok(run) = self.runs.find_entry(hash, |&run| run == slot) {
                    run.remove();
                }
                self.end(slot, &mut close);
            }
        }
    }

    /// The open runs, each from the charge that came last: from the oldest on, if the newest came first.
    pub(super) fn runs(&self) -> impl Iterator<Item = impl Iterator<Item = &Seen>> {
        self.runs.iter().map(|&last| self.run(last))
    }

    /// Closes every run.
    pub(super) fn clear(&mut self, mut close: impl FnMut(Vec<&Seen>)) {
        for newest in std::mem::take(&mut self.runs) {
            if self.slots[newest as usize].older != NONE {
                close(self.run(newest).collect());
            }
        }
        self.slots.clear();
        self.free.clear();
        self.queue.clear();
    }

    /// Charges that are held in memory.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Closes one run, and frees what nobody needs any more.
    fn end(&mut self, newest: u32, mut close: impl FnMut(Vec<&Seen>)) {
        if self.slots[newest as usize].older != NONE {
            close(self.run(newest).collect());
        }
        let mut next = newest;
        while let Some(seen) = self.slots.get_mut(next as usize) {
            let slot = std::mem::replace(&mut next, seen.older);
            seen.is_open = false;
            if !seen.is_queued {
                self.free.push(slot);
            }
        }
    }

    /// A run, the newest first.
    fn run(&self, newest: u32) -> impl Iterator<Item = &Seen> {
        std::iter::successors(self.slots.get(newest as usize), |seen| {
            self.slots.get(seen.older as usize)
        })
    }

    fn take_slot(&mut self, row: &Row<'_>, hash: u64) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Seen::new(row.currency));
            u32::try_from(self.slots.len() - 1).unwrap_or(NONE)
        });
        self.slots[slot as usize].fill(row, hash);
        slot
    }

    fn hash(&self, row: &Row<'_>) -> u64 {
        self.hasher.hash_one((row.amount, row.currency, row.basis()))
    }
}
