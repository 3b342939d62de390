//! Exports `eligibility`.

use refund_core::eligibility::{
    self, Amount, Because, Decision, Facts, FailedRule, FeeKept, FeeRate, FeeSource,
    MetadataCondition, Policy, Ruling, Verdict,
};
use refund_core::id::PaymentRef;
use refund_core::problem::FieldProblem;

use crate::Component;
use crate::bindings::exports::refund_node::refunds::eligibility as wit;
use crate::bindings::exports::refund_node::refunds::types;
use crate::types::{
    money, problems, read_charge, read_dispute, read_money, read_moneys, read_refund,
};

impl wit::Guest for Component {
    fn check(
        amount: wit::Amount,
        facts: wit::Facts,
        policy: wit::Policy,
        now: u64,
    ) -> Result<wit::Verdict, Vec<types::FieldProblem>> {
        let invalid = |problem| problems(vec![problem]);
        let amount = read_amount(&amount).map_err(invalid)?;
        let facts = read_facts(facts).map_err(invalid)?;
        let policy = read_policy(policy).map_err(invalid)?;
        eligibility::check(&amount, &facts, &policy, now).map(verdict).map_err(problems)
    }
}

pub(crate) fn read_amount(amount: &wit::Amount) -> Result<Amount, FieldProblem> {
    match amount {
        wit::Amount::Everything => Ok(Amount::Everything),
        wit::Amount::Exactly(money) => read_money(money).map(Amount::Exactly),
    }
}

pub(crate) fn read_policy(policy: wit::Policy) -> Result<Policy, FieldProblem> {
    let at = |field: &str, limits: &[types::Money]| {
        read_moneys(limits).map_err(|problem| problem.at(format!("policy.{field}.currency")))
    };
    let condition = |condition: wit::MetadataCondition| MetadataCondition {
        key: condition.key,
        value: condition.value,
    };
    Ok(Policy {
        window_days: policy.window_days,
        minimum: at("minimum", &policy.minimum)?,
        maximum: at("maximum", &policy.maximum)?,
        approval_above: at("approval_above", &policy.approval_above)?,
        max_attempts: policy.max_attempts,
        payment_methods: policy.payment_methods,
        metadata_conditions: policy.metadata_conditions.into_iter().map(condition).collect(),
        block_fraud_flagged: policy.block_fraud_flagged,
        fee_rate: policy
            .fee_rate
            .map(|rate| FeeRate { basis_points: rate.basis_points, fixed: rate.fixed }),
    })
}

pub(crate) fn read_facts(facts: wit::Facts) -> Result<Facts, FieldProblem> {
    Ok(Facts {
        charge: read_charge(facts.charge)?,
        refunds: facts.refunds.into_iter().map(read_refund).collect::<Result<_, _>>()?,
        disputes: facts.disputes.into_iter().map(read_dispute).collect::<Result<_, _>>()?,
    })
}

#[cfg(feature = "http")]
pub(crate) fn facts(facts: Facts) -> wit::Facts {
    use crate::types::{charge, dispute, refund};
    wit::Facts {
        charge: charge(facts.charge),
        refunds: facts.refunds.into_iter().map(refund).collect(),
        disputes: facts.disputes.into_iter().map(dispute).collect(),
    }
}

pub(crate) fn verdict(verdict: Verdict) -> wit::Verdict {
    let fee = |fee: FeeKept| wit::FeeKept {
        total: money(fee.total),
        share: money(fee.share),
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
        failed: verdict.failed.into_iter().map(failed_rule).collect(),
        amount: money(verdict.amount),
        refundable: money(verdict.refundable),
        fee_kept: verdict.fee_kept.map(fee),
        ruling: verdict.ruling.map(ruling),
    }
}

fn ruling(ruling: Ruling) -> wit::Ruling {
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

fn because(because: Because) -> wit::Because {
    match because {
        Because::Always => wit::Because::Always,
        Because::FraudReport => wit::Because::FraudReport,
        Because::Dispute => wit::Because::Dispute,
        Because::SelfServeNotOffered => wit::Because::SelfServeNotOffered,
        Because::SelfServeAmount => wit::Because::SelfServeAmount,
        Because::SelfServeAge => wit::Because::SelfServeAge,
        Because::SelfServeReason => wit::Because::SelfServeReason,
        Because::SelfServeRepeated => wit::Because::SelfServeRepeated,
    }
}

fn failed_rule(rule: FailedRule) -> wit::FailedRule {
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
        FailedRule::AboveMaximum { requested, limit } => {
            wit::FailedRule::AboveMaximum(wit::AmountLimit { requested, limit })
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
        FailedRule::OverThreshold { requested, limit } => {
            wit::FailedRule::OverThreshold(wit::AmountLimit { requested, limit })
        }
        FailedRule::NoThresholdFor { currency } => {
            wit::FailedRule::NoThresholdFor(currency.to_string())
        }
        FailedRule::ReasonNotAllowed { reason, allowed } => {
            wit::FailedRule::ReasonNotAllowed(wit::ReasonNotAllowed { reason, allowed })
        }
        FailedRule::AboveDeductions { requested, allowed, deducted } => {
            wit::FailedRule::AboveDeductions(wit::AboveDeductions { requested, allowed, deducted })
        }
        FailedRule::RuleDenies { by, because: why } => {
            wit::FailedRule::RuleDenies(wit::Ruled { by, because: because(why) })
        }
        FailedRule::RuleAsks { by, because: why } => {
            wit::FailedRule::RuleAsks(wit::Ruled { by, because: because(why) })
        }
        FailedRule::FactMissing { by, fact } => {
            wit::FailedRule::FactMissing(wit::FactMissing { by, fact })
        }
        FailedRule::SecondApproval { requested, limit, approvals } => {
            wit::FailedRule::SecondApproval(wit::SecondApproval { requested, limit, approvals })
        }
    }
}
