//! Looks at a stream of charges in the order of time, either way round. It holds the charges of one window. Newest
//! first, it also holds charges that are alike until it has seen a gap longer than the window between two of them.

use serde::{Deserialize, Serialize};

use super::certain::Beginnings;
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

    /// Ends the stream and gives the groups that were still open, as if there were no other charges. Pushing on
    /// afterwards starts a new stream.
    pub fn finish(&mut self) -> Vec<Group> {
        self.reached = None;
        let mut groups = Vec::new();
        let (window, keys) = (self.window, &self.reference_keys);
        self.within.clear(|run| groups.extend(judge::groups(run, window, keys)));
        groups
    }

    /// When the newest charge was created whose group is not certain, because an unread charge can change it.
    /// Every charge created at `known_from` or later was pushed, newest first. A run is searched up to
    /// `stop_at` only: the result is at least `stop_at` if that is so of all charges of the run.
    pub(crate) fn newest_uncertain(&self, known_from: u64, stop_at: u64) -> Option<u64> {
        let newest = |run| self.newest_uncertain_of(run, known_from, stop_at);
        self.within.runs().filter_map(newest).max()
    }

    fn newest_uncertain_of<'a>(
        &self,
        run: impl Iterator<Item = &'a Seen>,
        known_from: u64,
        stop_at: u64,
    ) -> Option<u64> {
        let mut beginnings = Beginnings::new(self.window, known_from);
        let mut newest = None;
        for charge in run {
            if beginnings.is_certain(charge.created) {
                break;
            }
            newest = Some(charge.created);
            if charge.created >= stop_at {
                break;
            }
        }
        newest
    }

    /// Ends a stream, newest first, of which charges created before `known_from` are unread. Gives the groups
    /// that are certain and were not given yet.
    pub(crate) fn cut(mut self, known_from: u64) -> Vec<Group> {
        let mut groups = Vec::new();
        let (window, keys) = (self.window, &self.reference_keys);
        self.within.clear(|mut run| {
            let mut beginnings = Beginnings::new(window, known_from);
            let certain = run.iter().position(|charge| beginnings.is_certain(charge.created));
            let certain = run.split_off(certain.unwrap_or(run.len()));
            groups.extend(judge::groups(certain, window, keys));
        });
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
