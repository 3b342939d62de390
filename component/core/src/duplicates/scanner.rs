//! Looks at a stream of charges in the order of time, either way round. Its memory follows the window.

use serde::{Deserialize, Serialize};

use super::group::Group;
use super::row::{Row, references};
use super::window::{Seen, Window};
use super::{Options, judge};
use crate::id::ChargeId;
use crate::model::Charge;

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

/// Looks at a stream of charges.
#[derive(Debug)]
pub struct Scanner {
    window: u64,
    direction: Direction,
    reference_keys: Vec<String>,
    within: Window,
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
            within: Window::default(),
            reached: None,
            tally: Tally::default(),
        }
    }

    /// Takes a page, gives the groups that are complete by now. On an error nothing of the page was
    /// taken in.
    pub fn push(&mut self, charges: &[Charge]) -> Result<Vec<Group>, OutOfOrder> {
        let mut reached = self.reached;
        for charge in charges {
            self.check_order(reached, charge.id.as_str(), charge.created)?;
            reached = Some(charge.created);
        }
        let mut groups = Vec::new();
        for charge in charges {
            self.take(charge, &mut groups)?;
        }
        Ok(groups)
    }

    /// Takes one charge, adds the groups that are complete by now.
    pub fn take(&mut self, charge: &Charge, groups: &mut Vec<Group>) -> Result<(), OutOfOrder> {
        let references = references(&charge.metadata, &self.reference_keys);
        self.see(&Row::of(charge, &references), groups)
    }

    /// As [`Scanner::take`], of what was read from elsewhere.
    pub fn see(&mut self, row: &Row<'_>, groups: &mut Vec<Group>) -> Result<(), OutOfOrder> {
        self.check_order(self.reached, row.id, row.created)?;
        self.reached = Some(row.created);
        let (window, keys) = (self.window, &self.reference_keys);
        let mut close = |run: Vec<&Seen>| groups.extend(judge::groups(run, window, keys));
        self.within.expire(row.created, window, &mut close);
        self.tally.seen += 1;
        if !row.is_money_taken {
            self.tally.skipped += 1;
        } else if row.basis().is_empty() {
            self.tally.unmatched += 1;
        } else {
            // Oldest first, a run is complete once the window of its first charge is over.
            let is_oldest_first = self.direction == Direction::OldestFirst;
            let over = |began| is_oldest_first && row.created - began > window;
            self.within.add(row, over, close);
        }
        Ok(())
    }

    /// Gives the groups that were still open. Pushing on afterwards starts a new stream.
    pub fn finish(&mut self) -> Vec<Group> {
        self.reached = None;
        let mut groups = Vec::new();
        let (window, keys) = (self.window, &self.reference_keys);
        self.within.clear(|run| groups.extend(judge::groups(run, window, keys)));
        groups
    }

    /// What was seen so far.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// Charges that are held in memory.
    #[cfg(test)]
    pub(super) fn open_charges(&self) -> usize {
        self.within.len()
    }

    fn check_order(&self, reached: Option<u64>, id: &str, created: u64) -> Result<(), OutOfOrder> {
        let Some(reached) = reached else { return Ok(()) };
        let is_wrong = match self.direction {
            Direction::NewestFirst => created > reached,
            Direction::OldestFirst => created < reached,
        };
        if is_wrong {
            return Err(OutOfOrder { charge: ChargeId::from_stripe(id), created, reached });
        }
        Ok(())
    }
}
