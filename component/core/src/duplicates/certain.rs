//! From which charge on the groups of a run are certain, while older charges are unread.
//!
//! Groups are formed from the oldest charge on, so an unread charge can change which charge begins a group, and
//! through that one every later group of the run. It cannot where no possible group reaches a charge: that charge
//! begins a group in any case, and what follows depends on it alone. This happens after a gap longer than the
//! window, and also without one where all possible beginnings lead to the same charge.

use std::collections::VecDeque;

/// Walks the instants of one run, oldest first.
#[derive(Debug)]
pub(super) struct Beginnings {
    window: u64,
    /// Every charge made at this instant or later is known.
    known_from: u64,
    /// Instants that begin a group for some set of unread charges, as far as the window reaches back.
    possible: VecDeque<u64>,
    previous: Option<u64>,
}

impl Beginnings {
    pub(super) fn new(window: u64, known_from: u64) -> Self {
        Self { window, known_from, possible: VecDeque::new(), previous: None }
    }

    /// Whether a charge made at this instant begins a group whatever the unread charges are. Instants come in
    /// ascending order; after the first `true` the walk is over.
    pub(super) fn is_certain(&mut self, instant: u64) -> bool {
        if instant < self.known_from {
            // Others of this instant may be unread. It counts as one of the unread charges.
            return false;
        }
        if self.previous == Some(instant) {
            return false;
        }
        let reaches = |begin: u64, instant: u64| begin.saturating_add(self.window) >= instant;
        // The newest instant at which an unread charge can have been made.
        let unread = self.known_from.checked_sub(1);
        let unread_reaches = |instant| unread.is_some_and(|unread| reaches(unread, instant));
        let newest = self.possible.back();
        if !unread_reaches(instant) && !newest.is_some_and(|&begin| reaches(begin, instant)) {
            return true;
        }
        // It begins a group if a group ends between it and the charge before it.
        let is_possible = match self.previous {
            None => true,
            Some(previous) => {
                while self.possible.front().is_some_and(|&begin| !reaches(begin, previous)) {
                    self.possible.pop_front();
                }
                unread_reaches(previous)
                    || self.possible.front().is_some_and(|&begin| !reaches(begin, instant))
            }
        };
        if is_possible {
            self.possible.push_back(instant);
        }
        self.previous = Some(instant);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certain(window: u64, known_from: u64, instants: &[u64]) -> Option<u64> {
        let mut beginnings = Beginnings::new(window, known_from);
        instants.iter().copied().find(|&instant| beginnings.is_certain(instant))
    }

    #[test]
    fn where_everything_is_known_the_first_charge_begins() {
        assert_eq!(certain(300, 0, &[0, 200]), Some(0));
        assert_eq!(certain(300, 0, &[5]), Some(5));
    }

    #[test]
    fn a_gap_longer_than_the_window_decides() {
        assert_eq!(certain(300, 700, &[1000]), Some(1000));
        assert_eq!(certain(300, 701, &[1000]), None);
        assert_eq!(certain(300, 701, &[1000, 1300]), None);
        assert_eq!(certain(300, 701, &[1000, 1301]), Some(1301));
    }

    #[test]
    fn two_beginnings_that_lead_to_one_charge_decide() {
        // The groups begin at 1000, 1400 and 1720, or at 1300 and 1650: the next one begins at 2030 either way.
        let instants = [1000, 1300, 1400, 1550, 1650, 1720, 1900, 2030];
        assert_eq!(certain(300, 1000, &instants), Some(2030));
        // 1960 begins the next group after 1650, and not after 1720.
        let instants = [1000, 1300, 1400, 1550, 1650, 1720, 1900, 1960, 2030];
        assert_eq!(certain(300, 1000, &instants), None);
    }

    #[test]
    fn evenly_spaced_charges_are_never_certain() {
        let even: Vec<_> = (5..1000).map(|n| n * 200).collect();
        assert_eq!(certain(300, 1000, &even), None);
    }

    /// Greedy groups of unread and known instants: which known instants begin one.
    fn begins(instants: impl Iterator<Item = u64>, window: u64) -> Vec<u64> {
        let mut begins: Vec<u64> = Vec::new();
        for instant in instants {
            if begins.last().is_none_or(|begin| begin + window < instant) {
                begins.push(instant);
            }
        }
        begins
    }

    #[test]
    fn a_charge_is_certain_exactly_if_it_begins_a_group_for_all_unread_charges() {
        // All subsets of ten known and ten unread seconds, for several windows.
        for window in 0..6 {
            for known in 0..1_u64 << 10 {
                let known: Vec<u64> =
                    (0..10).filter(|at| known >> at & 1 == 1).map(|at| at + 10).collect();
                let mut always = known.clone();
                // Only the last group of the unread charges matters, and it begins anywhere.
                for unread in (0..10).map(Some).chain([None]) {
                    let begins = begins(unread.into_iter().chain(known.iter().copied()), window);
                    always.retain(|at| begins.contains(at));
                }
                assert_eq!(
                    certain(window, 10, &known),
                    always.first().copied(),
                    "{window} {known:?}"
                );
            }
        }
    }
}
