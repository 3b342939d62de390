//! After the storm: everything is asked for again until it has settled, and the end is read.

use std::time::Duration;

use refund_app::OutcomeKind;
use serde_json::json;

use super::desk::lock;
use super::history::{Call, Code, Said};
use super::judge::{Refund, Settled, Wanted};
use super::round::{Operation, Round, Way};
use super::stripe;

/// How often something is tried, a second apart: longer than the grace period, and some.
const TRIES: u32 = 30;

/// What does not settle, and the operation that it is about.
pub(super) type Unsettled = (String, String);

fn no_operation(problem: String) -> Unsettled {
    (problem, String::new())
}

impl Round {
    pub(super) fn settle(&self) -> Result<Settled, Unsettled> {
        self.desk.note("calm");
        stripe::order(&self.desk, "DELETE", "faults", &json!({})).map_err(no_operation)?;
        if let Some(clock) = &self.desk.clock {
            // Stripe's clock shows the same as that of the processes from now on.
            let order = json!({ "advance": clock.settle() });
            stripe::order(&self.desk, "POST", "clock", &order).map_err(no_operation)?;
        }
        for operation in &self.operations {
            match operation.way {
                Way::Bulk | Way::Pipeline => {}
                _ => until(&operation.id, || self.ask_again(operation))?,
            }
        }
        for pipeline in &self.pipelines {
            until(&pipeline.asks[0], || {
                let call = self.pipeline(pipeline, false);
                let refunded = pipeline.asks.iter().filter(|one| {
                    call.answers.iter().any(|(of, said)| of == *one && is_refund(said))
                });
                (refunded.count() == pipeline.asks.len(), call)
            })?;
        }
        let first = self.lines().into_iter().next().unwrap_or_default();
        until(&first, || {
            let call = self.bulk();
            (call.lines.is_some(), call)
        })?;
        self.hear_all_events().map_err(no_operation)?;
        // Once more: what was made is found, and what failed is not done.
        self.pipelines.iter().for_each(|pipeline| drop(self.pipeline(pipeline, false)));
        self.export();
        self.read_end().map_err(no_operation)
    }

    /// Asks once more; whether it came to what was wanted.
    fn ask_again(&self, operation: &Operation) -> (bool, Call) {
        let call = self.post(operation);
        let kind = call.answers.iter().find_map(|(of, said)| match said {
            Said::Outcome(kind, _) if *of == operation.id => Some(*kind),
            _ => None,
        });
        match (kind, operation.mistaken) {
            (Some(OutcomeKind::Waiting), _) => self.decide(operation, false),
            // What was asked for by mistake was sent: asking for that once more finds out.
            (Some(OutcomeKind::Unknown), Some(amount)) => {
                self.post(&Operation { amount, ..operation.clone() });
            }
            _ => {}
        }
        let is_refunded =
            matches!(kind, Some(OutcomeKind::Made | OutcomeKind::Found | OutcomeKind::Failed));
        let is_refused = matches!(kind, Some(OutcomeKind::Denied | OutcomeKind::Canceled));
        let is_settled = match operation.wanted {
            Wanted::Nothing => is_refused,
            Wanted::Corrected(_) => is_refunded || kind == Some(OutcomeKind::Conflict),
            Wanted::Refund(_) | Wanted::Approved(_) => is_refunded,
        };
        (is_settled, call)
    }

    /// A refund of each pipeline fails now, and events alone say so. All are signed anew and delivered until they are taken.
    fn hear_all_events(&self) -> Result<(), String> {
        while self.next_delivery(Duration::from_millis(300)).is_some() {}
        let refunds = stripe::refunds(&self.desk)?;
        for pipeline in &self.pipelines {
            let of = |refund: &&stripe::Refund| {
                let operation = refund.metadata.refund_node_operation.as_ref();
                refund.status == "succeeded"
                    && operation.is_some_and(|one| pipeline.asks.contains(one))
            };
            if let Some(refund) = refunds.iter().find(of) {
                self.fail_one(&refund.id);
            }
        }
        stripe::order(&self.desk, "POST", "deliver", &json!({ "count": 1000, "reversed": true }))?;
        let mut deliveries = Vec::new();
        while let Some(delivery) = self.next_delivery(Duration::from_secs(1)) {
            deliveries.push(delivery);
        }
        for (at, delivery) in deliveries.iter().enumerate() {
            let mut tries = 0;
            while !self.deliver(delivery, at % 2 == 0) {
                tries += 1;
                if tries == TRIES {
                    return Err(format!("an event is never taken: {}", delivery.body));
                }
            }
        }
        Ok(())
    }

    fn read_end(&self) -> Result<Settled, String> {
        let known = lock(&self.known).clone();
        let (now, mut settled) = (self.desk.now(), Settled::default());
        for refund in stripe::refunds(&self.desk)? {
            let stripe::Refund { id, amount, status, metadata } = refund;
            let operation = metadata.refund_node_operation.unwrap_or_default();
            let known = known.get(&id).copied().unwrap_or(now);
            settled.refunds.push(Refund { id, operation, amount, status, known });
        }
        let mut cursor = None;
        loop {
            let (page, next) = self.page(cursor)?;
            for (operation, said) in page.answers {
                if let Said::Held(state, _) = said {
                    settled.ledger.insert(operation, state);
                }
            }
            cursor = next;
            if cursor.is_none() {
                break;
            }
        }
        for approval in self.approvals() {
            let votes = approval.votes.into_iter().map(|vote| (vote.voter, vote.agrees));
            settled.votes.insert(approval.id, votes.collect());
        }
        let wanted = self.operations.iter().map(|one| (one.id.clone(), one.wanted));
        settled.wanted = wanted.collect();
        settled.run = self.lines();
        let counters = self.counters();
        let sum = |names: &[&str]| names.iter().filter_map(|name| counters.get(*name)).sum();
        settled.taken = sum(&["accepted", "repeated", "other-mode"]);
        settled.rejected = sum(&["forged", "replayed"]);
        Ok(settled)
    }

    /// What does not hold of the ledger in the end: its audit, or that it agrees with Stripe without a repair.
    pub(super) fn broken(&self) -> Vec<String> {
        let call = Call { name: "audit verify", ..Call::default() };
        let audit = self.desk.run(&["audit", "verify"], call, |_| None);
        let compared = self.reconcile(false);
        let calls = [audit, compared].into_iter();
        let broken = calls.filter(|call| call.code != Some(Code::Exit(0)));
        broken.map(|call| format!("{}: {:?} {}", call.way, call.code, call.text)).collect()
    }
}

/// Whether it says that there is a refund, even one that failed.
fn is_refund(said: &Said) -> bool {
    use OutcomeKind::{Failed, Found, Made};
    matches!(said, Said::Outcome(Made | Found | Failed, _))
}

fn until(operation: &str, mut again: impl FnMut() -> (bool, Call)) -> Result<(), Unsettled> {
    let mut last = Call::default();
    for _ in 0..TRIES {
        let (is_settled, call) = again();
        if is_settled {
            return Ok(());
        }
        last = call;
        std::thread::sleep(Duration::from_secs(1));
    }
    let Call { way, text, .. } = last;
    Err((
        format!("{operation} does not settle; the last answer of {way}: {text}"),
        operation.to_owned(),
    ))
}
