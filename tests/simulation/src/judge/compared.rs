//! Ledger and Stripe compared, and webhook deliveries.

use std::collections::BTreeSet;

use refund_app::{Difference, Received, ReconcileError, Reconciled, RejectReason, Rejected};
use refund_core::webhook::VerifyError;
use refund_ledger::Effect;

use super::Answer;
use crate::stripe::EventAtStripe;
use crate::world::Shared;

/// The greatest age of a delivery, in seconds, as the processes are set up.
pub(crate) const TOLERANCE_SECS: u32 = 300;

impl Shared {
    pub(crate) fn judge_compared(
        &self,
        call: usize,
        differences: &[Difference],
        compared: &Result<Reconciled, ReconcileError>,
    ) {
        let kind = match compared {
            Ok(_) => "compared",
            Err(ReconcileError::Ledger(_)) => "ledger failed",
            Err(ReconcileError::Stripe(_)) => "Stripe cannot be read",
        };
        let answer = self.answered(call, kind, || format!("{} differences", differences.len()));
        for difference in differences {
            self.reached(&answer, difference.kind());
            if !self.is_difference(&answer, difference) {
                let said = format!("{}: {}: {difference:?}", answer.what, difference.kind());
                self.disagree("a difference between ledger and Stripe is one", said);
            }
        }
        match compared {
            Ok(done) => self.judge_whole(&answer, differences, done),
            Err(ReconcileError::Ledger(error)) => self.judge_ledger_error(&answer, error),
            Err(ReconcileError::Stripe(_)) => {}
        }
        self.judge_nothing_sent(&answer, "comparing changes nothing at Stripe");
    }

    fn reached(&self, answer: &Answer, kind: &str) {
        let mut history = self.history();
        let way = history.calls[answer.call].way;
        *history.reached.entry(format!("{way}: {kind}")).or_default() += 1;
    }

    /// Whether ledger and Stripe differed in that way at some moment since.
    fn is_difference(&self, answer: &Answer, difference: &Difference) -> bool {
        let history = self.history();
        let (start, now) = (answer.start, history.now());
        match difference {
            Difference::RefundWithoutOperation { refund } => {
                let made = history.refund(refund.id.as_str());
                let operation = made.and_then(|made| made.operation.as_ref());
                operation.is_none_or(|operation| !history.versions.contains_key(operation))
            }
            Difference::RefundNotKnown { operation, state, refund } => {
                history.refund(refund.as_str()).is_some()
                    && history.was_during(operation.as_str(), start, now, |held| {
                        held.refund.is_none() && held.state == *state
                    })
            }
            Difference::Status { operation, ledger, stripe } => {
                ledger != stripe
                    && history
                        .was_during(operation.as_str(), start, now, |held| held.state == *ledger)
            }
            Difference::Unsettled { operation, state } => {
                state.is_unsettled()
                    && history
                        .was_during(operation.as_str(), start, now, |held| held.state == *state)
            }
            // None of these may ever be.
            Difference::OperationWithoutRefund { .. }
            | Difference::Amount { .. }
            | Difference::Twice { .. } => false,
        }
    }

    /// A comparison that came to its end has named what differed all the time, and counted right.
    fn judge_whole(&self, answer: &Answer, differences: &[Difference], done: &Reconciled) {
        let mut problems = Vec::new();
        let (mut without, mut named) = (BTreeSet::new(), BTreeSet::new());
        for difference in differences {
            match difference {
                Difference::RefundWithoutOperation { refund } => {
                    without.insert(refund.id.to_string());
                }
                Difference::RefundNotKnown { operation, .. }
                | Difference::Unsettled { operation, .. } => {
                    named.insert(operation.to_string());
                }
                _ => {}
            }
        }
        let history = self.history();
        for made in history.made.iter().filter(|made| made.tick < answer.start) {
            if made.operation.is_none() && !without.contains(&made.id) {
                problems.push(format!("{} is of no operation, and not named", made.id));
            }
        }
        for (id, versions) in &history.versions {
            let Some(last) = versions.last() else { continue };
            let is_open = last.from < answer.start && last.operation.state.is_unsettled();
            // A living process that works on it will say what became of it.
            let is_left_out =
                || self.was_worked_on_in(&history, answer, last.operation.payment().as_str());
            if is_open && !named.contains(id) && !is_left_out() {
                problems.push(format!("{id} is unsettled, and not named"));
            }
        }
        let before = history.made.iter().filter(|made| made.tick < answer.start).count() as u64;
        let counts_fit = done.differences == differences.len() as u64
            && (before..=history.made.len() as u64).contains(&done.refunds);
        drop(history);
        if !counts_fit {
            problems.push(format!("{done:?}, and Stripe had {before} refunds"));
        }
        for problem in problems {
            let what = format!("{}: {problem}", answer.what);
            self.disagree("a comparison names every difference", what);
        }
    }

    pub(crate) fn judge_delivered(
        &self,
        call: usize,
        event: &EventAtStripe,
        signed: u64,
        delivered: &Result<Received, Rejected>,
    ) {
        let kind = match delivered {
            Ok(Received::Taken(delivery)) => delivery.effect.word(),
            Ok(_) => "other",
            Err(Rejected(RejectReason::NotNow(_))) => "not now",
            Err(Rejected(RejectReason::Signature(_))) => "signature",
        };
        let answer = self.answered(call, kind, || format!("{:?}", delivered.as_ref().err()));
        self.judge_nothing_sent(&answer, "a delivery sends nothing");
        let is_right = match delivered {
            Ok(Received::Taken(delivery)) => {
                let object = delivery.object.as_deref();
                return self.judge_effect(&answer, event, object, &delivery.effect);
            }
            Err(Rejected(RejectReason::NotNow(_))) => {
                self.history().disk_failed(answer.process, answer.start)
            }
            // Its process stood still for too long; Stripe delivers again.
            Err(Rejected(RejectReason::Signature(VerifyError::TooOld { .. }))) => {
                self.unix_now(answer.process) > signed + u64::from(TOLERANCE_SECS) - 5
            }
            _ => false,
        };
        if !is_right {
            let said = format!("{}: {delivered:?} to {}", answer.what, event.kind);
            self.disagree("a delivery of Stripe's is taken", said);
        }
    }

    /// What followed from an event is so, and the event is kept.
    fn judge_effect(
        &self,
        answer: &Answer,
        event: &EventAtStripe,
        object: Option<&str>,
        effect: &Effect,
    ) {
        let history = self.history();
        let (start, now) = (answer.start, history.now());
        let is_about_refund =
            event.kind.starts_with("refund.") || event.kind == "charge.refund.updated";
        let agrees = match effect {
            Effect::Repeated => {
                history.events.get(&event.id).is_some_and(|call| *call != Some(answer.call))
            }
            Effect::Noted => !is_about_refund,
            Effect::Moved { operation, to, .. } => {
                history.was_during(operation.as_str(), start, now, |held| held.state == *to)
            }
            Effect::Known { operation } => {
                history.was_during(operation.as_str(), start, now, |held| held.refund.is_some())
            }
            Effect::Elsewhere => {
                let refund = object.and_then(|id| history.refund(id));
                let operation = refund.and_then(|made| made.operation.as_ref());
                operation.is_none_or(|operation| !history.versions.contains_key(operation))
            }
            Effect::Twice { .. } => false,
        };
        let is_kept = history.events.contains_key(&event.id);
        drop(history);
        if !agrees || !is_kept {
            let what = format!("{}: {effect:?} of {}", answer.what, event.kind);
            self.disagree("what followed from an event is so", what);
        }
    }

    pub(crate) fn judge_forged(&self, call: usize, delivered: &Result<Received, Rejected>) {
        let is_signature = matches!(delivered, Err(Rejected(RejectReason::Signature(_))));
        let kind = if is_signature { "rejected" } else { "not now" };
        let answer = self.answered(call, kind, || format!("{:?}", delivered.as_ref().err()));
        let disk_failed = self.history().disk_failed(answer.process, answer.start);
        if delivered.is_ok() || !(is_signature || disk_failed) {
            self.disagree("a forged delivery is rejected", answer.what);
        }
    }
}
