//! What is known when everything is settled: refunds, payments, promises, and every "there is no refund".

use std::collections::BTreeMap;
use std::sync::Arc;

use refund_ledger::{Approval, ApprovalState, Operation, State};

use crate::history::{History, Made, NoRefund, Tick};
use crate::stripe::RefundAtStripe;
use crate::world::Shared;

impl Shared {
    /// A refund was made at Stripe.
    pub(crate) fn keep_refund(&self, refund: &RefundAtStripe, sent: Option<usize>) {
        let mut history = self.history();
        let tick = history.tick();
        let operation = refund.operation().map(str::to_owned);
        history.note(self.executor.now(), || {
            format!(
                "  stripe: {} of {} for {operation:?}, {}",
                refund.id, refund.amount, refund.status
            )
        });
        let sent = sent.filter(|_| operation.is_some());
        history.keep_made(Made {
            tick,
            id: refund.id.clone(),
            charge: refund.charge.clone(),
            amount: refund.amount,
            operation,
            sent,
            statuses: vec![(tick, refund.status.clone())],
        });
    }

    /// Looks at the status of every refund.
    pub(crate) fn refresh_statuses(self: &Arc<Self>) {
        let refunds = self.stripe.refunds();
        let mut history = self.history();
        let tick = history.tick();
        for refund in refunds {
            let known = history.made.iter_mut().find(|made| made.id == refund.id);
            if let Some(made) = known
                && made.statuses.last().is_none_or(|(_, last)| *last != refund.status)
            {
                made.statuses.push((tick, refund.status.clone()));
            }
        }
    }

    /// Nothing may be unsettled now.
    pub(crate) fn judge_settled(&self) {
        let open: Vec<_> = self.history().unsettled().map(|one| one.id().to_string()).collect();
        if !open.is_empty() {
            self.disagree(
                "everything can be found out",
                format!("{} are unsettled", open.join(" ")),
            );
        }
    }

    /// Everything is known now: ledger and Stripe hold the same, and every answer was true.
    pub(crate) fn judge_end(&self) {
        self.judge_settled();
        self.judge_claims();
        self.judge_promises();
        self.judge_refunds();
        self.judge_payments();
        self.judge_approvals();
        match self.tables().audit() {
            Ok(audited) if audited.broken.is_empty() => {}
            Ok(audited) => self.disagree("the audit holds", format!("{:?}", audited.broken)),
            Err(error) => self.disagree("the audit holds", error.to_string()),
        }
    }

    /// Every answer that said "no refund" was true.
    fn judge_claims(&self) {
        let false_claims: Vec<_> = {
            let history = self.history();
            let refuted = |claim: &&NoRefund| {
                let by = history.made.iter().find(|made| {
                    made.operation.as_deref() == Some(&claim.operation)
                        && made.sent.map_or(made.tick, |sent| history.sent[sent].tick) <= claim.at
                });
                by.map(|made| made.id.clone())
            };
            let claims = history.no_refunds.iter();
            claims
                .filter_map(|claim| {
                    Some(format!("{}, and {} exists", claim.said, refuted(&claim)?))
                })
                .collect()
        };
        for what in false_claims {
            self.disagree("no refund, as it was said", what);
        }
    }

    /// From the promised instant on, nothing that had left was under way.
    fn judge_promises(&self) {
        let broken: Vec<_> = {
            let history = self.history();
            let is_broken = |promise: &&Promise| {
                history.sent.iter().any(|sent| {
                    sent.operation == promise.operation
                        && sent.tick <= promise.at
                        && sent.landed.is_some_and(|landed| landed / 1_000_000 > promise.promised)
                })
            };
            history.promises.iter().filter(is_broken).map(|promise| promise.said.clone()).collect()
        };
        for what in broken {
            self.disagree("an answer is definite from the promised instant on", what);
        }
    }

    /// One refund for each operation at most, and the ledger knows it.
    fn judge_refunds(&self) {
        let mut problems = Vec::new();
        {
            let history = self.history();
            let mut by_operation: BTreeMap<&str, Vec<&Made>> = BTreeMap::new();
            for made in &history.made {
                if let Some(operation) = &made.operation {
                    by_operation.entry(operation).or_default().push(made);
                }
            }
            for (operation, refunds) in &by_operation {
                let ids: Vec<_> = refunds.iter().map(|made| made.id.as_str()).collect();
                if ids.len() > 1 {
                    problems.push((
                        "an operation makes one refund",
                        format!("{operation}: {}", ids.join(" ")),
                    ));
                }
                let known = history.held(operation).and_then(|held| held.operation.refund.as_ref());
                if known.is_none_or(|known| known.id.as_str() != ids[0]) {
                    problems.push(("no refund is lost", format!("{operation} made {}", ids[0])));
                }
            }
            for versions in history.versions.values() {
                let Some(held) = versions.last() else { continue };
                problems.extend(unlike_stripe(&history, &held.operation));
            }
        }
        for (rule, what) in problems {
            self.disagree(rule, what);
        }
    }

    /// No payment gives back more than was taken.
    fn judge_payments(&self) {
        let refunds = self.stripe.refunds();
        for charge in self.stripe.charges() {
            let of_it = refunds.iter().filter(|refund| refund.charge == charge.id);
            let spent: u64 = of_it
                .filter(|refund| !["failed", "canceled"].contains(&refund.status.as_str()))
                .map(|refund| refund.amount)
                .sum();
            if spent > charge.amount_captured || spent != charge.amount_refunded {
                let what = format!("{}: {spent} of {}", charge.id, charge.amount_captured);
                self.disagree("no payment gives back more than was taken", what);
            }
        }
    }

    /// What an approval says became of it is so.
    fn judge_approvals(&self) {
        let wrong: Vec<_> = {
            let history = self.history();
            let last = history.approvals.values().filter_map(|versions| versions.last());
            let is_wrong = |approval: &&Approval| {
                let held = history.held(approval.operation.as_str());
                let has_refund = held.is_some_and(|held| held.operation.refund.is_some());
                match approval.state {
                    ApprovalState::Executed => !has_refund,
                    ApprovalState::Denied | ApprovalState::Open | ApprovalState::Approved => {
                        has_refund
                    }
                    ApprovalState::Expired | ApprovalState::Superseded => false,
                }
            };
            let approvals = last.map(|version| &version.approval);
            approvals.filter(is_wrong).map(|one| format!("{} is {}", one.id, one.state)).collect()
        };
        for what in wrong {
            self.disagree("an approval says what became of it", what);
        }
    }
}

/// A promise that an answer is definite from an instant on.
pub(crate) struct Promise {
    pub(crate) operation: String,
    pub(crate) at: Tick,
    /// Seconds since the beginning.
    pub(crate) promised: u64,
    pub(crate) said: String,
}

/// What the ledger says of a refund at the end, and Stripe does not.
fn unlike_stripe(history: &History, operation: &Operation) -> Option<(&'static str, String)> {
    let id = operation.id();
    let Some(refund) = &operation.refund else { return None };
    let Some(made) = history.refund(refund.id.as_str()) else {
        return Some(("a refund in the ledger is real", format!("{id}: {}", refund.id)));
    };
    let (_, status) = made.statuses.last()?;
    let expected = match status.as_str() {
        "succeeded" => State::Succeeded,
        "failed" => State::Failed,
        "canceled" => State::Canceled,
        _ => State::Pending,
    };
    (operation.state != expected).then(|| {
        let what = format!("{id} is {}, {} is {status}", operation.state, refund.id);
        ("ledger and Stripe hold the same in the end", what)
    })
}
