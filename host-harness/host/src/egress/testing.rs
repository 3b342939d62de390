//! What property tests need to show that they test something.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Debug;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestCaseResult, TestRunner};

/// Cases of a property.
const CASES: u32 = 4_000;

/// Counts how often each kind of case occurs. A property that no case puts to the test passes as well.
#[derive(Default)]
pub(super) struct Reached(RefCell<BTreeMap<&'static str, u32>>);

impl Reached {
    pub(super) fn note(&self, kind: &'static str) {
        *self.0.borrow_mut().entry(kind).or_default() += 1;
    }
}

/// Runs a property, and fails unless each of these kinds occurred in one of a hundred cases.
pub(super) fn property<S: Strategy, const N: usize>(
    strategy: &S,
    kinds: [&'static str; N],
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
    let is_rare = |kind: &&str| counts.get(kind).is_none_or(|count| *count < CASES / 100);
    let rare: Vec<_> = kinds.into_iter().filter(is_rare).collect();
    println!("{counts:?}");
    assert!(rare.is_empty(), "hardly occurred in {CASES} cases: {rare:?}; counted: {counts:?}");
}
