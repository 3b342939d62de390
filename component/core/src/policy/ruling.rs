//! The verdict of a document on a payment.
//!
//! Every rule that matches must allow the refund by itself. So what they fail on is put together: one that denies is
//! enough, one that asks is enough, the largest deduction is kept, and the largest number of approvers counts. The
//! order of the rules makes no difference.
//!
//! A rule may match or not if the payment lacks a fact that it looks at. If it would make the verdict stricter, the
//! refund needs approval: a missing fact never approves.

use super::combine;
use super::document::Rule;
use super::judgement::{AfterDeductions, Judgement, Request};
use super::matching::Fact;
use super::rulebook::{Ask, Candidates, Rulebook};
use crate::eligibility::{
    self, Amount, Decision, Facts, FailedRule, FeeRate, Ruling, Verdict, decide,
};
use crate::model::Charge;
use crate::problem::FieldProblem;

/// A fact that the payment lacks.
struct Missing<'r> {
    /// A rule that looks at it and would be stricter.
    rule: &'r Rule,
    fact: Fact<'r>,
    /// How many people must approve, if the rule matches.
    approvals: u8,
}

impl Rulebook {
    /// Decides. `now` is the instant against which windows are measured, in Unix seconds.
    ///
    /// Everything means what the deductions leave. Fails only on input that makes no sense.
    pub fn check(&self, ask: &Ask, facts: &Facts, now: u64) -> Result<Verdict, Vec<FieldProblem>> {
        let charge = &facts.charge;
        let Candidates { matching, undecided } = self.rules_for(charge);
        let refundable = facts.balance().refundable;
        let strictest = matching
            .iter()
            .map(|rule| AfterDeductions::of(rule, charge, refundable, now))
            .max_by_key(|after| after.deducted)
            .unwrap_or(AfterDeductions { deducted: 0, refundable });
        let amount = match ask.amount {
            Amount::Everything if strictest.deducted > 0 && strictest.refundable > 0 => {
                Amount::Exactly(charge.money(strictest.refundable))
            }
            amount => amount,
        };
        // First what Stripe enforces; the merchant's rules follow.
        let mut verdict = eligibility::check(&amount, facts, highest_fee(&matching, charge))?;
        let same_currency = verdict.amount.currency == charge.currency;
        let amount = if same_currency { verdict.amount.amount } else { 0 };
        let request = Request { ask, amount, facts, refundable, now };
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
            deducted: strictest.deducted,
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
    undecided: &[(&'r Rule, Fact<'r>)],
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

/// The estimate of the fee that errs on the side of the higher one.
fn highest_fee(rules: &[&Rule], charge: &Charge) -> Option<FeeRate> {
    let rates = rules.iter().filter_map(|rule| rule.then.fee_rate);
    rates.max_by_key(|rate| (rate.of(charge), rate.basis_points))
}

/// A reason that one rule allows and another one does not is not allowed.
fn keep_common_reasons(rules: &[&Rule], failed: &mut [FailedRule]) {
    let lists = || rules.iter().filter_map(|rule| rule.then.reasons.as_ref());
    for failure in failed {
        if let FailedRule::ReasonNotAllowed { allowed, .. } = failure {
            allowed.retain(|word| {
                lists().all(|list| list.iter().any(|reason| reason.as_str() == word))
            });
        }
    }
}
