//! The rules, one function each where they have more than one line.

use super::fee::fee_kept;
use super::{Amount, Balance, Decision, Facts, FailedRule, Policy, Verdict};
use crate::id::PaymentRef;
use crate::model::{Charge, ChargeStatus};
use crate::money::{Currency, Money};
use crate::problem::{FieldProblem, Problems};

const DAY: u64 = 86_400;

/// Whether amount and policy make sense, before any fact is known.
pub fn check_input(amount: &Amount, policy: &Policy) -> Result<(), Vec<FieldProblem>> {
    let mut problems = Problems::default();
    if let Amount::Exactly(money) = amount {
        problems.keep(money.check_input("amount"));
    }
    policy.check_input(&mut problems);
    problems.into_result()
}

/// Decides. `now` is the instant against which the window is measured, in Unix seconds.
///
/// Fails only on input that makes no sense; a payment that may not be refunded is an answer.
pub fn check(
    amount: &Amount,
    facts: &Facts,
    policy: &Policy,
    now: u64,
) -> Result<Verdict, Vec<FieldProblem>> {
    check_input(amount, policy)?;
    let charge = &facts.charge;
    let balance = facts.balance();
    let asked = match amount {
        Amount::Everything => charge.money(balance.refundable),
        Amount::Exactly(money) => *money,
    };
    let mut failed = Vec::new();
    if asked.currency == charge.currency {
        payment(charge, &balance, asked.amount, &mut failed);
        // Limits on an amount of nothing would only repeat that nothing is left.
        if asked.amount > 0 {
            limits(charge, asked.amount, policy, &mut failed);
        }
    } else {
        failed.push(FailedRule::CurrencyMismatch {
            requested: asked.currency,
            charge: charge.currency,
        });
        payment(charge, &balance, 0, &mut failed);
    }
    disputes(facts, &mut failed);
    let refundable =
        if failed.iter().any(FailedRule::blocks_everything) { 0 } else { balance.refundable };
    circumstances(facts, policy, now, &mut failed);
    Ok(Verdict {
        decision: decide(&failed),
        failed,
        amount: asked,
        refundable: charge.money(refundable),
        fee_kept: fee_kept(charge, balance.spent(), asked.amount, policy.fee_rate),
        ruling: None,
    })
}

/// All that failed decides: one rule that forbids is enough.
pub(crate) fn decide(failed: &[FailedRule]) -> Decision {
    if failed.is_empty() {
        Decision::Approve
    } else if failed.iter().all(FailedRule::asks_for_approval) {
        Decision::NeedsApproval
    } else {
        Decision::Deny
    }
}

/// What Stripe itself enforces about the payment and the amount.
fn payment(charge: &Charge, balance: &Balance, asked: u64, failed: &mut Vec<FailedRule>) {
    if charge.status != ChargeStatus::Succeeded {
        failed.push(FailedRule::NotSucceeded { status: charge.status.to_string() });
    } else if charge.refunded {
        failed.push(FailedRule::AlreadyRefunded { amount: charge.amount_refunded });
    } else if !charge.captured {
        let by_intent = charge.payment_intent.clone().map(PaymentRef::PaymentIntent);
        let cancel_instead = by_intent.unwrap_or_else(|| PaymentRef::Charge(charge.id.clone()));
        failed.push(FailedRule::NotCaptured { cancel_instead });
    } else if balance.refundable == 0 && balance.pending == 0 {
        failed.push(FailedRule::AlreadyRefunded { amount: balance.captured });
    } else if asked > balance.refundable || balance.refundable == 0 {
        failed.push(FailedRule::ExceedsRefundable {
            // Everything was asked for, and everything is on its way back.
            requested: if asked == 0 { balance.captured } else { asked },
            refundable: balance.refundable,
            captured: balance.captured,
            refunded: balance.refunded,
            pending: balance.pending,
        });
    }
}

/// The policy's limits on the amount. An amount that equals a limit is within it.
fn limits(charge: &Charge, asked: u64, policy: &Policy, failed: &mut Vec<FailedRule>) {
    let currency = charge.currency;
    let limit_of = |limits| Policy::limit(limits, currency);
    if let Some(limit) = limit_of(&policy.minimum).filter(|limit| asked < *limit) {
        failed.push(FailedRule::BelowMinimum { requested: asked, limit });
    }
    if let Some(limit) = limit_of(&policy.maximum).filter(|limit| asked > *limit) {
        failed.push(FailedRule::AboveMaximum { requested: asked, limit });
    }
    match limit_of(&policy.approval_above) {
        Some(limit) if asked > limit => {
            failed.push(FailedRule::OverThreshold { requested: asked, limit });
        }
        _ => {}
    }
    // A currency that a list leaves out has no limit there, so an approver decides.
    let lists = [&policy.minimum, &policy.maximum, &policy.approval_above];
    if lists.into_iter().any(|limits| leaves_out(limits, currency)) {
        failed.push(FailedRule::NoThresholdFor { currency });
    }
}

/// Whether there are limits, but none in this currency.
pub(crate) fn leaves_out(limits: &[Money], currency: Currency) -> bool {
    !limits.is_empty() && Policy::limit(limits, currency).is_none()
}

/// The flag `is_charge_refundable` decides, not the status: an inquiry may be refunded (reference 2.5).
/// The charge's own flag stays true after a dispute is over, so it counts only when no dispute is known.
fn disputes(facts: &Facts, failed: &mut Vec<FailedRule>) {
    let mut known = false;
    for dispute in facts.own_disputes() {
        known = true;
        if !dispute.is_charge_refundable {
            failed.push(FailedRule::Disputed {
                dispute: dispute.id.to_string(),
                status: dispute.status.clone(),
            });
        }
    }
    if facts.charge.disputed && !known {
        failed.push(FailedRule::DisputeUnknown);
    }
}

/// The merchant's rules alone, without what Stripe enforces. Limits are not applied to an amount of zero.
pub(crate) fn merchant_rules(
    facts: &Facts,
    asked: u64,
    policy: &Policy,
    now: u64,
    failed: &mut Vec<FailedRule>,
) {
    if asked > 0 {
        limits(&facts.charge, asked, policy, failed);
    }
    circumstances(facts, policy, now, failed);
}

/// The policy's other rules: age, attempts, method, metadata, reports of fraud.
fn circumstances(facts: &Facts, policy: &Policy, now: u64, failed: &mut Vec<FailedRule>) {
    let charge = &facts.charge;
    let age = now.saturating_sub(charge.created) / DAY;
    let age_days = u32::try_from(age).unwrap_or(u32::MAX);
    if let Some(limit_days) = policy.window_days.filter(|limit| age_days > *limit) {
        failed.push(FailedRule::OutsideWindow { age_days, limit_days });
    }
    if let Some(limit) = policy.max_attempts {
        let made = u32::try_from(facts.own_refunds().len()).unwrap_or(u32::MAX);
        if made >= limit {
            failed.push(FailedRule::AttemptLimit { made, limit });
        }
    }
    let method = charge.payment_method_type().unwrap_or_default();
    if !policy.payment_methods.is_empty() && !policy.payment_methods.iter().any(|m| m == method) {
        failed.push(FailedRule::MethodNotAllowed {
            method: method.to_owned(),
            allowed: policy.payment_methods.clone(),
        });
    }
    for condition in &policy.metadata_conditions {
        let found = charge.metadata.get(&condition.key);
        let wanted = condition.value.as_deref();
        if found.is_none() || (wanted.is_some() && wanted != found) {
            failed.push(FailedRule::MetadataUnmet {
                key: condition.key.clone(),
                expected: condition.value.clone(),
                found: found.map(str::to_owned),
            });
        }
    }
    if policy.block_fraud_flagged {
        fraud(charge, failed);
    }
}

fn fraud(charge: &Charge, failed: &mut Vec<FailedRule>) {
    let Some(details) = &charge.fraud_details else { return };
    for (reported_by, report) in
        [("merchant", &details.user_report), ("stripe", &details.stripe_report)]
    {
        if let Some(report) = report.as_ref().filter(|report| *report != "safe") {
            failed.push(FailedRule::FraudFlagged {
                reported_by: reported_by.into(),
                report: report.clone(),
            });
        }
    }
}
