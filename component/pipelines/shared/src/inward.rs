//! From the words of the contract to those of the core. Only a currency or an operation id can fail, and only
//! if the node is none of ours.

use refund_core::billing::{InvoiceFacts, MadeShare, SubscriptionPeriod};
use refund_core::client::{
    CallError, CreateError, Created, NeedsApproval, OperationConflict, Origin, OutcomeUnknown,
    Scanned, TransportFailure, TransportKind,
};
use refund_core::credits::{PaymentShare, Proration, Quote, RefundShare, Span, Tier};
use refund_core::duplicates::{Basis, Confidence, Group, Observation, Tally};
use refund_core::eligibility::{Cause, Decision, FailedRule, FeeKept, FeeSource, Ruling, Verdict};
use refund_core::id::{
    ChargeId, CustomerId, InvoiceId, ItemId, LineId, OperationId, PaymentIntentId, PaymentRef,
    RefundId, SubscriptionId,
};
use refund_core::model::{Destination, Reason, Refund, RefundStatus};
use refund_core::money::{Currency, Money};
use refund_core::problem::FieldProblem;
use refund_core::wire::{Refusal, RefusalKind};

use crate::bindings::refund_node::refunds::{
    billing, credits as wit_credits, duplicates, eligibility, live, refunds, types as wit,
};
use crate::imports::{Charged, Checked};

/// What was read, or a word that the contract does not know.
type Read<T> = Result<T, FieldProblem>;

pub(crate) fn problems(problems: Vec<wit::FieldProblem>) -> Vec<FieldProblem> {
    let problem = |wit::FieldProblem { field, value, problem, fix }| FieldProblem {
        field,
        value,
        problem,
        fix,
    };
    problems.into_iter().map(problem).collect()
}

fn money(money: &wit::Money) -> Read<Money> {
    Ok(Money { amount: money.amount, currency: Currency::parse(&money.currency)? })
}

fn payment(payment: wit::PaymentRef) -> PaymentRef {
    match payment {
        wit::PaymentRef::Charge(id) => PaymentRef::Charge(ChargeId::from_stripe(id)),
        wit::PaymentRef::PaymentIntent(id) => {
            PaymentRef::PaymentIntent(PaymentIntentId::from_stripe(id))
        }
    }
}

fn refund(refund: wit::Refund) -> Read<Refund> {
    let Money { amount, currency } = money(&refund.amount)?;
    let destination = |place: wit::Destination| Destination {
        kind: place.kind,
        card_type: place.card_type,
        reference: place.reference,
        reference_status: place.reference_status,
    };
    Ok(Refund {
        id: RefundId::from_stripe(refund.id),
        amount,
        currency,
        charge: refund.charge.map(ChargeId::from_stripe),
        payment_intent: refund.payment_intent.map(PaymentIntentId::from_stripe),
        status: refund_status(refund.status),
        reason: refund.reason.map(reason),
        failure_reason: refund.failure_reason,
        pending_reason: refund.pending_reason,
        created: refund.created,
        balance_transaction: refund.balance_transaction,
        failure_balance_transaction: refund.failure_balance_transaction,
        receipt_number: refund.receipt_number,
        destination_details: refund.destination.map(destination),
        metadata: refund.metadata.into_iter().collect(),
    })
}

fn refund_status(status: wit::RefundStatus) -> Option<RefundStatus> {
    Some(match status {
        wit::RefundStatus::Pending => RefundStatus::Pending,
        wit::RefundStatus::RequiresAction => RefundStatus::RequiresAction,
        wit::RefundStatus::Succeeded => RefundStatus::Succeeded,
        wit::RefundStatus::Failed => RefundStatus::Failed,
        wit::RefundStatus::Canceled => RefundStatus::Canceled,
        wit::RefundStatus::Other(text) => RefundStatus::from(text.as_str()),
        wit::RefundStatus::Absent => return None,
    })
}

fn reason(reason: wit::Reason) -> Reason {
    match reason {
        wit::Reason::Duplicate => Reason::Duplicate,
        wit::Reason::Fraudulent => Reason::Fraudulent,
        wit::Reason::RequestedByCustomer => Reason::RequestedByCustomer,
        wit::Reason::ExpiredUncapturedCharge => Reason::ExpiredUncapturedCharge,
        wit::Reason::Other(text) => Reason::from(text.as_str()),
    }
}

pub(crate) fn created(created: refunds::Created) -> Read<Created> {
    Ok(Created {
        refund: refund(created.refund)?,
        origin: match created.origin {
            refunds::Origin::Made => Origin::Made,
            refunds::Origin::Replayed => Origin::Replayed,
            refunds::Origin::Found => Origin::Found,
            refunds::Origin::Reconciled => Origin::Reconciled,
        },
        attempts: created.attempts,
        request_id: created.request_id,
        verdict: created.verdict.map(verdict).transpose()?,
    })
}

pub(crate) fn create_error(error: refunds::CreateError) -> Read<CreateError> {
    use refunds::CreateError as Wit;
    let needs_approval = |need: refunds::NeedsApproval| {
        Ok::<_, FieldProblem>(NeedsApproval {
            verdict: verdict(need.verdict)?,
            request_hash: need.request_hash,
        })
    };
    Ok(match error {
        Wit::Invalid(found) => CreateError::Invalid { problems: problems(found) },
        Wit::Denied(denied) => CreateError::Denied { verdict: verdict(denied)? },
        Wit::NeedsApproval(need) => CreateError::NeedsApproval(needs_approval(need)?),
        Wit::ApprovalMismatch(need) => CreateError::ApprovalMismatch(needs_approval(need)?),
        Wit::OperationConflict(conflict) => CreateError::OperationConflict(OperationConflict {
            operation_id: conflict.operation_id,
            existing: conflict.existing.map(refund).transpose()?.map(Box::new),
            detail: conflict.detail,
        }),
        Wit::Refused(found) => CreateError::Refused(refusal(found)),
        Wit::Transport(found) => CreateError::Transport(transport_failure(found)),
        Wit::OutcomeUnknown(unknown) => CreateError::OutcomeUnknown(OutcomeUnknown {
            operation_id: unknown.operation_id,
            idempotency_key: unknown.idempotency_key,
            attempts: unknown.attempts,
            detail: unknown.detail,
        }),
    })
}

pub(crate) fn call_error(error: wit::CallError) -> CallError {
    match error {
        wit::CallError::Invalid(found) => CallError::Invalid { problems: problems(found) },
        wit::CallError::Refused(found) => CallError::Refused(refusal(found)),
        wit::CallError::Transport(found) => CallError::Transport(transport_failure(found)),
    }
}

fn refusal(refusal: wit::Refusal) -> Refusal {
    let kind = match refusal.kind {
        wit::RefusalKind::InvalidRequest => RefusalKind::InvalidRequest,
        wit::RefusalKind::Authentication => RefusalKind::Authentication,
        wit::RefusalKind::Permission => RefusalKind::Permission,
        wit::RefusalKind::NotFound => RefusalKind::NotFound,
        wit::RefusalKind::Idempotency => RefusalKind::Idempotency,
        wit::RefusalKind::Card => RefusalKind::Card,
        wit::RefusalKind::RateLimited => RefusalKind::RateLimited,
        wit::RefusalKind::Locked => RefusalKind::Locked,
        wit::RefusalKind::Api => RefusalKind::Api,
    };
    Refusal {
        kind,
        status: refusal.status,
        code: refusal.code,
        param: refusal.param,
        message: refusal.message,
        request_id: refusal.request_id,
        retry_after: refusal.retry_after,
    }
}

fn transport_failure(failure: wit::TransportFailure) -> TransportFailure {
    let kind = match failure.kind {
        wit::TransportKind::Denied => TransportKind::Denied,
        wit::TransportKind::Dns => TransportKind::Dns,
        wit::TransportKind::Connect => TransportKind::Connect,
        wit::TransportKind::Tls => TransportKind::Tls,
        wit::TransportKind::Timeout => TransportKind::Timeout,
        wit::TransportKind::Broken => TransportKind::Broken,
        wit::TransportKind::TooLarge => TransportKind::TooLarge,
        wit::TransportKind::Unreadable => TransportKind::Unreadable,
        wit::TransportKind::Other => TransportKind::Other,
    };
    TransportFailure { kind, detail: failure.detail, attempts: failure.attempts }
}

pub(crate) fn checked(checked: live::Checked) -> Read<Checked> {
    let charged = |facts: eligibility::Facts| {
        let Money { currency, .. } = money(&facts.charge.amount)?;
        Ok::<_, FieldProblem>(Charged {
            captured: Money { amount: facts.charge.amount_captured, currency },
            charge: ChargeId::from_stripe(facts.charge.id),
            refunds: facts.refunds.into_iter().map(refund).collect::<Read<_>>()?,
        })
    };
    Ok(Checked {
        verdict: verdict(checked.verdict)?,
        charged: checked.facts.map(charged).transpose()?,
    })
}

fn verdict(verdict: eligibility::Verdict) -> Read<Verdict> {
    let fee = |fee: eligibility::FeeKept| {
        Ok::<_, FieldProblem>(FeeKept {
            total: money(&fee.total)?,
            share: money(&fee.share)?,
            source: match fee.source {
                eligibility::FeeSource::BalanceTransaction(id) => FeeSource::BalanceTransaction(id),
                eligibility::FeeSource::Estimated => FeeSource::Estimated,
            },
        })
    };
    Ok(Verdict {
        decision: match verdict.decision {
            eligibility::Decision::Approve => Decision::Approve,
            eligibility::Decision::NeedsApproval => Decision::NeedsApproval,
            eligibility::Decision::Deny => Decision::Deny,
        },
        failed: verdict.failed.into_iter().map(failed_rule).collect::<Read<_>>()?,
        amount: money(&verdict.amount)?,
        refundable: money(&verdict.refundable)?,
        fee_kept: verdict.fee_kept.map(fee).transpose()?,
        ruling: verdict.ruling.map(ruling),
    })
}

fn ruling(ruling: eligibility::Ruling) -> Ruling {
    Ruling {
        policy: ruling.policy,
        version: ruling.version,
        hash: ruling.hash,
        rule: ruling.rule,
        rules: ruling.rules,
        approvals: ruling.approvals,
        deducted: ruling.deducted,
    }
}

fn cause(cause: eligibility::Cause) -> Cause {
    use eligibility::Cause as Wit;
    match cause {
        Wit::Always => Cause::Always,
        Wit::FraudReport => Cause::FraudReport,
        Wit::Dispute => Cause::Dispute,
        Wit::SelfServeNotOffered => Cause::SelfServeNotOffered,
        Wit::SelfServeAmount => Cause::SelfServeAmount,
        Wit::SelfServeAge => Cause::SelfServeAge,
        Wit::SelfServeReason => Cause::SelfServeReason,
        Wit::SelfServeRepeated => Cause::SelfServeRepeated,
    }
}

fn failed_rule(rule: eligibility::FailedRule) -> Read<FailedRule> {
    use eligibility::FailedRule as Wit;
    Ok(match rule {
        Wit::NotSucceeded(rule) => FailedRule::NotSucceeded { status: rule.status },
        Wit::NotCaptured(rule) => {
            FailedRule::NotCaptured { cancel_instead: payment(rule.cancel_instead) }
        }
        Wit::AlreadyRefunded(amount) => FailedRule::AlreadyRefunded { amount },
        Wit::ExceedsRefundable(rule) => FailedRule::ExceedsRefundable {
            requested: rule.requested,
            refundable: rule.refundable,
            captured: rule.captured,
            refunded: rule.refunded,
            pending: rule.pending,
        },
        Wit::CurrencyMismatch(rule) => FailedRule::CurrencyMismatch {
            requested: Currency::parse(&rule.requested)?,
            charge: Currency::parse(&rule.charge)?,
        },
        Wit::OutsideWindow(rule) => {
            FailedRule::OutsideWindow { age_days: rule.age_days, limit_days: rule.limit_days }
        }
        Wit::Disputed(rule) => FailedRule::Disputed { dispute: rule.dispute, status: rule.status },
        Wit::DisputeUnknown => FailedRule::DisputeUnknown,
        Wit::FraudFlagged(rule) => {
            FailedRule::FraudFlagged { reported_by: rule.reported_by, report: rule.report }
        }
        Wit::BelowMinimum(rule) => {
            FailedRule::BelowMinimum { requested: rule.requested, limit: rule.limit }
        }
        Wit::NeverAbove(rule) => {
            FailedRule::NeverAbove { requested: rule.requested, limit: rule.limit }
        }
        Wit::AttemptLimit(rule) => FailedRule::AttemptLimit { made: rule.made, limit: rule.limit },
        Wit::MethodNotAllowed(rule) => {
            FailedRule::MethodNotAllowed { method: rule.method, allowed: rule.allowed }
        }
        Wit::MetadataUnmet(rule) => {
            FailedRule::MetadataUnmet { key: rule.key, expected: rule.expected, found: rule.found }
        }
        Wit::ApproveUpTo(rule) => {
            FailedRule::ApproveUpTo { requested: rule.requested, limit: rule.limit }
        }
        Wit::CurrencyNotListed(currency) => {
            FailedRule::CurrencyNotListed { currency: Currency::parse(&currency)? }
        }
        Wit::ReasonNotAllowed(rule) => {
            FailedRule::ReasonNotAllowed { reason: rule.reason, allowed: rule.allowed }
        }
        Wit::AboveDeductions(rule) => FailedRule::AboveDeductions {
            requested: rule.requested,
            allowed: rule.allowed,
            deducted: rule.deducted,
        },
        Wit::RuleDenies(rule) => FailedRule::RuleDenies { by: rule.by, cause: cause(rule.cause) },
        Wit::RuleAsks(rule) => FailedRule::RuleAsks { by: rule.by, cause: cause(rule.cause) },
        Wit::FactMissing(rule) => FailedRule::FactMissing { by: rule.by, fact: rule.fact },
        Wit::SecondApproval(rule) => FailedRule::SecondApproval {
            requested: rule.requested,
            limit: rule.limit,
            approvals: rule.approvals,
        },
    })
}

pub(crate) fn scanned(scanned: live::Scanned) -> Read<Scanned> {
    let duplicates::Tally { seen, skipped, unmatched } = scanned.tally;
    Ok(Scanned {
        groups: scanned.groups.into_iter().map(group).collect::<Read<_>>()?,
        tally: Tally { seen, skipped, unmatched },
        complete: scanned.complete,
        reached: scanned.reached,
    })
}

fn group(group: duplicates::Group) -> Read<Group> {
    let Money { amount, currency } = money(&group.amount)?;
    Ok(Group {
        keep: ChargeId::from_stripe(group.keep),
        refund: group.refund.into_iter().map(ChargeId::from_stripe).collect(),
        amount,
        currency,
        basis: match group.basis {
            duplicates::Basis::Customer(id) => Basis::Customer(CustomerId::from_stripe(id)),
            duplicates::Basis::CardFingerprint(print) => Basis::CardFingerprint(print),
        },
        first_created: group.first_created,
        last_created: group.last_created,
        confidence: match group.confidence {
            duplicates::Confidence::Low => Confidence::Low,
            duplicates::Confidence::Medium => Confidence::Medium,
            duplicates::Confidence::High => Confidence::High,
        },
        observations: group.observations.into_iter().map(observation).collect(),
    })
}

fn observation(observation: duplicates::Observation) -> Observation {
    use duplicates::Observation as Wit;
    match observation {
        Wit::SameCustomer => Observation::SameCustomer,
        Wit::SameCard => Observation::SameCard,
        Wit::DifferentCards => Observation::DifferentCards,
        Wit::SameReference(key) => Observation::SameReference(key),
        Wit::DifferentReference(key) => Observation::DifferentReference(key),
        Wit::PartlyRefunded(id) => Observation::PartlyRefunded(ChargeId::from_stripe(id)),
        Wit::SecondsApart(seconds) => Observation::SecondsApart(seconds),
    }
}

fn span(span: wit_credits::Span) -> Span {
    Span { start: span.start, end: span.end }
}

pub(crate) fn quote(quote: wit_credits::Quote) -> Read<Quote> {
    let tier = |tier: wit_credits::Tier| Tier { below: tier.below, credit: tier.credit };
    Ok(Quote {
        credit: money(&quote.credit)?,
        earned: quote.earned,
        uptime: quote.uptime,
        seconds_down: quote.seconds_down,
        seconds_counted: quote.seconds_counted,
        tier: quote.tier.map(tier),
        capped: quote.capped,
        merged: quote.merged.into_iter().map(span).collect(),
    })
}

pub(crate) fn proration(proration: wit_credits::Proration) -> Read<Proration> {
    let share = |share: wit_credits::RefundShare| RefundShare {
        payment: payment(share.payment),
        amount: share.amount,
    };
    Ok(Proration {
        refund: money(&proration.refund)?,
        shares: proration.shares.into_iter().map(share).collect(),
        unused: proration.unused,
        subtracted: proration.subtracted,
        left_over: proration.left_over,
        seconds_unused: proration.seconds_unused,
        seconds: proration.seconds,
    })
}

pub(crate) fn facts(facts: billing::InvoiceFacts) -> Read<InvoiceFacts> {
    let share = |share: wit_credits::PaymentShare| PaymentShare {
        payment: payment(share.payment),
        paid: share.paid,
        refunded: share.refunded,
    };
    let made = |made: billing::MadeShare| {
        Ok::<_, FieldProblem>(MadeShare {
            payment: payment(made.payment),
            operation_id: OperationId::parse(&made.operation_id)?,
            amount: made.amount,
        })
    };
    Ok(InvoiceFacts {
        invoice: InvoiceId::from_stripe(facts.invoice),
        item: ItemId::from_stripe(facts.item),
        lines: facts.lines.into_iter().map(LineId::from_stripe).collect(),
        price: money(&facts.price)?,
        period: span(facts.period),
        payments: facts.payments.into_iter().map(share).collect(),
        credited: facts.credited,
        paid_elsewhere: facts.paid_elsewhere,
        made: facts.made.into_iter().map(made).collect::<Read<_>>()?,
    })
}

pub(crate) fn subscription(found: billing::SubscriptionPeriod) -> SubscriptionPeriod {
    SubscriptionPeriod {
        subscription: SubscriptionId::from_stripe(found.subscription),
        status: found.status,
        item: found.item.map(ItemId::from_stripe),
        period: span(found.period),
        latest_invoice: found.latest_invoice.map(InvoiceId::from_stripe),
        ended_at: found.ended_at,
    }
}
