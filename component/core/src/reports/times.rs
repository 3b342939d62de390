//! How long approvals took.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Approval;

/// Up to this many different durations are kept to the second; above it they are kept coarser.
pub const MAX_DISTINCT_TIMES: usize = 10_000;

/// Approvals asked for, of all refunds whatever became of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Approvals {
    /// How many were answered.
    pub decided: u64,
    /// How many wait.
    pub waiting: u64,
    /// How long the answered ones took; absent when there is none.
    pub times: Option<ApprovalTimes>,
}

/// Seconds from question to answer. The median and the 90th percentile are by nearest rank: the shortest
/// that at least half, or nine in ten, did not exceed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ApprovalTimes {
    /// Half took no longer.
    pub median: u64,
    /// Nine in ten took no longer.
    pub ninetieth: u64,
    /// The longest, always exact.
    pub longest: u64,
    /// 1: all are exact. With more than 10,000 different durations, median and 90th percentile are
    /// rounded down to a multiple of this.
    pub resolution: u64,
}

/// Counts durations. The memory is bounded: when there are too many different ones, neighbours are put
/// together two by two. The result does not depend on the order.
#[derive(Debug)]
pub(super) struct Times {
    most: usize,
    /// Durations are counted in steps of two to the power of this.
    shift: u32,
    counts: BTreeMap<u64, u64>,
    decided: u64,
    waiting: u64,
    longest: u64,
}

impl Times {
    /// Keeps `most` different durations, at least two.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most: most.max(2),
            shift: 0,
            counts: BTreeMap::new(),
            decided: 0,
            waiting: 0,
            longest: 0,
        }
    }

    pub(super) fn add(&mut self, approval: Approval) {
        let Some(decided) = approval.decided else {
            self.waiting += 1;
            return;
        };
        let seconds = decided.saturating_sub(approval.requested);
        self.decided += 1;
        self.longest = self.longest.max(seconds);
        *self.counts.entry(seconds >> self.shift).or_default() += 1;
        while self.counts.len() > self.most {
            self.shift += 1;
            for (step, count) in std::mem::take(&mut self.counts) {
                *self.counts.entry(step >> 1).or_default() += count;
            }
        }
    }

    pub(super) fn approvals(&self) -> Approvals {
        let times = (self.decided > 0).then(|| ApprovalTimes {
            median: self.percentile(50),
            ninetieth: self.percentile(90),
            longest: self.longest,
            resolution: 1 << self.shift,
        });
        Approvals { decided: self.decided, waiting: self.waiting, times }
    }

    fn percentile(&self, percent: u64) -> u64 {
        let rank = (self.decided * percent).div_ceil(100);
        let mut passed = 0;
        let step = self.counts.iter().find(|(_, count)| {
            passed += **count;
            passed >= rank
        });
        step.map_or(self.longest, |(step, _)| step << self.shift)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn times(most: usize, seconds: &[u64]) -> Option<ApprovalTimes> {
        let mut times = Times::new(most);
        for seconds in seconds {
            times.add(Approval { requested: 100, decided: Some(100 + seconds) });
        }
        times.approvals().times
    }

    #[test]
    fn percentiles_are_by_nearest_rank() {
        for (seconds, median, ninetieth, longest) in [
            (vec![7], 7, 7, 7),
            (vec![9, 1], 1, 9, 9),
            (vec![3, 1, 2], 2, 3, 3),
            ((1..=10).collect(), 5, 9, 10),
            ((1..=11).collect(), 6, 10, 11),
            ((1..=100).rev().collect(), 50, 90, 100),
        ] {
            let expected = ApprovalTimes { median, ninetieth, longest, resolution: 1 };
            assert_eq!(times(1000, &seconds), Some(expected), "{seconds:?}");
        }
        assert_eq!(times(1000, &[]), None);
    }

    #[test]
    fn what_waits_is_counted_and_has_no_time() {
        let mut times = Times::new(10);
        times.add(Approval { requested: 5, decided: None });
        assert_eq!(times.approvals(), Approvals { decided: 0, waiting: 1, times: None });
    }

    proptest! {
        #[test]
        fn above_the_bound_it_is_coarser_but_not_wrong(
            mut seconds in prop::collection::vec(0..u64::MAX - 100, 1..200),
            most in 2_usize..20,
        ) {
            let coarse = times(most, &seconds).unwrap();
            seconds.reverse();
            prop_assert_eq!(times(most, &seconds), Some(coarse));
            let exact = times(1000, &seconds).unwrap();
            let floor = |value: u64| value - value % coarse.resolution;
            prop_assert_eq!(coarse.median, floor(exact.median));
            prop_assert_eq!(coarse.ninetieth, floor(exact.ninetieth));
            prop_assert_eq!(coarse.longest, exact.longest);
        }
    }
}
