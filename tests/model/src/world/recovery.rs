//! Whether every state can be recovered from: all processes end, and one that begins anew asks again.

use std::sync::Arc;

use super::invariants::{NONE_LOST, is_settled_as_stripe_has_it, untrue_outcome};
use super::{Jump, Refunds, START, World};
use crate::call::{Answer, Call, operation_id};
use crate::run::{Onward, Resumed, RunId};
use crate::search::Broken;
use crate::stripe::{Asked, Handling, Stripe};
use crate::tables::Tables;
use crate::tape::Wanted;

/// The process that asks again.
const PROCESS: u8 = 0;
/// Steps after which a call cannot be on its way to an end.
const MOST_STEPS: usize = 100;

/// A world after everything ended: one process, and a Stripe that answers at once.
struct Quiet {
    tables: Tables,
    stripe: Stripe,
    now: u64,
}

impl Refunds {
    /// Why a state cannot be recovered from.
    pub(super) fn can_recover(&mut self, world: &World) -> Vec<Broken> {
        let mut tables = self.tables(world).clone();
        for process in &self.bounds.workers {
            tables.end_process(*process);
        }
        let tables = self.tables.id(tables);
        let key = (tables, world.stripe, world.elapsed);
        if let Some(known) = self.recovered.get(&key) {
            return known.clone();
        }
        let mut found = Vec::new();
        for landed in self.landings(world) {
            for jump in [Jump::Grace, Jump::Day] {
                let mut stripe = landed.clone();
                stripe.flights.clear();
                if jump.outlasts_calls() {
                    stripe.forget_keys();
                }
                let now = START + u64::from(world.elapsed) + u64::from(jump.secs());
                let quiet = Quiet { tables: self.tables.get(tables).clone(), stripe, now };
                found.extend(self.recover(quiet).err().map(|detail| {
                    let detail = format!("asked again after {} seconds: {detail}", jump.secs());
                    Broken { invariant: NONE_LOST, detail }
                }));
            }
        }
        found.truncate(1);
        self.recovered.insert(key, found.clone());
        found
    }

    /// What Stripe may have once every request on its way was carried out, or was not.
    fn landings(&self, world: &World) -> Vec<Stripe> {
        let mut landed = vec![self.stripe(world).clone()];
        for flight in &self.stripe(world).flights {
            let setting = &self.bounds.setting;
            let with = landed.clone().into_iter().map(|mut stripe| {
                stripe.carry_out(&flight.post, setting, Handling::Made);
                stripe
            });
            landed.extend(with.collect::<Vec<_>>());
        }
        landed
    }

    /// Looks every operation up, then asks for each again.
    fn recover(&mut self, mut quiet: Quiet) -> Result<(), String> {
        let mut held = self.bounds.operations();
        held.retain(|id| quiet.tables.operation(&operation_id(id)).is_some());
        // What a process left behind is looked up twice: when its last request left is not known.
        for secs in [0, Jump::Grace.secs()] {
            quiet.now += u64::from(secs);
            for operation in &held {
                self.complete(&mut quiet, Call::FindOut { operation, user: "alice" })?;
            }
        }
        for operation in quiet.tables.operations() {
            if !is_settled_as_stripe_has_it(operation, &quiet.stripe) {
                let (id, state) = (operation.id(), operation.state);
                let count = quiet.stripe.refunds_of(id.as_str()).count();
                return Err(format!("`{id}` is {state}, Stripe has {count} refunds of it"));
            }
        }
        for operation in &held {
            let answer = self.complete(&mut quiet, Call::AskAgain { operation, user: "alice" })?;
            let count = quiet.stripe.refunds_of(operation).count();
            if count > 1 {
                return Err(format!("Stripe has {count} refunds of `{operation}`"));
            }
            match &*answer {
                Answer::Outcome(Ok(outcome)) => {
                    let untrue = untrue_outcome(outcome, &quiet.tables, &quiet.stripe);
                    untrue.map_or(Ok(()), |untrue| Err(untrue.detail))?;
                }
                other => return Err(format!("`{operation}`: {other:?}")),
            }
        }
        Ok(())
    }

    /// Carries a call out, alone.
    fn complete(&mut self, quiet: &mut Quiet, call: Call) -> Result<Arc<Answer>, String> {
        let mut resumed = self.runs.begin(call, quiet.now);
        for _ in 0..MOST_STEPS {
            for operation in &resumed.let_go {
                quiet.tables.let_go(PROCESS, operation);
            }
            let run = match &resumed.onward {
                Onward::Ended(answer) => return Ok(Arc::clone(answer)),
                Onward::Waits(run) => *run,
            };
            resumed = self.go_on_alone(quiet, run)?;
        }
        Err(format!("{call:?} does not come to an end"))
    }

    fn go_on_alone(&mut self, quiet: &mut Quiet, run: RunId) -> Result<Resumed, String> {
        let request = match self.runs.wanted(run) {
            Some(Wanted::Reply(request)) => request.clone(),
            Some(Wanted::Sleep) => return Ok(self.runs.wake(run, quiet.now)),
            Some(Wanted::Transaction) | None => {
                let committed = self.runs.commit(run, &quiet.tables, PROCESS, false, quiet.now);
                if let Some(failure) = committed.failure {
                    return Err(format!("{:?}: {}", self.runs.call(run), failure.0));
                }
                quiet.tables = committed.tables;
                return Ok(self.runs.resume(committed.run, quiet.now));
            }
        };
        let setting = &self.bounds.setting;
        let reply = match Asked::of(&request) {
            Asked::Read => quiet.stripe.read(&request, setting),
            Asked::Refund(post) => quiet.stripe.carry_out(&post, setting, Handling::Made),
        };
        Ok(self.runs.reply(run, reply, quiet.now))
    }
}
