//! Exports `eligibility`.

use refund_core::eligibility::{
    Amount, Cause, Decision, Facts, FailedRule, FeeKept, FeeSource, Ruling, Verdict,
};
use refund_core::id::PaymentRef;
use refund_core::policy::Ask;
use refund_core::problem::FieldProblem;

use crate::Component;
use crate::bindings::exports::refund_node::refunds::eligibility as wit;
use crate::bindings::exports::refund_node::refunds::types;
use crate::rules::rules_from_wit;
use crate::types::{
    charge_from_wit, dispute_from_wit, money_from_wit, money_to_wit, problems_to_wit,
    reason_from_wit, refund_from_wit,
};

impl wit::Guest for Component {
    fn check(
        ask: wit::Ask,
        facts: wit::Facts,
        rules: wit::Rules,
        now: u64,
    ) -> Result<wit::Verdict, Vec<types::FieldProblem>> {
        let invalid = |problem| problems_to_wit(vec![problem]);
        let ask = ask_from_wit(ask).map_err(invalid)?;
        let facts = facts_from_wit(facts).map_err(invalid)?;
        let rules = rules_from_wit(rules).map_err(problems_to_wit)?;
        rules.check(&ask, &facts, now).map(verdict_to_wit).map_err(problems_to_wit)
    }
}

pub(crate) fn amount_from_wit(amount: &wit::Amount) -> Result<Amount, FieldProblem> {
    match amount {
        wit::Amount::Everything => Ok(Amount::Everything),
        wit::Amount::Exactly(money) => money_from_wit(money).map(Amount::Exactly),
    }
}

pub(crate) fn ask_from_wit(ask: wit::Ask) -> Result<Ask, FieldProblem> {
    Ok(Ask {
        amount: amount_from_wit(&ask.amount)?,
        reason: ask.reason.map(reason_from_wit),
        self_serve: ask.self_serve,
    })
}

pub(crate) fn facts_from_wit(facts: wit::Facts) -> Result<Facts, FieldProblem> {
    Ok(Facts {
        charge: charge_from_wit(facts.charge)?,
        refunds: facts.refunds.into_iter().map(refund_from_wit).collect::<Result<_, _>>()?,
        disputes: facts.disputes.into_iter().map(dispute_from_wit).collect::<Result<_, _>>()?,
    })
}

#[cfg(feature = "http")]
pub(crate) fn facts_to_wit(facts: Facts) -> wit::Facts {
    use crate::types::{charge_to_wit, dispute_to_wit, refund_to_wit};
    wit::Facts {
        charge: charge_to_wit(facts.charge),
        refunds: facts.refunds.into_iter().map(refund_to_wit).collect(),
        disputes: facts.disputes.into_iter().map(dispute_to_wit).collect(),
    }
}

pub(crate) fn verdict_to_wit(verdict: Verdict) -> wit::Verdict {
    let fee = |fee: FeeKept| wit::FeeKept {
        total: money_to_wit(fee.total),
        share: money_to_wit(fee.share),
        source: match fee.source {
            FeeSource::BalanceTransaction(id) => wit::FeeSource::BalanceTransaction(id),
            FeeSource::Estimated => wit::FeeSource::Estimated,
        },
    };
    wit::Verdict {
        decision: match verdict.decision {
            Decision::Approve => wit::Decision::Approve,
            Decision::NeedsApproval => wit::Decision::NeedsApproval,
            Decision::Deny => wit::Decision::Deny,
        },
        failed: verdict.failed.into_iter().map(failed_rule_to_wit).collect(),
        amount: money_to_wit(verdict.amount),
        refundable: money_to_wit(verdict.refundable),
        fee_kept: verdict.fee_kept.map(fee),
        ruling: verdict.ruling.map(ruling_to_wit),
    }
}

fn ruling_to_wit(ruling: Ruling) -> wit::Ruling {
    wit::Ruling {
        policy: ruling.policy,
        version: ruling.version,
        hash: ruling.hash,
        rule: ruling.rule,
        rules: ruling.rules,
        approvals: ruling.approvals,
        deducted: ruling.deducted,
    }
}

fn cause_to_wit(cause: Cause) -> wit::Cause {
    match cause {
        Cause::Always => wit::Cause::Always,
        Cause::FraudReport => wit::Cause::FraudReport,
        Cause::Dispute => wit::Cause::Dispute,
        Cause::SelfServeNotOffered => wit::Cause::SelfServeNotOffered,
        Cause::SelfServeAmount => wit::Cause::SelfServeAmount,
        Cause::SelfServeAge => wit::Cause::SelfServeAge,
        Cause::SelfServeReason => wit::Cause::SelfServeReason,
        Cause::SelfServeRepeated => wit::Cause::SelfServeRepeated,
    }
}

fn failed_rule_to_wit(rule: FailedRule) -> wit::FailedRule {
    match rule {
        FailedRule::NotSucceeded { status } => {
            wit::FailedRule::NotSucceeded(wit::NotSucceeded { status })
        }
        FailedRule::NotCaptured { cancel_instead } => {
            let cancel_instead = match cancel_instead {
                PaymentRef::Charge(id) => types::PaymentRef::Charge(id.to_string()),
                PaymentRef::PaymentIntent(id) => types::PaymentRef::PaymentIntent(id.to_string()),
            };
            wit::FailedRule::NotCaptured(wit::NotCaptured { cancel_instead })
        }
        FailedRule::AlreadyRefunded { amount } => wit::FailedRule::AlreadyRefunded(amount),
        FailedRule::ExceedsRefundable { requested, refundable, captured, refunded, pending } => {
            wit::FailedRule::ExceedsRefundable(wit::ExceedsRefundable {
                requested,
                refundable,
                captured,
                refunded,
                pending,
            })
        }
        FailedRule::CurrencyMismatch { requested, charge } => {
            wit::FailedRule::CurrencyMismatch(wit::CurrencyMismatch {
                requested: requested.to_string(),
                charge: charge.to_string(),
            })
        }
        FailedRule::OutsideWindow { age_days, limit_days } => {
            wit::FailedRule::OutsideWindow(wit::OutsideWindow { age_days, limit_days })
        }
        FailedRule::Disputed { dispute, status } => {
            wit::FailedRule::Disputed(wit::Disputed { dispute, status })
        }
        FailedRule::DisputeUnknown => wit::FailedRule::DisputeUnknown,
        FailedRule::FraudFlagged { reported_by, report } => {
            wit::FailedRule::FraudFlagged(wit::FraudFlagged { reported_by, report })
        }
        FailedRule::BelowMinimum { requested, limit } => {
            wit::FailedRule::BelowMinimum(wit::AmountLimit { requested, limit })
        }
        FailedRule::NeverAbove { requested, limit } => {
            wit::FailedRule::NeverAbove(wit::AmountLimit { requested, limit })
        }
        FailedRule::AttemptLimit { made, limit } => {
            wit::FailedRule::AttemptLimit(wit::AttemptLimit { made, limit })
        }
        FailedRule::MethodNotAllowed { method, allowed } => {
            wit::FailedRule::MethodNotAllowed(wit::MethodNotAllowed { method, allowed })
        }
        FailedRule::MetadataUnmet { key, expected, found } => {
            wit::FailedRule::MetadataUnmet(wit::MetadataUnmet { key, expected, found })
        }
        FailedRule::ApproveUpTo { requested, limit } => {
            wit::FailedRule::ApproveUpTo(wit::AmountLimit { requested, limit })
        }
        FailedRule::CurrencyNotListed { currency } => {
            wit::FailedRule::CurrencyNotListed(currency.to_string())
        }
        FailedRule::ReasonNotAllowed { reason, allowed } => {
            wit::FailedRule::ReasonNotAllowed(wit::ReasonNotAllowed { reason, allowed })
        }
        FailedRule::AboveDeductions { requested, allowed, deducted } => {
            wit::FailedRule::AboveDeductions(wit::AboveDeductions { requested, allowed, deducted })
        }
        FailedRule::RuleDenies { by, cause: why } => {
            wit::FailedRule::RuleDenies(wit::RuleCause { by, cause: cause_to_wit(why) })
        }
        FailedRule::RuleAsks { by, cause: why } => {
            wit::FailedRule::RuleAsks(wit::RuleCause { by, cause: cause_to_wit(why) })
        }
        FailedRule::FactMissing { by, fact } => {
            wit::FailedRule::FactMissing(wit::FactMissing { by, fact })
        }
        FailedRule::SecondApproval { requested, limit, approvals } => {
            wit::FailedRule::SecondApproval(wit::SecondApproval { requested, limit, approvals })
        }
    }
}
