//! One world: processes over one ledger and one Stripe, from the first step until everything is settled.

use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fastrand::Rng;
use refund_app::bulk::Forecast;
use refund_app::{Application, Caller, Receiver, Settings};
use refund_core::secret::Secret;
use refund_ledger::{InMemory, UserName};
use refund_simulator::NewCharge;
use tokio::sync::watch;

use crate::component::Native;
use crate::executor::{Executor, Micros, ProcessId, SECOND};
use crate::history::{Counts, Disagreement, History};
use crate::judge::TOLERANCE_SECS;
use crate::planted::Planted;
use crate::policies::{self, PolicyId};
use crate::runtime::Simulated;
use crate::store::Tables;
use crate::stripe::{ChargeAtStripe, Stripe};
pub(crate) use crate::weather::DiskTrouble;
use crate::weather::{MILLI, Strike, Weather};
use crate::workload::{Payment, Workload};

/// When a world begins, in Unix seconds.
pub(crate) const BEGINNING: u64 = 1_800_000_000;
/// The secret of the webhook endpoint.
pub(crate) const WEBHOOK_SECRET: &str = "whsec_simulation";
/// The longest time until a process that crashed is there again.
const LONGEST_RESTART: Micros = 120 * SECOND;

/// The application layer of one process.
pub(crate) type App = Application<Native, Tables, Simulated>;
/// Its intake of webhooks.
pub(crate) type Intake = Receiver<Native, Tables, Simulated>;

/// What a process that runs has.
#[derive(Clone)]
pub(crate) struct Office {
    pub(crate) app: App,
    pub(crate) intake: Intake,
}

/// A bulk run as the world knows it: its id once it was recorded, and how to ask whoever sends it to stop.
pub(crate) struct KnownRun {
    pub(crate) interrupts: Vec<watch::Sender<bool>>,
}

/// What everybody in a world shares.
pub(crate) struct Shared {
    pub(crate) seed: u64,
    pub(crate) executor: Executor,
    pub(crate) stripe: Stripe,
    pub(crate) workload: Workload,
    /// The payments at Stripe.
    pub(crate) charges: Vec<ChargeAtStripe>,
    history: Mutex<History>,
    weather: Mutex<Weather>,
    /// The names of processes that are alive.
    alive: Arc<Mutex<BTreeSet<String>>>,
    tables: InMemory,
    offices: Mutex<Vec<Option<Office>>>,
    incarnations: Mutex<u64>,
    pub(crate) policy: Mutex<PolicyId>,
    pub(crate) runs: Mutex<Vec<KnownRun>>,
    /// What the newest plan of each run says.
    pub(crate) plans: Mutex<Vec<Option<Forecast>>>,
    /// Crash the process that waits at this place, counted over all tasks.
    crash_at: Option<u64>,
    /// A bug in the simulation's own parts.
    pub(crate) planted: Option<Planted>,
}

pub(crate) fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Mixes two numbers into a seed.
pub(crate) fn mix(seed: u64, with: u64) -> u64 {
    let mut mixed = seed ^ with.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// How to run a world.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Decides everything.
    pub seed: u64,
    /// How many refunds are intended.
    pub operations: usize,
    /// Whether to keep a line for each thing that happens.
    pub is_traced: bool,
    /// Only these steps of the workload happen; all when absent.
    pub only_steps: Option<Vec<usize>>,
    /// Crash the process that waits at this place, counted over all tasks, beside what the seed does.
    pub crash_at: Option<u64>,
    /// Nothing goes wrong but for `crash_at`.
    pub is_calm: bool,
    /// A bug in the simulation's own parts.
    pub planted: Option<Planted>,
}

impl Plan {
    /// A world of a seed.
    pub fn new(seed: u64, operations: usize) -> Self {
        Self {
            seed,
            operations,
            is_traced: false,
            only_steps: None,
            crash_at: None,
            is_calm: false,
            planted: None,
        }
    }

    /// The workload, cut down to the steps that are wanted.
    pub(crate) fn workload(&self) -> Workload {
        let mut workload = Workload::draw(&mut Rng::with_seed(self.seed), self.operations);
        if let Some(only) = &self.only_steps {
            workload.steps.retain(|step| only.contains(&step.number));
        }
        workload
    }

    /// Runs it until everything is settled.
    pub fn run(&self) -> Ended {
        let world = Shared::new(self);
        world.live();
        world.settle();
        world.judge_end();
        let ended = world.ended();
        world.tear_down();
        ended
    }
}

/// How a world ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// How much happened.
    pub counts: Counts,
    /// How often each kind of answer was given, by what was asked.
    pub reached: BTreeMap<String, u64>,
    /// What must not be.
    pub disagreements: Vec<Disagreement>,
    /// One line for each thing that happened, where they were kept.
    pub trace: Vec<String>,
    /// A digest of everything that happened.
    pub digest: u64,
    /// How long it was, in virtual seconds.
    pub virtual_secs: u64,
}

impl Shared {
    fn new(plan: &Plan) -> Arc<Self> {
        let workload = plan.workload();
        let weather = if plan.is_calm {
            Weather::default()
        } else {
            Weather::of_a_world(&mut Rng::with_seed(mix(plan.seed, 1)))
        };
        let stripe = Stripe::new(plan.seed, BEGINNING);
        let charges =
            workload.payments.iter().map(|payment| stripe.charge(&order(payment))).collect();
        let alive = Arc::new(Mutex::new(BTreeSet::new()));
        // No process has this name: it only makes the tables.
        let tables = InMemory::new("tables", |_| false).expect("SQLite has memory");
        let runs = workload.bulks.iter().map(|_| KnownRun { interrupts: Vec::new() }).collect();
        let world = Arc::new(Self {
            seed: plan.seed,
            executor: Executor::new(workload.processes),
            stripe,
            charges,
            history: Mutex::new(History::new(plan.is_traced)),
            weather: Mutex::new(weather),
            alive,
            tables,
            offices: Mutex::new(vec![None; workload.processes]),
            incarnations: Mutex::new(0),
            policy: Mutex::new(workload.first_policy),
            plans: Mutex::new(vec![None; workload.bulks.len()]),
            runs: Mutex::new(runs),
            crash_at: plan.crash_at,
            planted: plan.planted,
            workload,
        });
        let weak = Arc::downgrade(&world);
        world.executor.on_crash(move |process| {
            if let Some(world) = weak.upgrade() {
                world.crashed(process);
            }
        });
        for process in 0..world.workload.processes {
            world.begin_process(process);
        }
        // What charging caused is no news.
        world.stripe.new_events();
        world
    }

    /// Whether this bug is planted.
    pub(crate) fn has(&self, bug: Planted) -> bool {
        self.planted == Some(bug)
    }

    pub(crate) fn history(&self) -> MutexGuard<'_, History> {
        lock(&self.history)
    }

    pub(crate) fn weather(&self) -> Weather {
        *lock(&self.weather)
    }

    /// The wall clock of a process, in Unix seconds.
    pub(crate) fn unix_now(&self, process: ProcessId) -> u64 {
        let clock = self.executor.wall_clock(process).div_euclid(1_000_000);
        BEGINNING.saturating_add_signed(clock)
    }

    /// The true time, in Unix seconds.
    pub(crate) fn true_unix_now(&self) -> u64 {
        BEGINNING + self.executor.now() / SECOND
    }

    /// What happens to the transaction that begins now.
    pub(crate) fn disk_trouble(&self, process: ProcessId) -> DiskTrouble {
        let weather = self.weather();
        let trouble = self.executor.draw(|random| weather.disk_trouble(random));
        if trouble != DiskTrouble::None {
            let mut history = self.history();
            history.counts.store_failures += 1;
            let now = history.tick();
            history.disk_failures.push((now, process));
            history.note(self.executor.now(), || format!("  disk: {trouble:?}"));
        }
        trouble
    }

    /// Waits for the disk.
    pub(crate) async fn wait_for_disk(&self) {
        self.pass(0..2 * MILLI).await;
    }

    /// A place where a task waits: its process may crash or stand still here, and others run.
    pub(crate) async fn pass(&self, usual: Range<Micros>) {
        let weather = self.weather();
        let (time, mut strike) = self.executor.draw(|random| {
            let strike = weather.strike(random);
            let time = if usual.is_empty() { usual.start } else { weather.wait(random, usual) };
            (time, strike)
        });
        {
            let mut history = self.history();
            history.counts.awaits += 1;
            if self.crash_at == Some(history.counts.awaits) {
                strike = Strike::Crash;
            }
        }
        match strike {
            Strike::None => {}
            Strike::Crash => {
                self.executor.crash_current();
                pending::<()>().await;
            }
            Strike::Freeze(time) => self.freeze_current(time),
        }
        self.executor.sleep(time).await;
    }

    fn freeze_current(&self, time: Micros) {
        if let Some(process) = self.executor.current_process() {
            self.freeze(process, time);
        }
    }

    pub(crate) fn freeze(&self, process: ProcessId, time: Micros) {
        self.executor.freeze(process, time);
        let mut history = self.history();
        history.counts.freezes += 1;
        history.note(self.executor.now(), || {
            format!("p{process} stands still for {} s", time / SECOND)
        });
    }

    /// The application layer of a process, or of another one where it is dead.
    pub(crate) fn office(&self, wanted: ProcessId) -> Option<(ProcessId, Office)> {
        let offices = lock(&self.offices);
        let count = offices.len();
        let mut order = (0..count).map(|step| (wanted + step) % count);
        order.find_map(|at| Some((at, offices[at].clone()?)))
    }

    /// How every process is set up.
    pub(crate) fn settings(&self) -> Settings {
        Settings {
            approval_secs: self.workload.approval_secs,
            patience: std::time::Duration::from_secs(self.workload.patience_secs),
            ..Settings::default()
        }
    }

    /// A process begins, under a name that no process had before.
    fn begin_process(self: &Arc<Self>, process: ProcessId) {
        let incarnation = {
            let mut incarnations = lock(&self.incarnations);
            *incarnations += 1;
            *incarnations
        };
        let name = format!("p{process}-{incarnation}");
        lock(&self.alive).insert(name.clone());
        self.executor.revive(process);
        let alive = Arc::clone(&self.alive);
        let own = self.tables.for_process(&name, move |other| lock(&alive).contains(other));
        let tables = Tables::new(own, Arc::clone(self), process);
        let component = Native::new(Arc::clone(self), process);
        let runtime = Simulated::new(Arc::clone(self), process);
        let settings = self.settings();
        let user = UserName::parse("webhook").expect("a name");
        let intake = Receiver::new(
            component.clone(),
            tables.clone(),
            runtime.clone(),
            vec![Secret::new(WEBHOOK_SECRET)],
            TOLERANCE_SECS,
            false,
            Caller::new(user, "webhook"),
        );
        let intake = intake.reading(Some(component.clone()));
        let app = Application::new(component, tables, runtime, settings);
        lock(&self.offices)[process] = Some(Office { app, intake });
        self.history().note(self.executor.now(), || format!("p{process} begins as {name}"));
    }

    fn crashed(self: &Arc<Self>, process: ProcessId) {
        let office = lock(&self.offices)[process].take();
        drop(office);
        let prefix = format!("p{process}-");
        lock(&self.alive).retain(|name| !name.starts_with(&prefix));
        let crashes = {
            let mut history = self.history();
            history.counts.crashes += 1;
            history.end_work(process, None);
            history.note(self.executor.now(), || format!("p{process} crashes"));
            history.counts.crashes
        };
        let mut random = Rng::with_seed(mix(self.seed, mix(2, crashes)));
        let world = Arc::clone(self);
        let at = self.executor.now() + random.u64(SECOND / 10..LONGEST_RESTART);
        self.executor.at(at, move || {
            if !world.executor.is_alive(process) {
                world.begin_process(process);
            }
        });
    }

    /// Every step happens.
    fn live(self: &Arc<Self>) {
        for step in self.workload.steps.clone() {
            let world = Arc::clone(self);
            self.executor.at(step.at, move || world.perform(&step));
        }
        let last = self.workload.steps.last().map_or(0, |step| step.at);
        self.executor.run_until(last + 30 * SECOND);
    }

    /// Nothing goes wrong any more, every process begins anew, and what is unsettled is found out.
    fn settle(self: &Arc<Self>) {
        *lock(&self.weather) = Weather::default();
        self.history().note(self.executor.now(), || "everything is settled from now on".to_owned());
        self.executor.thaw();
        for process in 0..self.workload.processes {
            self.executor.set_clock(process, 0);
        }
        self.interrupt_everything();
        self.executor.run_until(self.executor.now() + 200 * SECOND);
        for process in 0..self.workload.processes {
            self.executor.crash(process);
        }
        self.executor.run_until(self.executor.now() + 200 * SECOND);
        self.finish();
    }

    fn interrupt_everything(&self) {
        for run in &*lock(&self.runs) {
            for interrupt in &run.interrupts {
                // Whoever sent that run may be gone.
                let _ = interrupt.send(true);
            }
        }
    }

    /// Reads at once what the ledger holds, without trouble.
    pub(crate) fn tables(&self) -> &InMemory {
        &self.tables
    }

    fn ended(&self) -> Ended {
        let virtual_secs = self.executor.now() / SECOND;
        let mut history = self.history();
        let mut counts = history.counts;
        counts.operations = history.versions.len() as u64;
        counts.refunds = history.made.len() as u64;
        counts.refunds_of_operations =
            history.made.iter().filter(|made| made.operation.is_some()).count() as u64;
        counts.paid_twice = history.paid_twice();
        Ended {
            counts,
            disagreements: std::mem::take(&mut history.disagreements),
            reached: std::mem::take(&mut history.reached),
            digest: history.digest(),
            trace: history.take_trace(),
            virtual_secs,
        }
    }

    /// The world and what is in it hold each other.
    fn tear_down(&self) {
        self.executor.clear();
        lock(&self.offices).clear();
        lock(&self.runs).clear();
    }

    /// The policy in force.
    pub(crate) fn rules_in_force(&self) -> refund_ledger::MerchantRules {
        policies::all()[*lock(&self.policy)].rules.clone()
    }
}

fn order(payment: &Payment) -> NewCharge {
    NewCharge {
        amount: payment.amount,
        method: payment.method.to_owned(),
        payment_intent: payment.has_intent,
        refunds_need_action: payment.refunds_need_action,
        ..NewCharge::default()
    }
}
