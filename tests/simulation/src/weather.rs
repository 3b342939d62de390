//! How often something goes wrong, and how.

use std::ops::Range;

use fastrand::Rng;

use crate::executor::{Micros, SECOND};

/// A millisecond.
pub(crate) const MILLI: Micros = SECOND / 1000;

/// The longest time between leaving and reaching Stripe. Longer than that nothing is under way: the application layer
/// relies on it (its grace is 90 seconds).
pub(crate) const LONGEST_WAY: Micros = 80 * SECOND;
/// How far two wall clocks may differ, in microseconds, jumps included: what is left of the grace after [`LONGEST_WAY`],
/// and the second that whole seconds cut off.
pub(crate) const LARGEST_CLOCK_LEAD: i64 = 4_000_000;
/// The longest time that a process stands still.
const LONGEST_FREEZE: Micros = 600 * SECOND;

/// Probabilities.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Weather {
    /// That a process crashes, at each place where a task waits.
    pub(crate) crash: f64,
    /// That it stands still for a while, at each place where a task waits.
    pub(crate) freeze: f64,
    /// That a transaction fails.
    pub(crate) disk: f64,
    /// That a request or its answer is not as it should be.
    pub(crate) network: f64,
    /// That a call of the component ends without an answer.
    pub(crate) trap: f64,
    /// That a wait takes long.
    pub(crate) slow: f64,
    /// That a webhook delivery is lost, repeated or late.
    pub(crate) webhooks: f64,
}

impl Weather {
    /// Of one world: half of them are mild.
    pub(crate) fn of_a_world(random: &mut Rng) -> Self {
        let scale = if random.bool() { 0.2 } else { 1.0 };
        let mut some = |most: f64| {
            let is_off = random.u8(..4) == 0;
            if is_off { 0.0 } else { random.f64() * most * scale }
        };
        Self {
            crash: some(0.01),
            freeze: some(0.004),
            disk: some(0.04),
            network: some(0.4),
            trap: some(0.04),
            slow: some(0.1),
            webhooks: some(0.8),
        }
    }

    /// How long a wait takes.
    pub(crate) fn wait(&self, random: &mut Rng, usual: Range<Micros>) -> Micros {
        if random.f64() < self.slow {
            return random.u64(usual.end..usual.end * 50);
        }
        random.u64(usual)
    }

    /// What happens to a process where a task waits.
    pub(crate) fn strike(&self, random: &mut Rng) -> Strike {
        let drawn = random.f64();
        if drawn < self.crash {
            Strike::Crash
        } else if drawn < self.crash + self.freeze {
            Strike::Freeze(random.u64(SECOND..LONGEST_FREEZE))
        } else {
            Strike::None
        }
    }

    /// What happens to a transaction.
    pub(crate) fn disk_trouble(&self, random: &mut Rng) -> DiskTrouble {
        if random.f64() >= self.disk {
            return DiskTrouble::None;
        }
        match random.u8(..4) {
            0 => DiskTrouble::Begin,
            1 => DiskTrouble::Commit,
            _ => DiskTrouble::Write(random.u32(1..6)),
        }
    }
}

/// What happens to a process where one of its tasks waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strike {
    /// Nothing.
    None,
    /// It crashes.
    Crash,
    /// It stands still.
    Freeze(Micros),
}

/// What happens to a transaction: it does nothing, and says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DiskTrouble {
    /// Nothing happens to it.
    None,
    /// It cannot begin.
    Begin,
    /// A write fails, counted from 1.
    Write(u32),
    /// It cannot be committed.
    Commit,
}
