//! A round: what is wanted, and everything at once.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use refund_pipelines::{PRORATION, SLA_CREDIT};
use serde_json::{Value, json};

use super::callers::Job;
use super::desk::{Desk, lock};
use super::history::Millis;
use super::http::{self, Delivery};
use super::judge::Wanted;
use super::stripe;
use super::weather;

/// Callers at the same time.
const CALLERS: usize = 3;

/// The components of the pipelines.
const SLA_FILE: &str = "sla.wasm";
const PRORATION_FILE: &str = "proration.wasm";

/// The merchant's policy, everywhere.
pub(super) const POLICY: &str = r#"{
    "name": "Shop", "version": "1",
    "defaults": { "approve_up_to": { "usd": "20.00" }, "never_above": { "usd": "80.00" } }
}"#;

/// Who may call, with their roles.
const PEOPLE: [(&str, &str); 2] = [("alice", "requester"), ("bob", "approver")];

/// How an operation is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// By itself: by command, by `invoke`, by the API.
    Alone,
    /// The same, and an approver agrees, or does not.
    Approval {
        /// What the approver decides.
        agrees: bool,
    },
    /// Its request arrives late, its process is killed before, and the next operation on the payment is asked for.
    Lost,
    /// As a line of the bulk run.
    Bulk,
    /// By a pipeline.
    Pipeline,
}

/// One intended refund.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) id: String,
    pub(super) payment: String,
    pub(super) amount: u64,
    /// The amount that is asked for at times, which is denied, and corrected.
    pub(super) mistaken: Option<u64>,
    pub(super) way: Way,
    pub(super) wanted: Wanted,
}

/// A pipeline, and what it is asked.
#[derive(Clone, Debug)]
pub(super) struct Pipeline {
    /// Its component.
    pub(super) file: &'static str,
    /// Its operation.
    pub(super) name: &'static str,
    /// The same as a dry run.
    pub(super) plan: &'static str,
    pub(super) input: Value,
    /// The operations of its refunds.
    pub(super) asks: Vec<String>,
}

/// A round under way.
pub(super) struct Round {
    pub(super) desk: Desk,
    pub(super) operations: Vec<Operation>,
    pub(super) pipelines: Vec<Pipeline>,
    /// The token of each caller of the API.
    pub(super) tokens: BTreeMap<&'static str, String>,
    deliveries: Mutex<Receiver<Delivery>>,
    /// When the harness knew of every refund, from the events about it.
    pub(super) known: Mutex<BTreeMap<String, Millis>>,
    seed: u64,
}

impl Round {
    pub(super) fn new(refund_node: &Path, seed: u64) -> Result<Self, String> {
        let desk = Desk::new(refund_node, seed)?;
        let (address, deliveries) = http::receiver().map_err(|error| error.to_string())?;
        let secret = stripe::deliver_to(&desk, &address)?;
        desk.write("secret", secret.as_bytes())?;
        desk.write("shop.json", POLICY.as_bytes())?;
        desk.write(SLA_FILE, SLA_CREDIT.composed)?;
        desk.write(PRORATION_FILE, PRORATION.composed)?;
        let mut round = Self {
            desk,
            operations: Vec::new(),
            pipelines: Vec::new(),
            tokens: BTreeMap::new(),
            deliveries: Mutex::new(deliveries),
            known: Mutex::default(),
            seed,
        };
        round.give_tokens()?;
        round.want()?;
        Ok(round)
    }

    fn give_tokens(&mut self) -> Result<(), String> {
        let mut entries = String::new();
        for (name, role) in PEOPLE {
            let mut command = self.desk.command(&["serve", "--new-token", name, "--role", role]);
            let made = command.stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
            let text = String::from_utf8_lossy(&made.stderr);
            let token = text.lines().find(|line| line.starts_with("rnt_"));
            let token = token.ok_or_else(|| format!("no token: {text}"))?;
            self.tokens.insert(name, token.to_owned());
            entries.push_str(&String::from_utf8_lossy(&made.stdout));
        }
        self.desk.write("tokens.toml", entries.as_bytes())
    }

    /// Charges, and what is wanted of them.
    fn want(&mut self) -> Result<(), String> {
        let singles = [(2500, 1000), (2500, 2000), (1500, 1500), (2500, 700), (2500, 1999)];
        for (paid, amount) in singles {
            self.operation(paid, amount, Way::Alone, Wanted::Refund(amount))?;
        }
        for (paid, amount) in [(1500, 1900), (10_000, 9000)] {
            self.operation(paid, amount, Way::Alone, Wanted::Nothing)?;
        }
        for mistaken in [1900, 9000] {
            let operation = self.operation(1500, 1400, Way::Alone, Wanted::Corrected(1400))?;
            operation.mistaken = Some(mistaken);
        }
        for agrees in [true, true, false] {
            let wanted = if agrees { Wanted::Approved(3000) } else { Wanted::Nothing };
            self.operation(10_000, 3000, Way::Approval { agrees }, wanted)?;
        }
        for _ in 0..2 {
            let shared = stripe::charge(&self.desk, 2500)?;
            for payment in [&shared.id, &shared.id, &shared.payment_intent, &shared.id] {
                self.on(payment, 500, Way::Alone, Wanted::Refund(500));
            }
        }
        if !self.jumps() {
            self.lose()?;
        }
        let mut input = String::from("payment,amount,currency,operation\nch_none,1.001,usd,bad\n");
        for line in 0..12 {
            let wanted = if line == 5 { Wanted::Nothing } else { Wanted::Refund(1500) };
            let paid = if line == 5 { 1400 } else { 1500 };
            let operation = self.operation(paid, 1500, Way::Bulk, wanted)?;
            // Writing to a string cannot fail.
            let _ = writeln!(input, "{},15.00,usd,{}", operation.payment, operation.id);
        }
        self.desk.write("input.csv", input.as_bytes())?;
        self.credit()?;
        self.prorate()
    }

    /// Pairs of operations on one payment, each beginning at an even place.
    fn lose(&mut self) -> Result<(), String> {
        if !self.operations.len().is_multiple_of(2) {
            self.operation(2500, 500, Way::Alone, Wanted::Refund(500))?;
        }
        for _ in 0..2 {
            let payment = stripe::charge(&self.desk, 2500)?.id;
            for _ in 0..2 {
                self.on(&payment, 500, Way::Lost, Wanted::Refund(500));
            }
        }
        Ok(())
    }

    /// By a clock that jumps the grace period is over at once: no request arrives late then.
    fn jumps(&self) -> bool {
        self.seed.is_multiple_of(2)
    }

    /// A credit of a tenth, after an outage.
    fn credit(&mut self) -> Result<(), String> {
        let operation = self.operation(2500, 250, Way::Pipeline, Wanted::Refund(250))?;
        let (asks, payment) = (vec![operation.id.clone()], operation.payment.clone());
        let input = json!({
            "operation_id": asks[0], "payment": payment,
            "sla": {
                "period": { "start": 1_793_491_200, "end": 1_796_083_200 },
                "downtime": { "seconds": 25_200 },
                "scale": { "tiers": [
                    { "below": 999_000, "credit": 100_000 }, { "below": 990_000, "credit": 250_000 },
                ] },
            },
        });
        let (name, plan) = ("invoke sla-credit.run", "invoke sla-credit.run, dry run");
        self.pipelines.push(Pipeline { file: SLA_FILE, name, plan, input, asks });
        Ok(())
    }

    /// Half of a period comes back, as a share of every payment.
    fn prorate(&mut self) -> Result<(), String> {
        let (mut payments, mut asks) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            let charge = stripe::charge(&self.desk, 2500)?;
            let operation = self.on(&charge.id, 1250, Way::Pipeline, Wanted::Refund(1250));
            // As the pipeline names its refunds.
            operation.id = format!("cancel-{}", charge.id);
            asks.push(operation.id.clone());
            payments.push(json!({ "payment": charge.id, "paid": 2500 }));
        }
        let input = json!({
            "operation_id": "cancel", "payments": payments,
            "price": { "amount": 7500, "currency": "usd" },
            "period": { "start": 1_760_000_000, "end": 1_762_592_000 }, "ends": 1_761_296_000,
        });
        let (name, plan) = ("invoke proration.run", "invoke proration.run, dry run");
        self.pipelines.push(Pipeline { file: PRORATION_FILE, name, plan, input, asks });
        Ok(())
    }

    fn operation(
        &mut self,
        paid: u64,
        amount: u64,
        way: Way,
        wanted: Wanted,
    ) -> Result<&mut Operation, String> {
        let charge = stripe::charge(&self.desk, paid)?;
        Ok(self.on(&charge.id, amount, way, wanted))
    }

    fn on(&mut self, payment: &str, amount: u64, way: Way, wanted: Wanted) -> &mut Operation {
        let number = self.operations.len();
        let id = format!("op-{number}");
        let payment = payment.to_owned();
        let operation = Operation { id, payment, amount, mistaken: None, way, wanted };
        self.operations.push(operation);
        &mut self.operations[number]
    }

    /// Everything at once, with weather, until every job was tried. The plans come before.
    pub(super) fn storm(&self) -> Result<(), String> {
        self.plan()?;
        let mut luck = fastrand::Rng::with_seed(self.seed);
        let jobs = Mutex::new(self.jobs(&mut luck));
        let jumps = self.jumps();
        std::thread::scope(|scope| {
            let weather = [(); 2].map(|()| {
                let mut luck = luck.fork();
                scope.spawn(move || weather::blow(&self.desk, &mut luck, jumps))
            });
            let mut relayed = luck.fork();
            let relay = scope.spawn(move || self.relay(&mut relayed));
            let callers = [(); CALLERS].map(|()| {
                let (jobs, mut luck) = (&jobs, luck.fork());
                scope.spawn(move || {
                    loop {
                        let job = lock(jobs).pop_front();
                        let Some(job) = job else { return };
                        self.carry_out(job, &mut luck);
                    }
                })
            });
            let called = callers.map(std::thread::ScopedJoinHandle::join);
            self.desk.is_calm.store(true, Ordering::SeqCst);
            let blown = weather.map(std::thread::ScopedJoinHandle::join);
            let ended = called.into_iter().chain(blown).chain([relay.join()]);
            let panicked = ended.filter(Result::is_err).count();
            if panicked > 0 { Err(format!("{panicked} threads panicked")) } else { Ok(()) }
        })
    }

    fn jobs(&self, luck: &mut fastrand::Rng) -> VecDeque<Job> {
        let mut jobs = vec![Job::Bulk, Job::Bulk, Job::Bulk, Job::Resume, Job::Resume];
        jobs.extend([Job::Export, Job::Export, Job::Execute, Job::Execute, Job::Fail, Job::Fail]);
        jobs.extend([true, false, false].map(|repair| Job::Reconcile { repair }));
        for (at, operation) in self.operations.iter().enumerate() {
            match operation.way {
                Way::Lost if at % 2 == 0 => jobs.push(Job::Lose(at)),
                Way::Bulk | Way::Pipeline | Way::Lost => {}
                Way::Alone => jobs.extend(vec![Job::Ask(at); luck.usize(1..4)]),
                Way::Approval { .. } => {
                    jobs.extend([Job::Ask(at), Job::Ask(at), Job::Decide(at), Job::Decide(at)]);
                }
            }
            if luck.u8(0..4) == 0 {
                jobs.push(Job::View(at));
            }
        }
        for at in 0..self.pipelines.len() {
            jobs.extend([Job::Pipeline(at); 3]);
        }
        luck.shuffle(&mut jobs);
        jobs.into()
    }

    /// Hands deliveries on: at once, late, out of order, and several times.
    fn relay(&self, luck: &mut fastrand::Rng) {
        let mut kept: Vec<Delivery> = Vec::new();
        while !self.desk.is_calm.load(Ordering::SeqCst) {
            if let Some(delivery) = self.next_delivery(Duration::from_millis(200)) {
                kept.push(delivery);
            }
            if kept.is_empty() || luck.u8(0..3) == 0 {
                continue;
            }
            let at = luck.usize(0..kept.len());
            let is_taken = self.deliver(&kept[at], luck.bool());
            if is_taken && luck.u8(0..4) > 0 {
                kept.swap_remove(at);
            }
        }
    }

    /// The next delivery of the simulator, whose refund is known from now on.
    pub(super) fn next_delivery(&self, patience: Duration) -> Option<Delivery> {
        let delivery = lock(&self.deliveries).recv_timeout(patience).ok()?;
        if let Ok(event) = serde_json::from_str::<stripe::Event>(&delivery.body) {
            let at = self.desk.millis(delivery.at);
            lock(&self.known).entry(event.data.object.id).or_insert(at);
        }
        Some(delivery)
    }
}
