//! People, Stripe and fate: what happens at each step.

use std::future::Future;
use std::sync::Arc;

use refund_app::outcome::Standing;
use refund_app::{Ask, Ballot, Caller, Outcome};
use refund_core::id::{OperationId, PaymentRef};
use refund_core::money::{Currency, Money};
use refund_core::request::Request;
use refund_ledger::{MerchantRules, UserName};

use crate::executor::{ProcessId, SECOND};
use crate::history::Call;
use crate::judge::Decision;
use crate::people::{self, Person};
use crate::planted::Planted;
use crate::weather::MILLI;
use crate::workload::{Hash, Intended, Step, Variant, What};
use crate::world::{Office, Shared, lock, mix};

/// Stripe's answer time is over: it delivers again.
const DELIVERY_PATIENCE: u64 = 30 * SECOND;
/// How often Stripe delivers an event.
const DELIVERIES: u32 = 4;

/// A call of the product by somebody.
pub(crate) struct Calling {
    pub(crate) number: usize,
    pub(crate) office: Office,
    pub(crate) caller: Caller,
}

fn user(person: Person, spelling: u8) -> UserName {
    UserName::parse(&people::typed(person, spelling)).expect("the shop's people have good names")
}

impl Shared {
    /// Something happens.
    pub(crate) fn perform(self: &Arc<Self>, step: &Step) {
        self.history().note(self.executor.now(), || {
            format!("step {}: p{} {:?}", step.number, step.process, step.what)
        });
        match step.what.clone() {
            What::Ask { intended, variant, asker, gives_rules } => {
                self.ask(step, intended, variant, asker, gives_rules);
            }
            What::AskAgain { intended, gives_rules } => self.ask_again(step, intended, gives_rules),
            What::Decide { .. } => self.decide(step),
            What::Execute { intended, gives_rules } => self.execute(step, intended, gives_rules),
            What::Withdraw { intended } => self.withdraw(step, intended),
            What::FindOut { intended } => self.find_out(step, &self.intended(intended).id.clone()),
            What::Look { intended } => self.look(step, intended),
            What::Reconcile { repair } => self.reconcile(step, repair),
            What::DashboardRefund { payment, amount } => self.click(payment, amount),
            What::EndRefund { payment, status } => self.end_refund(payment, status),
            What::Run { bulk } => self.run_bulk(step, bulk),
            What::Resume { bulk } => self.resume_bulk(step, bulk),
            What::Interrupt { bulk } => self.interrupt_bulk(bulk),
            What::Cancel { bulk } => self.cancel_bulk(step, bulk),
            What::Plan { bulk } => self.plan_bulk(step, bulk),
            What::Forge => self.forge(step),
            What::SetPolicy(policy) => *lock(&self.policy) = policy,
            What::SetBalance(available) => {
                self.stripe.set_balance(available);
                self.refresh_statuses();
                self.look_at_stripe(None);
            }
            What::Crash => self.executor.crash(step.process),
            What::Freeze(time) => self.freeze(step.process, time),
            What::SetClock(lead) => {
                self.history().counts.jumps += 1;
                let lead = if self.has(Planted::WildClocks) { lead * 3600 } else { lead };
                self.executor.set_clock(step.process, lead);
            }
        }
    }

    pub(crate) fn intended(&self, at: usize) -> &Intended {
        &self.workload.intended[at]
    }

    /// A call of a person on a living process; nothing where none is alive.
    pub(crate) fn call<F: Future<Output = ()> + Send + 'static>(
        self: &Arc<Self>,
        step: &Step,
        way: &'static str,
        who: Option<Person>,
        rules: Option<MerchantRules>,
        what: String,
        work: impl FnOnce(Calling) -> F,
    ) {
        let Some((process, office)) = self.office(step.process) else { return };
        let number = self.open_call(process, way, who, rules, what);
        let name = who.map_or_else(|| user(0, 0), |who| user(who, 0));
        let calling = Calling { number, office, caller: Caller::new(name, "simulation") };
        let seed = mix(self.seed, mix(3, step.number as u64));
        self.executor.start(process, number, seed, work(calling));
    }

    pub(crate) fn open_call(
        &self,
        process: ProcessId,
        way: &'static str,
        who: Option<Person>,
        rules: Option<MerchantRules>,
        what: String,
    ) -> usize {
        let mut history = self.history();
        let number = history.calls.len();
        history.note(self.executor.now(), || format!("p{process} call {number}: {what}"));
        history.counts.calls += 1;
        let start = history.tick();
        let (asked, sent, lines, end) = (None, 0, 0, None);
        history.calls.push(Call { way, what, process, who, start, rules, asked, sent, lines, end });
        number
    }

    /// The payment as a request names it.
    fn payment_ref(&self, payment: usize, by_intent: bool) -> PaymentRef {
        let charge = &self.charges[payment];
        let intent = charge.payment_intent.as_ref().filter(|_| by_intent);
        PaymentRef::parse(intent.unwrap_or(&charge.id)).expect("Stripe's ids are good")
    }

    /// What is asked for.
    pub(crate) fn request(&self, at: usize, variant: Variant) -> Request {
        let intended = self.intended(at);
        let payment = match variant {
            Variant::OtherPayment => (intended.payment + 1) % self.charges.len(),
            _ => intended.payment,
        };
        let by_intent = intended.by_intent != (variant == Variant::OtherName);
        let amount = match variant {
            Variant::Nothing => Some(0),
            Variant::OtherAmount => Some(intended.amount.map_or(700, |amount| amount / 2 + 1)),
            _ => intended.amount,
        };
        let currency = Currency::parse("usd").expect("a currency");
        let operation = OperationId::parse(&intended.id).expect("a good operation id");
        Request {
            amount: amount.map(|amount| Money { amount, currency }),
            reason: intended.reason.map(str::to_owned),
            ..Request::new(operation, self.payment_ref(payment, by_intent))
        }
    }

    fn given_rules(&self, gives_rules: bool) -> Option<MerchantRules> {
        gives_rules.then(|| self.rules_in_force())
    }

    fn ask(
        self: &Arc<Self>,
        step: &Step,
        intended: usize,
        variant: Variant,
        asker: Person,
        gives_rules: bool,
    ) {
        // Most repeats come from whoever asked first.
        let asker = if asker.is_multiple_of(2) { self.intended(intended).asker } else { asker };
        let rules = self.given_rules(gives_rules).unwrap_or_default();
        let request = self.request(intended, variant);
        let what = format!("person {asker} asks for {} ({variant:?})", request.operation);
        let world = Arc::clone(self);
        self.call(step, "ask", Some(asker), Some(rules.clone()), what, |calling| async move {
            world.history().calls[calling.number].asked = Some(request.clone());
            let outcome = calling.office.app.ask(Ask { request, rules }, &calling.caller).await;
            let outcome = outcome.map(|outcome| world.as_answered(outcome));
            world.judge_asked(calling.number, &outcome);
        });
    }

    /// What the person hears: the outcome, unless something else is planted.
    fn as_answered(&self, mut outcome: Outcome) -> Outcome {
        match outcome.standing {
            Standing::Unknown { .. } if self.has(Planted::UnknownIsNothing) => {
                outcome.standing = Standing::NoAnswer(None);
            }
            Standing::Denied(_) if self.has(Planted::DeniedIsWaiting) => {
                outcome.standing = Standing::NeedsApproval { approval: None, request: None };
            }
            _ => {}
        }
        outcome
    }

    fn ask_again(self: &Arc<Self>, step: &Step, intended: usize, gives_rules: bool) {
        let id = self.request(intended, Variant::Same).operation;
        if self.history().held(id.as_str()).is_none() {
            return;
        }
        let rules = self.given_rules(gives_rules);
        let world = Arc::clone(self);
        let what = format!("{id} is asked for again");
        self.call(step, "ask again", Some(0), rules.clone(), what, |calling| async move {
            let asked = calling.office.app.ask_again(&id, rules, &calling.caller).await;
            world.judge_asked(calling.number, &asked);
        });
    }

    fn decide(self: &Arc<Self>, step: &Step) {
        let What::Decide { intended, voter, spelling, agrees, hash } = step.what else {
            return;
        };
        let seen = self.history().newest_approval(&self.intended(intended).id).cloned();
        let Some(seen) = seen else { return };
        let ballot = Ballot {
            agrees,
            note: None,
            request_hash: match hash {
                Hash::None => None,
                Hash::Seen => Some(seen.request_hash.clone()),
                Hash::Other => Some("of something else".to_owned()),
            },
            own_requests: self.workload.own_requests,
        };
        let decision =
            Decision { approval: seen.id, voter, agrees, hash: ballot.request_hash.clone() };
        let id = seen.id.to_string();
        let what = format!("person {voter} decides about {id}, agrees: {agrees}");
        let world = Arc::clone(self);
        self.call(step, "decide", Some(voter), None, what, |calling| async move {
            let caller = Caller { user: user(voter, spelling), ..calling.caller };
            let decided = calling.office.app.decide(&id, ballot, &caller).await;
            world.judge_decided(calling.number, &decision, &decided);
        });
    }

    fn execute(self: &Arc<Self>, step: &Step, intended: usize, gives_rules: bool) {
        let seen = self.history().newest_approval(&self.intended(intended).id).cloned();
        let Some(seen) = seen else { return };
        let rules = self.given_rules(gives_rules);
        let world = Arc::clone(self);
        let (id, what) = (seen.id.to_string(), format!("{} is executed", seen.id));
        self.call(step, "execute", Some(1), rules.clone(), what, |calling| async move {
            let executed = calling.office.app.execute(&id, rules, &calling.caller).await;
            world.judge_executed(calling.number, seen.id, &executed);
        });
    }

    fn withdraw(self: &Arc<Self>, step: &Step, intended: usize) {
        let seen = self.history().newest_approval(&self.intended(intended).id).cloned();
        let Some(seen) = seen else { return };
        let world = Arc::clone(self);
        let (id, what) = (seen.id.to_string(), format!("{} is withdrawn", seen.id));
        self.call(step, "withdraw", Some(2), None, what, |calling| async move {
            let withdrawn = calling.office.app.withdraw(&id, &calling.caller).await;
            world.judge_withdrawn(calling.number, seen.id, &withdrawn);
        });
    }

    pub(crate) fn find_out(self: &Arc<Self>, step: &Step, operation: &str) {
        if self.history().held(operation).is_none() {
            return;
        }
        let id = OperationId::parse(operation).expect("a good operation id");
        let world = Arc::clone(self);
        let what = format!("finds out about {id}");
        self.call(step, "find out", Some(3), None, what, |calling| async move {
            let found = calling.office.app.find_out(&id, &calling.caller).await;
            world.judge_found(calling.number, id.as_str(), &found);
        });
    }

    fn look(self: &Arc<Self>, step: &Step, intended: usize) {
        let id = self.request(intended, Variant::Same).operation;
        if self.history().held(id.as_str()).is_none() {
            return;
        }
        let approval = self.history().newest_approval(id.as_str()).map(|seen| seen.id);
        let world = Arc::clone(self);
        self.call(step, "look", Some(4), None, format!("looks at {id}"), |calling| async move {
            let held = calling.office.app.held(&id).await;
            world.judge_held(calling.number, &held);
            if let Some(approval) = approval {
                let shown = calling.office.app.approval(&approval.to_string()).await;
                world.judge_shown(calling.number, approval, &shown);
            }
        });
    }

    pub(crate) fn reconcile(self: &Arc<Self>, step: &Step, repair: bool) {
        let world = Arc::clone(self);
        let what = format!("ledger and Stripe are compared, repair: {repair}");
        self.call(step, "reconcile", Some(3), None, what, |calling| async move {
            let mut differences = Vec::new();
            let app = calling.office.app;
            let compared = app
                .reconcile(0, repair, &calling.caller, |difference| differences.push(difference))
                .await;
            world.judge_compared(calling.number, &differences, &compared);
        });
    }

    fn click(self: &Arc<Self>, payment: usize, amount: u64) {
        let charge = &self.charges[payment].id;
        self.stripe.dashboard_refund(charge, amount, self.true_unix_now());
        self.look_at_stripe(None);
    }

    /// The newest refund of a payment comes to an end, where it can.
    fn end_refund(self: &Arc<Self>, payment: usize, status: &'static str) {
        let charge = &self.charges[payment].id;
        let ended = {
            let history = self.history();
            let newest = history.made.iter().rev().find(|made| made.charge == *charge);
            newest.and_then(|made| {
                let (_, now) = made.statuses.last()?;
                let can_end = match now.as_str() {
                    "pending" => status != "canceled",
                    "requires_action" => true,
                    "succeeded" => status == "failed",
                    _ => false,
                };
                can_end.then(|| made.id.clone())
            })
        };
        if let Some(refund) = ended {
            self.stripe.end_refund(&refund, status, self.true_unix_now());
            self.refresh_statuses();
            self.look_at_stripe(None);
        }
    }

    /// Takes in what happened at Stripe: new refunds, and events that are to be delivered. `sent` is the request that
    /// caused it.
    pub(crate) fn look_at_stripe(self: &Arc<Self>, sent: Option<usize>) {
        for refund in self.stripe.new_refunds() {
            self.keep_refund(&refund, sent);
        }
        for event in self.stripe.new_events() {
            let number = {
                let mut history = self.history();
                history.tick()
            };
            let mut random = fastrand::Rng::with_seed(mix(self.seed, mix(4, number)));
            let weather = self.weather();
            let trouble = random.f64() < weather.webhooks;
            let now = self.executor.now();
            let soon = now + random.u64(50 * MILLI..2 * SECOND);
            match random.u8(..3) {
                0 if trouble => {}
                1 if trouble => {
                    self.deliver_at(soon, event.clone(), random.fork(), 1);
                    let again = soon + random.u64(..60 * SECOND);
                    self.deliver_at(again, event, random, 1);
                }
                _ if trouble => self.deliver_at(now + random.u64(..900 * SECOND), event, random, 1),
                _ => self.deliver_at(soon, event, random, 1),
            }
        }
    }

    fn deliver_at(
        self: &Arc<Self>,
        at: u64,
        event: crate::stripe::EventAtStripe,
        random: fastrand::Rng,
        delivery: u32,
    ) {
        let world = Arc::clone(self);
        self.executor.at(at, move || world.deliver(event, random, delivery));
    }

    /// Delivers an event; again where it was not taken.
    fn deliver(
        self: &Arc<Self>,
        event: crate::stripe::EventAtStripe,
        mut random: fastrand::Rng,
        delivery: u32,
    ) {
        let taken = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let wanted = random.usize(..self.workload.processes);
        if let Some((process, office)) = self.office(wanted) {
            let what = format!("delivery of {} {}", event.kind, event.id);
            let number = self.open_call(process, "webhook", None, None, what);
            self.history().counts.deliveries += 1;
            let signed = self.true_unix_now();
            let header = self.stripe.sign(&event.body, crate::world::WEBHOOK_SECRET, signed);
            let (world, event, acknowledged) =
                (Arc::clone(self), event.clone(), Arc::clone(&taken));
            self.executor.start(process, number, random.u64(..), async move {
                let delivered = office.intake.take(event.body.as_bytes(), Some(&header)).await;
                acknowledged.store(delivered.is_ok(), std::sync::atomic::Ordering::Relaxed);
                world.judge_delivered(number, &event, signed, &delivered);
            });
        }
        if delivery < DELIVERIES {
            let world = Arc::clone(self);
            self.executor.at(self.executor.now() + DELIVERY_PATIENCE, move || {
                if !taken.load(std::sync::atomic::Ordering::Relaxed) {
                    world.deliver(event, random, delivery + 1);
                }
            });
        }
    }

    /// A webhook that Stripe did not sign.
    fn forge(self: &Arc<Self>, step: &Step) {
        let world = Arc::clone(self);
        self.call(
            step,
            "forge",
            None,
            None,
            "a forged delivery".to_owned(),
            |calling| async move {
                let body = r#"{"id": "evt_forged", "object": "event"}"#;
                let header = world.stripe.sign(body, "whsec_other", world.true_unix_now());
                let delivered = calling.office.intake.take(body.as_bytes(), Some(&header)).await;
                world.judge_forged(calling.number, &delivered);
            },
        );
    }

    /// What is unsettled is found out, what runs are left go on, and everybody asks once more.
    pub(crate) fn finish(self: &Arc<Self>) {
        for round in 0..6_usize {
            self.whole_step(round, What::Reconcile { repair: true });
            let open: Vec<_> = self.history().unsettled().map(|one| one.id().to_string()).collect();
            if open.is_empty() {
                break;
            }
            for (at, id) in open.iter().enumerate() {
                let step =
                    self.settling_step(1000 * (round + 1) + at, What::Reconcile { repair: false });
                self.find_out(&step, id);
                self.run_to_the_end();
            }
            self.executor.run_until(self.executor.now() + 100 * SECOND);
        }
        self.judge_settled();
        for bulk in 0..self.workload.bulks.len() {
            self.plan_and_run(20_000 + 2 * bulk, bulk);
        }
        for at in 0..self.workload.intended.len() {
            let id = &self.intended(at).id;
            let asker = self.intended(at).asker;
            if self.history().held(id).is_some() {
                let ask =
                    What::Ask { intended: at, variant: Variant::Same, asker, gives_rules: true };
                self.whole_step(30_000 + at, ask);
            }
        }
        self.whole_step(40_000, What::Reconcile { repair: true });
        self.whole_step(40_001, What::Reconcile { repair: false });
    }

    fn settling_step(&self, number: usize, what: What) -> Step {
        Step { number: 1_000_000 + number, at: self.executor.now(), process: 0, what }
    }

    pub(crate) fn whole_step(self: &Arc<Self>, number: usize, what: What) {
        let step = self.settling_step(number, what);
        self.perform(&step);
        self.run_to_the_end();
    }

    fn run_to_the_end(self: &Arc<Self>) {
        if !self.executor.run_while_busy(self.executor.now() + 3600 * SECOND) {
            self.disagree("calls end", "a call did not come to its end within an hour".to_owned());
        }
    }
}
