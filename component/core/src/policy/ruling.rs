//! The verdict of a document on a payment.
//!
//! Every rule that matches must allow the refund by itself. So what they fail on is put together: one that denies is
//! enough, one that asks is enough, the largest deduction is kept, and the largest number of approvers counts. The
//! order of the rules makes no difference.
//!
//! A rule may match or not if the payment lacks a fact that it looks at. If it would make the verdict stricter, the
//! refund needs approval: a missing fact never approves.

use super::combine;
use super::document::{Handling, Standing};
use super::matching::Fact;
use super::rulebook::{Ask, Candidates, Rulebook};
use super::terms::{Ready, limit};
use crate::eligibility::{
    self, Amount, Because, Decision, Facts, FailedRule, FeeRate, Ruling, Verdict, decide,
};
use crate::model::{Charge, Reason};
use crate::problem::FieldProblem;

const DAY: u64 = 86_400;

/// A request that rules judge.
struct Request<'a> {
    ask: &'a Ask,
    /// The amount in the charge's currency; 0 if the request is in another one.
    amount: u64,
    facts: &'a Facts,
    left: u64,
    now: u64,
}

/// What one rule says about a request.
struct Judgement {
    failed: Vec<FailedRule>,
    /// How many people must approve, if the refund needs approval.
    approvals: u8,
}

/// A fact that the payment lacks.
struct Missing<'r> {
    /// A rule that looks at it and would be stricter.
    rule: &'r Ready,
    fact: Fact<'r>,
    /// How many people must approve, if the rule matches.
    approvals: u8,
}

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
        let charge = &facts.charge;
        let Candidates { matching, undecided } = self.rules_for(charge);
        let refundable = facts.balance().refundable;
        let lefts = matching.iter().map(|rule| Left::of(rule, charge, refundable, now));
        let left = lefts.max_by_key(|left| left.deducted);
        let left = left.unwrap_or(Left { deducted: 0, allowed: refundable });
        let amount = match ask.amount {
            Amount::Everything if left.deducted > 0 && left.allowed > 0 => {
                Amount::Exactly(charge.money(left.allowed))
            }
            amount => amount,
        };
        // First what Stripe enforces; the merchant's rules follow.
        let stripe =
            eligibility::Policy { fee_rate: highest_fee(&matching, charge), ..Default::default() };
        let mut verdict = eligibility::check(&amount, facts, &stripe, now)?;
        let same_currency = verdict.amount.currency == charge.currency;
        let amount = if same_currency { verdict.amount.amount } else { 0 };
        let request = Request { ask, amount, facts, left: refundable, now };
        let mut approvals = 1;
        let mut decisions = Vec::with_capacity(matching.len());
        for rule in &matching {
            let judgement = rule.judge(&request);
            approvals = approvals.max(judgement.approvals);
            decisions.push(decide(&judgement.failed));
            for failure in judgement.failed {
                combine::add(&mut verdict.failed, failure);
            }
        }
        keep_common_reasons(&matching, &mut verdict.failed);
        verdict.decision = decide(&verdict.failed);
        let unclear = missing_facts(&undecided, &request, strictness(verdict.decision, approvals));
        for missing in &unclear {
            approvals = approvals.max(missing.approvals);
            let (by, fact) = (missing.rule.id.clone(), missing.fact.to_string());
            verdict.failed.push(FailedRule::FactMissing { by, fact });
        }
        verdict.decision = decide(&verdict.failed);
        let mut rules: Vec<String> = matching
            .iter()
            .zip(decisions)
            .filter(|(_, decision)| *decision == verdict.decision)
            .map(|(rule, _)| rule.id.clone())
            .chain(unclear.iter().map(|missing| missing.rule.id.clone()))
            .collect();
        if rules.is_empty() {
            // What Stripe enforces decided.
            rules = matching.iter().map(|rule| rule.id.clone()).collect();
        }
        verdict.ruling = Some(Ruling {
            policy: self.name().to_owned(),
            version: self.version().to_owned(),
            hash: self.hash().to_owned(),
            rule: rules.first().cloned().unwrap_or_default(),
            rules,
            approvals: if verdict.decision == Decision::NeedsApproval { approvals } else { 0 },
            deducted: left.deducted,
        });
        Ok(verdict)
    }
}

/// A decision as a number that compares: the number of approvers, and more than any number for a denial.
fn strictness(decision: Decision, approvals: u8) -> u8 {
    match decision {
        Decision::Approve => 0,
        Decision::NeedsApproval => approvals,
        Decision::Deny => u8::MAX,
    }
}

/// What the payment lacks, and the rules that would be stricter than `known` if they matched: for each fact the first
/// rule, and the largest number of approvers.
fn missing_facts<'r>(
    undecided: &[(&'r Ready, Fact<'r>)],
    request: &Request<'_>,
    known: u8,
) -> Vec<Missing<'r>> {
    let mut found: Vec<Missing<'r>> = Vec::new();
    if known == u8::MAX {
        return found;
    }
    for &(rule, fact) in undecided {
        let Judgement { failed, approvals } = rule.judge(request);
        if strictness(decide(&failed), approvals) <= known {
            continue;
        }
        match found.iter_mut().find(|missing| missing.fact == fact) {
            Some(missing) => missing.approvals = missing.approvals.max(approvals),
            None => found.push(Missing { rule, fact, approvals }),
        }
    }
    found
}

impl Left {
    fn of(rule: &Ready, charge: &Charge, refundable: u64, now: u64) -> Self {
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

/// The estimate of the fee that errs on the side of the higher one.
fn highest_fee(rules: &[&Ready], charge: &Charge) -> Option<FeeRate> {
    let rates = rules.iter().filter_map(|rule| rule.flat.fee_rate);
    rates.max_by_key(|rate| (rate.of(charge), rate.basis_points))
}

/// A reason that one rule allows and another one does not is not allowed.
fn keep_common_reasons(rules: &[&Ready], failed: &mut [FailedRule]) {
    let lists = || rules.iter().filter_map(|rule| rule.reasons.as_ref());
    for failure in failed {
        if let FailedRule::ReasonNotAllowed { allowed, .. } = failure {
            allowed.retain(|word| {
                lists().all(|list| list.iter().any(|reason| reason.as_str() == word))
            });
        }
    }
}

impl Ready {
    /// What the rule alone says.
    fn judge(&self, request: &Request<'_>) -> Judgement {
        let Request { ask, amount, facts, now, .. } = *request;
        let mut failed = Vec::new();
        eligibility::merchant_rules(facts, amount, &self.flat, now, &mut failed);
        // `merchant_rules` has looked at three of the tables.
        let unlisted = FailedRule::NoThresholdFor { currency: facts.charge.currency };
        if amount > 0 && self.leaves_out(facts.charge.currency) && !failed.contains(&unlisted) {
            failed.push(unlisted);
        }
        let left = Left::of(self, &facts.charge, request.left, now);
        if left.deducted > 0 && amount > left.allowed {
            failed.push(FailedRule::AboveDeductions {
                requested: amount,
                allowed: left.allowed,
                deducted: left.deducted,
            });
        }
        self.reason(ask, &mut failed);
        self.circumstances(facts, &mut failed);
        if ask.self_serve {
            self.self_serve(request, &mut failed);
        }
        let approvals = self.several(amount, &facts.charge, &mut failed);
        Judgement { failed, approvals }
    }

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
        // With `deny` the report itself is among the failed rules, by way of `block_fraud_flagged`.
        if self.fraud == Handling::Ask && is_reported(&facts.charge) {
            note(Handling::Ask, Because::FraudReport);
        }
        if facts.own_disputes().any(|dispute| dispute.is_charge_refundable) {
            note(self.disputes, Because::Dispute);
        }
    }

    /// A self-serve request that does not fit needs approval; it is not denied.
    fn self_serve(&self, request: &Request<'_>, failed: &mut Vec<FailedRule>) {
        let Request { ask, amount, facts, now, .. } = *request;
        let mut ask_because =
            |because| failed.push(FailedRule::RuleAsks { by: self.id.clone(), because });
        let Some(terms) = &self.self_serve else {
            return ask_because(Because::SelfServeNotOffered);
        };
        let charge = &facts.charge;
        if limit(&terms.up_to, charge.currency).is_some_and(|limit| amount > limit) {
            ask_because(Because::SelfServeAmount);
        }
        let days = now.saturating_sub(charge.created) / DAY;
        if terms.within_days.is_some_and(|limit| days > u64::from(limit)) {
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

    /// How many people must approve, if the refund needs approval. A currency that the table leaves out may be above
    /// the limit, so it needs as many.
    fn several(&self, amount: u64, charge: &Charge, failed: &mut Vec<FailedRule>) -> u8 {
        match limit(&self.second_approval_above, charge.currency) {
            Some(limit) if amount > limit => {
                let approvals = self.approvals;
                failed.push(FailedRule::SecondApproval { requested: amount, limit, approvals });
                approvals
            }
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
