//! Many worlds, one after the other or on several threads, and the smallest form of one that failed.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::history::{Counts, Disagreement};
use crate::kinds::KINDS;
use crate::planted::Planted;
use crate::world::{Ended, Plan};

/// Which worlds to run.
#[derive(Clone, Debug)]
pub struct Worlds {
    /// The seed of the first one; the others follow.
    pub first_seed: u64,
    /// How many operations in all, at least, counted in the ledgers.
    pub operations: u64,
    /// How many in one world.
    pub operations_each: usize,
    /// How many threads.
    pub jobs: usize,
    /// Stop after so many worlds that failed.
    pub most_failures: usize,
    /// A bug in the simulation's own parts.
    pub planted: Option<Planted>,
}

/// A world that failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Its seed.
    pub seed: u64,
    /// What must not be.
    pub disagreements: Vec<Disagreement>,
    /// How long it took until it was found, from the start.
    pub found_after: Duration,
}

/// What all worlds came to.
#[derive(Clone, Debug)]
pub struct Summary {
    /// How many worlds were run.
    pub worlds: u64,
    /// How much happened in them.
    pub counts: Counts,
    /// How often each kind of answer was given, by what was asked.
    pub reached: BTreeMap<String, u64>,
    /// Virtual time in all of them, in seconds.
    pub virtual_secs: u64,
    /// How long it took.
    pub time: Duration,
    /// Those that failed, by their seeds.
    pub failures: Vec<Failure>,
}

impl Summary {
    /// Kinds of answers that were never given.
    pub fn never_given(&self) -> Vec<&'static str> {
        KINDS.into_iter().filter(|kind| !self.reached.contains_key(*kind)).collect()
    }

    /// How many answers and facts do not agree.
    pub fn disagreements(&self) -> usize {
        self.failures.iter().map(|failure| failure.disagreements.len()).sum()
    }
}

impl Worlds {
    /// Runs them. `progress` is given what they came to so far, after each.
    ///
    /// # Panics
    /// When a world panics.
    pub fn run(&self, progress: impl Fn(&Summary) + Sync) -> Summary {
        let begun = Instant::now();
        let (next, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
        let sum = Mutex::new(Summary {
            worlds: 0,
            counts: Counts::default(),
            reached: BTreeMap::new(),
            virtual_secs: 0,
            time: Duration::ZERO,
            failures: Vec::new(),
        });
        std::thread::scope(|scope| {
            for _ in 0..self.jobs.max(1) {
                scope.spawn(|| {
                    while !is_over.load(Ordering::Relaxed) {
                        let world = next.fetch_add(1, Ordering::Relaxed);
                        let seed = self.first_seed.wrapping_add(world);
                        let plan = Plan::new(seed, self.operations_each);
                        let ended = Plan { planted: self.planted, ..plan }.run();
                        let mut sum = sum.lock().unwrap_or_else(PoisonError::into_inner);
                        sum.take(seed, ended, begun.elapsed());
                        let is_enough = sum.counts.operations >= self.operations
                            || sum.failures.len() >= self.most_failures;
                        if is_enough {
                            is_over.store(true, Ordering::Relaxed);
                        }
                        progress(&sum);
                    }
                });
            }
        });
        let mut sum = sum.into_inner().unwrap_or_else(PoisonError::into_inner);
        sum.failures.sort_by_key(|failure| failure.seed);
        sum.time = begun.elapsed();
        sum
    }
}

impl Summary {
    fn take(&mut self, seed: u64, ended: Ended, found_after: Duration) {
        self.worlds += 1;
        self.counts.add(&ended.counts);
        for (kind, times) in ended.reached {
            *self.reached.entry(kind).or_default() += times;
        }
        self.virtual_secs += ended.virtual_secs;
        if !ended.disagreements.is_empty() {
            let disagreements = ended.disagreements;
            self.failures.push(Failure { seed, disagreements, found_after });
        }
    }
}

/// The smallest workload found in which a world fails in the same way: steps are left out as long as it does.
pub fn shrink(plan: &Plan, rule: &str) -> Plan {
    let mut kept: Vec<usize> = match &plan.only_steps {
        Some(only) => only.clone(),
        None => plan.workload().steps.iter().map(|step| step.number).collect(),
    };
    let fails = |steps: &[usize]| {
        let smaller = Plan { only_steps: Some(steps.to_vec()), is_traced: false, ..plan.clone() };
        smaller.run().disagreements.iter().any(|found| found.rule == rule)
    };
    let mut size = kept.len().div_ceil(2);
    while size > 0 {
        let mut at = 0;
        while at < kept.len() {
            let mut fewer = kept.clone();
            fewer.drain(at..(at + size).min(kept.len()));
            if fails(&fewer) {
                kept = fewer;
            } else {
                at += size;
            }
        }
        size /= 2;
    }
    Plan { only_steps: Some(kept), ..plan.clone() }
}
