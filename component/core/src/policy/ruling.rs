//! The verdict of a document on a payment: that of `eligibility` under the terms of its rule, and what only
//! a document knows.

use super::document::{Handling, Standing};
use super::rulebook::{Ask, Rulebook};
use super::terms::{Ready, limit};
use crate::eligibility::{
    self, Amount, Because, Decision, Facts, FailedRule, Ruling, Verdict, decide,
};
use crate::model::{Charge, Reason};
use crate::problem::FieldProblem;

const DAY: u64 = 86_400;

/// What a payment can still give under a rule.
struct Left {
    /// Kept back.
    deducted: u64,
    /// What may be refunded.
    allowed: u64,
}

impl Rulebook {
    /// Decides. `now` is the instant against which windows are measured, in Unix seconds.
    ///
    /// Everything means what the deductions leave. Fails only on input that makes no sense.
    pub fn check(&self, ask: &Ask, facts: &Facts, now: u64) -> Result<Verdict, Vec<FieldProblem>> {
        let rule = self.rule_for(&facts.charge);
        let left = Left::of(rule, facts, now);
        let amount = match ask.amount {
            Amount::Everything if left.deducted > 0 && left.allowed > 0 => {
                Amount::Exactly(facts.charge.money(left.allowed))
            }
            amount => amount,
        };
        let mut verdict = eligibility::check(&amount, facts, &rule.flat, now)?;
        let asked = verdict.amount.amount;
        if left.deducted > 0 && asked > left.allowed {
            verdict.failed.push(FailedRule::AboveDeductions {
                requested: asked,
                allowed: left.allowed,
                deducted: left.deducted,
            });
        }
        rule.reason(ask, &mut verdict.failed);
        rule.circumstances(facts, &mut verdict.failed);
        if ask.self_serve {
            rule.self_serve(ask, asked, facts, now, &mut verdict.failed);
        }
        let approvals = rule.several(asked, &facts.charge, &mut verdict.failed);
        verdict.decision = decide(&verdict.failed);
        verdict.ruling = Some(Ruling {
            policy: self.name().to_owned(),
            version: self.version().to_owned(),
            hash: self.hash().to_owned(),
            rule: rule.id.clone(),
            approvals: if verdict.decision == Decision::NeedsApproval { approvals } else { 0 },
            deducted: left.deducted,
        });
        Ok(verdict)
    }
}

impl Left {
    fn of(rule: &Ready, facts: &Facts, now: u64) -> Self {
        let charge = &facts.charge;
        let refundable = facts.balance().refundable;
        let deducted = rule.deduct.as_ref().map_or(0, |deduct| deduct.of(charge, now));
        if deducted == 0 {
            return Self { deducted, allowed: refundable };
        }
        let spent = charge.captured_amount().saturating_sub(refundable);
        let rest = charge.captured_amount().saturating_sub(deducted).saturating_sub(spent);
        // A refund has to be an amount that Stripe takes: rounded down to the currency's step.
        let allowed = rest - rest % charge.currency.step();
        Self { deducted, allowed }
    }
}

impl Ready {
    fn reason(&self, ask: &Ask, failed: &mut Vec<FailedRule>) {
        let Some(allowed) = &self.reasons else { return };
        if ask.reason.as_ref().is_some_and(|reason| allowed.contains(reason)) {
            return;
        }
        failed.push(FailedRule::ReasonNotAllowed {
            reason: ask.reason.as_ref().map(|reason| reason.as_str().to_owned()),
            allowed: allowed.iter().map(|reason| reason.as_str().to_owned()).collect(),
        });
    }

    fn circumstances(&self, facts: &Facts, failed: &mut Vec<FailedRule>) {
        let mut note = |handling, because| match handling {
            Handling::Allow => {}
            Handling::Ask => failed.push(FailedRule::RuleAsks { by: self.id.clone(), because }),
            Handling::Deny => failed.push(FailedRule::RuleDenies { by: self.id.clone(), because }),
        };
        match self.decision {
            None => {}
            Some(Standing::Ask) => note(Handling::Ask, Because::Always),
            Some(Standing::Deny) => note(Handling::Deny, Because::Always),
        }
        // With `deny` the report itself stands among the failed rules, by way of `block_fraud_flagged`.
        if self.fraud == Handling::Ask && is_reported(&facts.charge) {
            note(Handling::Ask, Because::FraudReport);
        }
        if facts.own_disputes().any(|dispute| dispute.is_charge_refundable) {
            note(self.disputes, Because::Dispute);
        }
    }

    /// A customer who may not help himself is sent to a person, not away.
    fn self_serve(
        &self,
        ask: &Ask,
        asked: u64,
        facts: &Facts,
        now: u64,
        failed: &mut Vec<FailedRule>,
    ) {
        let mut ask_because =
            |because| failed.push(FailedRule::RuleAsks { by: self.id.clone(), because });
        let Some(terms) = &self.self_serve else {
            return ask_because(Because::SelfServeNotOffered);
        };
        let charge = &facts.charge;
        let within = limit(&terms.up_to, charge.currency);
        // A table without this currency gives nothing in it.
        if !terms.up_to.is_empty() && within.is_none_or(|most| asked > most) {
            ask_because(Because::SelfServeAmount);
        }
        let days = now.saturating_sub(charge.created) / DAY;
        if terms.within_days.is_some_and(|most| days > u64::from(most)) {
            ask_because(Because::SelfServeAge);
        }
        let fits = |reasons: &Vec<Reason>| {
            ask.reason.as_ref().is_some_and(|reason| reasons.contains(reason))
        };
        if terms.reasons.as_ref().is_some_and(|reasons| !fits(reasons)) {
            ask_because(Because::SelfServeReason);
        }
        if terms.first_only && !facts.own_refunds().is_empty() {
            ask_because(Because::SelfServeRepeated);
        }
    }

    /// How many people must approve, if somebody must.
    fn several(&self, asked: u64, charge: &Charge, failed: &mut Vec<FailedRule>) -> u8 {
        match limit(&self.second_approval_above, charge.currency) {
            Some(limit) if asked > limit => {
                let approvals = self.approvals;
                failed.push(FailedRule::SecondApproval { requested: asked, limit, approvals });
                approvals
            }
            // A table that forgets the currency must not ask for less than it does elsewhere.
            None if !self.second_approval_above.is_empty() => self.approvals,
            _ => 1,
        }
    }
}

fn is_reported(charge: &Charge) -> bool {
    let Some(details) = &charge.fraud_details else { return false };
    [&details.user_report, &details.stripe_report]
        .into_iter()
        .any(|report| report.as_ref().is_some_and(|report| report != "safe"))
}
