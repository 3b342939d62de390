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
use crate::rules::read_rules;
use crate::types::{
    money, problems, read_charge, read_dispute, read_money, read_reason, read_refund,
};

impl wit::Guest for Component {
    fn check(
        ask: wit::Ask,
        facts: wit::Facts,
        rules: wit::Rules,
        now: u64,
    ) -> Result<wit::Verdict, Vec<types::FieldProblem>> {
        let invalid = |problem| problems(vec![problem]);
        let ask = read_ask(ask).map_err(invalid)?;
        let facts = read_facts(facts).map_err(invalid)?;
        let rules = read_rules(rules).map_err(problems)?;
        rules.check(&ask, &facts, now).map(verdict).map_err(problems)
    }
}

pub(crate) fn read_amount(amount: &wit::Amount) -> Result<Amount, FieldProblem> {
    match amount {
        wit::Amount::Everything => Ok(Amount::Everything),
        wit::Amount::Exactly(money) => read_money(money).map(Amount::Exactly),
    }
}

pub(crate) fn read_ask(ask: wit::Ask) -> Result<Ask, FieldProblem> {
    Ok(Ask {
        amount: read_amount(&ask.amount)?,
        reason: ask.reason.map(read_reason),
        self_serve: ask.self_serve,
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

fn cause(cause: Cause) -> wit::Cause {
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
            wit::FailedRule::RuleDenies(wit::RuleCause { by, cause: cause(why) })
        }
        FailedRule::RuleAsks { by, cause: why } => {
            wit::FailedRule::RuleAsks(wit::RuleCause { by, cause: cause(why) })
        }
        FailedRule::FactMissing { by, fact } => {
            wit::FailedRule::FactMissing(wit::FactMissing { by, fact })
        }
        FailedRule::SecondApproval { requested, limit, approvals } => {
            wit::FailedRule::SecondApproval(wit::SecondApproval { requested, limit, approvals })
        }
    }
}
