//! What can happen in a state.

use super::{Action, Jump, Loss, Refunds, Work, World};
use crate::bounds::What;
use crate::call::{Call, operation_id};
use crate::run::RunId;
use crate::stripe::{Asked, Handling, LANDS_WITHIN_SECS, Status};
use crate::tape::Wanted;

impl Refunds {
    /// Every action that is possible.
    pub(super) fn enabled(&self, world: &World, actions: &mut Vec<Action>) {
        for worker in 0..self.bounds.workers.len() {
            match world.workers[worker] {
                Work::Idle => self.can_begin(world, worker, actions),
                Work::Waits(run) => self.can_go_on(world, worker, run, actions),
                Work::Sent(_) => Self::can_lose_a_request(world, worker, actions),
                Work::Committed(_) => actions.push(Action::Resume(worker)),
                // Before time passes, the answer might as well have come at once.
                Work::Answered(_, _, at) if world.elapsed > at => {
                    actions.push(Action::Arrive(worker));
                }
                Work::Answered(..) => {}
            }
            if world.left.abandoned > 0 && world.workers[worker] != Work::Idle {
                actions.push(Action::Abandon(worker));
            }
        }
        self.can_land(world, actions);
        self.can_crash(world, actions);
        self.can_pass(world, actions);
        self.can_happen_elsewhere(world, actions);
    }

    fn can_begin(&self, world: &World, worker: usize, actions: &mut Vec<Action>) {
        for (at, item) in self.bounds.menu.iter().enumerate() {
            if world.begun[at] < item.times && self.call(world, at).is_some() {
                actions.push(Action::Begin(worker, at));
            }
        }
    }

    /// The call that a line of the menu means now: an approval is named by its number.
    pub(super) fn call(&self, world: &World, item: usize) -> Option<Call> {
        let newest = |operation: &str| {
            let operation = operation_id(operation);
            let approvals = self.tables(world).approvals();
            let of_operation = approvals.filter(|one| one.operation == operation);
            of_operation.last().map(|one| one.id.to_string())
        };
        let number = |operation| newest(operation)?.strip_prefix("ap_")?.parse().ok();
        Some(match self.bounds.menu[item].what {
            What::Call(
                call @ (Call::AskAgain { operation, .. } | Call::FindOut { operation, .. }),
            ) => {
                self.tables(world).operation(&operation_id(operation))?;
                call
            }
            What::Call(call) => call,
            What::Decide { operation, agrees, user } => {
                Call::Decide { approval: number(operation)?, agrees, user }
            }
            What::Execute { operation, rules, user } => {
                Call::Execute { approval: number(operation)?, rules, user }
            }
            What::Withdraw { operation, user } => {
                Call::Withdraw { approval: number(operation)?, user }
            }
        })
    }

    fn can_go_on(&self, world: &World, worker: usize, run: RunId, actions: &mut Vec<Action>) {
        match self.runs.wanted(run) {
            Some(Wanted::Transaction) => {
                actions.push(Action::Commit(worker));
                if world.left.undone > 0 {
                    actions.push(Action::Undo(worker));
                }
            }
            Some(Wanted::Sleep) => actions.push(Action::Wake(worker)),
            Some(Wanted::Reply(request)) => {
                let is_read = Asked::of(request) == Asked::Read;
                actions.push(if is_read { Action::Read(worker) } else { Action::Send(worker) });
                if is_read && world.left.short + world.left.grace > 0 {
                    actions.push(Action::ReadSlowly(worker));
                }
                if world.left.lost > 0 {
                    actions.push(Action::Lose(worker, Loss::NotReached));
                    if is_read {
                        actions.push(Action::Lose(worker, Loss::Read));
                    }
                }
                if world.left.stops > 0 {
                    actions.push(Action::Stop(worker));
                }
            }
            None => {}
        }
    }

    fn can_lose_a_request(world: &World, worker: usize, actions: &mut Vec<Action>) {
        if world.left.lost > 0 {
            actions.push(Action::Lose(worker, Loss::Request));
            actions.push(Action::Lose(worker, Loss::Late));
        }
        if world.left.stops > 0 {
            actions.push(Action::Stop(worker));
        }
    }

    fn can_land(&self, world: &World, actions: &mut Vec<Action>) {
        for (at, flight) in self.stripe(world).flights.iter().enumerate() {
            let mut land = |handling| actions.push(Action::Land(at, handling));
            land(Handling::Made);
            if world.left.refusals > 0 {
                land(Handling::Refused);
                land(Handling::TooMany);
            }
            if world.left.faults > 0 {
                land(Handling::FaultBefore);
                land(Handling::FaultAfter);
            }
            if world.left.lost > 0 && flight.waiter.is_some() {
                actions.push(Action::LandUnheard(at));
            }
        }
    }

    fn can_crash(&self, world: &World, actions: &mut Vec<Action>) {
        if world.left.crashes == 0 {
            return;
        }
        let mut processes = self.bounds.workers.clone();
        processes.dedup();
        for process in processes {
            let mut workers = self.bounds.workers.iter().zip(&world.workers);
            // A process that does nothing leaves nothing behind but what it could not write.
            let works = |(of, work): (&u8, &Work)| *of == process && *work != Work::Idle;
            if workers.any(works) || world.left.undone < self.bounds.budget.undone {
                actions.push(Action::Crash(process));
            }
        }
    }

    fn can_pass(&self, world: &World, actions: &mut Vec<Action>) {
        let is_quiet = world.workers.iter().all(|work| *work == Work::Idle);
        let left = world.left;
        let jumps = [
            (Jump::Short, left.short),
            (Jump::Grace, left.grace),
            (Jump::Day, left.day),
            (Jump::Week, left.week),
        ];
        for (jump, left) in jumps {
            if left == 0 || (jump.outlasts_calls() && !is_quiet) {
                continue;
            }
            // The host gives a request up once it cannot be carried out any more.
            let then = Self::now(world) + u64::from(jump.secs());
            let is_overdue = |sent: u64| then.saturating_sub(sent) >= LANDS_WITHIN_SECS;
            let mut flights = self.stripe(world).flights.iter();
            if !flights.any(|flight| flight.waiter.is_some() && is_overdue(flight.sent)) {
                actions.push(Action::Pass(jump));
            }
        }
    }

    fn can_happen_elsewhere(&self, world: &World, actions: &mut Vec<Action>) {
        let stripe = self.stripe(world);
        if world.left.dashboard > 0 && stripe.left(self.bounds.setting.payments[0]) > 0 {
            actions.push(Action::Dashboard);
        }
        for (at, refund) in stripe.refunds.iter().enumerate() {
            if world.left.changes > 0 && refund.status != Status::Failed {
                actions.push(Action::Change(at));
            }
            if world.left.events > 0 {
                // An event shows the status that the refund had when it was written.
                let had = [Status::Pending, Status::Succeeded, Status::Failed];
                let first = self.bounds.setting.made_as;
                let had = had.into_iter().filter(|one| (first..=refund.status).contains(one));
                actions.extend(had.map(|status| Action::Event(at, status)));
                actions.push(Action::See(at));
            }
        }
    }
}
