//! What follows from an action.

use std::sync::Arc;

use refund_app::rules::seen;
use refund_core::id::OperationId;
use refund_core::model::Refund;
use refund_ledger::{Effect, Event, LedgerError};

use super::{Action, Commit, Id, Jump, Loss, Refunds, Work, World};
use crate::call::{caller, operation_id};
use crate::fault::Fault;
use crate::run::{Onward, Resumed, RunId};
use crate::search::{Broken, Next};
use crate::situation::Situation;
use crate::stripe::{self, Asked, Flight, Handling, Made, Post, Reply, Status, Stripe};
use crate::tables::{ProcessId, Tables};
use crate::tape::Wanted;

/// What a refund of the Dashboard takes, in cents.
const DASHBOARD_CENTS: u64 = 5_000;

impl Refunds {
    /// Carries out an action.
    pub(super) fn step(&mut self, next: &mut Next<World>, action: Action) {
        match action {
            Action::Begin(worker, item) => self.begin(next, worker, item),
            Action::Commit(worker) => self.commit(next, worker, false),
            Action::Undo(worker) => {
                next.state.left.undone -= 1;
                self.commit(next, worker, true);
            }
            Action::Resume(worker) => self.resume(next, worker),
            Action::Wake(worker) => self.wake(next, worker),
            Action::Read(worker) => {
                let reply = self.read(&next.state, worker);
                self.reply(next, worker, reply);
            }
            Action::ReadSlowly(worker) => {
                let reply = self.read(&next.state, worker);
                if let Some(run) = next.state.workers[worker].run() {
                    let at = next.state.elapsed;
                    next.state.workers[worker] = Work::Answered(run, reply, at);
                }
            }
            Action::Arrive(worker) => {
                if let Work::Answered(_, reply, _) = next.state.workers[worker] {
                    self.reply(next, worker, reply);
                }
            }
            Action::Send(worker) => self.send(next, worker),
            Action::Land(flight, handling) => self.land(next, flight, handling),
            Action::LandUnheard(flight) => self.land_unheard(next, flight),
            Action::Lose(worker, loss) => self.lose(next, worker, loss),
            Action::Stop(worker) => self.stop(next, worker),
            Action::Abandon(worker) => self.abandon(next, worker),
            Action::Crash(process) => self.crash(next, process),
            Action::Pass(jump) => self.pass(next, jump),
            Action::Dashboard => self.dashboard(next),
            Action::Change(refund) => self.change(next, refund),
            Action::Event(refund, status) => self.event(next, refund, status),
            Action::See(refund) => self.see(next, refund),
        }
    }

    fn begin(&mut self, next: &mut Next<World>, worker: usize, item: usize) {
        let Some(call) = self.call(&next.state, item) else { return };
        next.state.begun[item] += 1;
        let resumed = self.runs.begin(call, Self::now(&next.state));
        self.go_on(next, worker, &resumed);
    }

    fn commit(&mut self, next: &mut Next<World>, worker: usize, is_undone: bool) {
        let Some(run) = next.state.workers[worker].run() else { return };
        let process = self.bounds.workers[worker];
        let commit = self.committed(&next.state, run, process, is_undone);
        next.state.tables = commit.tables;
        next.broken.extend(commit.broken.iter().cloned());
        if self.bounds.splits_commits {
            // What it will answer is true now; later it may not be.
            let resumed = self.resumed(commit.run, None, next.state.elapsed);
            self.check_answer(next, commit.run, &resumed);
            next.state.workers[worker] = Work::Committed(commit.run);
        } else {
            next.state.workers[worker] = Work::Committed(commit.run);
            self.resume(next, worker);
        }
    }

    fn committed(
        &mut self,
        world: &World,
        run: RunId,
        process: ProcessId,
        is_undone: bool,
    ) -> Arc<Commit> {
        let key = (world.tables, run, process, is_undone, world.elapsed);
        if let Some(known) = self.commits.get(&key) {
            return Arc::clone(known);
        }
        let before = self.tables.shared(world.tables);
        let committed = self.runs.commit(run, &before, process, is_undone, Self::now(world));
        let mut broken = recorded(&committed.tables, committed.gap);
        broken.extend(committed.failure.map(|failure| Broken {
            invariant: "no rule fails",
            detail: format!("{:?}: {}", self.runs.call(run), failure.0),
        }));
        let tables = self.tables.id(committed.tables);
        let commit = Arc::new(Commit { tables, run: committed.run, broken });
        self.commits.insert(key, Arc::clone(&commit));
        commit
    }

    fn resumed(&mut self, run: RunId, reply: Option<Id<Reply>>, elapsed: u32) -> Arc<Resumed> {
        let key = (run, reply, elapsed);
        if let Some(known) = self.resumed.get(&key) {
            return Arc::clone(known);
        }
        let now = super::START + u64::from(elapsed);
        let resumed = Arc::new(match reply {
            Some(reply) => self.runs.reply(run, self.replies.get(reply).clone(), now),
            None => self.runs.resume(run, now),
        });
        self.resumed.insert(key, Arc::clone(&resumed));
        resumed
    }

    fn resume(&mut self, next: &mut Next<World>, worker: usize) {
        let Some(run) = next.state.workers[worker].run() else { return };
        let resumed = self.resumed(run, None, next.state.elapsed);
        if !self.bounds.splits_commits {
            self.check_answer(next, run, &resumed);
        }
        self.go_on(next, worker, &resumed);
    }

    fn wake(&mut self, next: &mut Next<World>, worker: usize) {
        let Some(run) = next.state.workers[worker].run() else { return };
        self.reach(Situation::Waits);
        let resumed = self.runs.wake(run, Self::now(&next.state));
        self.go_on(next, worker, &resumed);
    }

    fn reply(&mut self, next: &mut Next<World>, worker: usize, reply: Id<Reply>) {
        let Some(run) = next.state.workers[worker].run() else { return };
        let resumed = self.resumed(run, Some(reply), next.state.elapsed);
        self.check_answer(next, run, &resumed);
        self.go_on(next, worker, &resumed);
    }

    /// A worker waits for the next thing, or has answered.
    fn go_on(&mut self, next: &mut Next<World>, worker: usize, resumed: &Resumed) {
        let process = self.bounds.workers[worker];
        self.let_go(next, process, &resumed.let_go);
        next.state.workers[worker] = match &resumed.onward {
            Onward::Waits(run) => Work::Waits(*run),
            Onward::Ended(_) => Work::Idle,
        };
    }

    fn let_go(&mut self, next: &mut Next<World>, process: ProcessId, operations: &[OperationId]) {
        if operations.is_empty() {
            return;
        }
        let mut tables = self.tables(&next.state).clone();
        for operation in operations {
            tables.let_go(process, operation);
        }
        next.state.tables = self.tables.id(tables);
    }

    fn read(&mut self, world: &World, worker: usize) -> Id<Reply> {
        let request = world.workers[worker].run().and_then(|run| self.runs.wanted(run));
        let reply = match request {
            Some(Wanted::Reply(request)) => self.stripe(world).read(request, &self.bounds.setting),
            _ => Reply::Lost,
        };
        self.replies.id(reply)
    }

    fn send(&mut self, next: &mut Next<World>, worker: usize) {
        let Work::Waits(run) = next.state.workers[worker] else { return };
        let Some(Wanted::Reply(request)) = self.runs.wanted(run) else { return };
        let Asked::Refund(post) = Asked::of(request) else { return };
        next.broken.extend(self.may_be_sent(&next.state, run, &post));
        self.note_lapsed_key(&next.state, &post);
        let waiter = u8::try_from(worker).ok();
        let sent = Self::now(&next.state);
        self.change_stripe(next, |stripe| {
            stripe.flights.push(Flight { post: Arc::new(post), sent, waiter });
        });
        next.state.workers[worker] = Work::Sent(run);
    }

    fn land(&mut self, next: &mut Next<World>, at: usize, handling: Handling) {
        match handling {
            Handling::Made => {}
            Handling::Refused | Handling::TooMany => next.state.left.refusals -= 1,
            Handling::FaultBefore | Handling::FaultAfter => next.state.left.faults -= 1,
        }
        let (flight, reply) = self.carry_out(next, at, handling);
        match flight.waiter {
            Some(waiter) => {
                let reply = self.replies.id(reply);
                self.reply(next, usize::from(waiter), reply);
            }
            None => self.reach(Situation::LandsUnheard),
        }
    }

    fn carry_out(
        &mut self,
        next: &mut Next<World>,
        at: usize,
        handling: Handling,
    ) -> (Flight, Reply) {
        let mut stripe = self.stripe(&next.state).clone();
        let flight = stripe.flights.remove(at);
        let reply = stripe.carry_out(&flight.post, &self.bounds.setting, handling);
        next.state.stripe = self.stripes.id(stripe);
        next.broken.extend(self.one_refund(&next.state, &flight.post));
        (flight, reply)
    }

    fn land_unheard(&mut self, next: &mut Next<World>, at: usize) {
        next.state.left.lost -= 1;
        let (flight, _) = self.carry_out(next, at, Handling::Made);
        if let Some(waiter) = flight.waiter {
            let lost = self.replies.id(Reply::Lost);
            self.reply(next, usize::from(waiter), lost);
        }
    }

    fn lose(&mut self, next: &mut Next<World>, worker: usize, loss: Loss) {
        next.state.left.lost -= 1;
        let waiter = u8::try_from(worker).ok();
        self.change_stripe(next, |stripe| match loss {
            Loss::Read | Loss::NotReached => {}
            Loss::Request => stripe.flights.retain(|flight| flight.waiter != waiter),
            Loss::Late => forget_waiter(stripe, waiter),
        });
        let reply = if loss == Loss::NotReached { Reply::NotReached } else { Reply::Lost };
        let reply = self.replies.id(reply);
        self.reply(next, worker, reply);
    }

    fn stop(&mut self, next: &mut Next<World>, worker: usize) {
        next.state.left.stops -= 1;
        let left = matches!(next.state.workers[worker], Work::Sent(_));
        let waiter = u8::try_from(worker).ok();
        self.change_stripe(next, |stripe| forget_waiter(stripe, waiter));
        let reply = self.replies.id(Reply::Stopped { left });
        self.reply(next, worker, reply);
    }

    fn abandon(&mut self, next: &mut Next<World>, worker: usize) {
        next.state.left.abandoned -= 1;
        let Some(run) = next.state.workers[worker].run() else { return };
        let waiter = u8::try_from(worker).ok();
        self.change_stripe(next, |stripe| forget_waiter(stripe, waiter));
        let let_go = self.runs.abandon(run);
        self.let_go(next, self.bounds.workers[worker], &let_go);
        next.state.workers[worker] = Work::Idle;
    }

    fn crash(&mut self, next: &mut Next<World>, process: ProcessId) {
        next.state.left.crashes -= 1;
        for worker in 0..self.bounds.workers.len() {
            if self.bounds.workers[worker] == process {
                next.state.workers[worker] = Work::Idle;
                let waiter = u8::try_from(worker).ok();
                self.change_stripe(next, |stripe| forget_waiter(stripe, waiter));
            }
        }
        let mut tables = self.tables(&next.state).clone();
        if self.fault == Some(Fault::CrashLosesCommit) {
            tables.lose_commits(process);
        }
        tables.end_process(process);
        next.state.tables = self.tables.id(tables);
    }

    fn pass(&mut self, next: &mut Next<World>, jump: Jump) {
        let left = &mut next.state.left;
        match jump {
            Jump::Short => left.short -= 1,
            Jump::Grace => left.grace -= 1,
            Jump::Day => left.day -= 1,
            Jump::Week => left.week -= 1,
        }
        next.state.elapsed += jump.secs();
        let now = Self::now(&next.state);
        self.change_stripe(next, |stripe| {
            stripe.drop_overdue(now);
            if jump.outlasts_calls() {
                stripe.forget_keys();
            }
        });
    }

    fn dashboard(&mut self, next: &mut Next<World>) {
        next.state.left.dashboard -= 1;
        let payment = self.bounds.setting.payments[0];
        self.change_stripe(next, |stripe| {
            let cents = stripe.left(payment).min(DASHBOARD_CENTS);
            stripe.make(None, payment, cents, Status::Succeeded);
        });
    }

    fn change(&mut self, next: &mut Next<World>, refund: usize) {
        next.state.left.changes -= 1;
        self.change_stripe(next, |stripe| {
            let status = &mut stripe.refunds[refund].status;
            *status = match status {
                Status::Pending => Status::Succeeded,
                Status::Succeeded | Status::Failed => Status::Failed,
            };
        });
    }

    fn event(&mut self, next: &mut Next<World>, at: usize, status: Status) {
        next.state.left.events -= 1;
        let made = Made { status, ..self.stripe(&next.state).refunds[at].clone() };
        let refund = shown(at, &made);
        let event = Event {
            id: format!("evt_{at}_{}", status.as_str()),
            kind: "refund.updated".to_owned(),
            created: super::START,
            object: Some(refund.id.to_string()),
            status: Some(status.as_str().to_owned()),
        };
        let now = Self::now(&next.state);
        let effect = self.apply(next, |tx| {
            seen::receive(tx, &event, Some(&refund), Vec::new(), &caller("stripe"), now)
        });
        self.note_event(effect.as_ref());
    }

    fn see(&mut self, next: &mut Next<World>, at: usize) {
        next.state.left.events -= 1;
        let refund = shown(at, &self.stripe(&next.state).refunds[at]);
        let now = Self::now(&next.state);
        self.apply(next, |tx| seen::see(tx, &refund, &caller("alice"), now));
    }

    /// A transaction that belongs to no call of the model.
    fn apply(
        &mut self,
        next: &mut Next<World>,
        rule: impl FnOnce(&mut dyn refund_ledger::Tx) -> Result<Effect, LedgerError>,
    ) -> Option<Effect> {
        let mut tables = self.tables(&next.state).clone();
        let done = tables.transact(ProcessId::MAX, false, |tx| rule(tx));
        next.broken.extend(recorded(&tables, done.gap));
        next.state.tables = self.tables.id(tables);
        match done.done {
            Ok(effect) => Some(effect),
            Err(error) => {
                let detail = format!("a refund that was seen: {error}");
                next.broken.push(Broken { invariant: "no rule fails", detail });
                None
            }
        }
    }

    fn change_stripe(&mut self, next: &mut Next<World>, change: impl FnOnce(&mut Stripe)) {
        let mut stripe = self.stripe(&next.state).clone();
        change(&mut stripe);
        next.state.stripe = self.stripes.id(stripe);
    }

    /// Notes a request whose key was forgotten since an earlier one.
    fn note_lapsed_key(&mut self, world: &World, post: &Post) {
        let operation = self.tables(world).operation(&operation_id(&post.operation));
        let was_sent = operation.is_some_and(|operation| operation.changes_sent > 0);
        if was_sent && world.elapsed >= Jump::Day.secs() && !self.stripe(world).knows(post) {
            self.reach(Situation::KeyLapsed);
        }
    }
}

/// The answer is not waited for any more; the request is still on its way.
fn forget_waiter(stripe: &mut Stripe, waiter: Option<u8>) {
    for flight in stripe.flights.iter_mut().filter(|flight| flight.waiter == waiter) {
        flight.waiter = None;
    }
}

/// A refund as Stripe shows it.
fn shown(at: usize, made: &Made) -> Refund {
    match serde_json::from_value(stripe::show(at, made)) {
        Ok(refund) => refund,
        Err(problem) => unreachable!("the model's refund is one: {problem}"),
    }
}

/// Every operation that a transaction changed has a row of the audit, and the row follows upon the one before.
fn recorded(tables: &Tables, gap: Option<String>) -> Vec<Broken> {
    let unrecorded = tables
        .changed_without_record()
        .map(|operation| format!("`{operation}` is not what the last row of the audit recorded"));
    let details = gap.into_iter().chain(unrecorded);
    details.map(|detail| Broken { invariant: "every move is recorded", detail }).collect()
}
