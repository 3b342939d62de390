//! Looks at a stream of charges in the order of time, either way round. Its memory follows the window.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::group::{Basis, Group};
use super::{Options, judge};
use crate::id::{ChargeId, PaymentIntentId};
use crate::model::{Charge, ChargeStatus};
use crate::money::Currency;

/// In which order charges are pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// As Stripe lists them.
    NewestFirst,
    /// As an export usually has them.
    OldestFirst,
}

/// A charge came in the wrong order; it was not taken in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "charge {charge} of {created} came after {reached} was reached: sort the charges, or push all of them at once to `detect`"
)]
pub struct OutOfOrder {
    /// The charge.
    pub charge: ChargeId,
    /// Its instant.
    pub created: u64,
    /// The instant the scanner had reached.
    pub reached: u64,
}

/// What a scanner has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Tally {
    /// Charges pushed.
    pub seen: u64,
    /// Of these, left out because no money is at stake (failed, refunded, disputed …).
    pub skipped: u64,
    /// Of these, left out for want of a customer and a card.
    pub unmatched: u64,
}

/// What duplicates have in common.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) basis: Basis,
    pub(super) amount: u64,
    pub(super) currency: Currency,
}

/// What is kept of a charge.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) id: ChargeId,
    pub(super) created: u64,
    pub(super) intent: Option<PaymentIntentId>,
    pub(super) card: Option<Box<str>>,
    pub(super) partly_refunded: bool,
    /// Index of the reference key, and its value.
    references: Box<[(usize, Box<str>)]>,
}

impl Seen {
    /// The value of the reference key with that index.
    pub(super) fn reference(&self, key: usize) -> Option<&str> {
        self.references.iter().find(|(at, _)| *at == key).map(|(_, value)| value.as_ref())
    }
}

/// Looks at a stream of charges.
#[derive(Debug)]
pub struct Scanner {
    window: u64,
    direction: Direction,
    reference_keys: Vec<String>,
    /// Charges of one key that are no more than a window apart, each from its neighbour.
    runs: HashMap<Arc<Key>, Vec<Seen>>,
    /// Every charge in `runs` in the order it came, to find the runs that are complete.
    queue: VecDeque<(u64, Arc<Key>)>,
    reached: Option<u64>,
    tally: Tally,
}

impl Scanner {
    /// Starts. Groups are the same as `detect` finds, whatever the direction.
    pub fn new(options: &Options, direction: Direction) -> Self {
        Self {
            window: options.window(),
            direction,
            reference_keys: options.keys(),
            runs: HashMap::new(),
            queue: VecDeque::new(),
            reached: None,
            tally: Tally::default(),
        }
    }

    /// Takes a page, gives the groups that are complete by now. On an error nothing of the page was
    /// taken in.
    pub fn push(&mut self, charges: &[Charge]) -> Result<Vec<Group>, OutOfOrder> {
        if let Some(error) = self.first_out_of_order(charges) {
            return Err(error);
        }
        let mut groups = Vec::new();
        for charge in charges {
            groups.extend(self.take(charge)?);
        }
        Ok(groups)
    }

    /// Takes one charge, gives the groups that are complete by now.
    pub fn take(&mut self, charge: &Charge) -> Result<Vec<Group>, OutOfOrder> {
        if let Some(error) = self.first_out_of_order(std::slice::from_ref(charge)) {
            return Err(error);
        }
        self.reached = Some(charge.created);
        let mut groups = self.expire(charge.created);
        self.tally.seen += 1;
        if !is_money_taken(charge) {
            self.tally.skipped += 1;
        } else if let Some(basis) = basis(charge) {
            let key = Key { basis, amount: charge.captured_amount(), currency: charge.currency };
            groups.extend(self.keep(key, charge));
        } else {
            self.tally.unmatched += 1;
        }
        Ok(groups)
    }

    /// Gives the groups that were still open. Pushing on afterwards starts a new stream.
    pub fn finish(&mut self) -> Vec<Group> {
        self.queue.clear();
        self.reached = None;
        let runs = std::mem::take(&mut self.runs);
        runs.into_iter().flat_map(|(key, run)| self.close(&key, run)).collect()
    }

    /// What was seen so far.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// Charges that are held in memory.
    #[cfg(test)]
    pub(super) fn open_charges(&self) -> usize {
        self.runs.values().map(Vec::len).sum::<usize>().max(self.queue.len())
    }

    fn first_out_of_order(&self, charges: &[Charge]) -> Option<OutOfOrder> {
        let mut reached = self.reached.or(charges.first().map(|charge| charge.created))?;
        for charge in charges {
            let wrong = match self.direction {
                Direction::NewestFirst => charge.created > reached,
                Direction::OldestFirst => charge.created < reached,
            };
            if wrong {
                let (charge, created) = (charge.id.clone(), charge.created);
                return Some(OutOfOrder { charge, created, reached });
            }
            reached = charge.created;
        }
        None
    }

    /// Keeps a charge; oldest first, a run is complete once the window of its first charge is over.
    fn keep(&mut self, key: Key, charge: &Charge) -> Vec<Group> {
        let key = match self.runs.get_key_value(&key) {
            Some((known, _)) => Arc::clone(known),
            None => Arc::new(key),
        };
        let references = self.reference_keys.iter().enumerate().filter_map(|(at, name)| {
            let value = charge.metadata.get(name).filter(|value| !value.is_empty())?;
            Some((at, value.into()))
        });
        let seen = Seen {
            id: charge.id.clone(),
            created: charge.created,
            intent: charge.payment_intent.clone(),
            card: charge.card_fingerprint().map(Into::into),
            partly_refunded: charge.amount_refunded > 0,
            references: references.collect(),
        };
        self.queue.push_back((charge.created, Arc::clone(&key)));
        let run = self.runs.entry(Arc::clone(&key)).or_default();
        let over = self.direction == Direction::OldestFirst
            && run.first().is_some_and(|first| charge.created - first.created > self.window);
        let complete = if over { std::mem::take(run) } else { Vec::new() };
        run.push(seen);
        self.close(&key, complete)
    }

    /// Closes the runs whose last charge lies more than a window behind.
    fn expire(&mut self, now: u64) -> Vec<Group> {
        let mut groups = Vec::new();
        while let Some((created, _)) = self.queue.front() {
            if created.abs_diff(now) <= self.window {
                break;
            }
            let Some((created, key)) = self.queue.pop_front() else { break };
            let is_last = self
                .runs
                .get(&key)
                .and_then(|run| run.last())
                .is_some_and(|last| last.created == created);
            if is_last && let Some(run) = self.runs.remove(&key) {
                groups.extend(self.close(&key, run));
            }
        }
        groups
    }

    fn close(&self, key: &Key, run: Vec<Seen>) -> Vec<Group> {
        if run.len() < 2 {
            return Vec::new();
        }
        judge::groups(key, run, self.window, &self.reference_keys)
    }
}

/// Succeeded, captured, not given back, not disputed.
fn is_money_taken(charge: &Charge) -> bool {
    charge.status == ChargeStatus::Succeeded
        && charge.captured
        && !charge.disputed
        && !charge.is_fully_refunded()
}

/// The customer, or lacking one the card.
fn basis(charge: &Charge) -> Option<Basis> {
    match &charge.customer {
        Some(customer) => Some(Basis::Customer(customer.clone())),
        None => charge.card_fingerprint().map(|card| Basis::CardFingerprint(card.to_owned())),
    }
}
