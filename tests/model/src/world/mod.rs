//! The world of a search: a ledger, processes that work on it, Stripe, and what may go wrong between them.

mod action;
mod enabled;
mod intern;
mod invariants;
mod notes;
mod recovery;
mod step;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::bounds::{Bounds, Budget, MOST_ITEMS, MOST_WORKERS};
use crate::call::Call;
use crate::component::Surroundings;
use crate::fault::Fault;
use crate::run::{Resumed, RunId, Runs};
use crate::search::{Broken, Model, Next};
use crate::situation::Situation;
use crate::stripe::{Reply, Stripe};
use crate::tables::{ProcessId, Tables};

pub use self::action::{Action, Jump, Loss};
pub use self::intern::{Id, Interned};
pub use self::invariants::INVARIANTS;

/// When a search begins, Unix seconds.
pub const START: u64 = 1_800_000_000;

/// A state of the world: small, since there are millions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct World {
    /// What the ledger holds.
    pub tables: Id<Tables>,
    /// What Stripe holds, and what is on its way to it.
    pub stripe: Id<Stripe>,
    /// What each worker does.
    pub workers: [Work; MOST_WORKERS],
    /// How many seconds have passed.
    pub elapsed: u32,
    /// What may still go wrong.
    pub left: Budget,
    /// How often each line of the menu was begun.
    pub begun: [u8; MOST_ITEMS],
}

/// What a worker does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Work {
    /// Nothing.
    Idle,
    /// A call waits: for a transaction, to send a request, or to wake.
    Waits(RunId),
    /// Its request is on its way.
    Sent(RunId),
    /// Its request was answered; the answer arrives later.
    Answered(RunId, Id<Reply>, u32),
    /// Its transaction took place; the call has not gone on yet.
    Committed(RunId),
}

impl Work {
    /// The call that is under way.
    pub fn run(self) -> Option<RunId> {
        match self {
            Self::Idle => None,
            Self::Waits(run) | Self::Sent(run) | Self::Answered(run, ..) | Self::Committed(run) => {
                Some(run)
            }
        }
    }
}

/// What a transaction depends on: the ledger, the call, its process, whether it is undone, and the time.
type Committing = (Id<Tables>, RunId, ProcessId, bool, u32);

/// What a call that goes on depends on: what it was given, what it is given now, and the time.
type Resuming = (RunId, Option<Id<Reply>>, u32);

/// What a transaction led to.
#[derive(Clone, Debug)]
struct Commit {
    tables: Id<Tables>,
    run: RunId,
    /// What is wrong with it.
    broken: Vec<Broken>,
}

/// A world within bounds, and everything that was worked out about it. What depends on a part of the state alone is
/// worked out once.
#[derive(Debug)]
pub struct Refunds {
    bounds: Bounds,
    fault: Option<Fault>,
    runs: Runs,
    tables: Interned<Tables>,
    stripes: Interned<Stripe>,
    replies: Interned<Reply>,
    commits: HashMap<Committing, Arc<Commit>>,
    resumed: HashMap<Resuming, Arc<Resumed>>,
    held: HashMap<(Id<Tables>, Id<Stripe>), Vec<Broken>>,
    recovered: HashMap<(Id<Tables>, Id<Stripe>, u32), Vec<Broken>>,
    /// How often each situation was reached.
    pub reached: BTreeMap<Situation, u64>,
    /// How often each kind of action was taken.
    pub taken: BTreeMap<&'static str, u64>,
}

impl Refunds {
    /// A world within bounds.
    pub fn new(bounds: Bounds) -> Self {
        Self::with_fault(bounds, None)
    }

    /// The same with a bug, which a search must find.
    pub fn with_fault(bounds: Bounds, fault: Option<Fault>) -> Self {
        Self {
            runs: Runs::new(Surroundings { max_retries: bounds.max_retries, fault }),
            bounds,
            fault,
            tables: Interned::default(),
            stripes: Interned::default(),
            replies: Interned::default(),
            commits: HashMap::new(),
            resumed: HashMap::new(),
            held: HashMap::new(),
            recovered: HashMap::new(),
            reached: BTreeMap::new(),
            taken: BTreeMap::new(),
        }
    }

    /// The bounds.
    pub fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// What the ledger holds.
    pub fn tables(&self, world: &World) -> &Tables {
        self.tables.get(world.tables)
    }

    /// What Stripe holds.
    pub fn stripe(&self, world: &World) -> &Stripe {
        self.stripes.get(world.stripe)
    }

    /// What a worker was asked for.
    pub fn call_of(&self, world: &World, worker: usize) -> Option<Call> {
        world.workers[worker].run().map(|run| self.runs.call(run))
    }

    /// The time, Unix seconds.
    pub fn now(world: &World) -> u64 {
        START + u64::from(world.elapsed)
    }

    /// How many different ledgers, Stripes and calls there were.
    pub fn parts(&self) -> [usize; 3] {
        [self.tables.count(), self.stripes.count(), self.runs.count()]
    }

    fn reach(&mut self, situation: Situation) {
        *self.reached.entry(situation).or_default() += 1;
    }
}

impl Model for Refunds {
    type State = World;
    type Action = Action;

    fn first(&mut self) -> World {
        World {
            tables: self.tables.id(Tables::default()),
            stripe: self.stripes.id(Stripe::default()),
            workers: [Work::Idle; MOST_WORKERS],
            elapsed: 0,
            left: self.bounds.budget,
            begun: [0; MOST_ITEMS],
        }
    }

    fn actions(&mut self, world: &World, actions: &mut Vec<Action>) {
        self.enabled(world, actions);
    }

    fn next(&mut self, world: &World, action: Action) -> Next<World> {
        *self.taken.entry(action.kind()).or_default() += 1;
        let mut next = Next { state: *world, broken: Vec::new() };
        self.step(&mut next, action);
        next
    }

    fn broken(&mut self, world: &World) -> Vec<Broken> {
        let mut broken = self.held_is_true(world);
        broken.extend(self.can_recover(world));
        broken
    }
}
