//! What Stripe itself enforces, one function each where a rule has more than one line.

use super::fee::fee_kept;
use super::{Amount, Balance, Decision, Facts, FailedRule, FeeRate, Verdict};
use crate::id::PaymentRef;
use crate::model::{Charge, ChargeStatus};
use crate::problem::FieldProblem;

impl Amount {
    /// Whether the amount makes sense, before any fact is known.
    pub fn check_input(&self) -> Result<(), Vec<FieldProblem>> {
        match self {
            Self::Everything => Ok(()),
            Self::Exactly(money) => money.check_input("amount").map_err(|problem| vec![problem]),
        }
    }
}

/// What Stripe itself enforces. The merchant's rules are `policy`'s.
///
/// Fails only on input that makes no sense; a payment that may not be refunded is an answer.
pub(crate) fn check(
    amount: &Amount,
    facts: &Facts,
    fee_rate: Option<FeeRate>,
) -> Result<Verdict, Vec<FieldProblem>> {
    amount.check_input()?;
    let charge = &facts.charge;
    let balance = facts.balance();
    let asked = match amount {
        Amount::Everything => charge.money(balance.refundable),
        Amount::Exactly(money) => *money,
    };
    let mut failed = Vec::new();
    if asked.currency == charge.currency {
        payment(charge, &balance, asked.amount, &mut failed);
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
    Ok(Verdict {
        decision: decide(&failed),
        failed,
        amount: asked,
        refundable: charge.money(refundable),
        fee_kept: fee_kept(charge, balance.spent(), asked.amount, fee_rate),
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
