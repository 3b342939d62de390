//! How much of the world a search goes through.
//!
//! A bound is a number of processes, operations, requests of callers, losses, crashes, jumps of the clock, refunds made in
//! the Dashboard, votes, and so on. Within it every interleaving is visited. [`Bounds::short`] are searched in every run of
//! the tests, [`Bounds::long`] by `cargo xtask model`; both print their numbers. What lies beyond them is not searched:
//! the simulation in `tests/simulation` goes further at random.

mod long;
mod short;

use crate::call::{Call, Rules};
use crate::situation::Situation;
use crate::stripe::{Payment, Setting, Status};
use crate::tables::ProcessId;

/// Most workers of a model.
pub const MOST_WORKERS: usize = 3;
/// Most lines of a menu.
pub const MOST_ITEMS: usize = 12;

/// Something that a worker may begin, and how often.
#[derive(Clone, Copy, Debug)]
pub struct Item {
    /// What.
    pub what: What,
    /// How often at most.
    pub times: u8,
}

/// A call, or what becomes one once its approval is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A call.
    Call(Call),
    /// Decides about the newest approval of an operation.
    Decide {
        /// The operation.
        operation: &'static str,
        /// Agrees, or objects.
        agrees: bool,
        /// Who decides.
        user: &'static str,
    },
    /// Executes the newest approval of an operation.
    Execute {
        /// The operation.
        operation: &'static str,
        /// The merchant's rules in force.
        rules: Rules,
        /// Who executes.
        user: &'static str,
    },
    /// Ends the newest approval of an operation before its time.
    Withdraw {
        /// The operation.
        operation: &'static str,
        /// Who ends it.
        user: &'static str,
    },
}

/// What may still go wrong, or happen elsewhere: how often.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Budget {
    /// Processes that crash.
    pub crashes: u8,
    /// Requests and answers that are lost or late, and connections that cannot be made.
    pub lost: u8,
    /// Faults at Stripe, before or after the refund is made.
    pub faults: u8,
    /// Refusals by the card network, and because of too many requests.
    pub refusals: u8,
    /// Calls of the component that the host stops.
    pub stops: u8,
    /// Calls whose caller does not wait any more.
    pub abandoned: u8,
    /// Transactions that are undone, as on a full disk.
    pub undone: u8,
    /// Refunds made in the Dashboard.
    pub dashboard: u8,
    /// Refunds that change their status.
    pub changes: u8,
    /// Events that are delivered, in any order and any number of times.
    pub events: u8,
    /// Jumps of 50 seconds: an earlier request may still be carried out.
    pub short: u8,
    /// Jumps of 90 seconds, the grace period.
    pub grace: u8,
    /// Jumps of a day: idempotency keys lapse.
    pub day: u8,
    /// Jumps of eight days: approvals expire.
    pub week: u8,
}

/// A part of the world that is searched as a whole.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// Its name.
    pub name: &'static str,
    /// What it is about.
    pub about: &'static str,
    /// The payments, and where a refund stands once it is made.
    pub setting: Setting,
    /// The process of each worker. The workers of one process share what it remembers.
    pub workers: Vec<ProcessId>,
    /// What may be asked for.
    pub menu: Vec<Item>,
    /// What may go wrong.
    pub budget: Budget,
    /// How often the component repeats a request.
    pub max_retries: u8,
    /// Whether other workers may act between a commit and what its caller does next.
    pub splits_commits: bool,
    /// What must be reached in it.
    pub reaches: Vec<Situation>,
}

/// The payment of most bounds.
const CH_1: Payment = Payment { charge: "ch_1", intent: "pi_1", cents: 10_000 };
/// Another one.
const CH_2: Payment = Payment { charge: "ch_2", intent: "pi_2", cents: 10_000 };

/// Most of the time a refund is made at once.
fn setting() -> Setting {
    Setting { payments: vec![CH_1], made_as: Status::Succeeded }
}

fn call(times: u8, call: Call) -> Item {
    Item { what: What::Call(call), times }
}

fn ask(times: u8, operation: &'static str, cents: u64) -> Item {
    ask_under(times, operation, cents, Rules::None)
}

fn ask_under(times: u8, operation: &'static str, cents: u64, rules: Rules) -> Item {
    call(times, Call::Ask { operation, payment: "ch_1", cents, rules, user: "alice" })
}

fn ask_on(times: u8, operation: &'static str, payment: &'static str, cents: u64) -> Item {
    call(times, Call::Ask { operation, payment, cents, rules: Rules::None, user: "alice" })
}

fn ask_again(times: u8, operation: &'static str) -> Item {
    call(times, Call::AskAgain { operation, user: "bob" })
}

fn find_out(times: u8, operation: &'static str) -> Item {
    call(times, Call::FindOut { operation, user: "alice" })
}

fn vote(agrees: bool, user: &'static str) -> Item {
    Item { what: What::Decide { operation: "op-1", agrees, user }, times: 1 }
}

fn execute(times: u8, rules: Rules) -> Item {
    Item { what: What::Execute { operation: "op-1", rules, user: "dave" }, times }
}

fn withdraw() -> Item {
    Item { what: What::Withdraw { operation: "op-1", user: "erin" }, times: 1 }
}

/// No budget, two processes with a worker each.
fn bounds(name: &'static str, about: &'static str, menu: Vec<Item>, budget: Budget) -> Bounds {
    Bounds {
        name,
        about,
        setting: setting(),
        workers: vec![0, 1],
        menu,
        budget,
        max_retries: 0,
        splits_commits: false,
        reaches: vec![],
    }
}

impl Bounds {
    /// The operations that may be asked for, each once.
    pub fn operations(&self) -> Vec<&'static str> {
        let named = self.menu.iter().filter_map(|item| match item.what {
            What::Call(Call::Ask { operation, .. }) => Some(operation),
            _ => None,
        });
        let mut operations: Vec<_> = named.collect();
        operations.sort_unstable();
        operations.dedup();
        operations
    }

    /// Two operations, of which the payment can bear one.
    pub fn smoke() -> Self {
        bounds(
            "two-operations",
            "two operations on one payment, which can bear one of them",
            vec![ask(2, "op-1", 6_000), ask(1, "op-2", 6_000), find_out(1, "op-1")],
            Budget { crashes: 1, lost: 1, short: 1, grace: 1, ..Budget::default() },
        )
    }

    /// What every run of the tests searches.
    pub fn short() -> Vec<Self> {
        vec![
            short::races(),
            short::late(),
            short::key_lapses(),
            short::trouble(),
            short::dashboard(),
            short::corrections(),
            short::approvals(),
            short::full_disk(),
        ]
    }

    /// What `cargo xtask model` searches.
    pub fn long() -> Vec<Self> {
        vec![
            long::races(),
            long::late(),
            long::trouble(),
            long::dashboard(),
            long::corrections(),
            long::approvals(),
            long::two_approvers(),
            long::full_disk(),
            long::names(),
            long::other_payment(),
            long::commits(),
        ]
    }
}
