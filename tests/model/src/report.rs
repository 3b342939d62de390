//! What a search prints.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};
use std::time::Duration;

use crate::bounds::{Bounds, Budget, Item, What};
use crate::call::{Call, Rules};
use crate::search::{Counterexample, Explored, Limits, explore};
use crate::situation::Situation;
use crate::world::{Action, INVARIANTS, Refunds};

/// Most states of one search: some 200 bytes each.
const MOST_STATES: usize = 30_000_000;

/// Searches bounds one after the other and prints what was found. Gives whether every state within them was visited,
/// every invariant held, and every situation was reached that they name.
///
/// # Errors
/// When nothing can be printed.
pub fn search(bounds: Vec<Bounds>, out: &mut impl Write) -> io::Result<bool> {
    let (mut total, mut good) = (Total::default(), true);
    for bounds in bounds {
        writeln!(out, "{bounds}")?;
        out.flush()?;
        let mut model = Refunds::new(bounds);
        let limits = Limits { states: MOST_STATES, stop_when_broken: false };
        let found = Found { explored: explore(&mut model, limits), model };
        writeln!(out, "{found}")?;
        good &= found.is_good();
        total.add(&found);
    }
    writeln!(out, "{total}")?;
    Ok(good)
}

/// What one search found.
pub struct Found {
    /// The world.
    pub model: Refunds,
    /// How far the search went.
    pub explored: Explored<Action>,
}

impl Found {
    /// Situations that were not reached though the bounds name them.
    pub fn missing(&self) -> Vec<Situation> {
        let reaches = self.model.bounds().reaches.iter().copied();
        let is_missing = |one: &Situation| !self.model.reached.contains_key(one);
        reaches.filter(|one| self.explored.is_complete && is_missing(one)).collect()
    }

    /// Whether everything was visited, and everything holds.
    pub fn is_good(&self) -> bool {
        let Explored { is_complete, broken, .. } = &self.explored;
        *is_complete && broken.is_empty() && self.missing().is_empty()
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Explored { states, steps, depth, time, is_complete, broken } = &self.explored;
        let part = match (is_complete, broken.is_empty()) {
            (true, _) => "",
            (false, true) => "; NOT COMPLETE: too many states",
            (false, false) => "; not complete",
        };
        writeln!(
            f,
            "  states {states}, transitions {steps}, depth {depth}, {:.1} s; counterexamples {}{part}",
            time.as_secs_f64(),
            broken.len()
        )?;
        for (invariant, counterexample) in broken {
            let bounds = self.model.bounds();
            write!(f, "{}", Way { invariant, counterexample, bounds })?;
        }
        for situation in self.missing() {
            writeln!(f, "  NOT REACHED: {situation}")?;
        }
        Ok(())
    }
}

/// The shortest way to a state that breaks an invariant, as steps.
struct Way<'a> {
    invariant: &'static str,
    counterexample: &'a Counterexample<Action>,
    bounds: &'a Bounds,
}

impl fmt::Display for Way<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  BROKEN: {}", self.invariant)?;
        for (at, action) in self.counterexample.actions.iter().enumerate() {
            let what = match action {
                Action::Begin(_, item) => format!(": {}", self.bounds.menu[*item].what),
                _ => String::new(),
            };
            writeln!(f, "  {:>3}. {}{what}  [{action:?}]", at + 1, action.kind())?;
        }
        writeln!(f, "       then: {}", self.counterexample.detail)
    }
}

/// All searches together.
#[derive(Default)]
struct Total {
    states: usize,
    steps: usize,
    depth: usize,
    time: Duration,
    broken: BTreeMap<&'static str, usize>,
}

impl Total {
    fn add(&mut self, found: &Found) {
        self.states += found.explored.states;
        self.steps += found.explored.steps;
        self.depth = self.depth.max(found.explored.depth);
        self.time += found.explored.time;
        for name in found.explored.broken.keys() {
            *self.broken.entry(name).or_default() += 1;
        }
    }
}

impl fmt::Display for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { states, steps, depth, time, broken } = self;
        writeln!(f, "invariants:")?;
        for name in INVARIANTS {
            let broken = broken.get(name).map_or("holds", |_| "BROKEN");
            writeln!(f, "  {name}: {broken}")?;
        }
        let (seconds, count) = (time.as_secs_f64(), broken.values().sum::<usize>());
        write!(
            f,
            "in all: states {states}, transitions {steps}, depth {depth}, {seconds:.1} s; counterexamples {count}"
        )
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut processes = self.workers.clone();
        processes.dedup();
        writeln!(f, "{}: {}", self.name, self.about)?;
        let (operations, payments) = (self.operations().len(), self.setting.payments.len());
        write!(
            f,
            "  {} processes, {} calls at once, {operations} operations, {payments} payments, {} repetitions of a request",
            processes.len(),
            self.workers.len(),
            self.max_retries
        )?;
        for Item { what, times } in &self.menu {
            write!(f, "\n  {times} x {what}")?;
        }
        let budget = self.budget.lines();
        write!(f, "\n  at most: {}", if budget.is_empty() { "nothing" } else { &budget })
    }
}

impl Budget {
    /// What may go wrong, and how often.
    fn lines(&self) -> String {
        let numbers = [
            (self.crashes, "crashes"),
            (self.lost, "lost or late requests and answers"),
            (self.faults, "faults at Stripe"),
            (self.refusals, "refusals"),
            (self.stops, "stopped components"),
            (self.abandoned, "callers who do not wait"),
            (self.undone, "writes that fail"),
            (self.dashboard, "refunds made in the Dashboard"),
            (self.changes, "changes of a refund's status"),
            (self.events, "events"),
            (self.short, "jumps of 50 seconds"),
            (self.grace, "jumps of 90 seconds"),
            (self.day, "jumps of a day"),
            (self.week, "jumps of eight days"),
        ];
        let numbers = numbers.iter().filter(|(count, _)| *count > 0);
        numbers.map(|(count, what)| format!("{count} {what}")).collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(call) => write!(f, "{call}"),
            Self::Decide { operation, agrees: true, user } => {
                write!(f, "{user} approves {operation}")
            }
            Self::Decide { operation, user, .. } => write!(f, "{user} objects to {operation}"),
            Self::Execute { operation, rules, user } => {
                write!(f, "{user} executes the approval of {operation} {rules}")
            }
            Self::Withdraw { operation, user } => {
                write!(f, "{user} ends the approval of {operation}")
            }
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ask { operation, payment, cents, rules, user } => {
                write!(f, "{user} asks for {operation}, {cents} cents of {payment}, {rules}")
            }
            Self::AskAgain { operation, user } => write!(f, "{user} asks for {operation} again"),
            Self::FindOut { operation, user } => write!(f, "{user} looks {operation} up"),
            Self::Decide { approval, agrees, user } => {
                let does = if *agrees { "approves" } else { "objects to" };
                write!(f, "{user} {does} ap_{approval}")
            }
            Self::Execute { approval, rules, user } => {
                write!(f, "{user} executes ap_{approval} {rules}")
            }
            Self::Withdraw { approval, user } => write!(f, "{user} ends ap_{approval}"),
        }
    }
}

impl fmt::Display for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "under no rules",
            Self::Maximum => "with a maximum of 50.00",
            Self::OneApprover => "with one approver above 10.00",
            Self::TwoApprovers => "with two approvers above 10.00",
        })
    }
}
