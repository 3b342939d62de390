//! What property tests need to show that they test something.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Debug;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestCaseResult, TestRunner};

use crate::rounding::Rounding;

/// Cases of a property. One in a hundred must reach each branch that is named.
const CASES: u32 = 1_000;

/// Counts the branches that the cases of a property reach.
#[derive(Debug, Default)]
pub(crate) struct Reached(RefCell<BTreeMap<&'static str, u32>>);

/// Runs a property on generated cases, and fails unless each of the branches was reached often enough.
///
/// A property whose assertion stands behind a condition also passes when no case meets the condition. Here
/// that fails.
pub(crate) fn property<S: Strategy, const N: usize>(
    strategy: &S,
    branches: [&'static str; N],
    property: impl Fn(S::Value, &Reached) -> TestCaseResult,
) where
    S::Value: Debug,
{
    let reached = Reached::default();
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    if let Err(failure) = TestRunner::new(config).run(strategy, |case| property(case, &reached)) {
        panic!("{failure}");
    }
    let counts = reached.0.into_inner();
    let is_rare = |branch: &&str| counts.get(branch).is_none_or(|count| *count < CASES / 100);
    let rare: Vec<_> = branches.into_iter().filter(is_rare).collect();
    println!("{counts:?}");
    assert!(rare.is_empty(), "hardly reached in {CASES} cases: {rare:?}; counted: {counts:?}");
}

impl Reached {
    /// Counts a branch.
    pub(crate) fn note(&self, branch: &'static str) {
        *self.0.borrow_mut().entry(branch).or_default() += 1;
    }

    /// Counts a branch where the case reaches it.
    pub(crate) fn note_if(&self, is_reached: bool, branch: &'static str) {
        if is_reached {
            self.note(branch);
        }
    }
}

/// Whether `rounded` is what `rounding` makes of `part / whole`, by the definition of each rounding.
pub(crate) fn is_rounded(rounding: Rounding, rounded: i128, part: i128, whole: i128) -> bool {
    let above = rounded * whole - part;
    match rounding {
        Rounding::Down => -whole < above && above <= 0,
        Rounding::Up => 0 <= above && above < whole,
        Rounding::HalfUp => -whole < 2 * above && 2 * above <= whole,
        Rounding::HalfEven => {
            2 * above.abs() < whole || (2 * above.abs() == whole && rounded % 2 == 0)
        }
    }
}
