//! What leaves for Stripe: under the right rules, with the approvals that it needs, one at a time on a payment.

use std::collections::BTreeSet;

use refund_app::component::Attempt;
use refund_ledger::{HeldRules, State};

use crate::history::{History, Tick};
use crate::people::Person;
use crate::policies::{Wants, wants};
use crate::world::Shared;

impl Shared {
    /// The application layer calls the component: under the right rules, for what the ledger holds.
    pub(crate) fn judge_attempt(&self, attempt: &Attempt) {
        let id = attempt.request.operation.to_string();
        let agrees = {
            let history = self.history();
            let call = self.executor.current_call().and_then(|call| history.calls.get(call));
            let given = call.and_then(|call| call.rules.as_ref());
            let versions = history.versions.get(&id).map_or(&[][..], Vec::as_slice);
            let marked =
                versions.iter().rposition(|version| version.operation.state == State::Sent);
            marked.is_some_and(|marked| {
                let before = marked.checked_sub(1).map(|at| &versions[at].operation.rules);
                let kept = before.cloned().unwrap_or_default();
                // Whoever leaves the rules out does not take them off.
                let given = given.filter(|given| !given.is_empty());
                let expected = given.map_or(kept, |given| given.clone().into());
                HeldRules::from(attempt.rules.clone()) == expected
                    && versions[marked].operation.request == attempt.request
            })
        };
        if !agrees {
            let said = format!("{id} under {}", attempt.rules.json());
            self.disagree(
                "an attempt is for what the ledger holds, under the rules in force",
                said,
            );
        }
    }

    /// A request to make a refund leaves.
    pub(crate) fn judge_sent(&self, call: usize, id: &str, charge: &str, amount: u64, key: &str) {
        let problems = {
            let history = self.history();
            let mut problems = Vec::new();
            let mut problem = |rule: &'static str, what: String| problems.push((rule, what));
            let versions = history.versions.get(id).map_or(&[][..], Vec::as_slice);
            let marked =
                versions.iter().rposition(|version| version.operation.state == State::Sent);
            match marked {
                Some(marked) if versions[marked].call == Some(call) => {
                    // An event may have found the refund in the meantime; then the key finds it as well.
                    let after = &versions[marked + 1..];
                    if after.iter().any(|version| version.operation.refund.is_none()) {
                        problem("what was called off is not sent", id.to_owned());
                    }
                    let operation = &versions[marked].operation;
                    let agreed = self.approvers(&history, id, &versions[marked].agreed);
                    match wants(&operation.rules, amount) {
                        Wants::Nothing => {
                            problem("what is denied is not sent", format!("{id}, {amount}"));
                        }
                        Wants::Approvers(needed) if agreed.len() < needed => {
                            let what = format!("{id}, {amount}: {agreed:?} agreed, {needed} must");
                            problem("what needs approval has it", what);
                        }
                        Wants::Approvers(_) => {}
                    }
                }
                _ => problem("what is sent is marked as sent before", id.to_owned()),
            }
            for other in history.unsettled().filter(|other| other.id().as_str() != id) {
                if self.charge_of(other.payment().as_str()) == Some(charge) {
                    let what = format!("{id} on {charge}, where {} is {}", other.id(), other.state);
                    problem("one operation at a time on a payment", what);
                }
            }
            let of_another =
                history.sent.iter().find(|sent| (sent.operation == id) != (sent.key == key));
            if let Some(other) = of_another {
                let what = format!("{id} with {key}, {} with {}", other.operation, other.key);
                problem("one operation, one idempotency key", what);
            }
            problems
        };
        for (rule, what) in problems {
            self.disagree(rule, what);
        }
    }

    /// Who agreed and may.
    fn approvers(
        &self,
        history: &History,
        id: &str,
        agreed: &BTreeSet<Person>,
    ) -> BTreeSet<Person> {
        if self.workload.own_requests {
            return agreed.clone();
        }
        agreed.difference(&history.askers(id, Tick::MAX)).copied().collect()
    }

    pub(super) fn charge_of(&self, payment: &str) -> Option<&str> {
        let found = self.charges.iter().find(|charge| {
            charge.id == payment || charge.payment_intent.as_deref() == Some(payment)
        });
        found.map(|charge| charge.id.as_str())
    }
}
