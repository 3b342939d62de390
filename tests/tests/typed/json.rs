//! Typed answers in the JSON of `invoke`.
#![allow(clippy::needless_pass_by_value, reason = "each is passed to `map` as it is")]

use refund_host::api::duplicates::{Basis, Confidence, Group, Observation, Tally};
use refund_host::api::eligibility::{Decision, Facts, FailedRule, FeeSource, Verdict};
use refund_host::api::live::{Checked, Scanned};
use refund_host::api::policies::Described;
use refund_host::api::refunds::{CreateError, Created, NeedsApproval, Origin, RefundPage};
use refund_host::api::types::{
    CallError, ChangeError, Charge, ChargeStatus, Dispute, FieldProblem, Metadata, Money, Reason,
    Refund, RefundStatus, Refusal, RefusalKind,
};
use refund_host::api::webhooks::{Action, Event, ParseError, Subject, Verified, VerifyError};
use serde_json::{Map, Value, json};

/// Fields without a value and empty objects are left out.
pub(crate) fn normalized(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(normalized).collect(),
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(name, value)| (name, normalized(value)));
            Value::Object(
                fields.filter(|(_, value)| !value.is_null() && *value != json!({})).collect(),
            )
        }
        other => other,
    }
}

/// The same without fields of these names, at any depth: what differs from call to call.
pub(crate) fn without(value: Value, names: &[&str]) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(|item| without(item, names)).collect(),
        Value::Object(fields) => {
            let kept = fields.into_iter().filter(|(name, _)| !names.contains(&name.as_str()));
            Value::Object(kept.map(|(name, value)| (name, without(value, names))).collect())
        }
        other => other,
    }
}

pub(crate) fn problems(problems: Vec<FieldProblem>) -> Value {
    let one = |problem: FieldProblem| {
        json!({
            "field": problem.field, "value": problem.value,
            "problem": problem.problem, "fix": problem.fix,
        })
    };
    json!({ "type": "invalid", "problems": problems.into_iter().map(one).collect::<Vec<_>>() })
}

fn refusal(refusal: Refusal) -> Value {
    let kind = match refusal.kind {
        RefusalKind::NotFound => "not_found",
        RefusalKind::InvalidRequest => "invalid_request",
        other => panic!("no test refuses with {other:?}"),
    };
    json!({
        "type": "refused", "kind": kind, "status": refusal.status, "code": refusal.code,
        "param": refusal.param, "message": refusal.message, "request_id": refusal.request_id,
        "retry_after": refusal.retry_after,
    })
}

pub(crate) fn call_error(error: CallError) -> Value {
    match error {
        CallError::Invalid(found) => problems(found),
        CallError::Refused(found) => refusal(found),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn change_error(error: ChangeError) -> Value {
    match error {
        ChangeError::Invalid(found) => problems(found),
        ChangeError::Refused(found) => refusal(found),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn create_error(error: CreateError) -> Value {
    let approval = |kind: &str, need: NeedsApproval| {
        json!({
            "type": kind, "verdict": verdict(need.verdict), "request_hash": need.request_hash,
        })
    };
    match error {
        CreateError::Invalid(found) => problems(found),
        CreateError::Refused(found) => refusal(found),
        CreateError::Denied(denied) => json!({ "type": "denied", "verdict": verdict(denied) }),
        CreateError::NeedsApproval(need) => approval("needs_approval", need),
        CreateError::ApprovalMismatch(need) => approval("approval_mismatch", need),
        CreateError::OperationConflict(conflict) => json!({
            "type": "operation_conflict", "operation_id": conflict.operation_id,
            "existing": conflict.existing.map(refund), "detail": conflict.detail,
        }),
        other => panic!("{other:?}"),
    }
}

fn money(money: &Money) -> Value {
    json!({ "amount": money.amount, "currency": money.currency })
}

fn metadata(metadata: Metadata) -> Value {
    Value::Object(metadata.into_iter().map(|(key, value)| (key, value.into())).collect())
}

pub(crate) fn refund(refund: Refund) -> Value {
    let status = match refund.status {
        RefundStatus::Pending => "pending",
        RefundStatus::RequiresAction => "requires_action",
        RefundStatus::Succeeded => "succeeded",
        RefundStatus::Failed => "failed",
        RefundStatus::Canceled => "canceled",
        other => panic!("{other:?}"),
    };
    let reason = refund.reason.map(|reason| match reason {
        Reason::Duplicate => "duplicate",
        Reason::RequestedByCustomer => "requested_by_customer",
        other => panic!("{other:?}"),
    });
    let destination = refund.destination.map(|place| {
        json!({
            "type": place.kind, "card_type": place.card_type, "reference": place.reference,
            "reference_status": place.reference_status,
        })
    });
    json!({
        "id": refund.id, "amount": refund.amount.amount, "currency": refund.amount.currency,
        "charge": refund.charge, "payment_intent": refund.payment_intent, "status": status,
        "reason": reason, "failure_reason": refund.failure_reason,
        "pending_reason": refund.pending_reason, "created": refund.created,
        "balance_transaction": refund.balance_transaction,
        "failure_balance_transaction": refund.failure_balance_transaction,
        "receipt_number": refund.receipt_number, "destination_details": destination,
        "metadata": metadata(refund.metadata),
    })
}

pub(crate) fn refunds(page: RefundPage) -> Value {
    json!({ "refunds": page.refunds.into_iter().map(refund).collect::<Vec<_>>(), "next": page.next })
}

pub(crate) fn created(created: Created) -> Value {
    let origin = match created.origin {
        Origin::Made => "made",
        Origin::Replayed => "replayed",
        Origin::Found => "found",
        Origin::Reconciled => "reconciled",
    };
    json!({
        "refund": refund(created.refund), "origin": origin, "attempts": created.attempts,
        "request_id": created.request_id, "verdict": created.verdict.map(verdict),
    })
}

pub(crate) fn charge(charge: Charge) -> Value {
    let status = match charge.status {
        ChargeStatus::Succeeded => "succeeded",
        other => panic!("{other:?}"),
    };
    let transaction = charge.balance_transaction.map(|transaction| {
        json!({ "id": transaction.id, "fee": transaction.fee, "currency": transaction.currency })
    });
    json!({
        "id": charge.id, "amount": charge.amount.amount, "currency": charge.amount.currency,
        "amount_captured": charge.amount_captured, "amount_refunded": charge.amount_refunded,
        "status": status, "captured": charge.captured, "refunded": charge.refunded,
        "disputed": charge.disputed, "created": charge.created, "customer": charge.customer,
        "payment_intent": charge.payment_intent,
        "payment_method_details": {
            "type": charge.payment_method_type, "card": { "fingerprint": charge.card_fingerprint },
        },
        "fraud_details": {
            "user_report": charge.fraud_user_report, "stripe_report": charge.fraud_stripe_report,
        },
        "balance_transaction": transaction, "livemode": charge.livemode,
        "metadata": metadata(charge.metadata),
    })
}

fn dispute(dispute: Dispute) -> Value {
    json!({
        "id": dispute.id, "amount": dispute.amount.amount, "currency": dispute.amount.currency,
        "charge": dispute.charge, "payment_intent": dispute.payment_intent,
        "status": dispute.status, "reason": dispute.reason,
        "is_charge_refundable": dispute.is_charge_refundable, "created": dispute.created,
        "evidence_details": { "due_by": dispute.evidence_due_by },
    })
}

pub(crate) fn facts(facts: Facts) -> Value {
    json!({
        "charge": charge(facts.charge),
        "refunds": facts.refunds.into_iter().map(refund).collect::<Vec<_>>(),
        "disputes": facts.disputes.into_iter().map(dispute).collect::<Vec<_>>(),
    })
}

fn failed_rule(rule: FailedRule) -> Value {
    match rule {
        FailedRule::Disputed(found) => {
            json!({ "rule": "disputed", "dispute": found.dispute, "status": found.status })
        }
        FailedRule::OutsideWindow(found) => json!({
            "rule": "outside_window", "age_days": found.age_days, "limit_days": found.limit_days,
        }),
        FailedRule::ExceedsRefundable(found) => json!({
            "rule": "exceeds_refundable", "requested": found.requested,
            "refundable": found.refundable, "captured": found.captured,
            "refunded": found.refunded, "pending": found.pending,
        }),
        FailedRule::ApproveUpTo(found) => {
            json!({ "rule": "approve_up_to", "requested": found.requested, "limit": found.limit })
        }
        other => panic!("no test fails the rule {other:?}"),
    }
}

pub(crate) fn verdict(verdict: Verdict) -> Value {
    let decision = match verdict.decision {
        Decision::Approve => "approve",
        Decision::NeedsApproval => "needs_approval",
        Decision::Deny => "deny",
    };
    let fee = verdict.fee_kept.map(|fee| {
        let source = match fee.source {
            FeeSource::BalanceTransaction(id) => json!({ "balance_transaction": id }),
            FeeSource::Estimated => json!("estimated"),
        };
        json!({ "total": money(&fee.total), "share": money(&fee.share), "source": source })
    });
    let ruling = verdict.ruling.map(|ruling| {
        json!({
            "policy": ruling.policy, "version": ruling.version, "hash": ruling.hash,
            "rule": ruling.rule, "rules": ruling.rules, "approvals": ruling.approvals,
            "deducted": ruling.deducted,
        })
    });
    json!({
        "decision": decision,
        "failed": verdict.failed.into_iter().map(failed_rule).collect::<Vec<_>>(),
        "amount": money(&verdict.amount), "refundable": money(&verdict.refundable),
        "fee_kept": fee, "ruling": ruling,
    })
}

pub(crate) fn checked(checked: Checked) -> Value {
    json!({ "verdict": verdict(checked.verdict), "facts": checked.facts.map(facts) })
}

pub(crate) fn described(described: Described) -> Value {
    json!({
        "name": described.name, "version": described.version, "hash": described.hash,
        "rules": described.rules, "sentences": described.sentences,
    })
}

fn observation(observation: Observation) -> Value {
    match observation {
        Observation::SameCustomer => json!("same_customer"),
        Observation::SameCard => json!("same_card"),
        Observation::DifferentCards => json!("different_cards"),
        Observation::SameReference(key) => json!({ "same_reference": key }),
        Observation::DifferentReference(key) => json!({ "different_reference": key }),
        Observation::PartlyRefunded(id) => json!({ "partly_refunded": id }),
        Observation::SecondsApart(seconds) => json!({ "seconds_apart": seconds }),
    }
}

fn group(group: Group) -> Value {
    json!({
        "keep": group.keep, "refund": group.refund, "amount": group.amount.amount,
        "currency": group.amount.currency,
        "basis": match group.basis {
            Basis::Customer(id) => json!({ "customer": id }),
            Basis::CardFingerprint(print) => json!({ "card_fingerprint": print }),
        },
        "first_created": group.first_created, "last_created": group.last_created,
        "confidence": match group.confidence {
            Confidence::Low => "low",
            Confidence::Medium => "medium",
            Confidence::High => "high",
        },
        "observations": group.observations.into_iter().map(observation).collect::<Vec<_>>(),
    })
}

pub(crate) fn groups(groups: Vec<Group>) -> Value {
    json!({ "groups": groups.into_iter().map(group).collect::<Vec<_>>() })
}

pub(crate) fn scanned(scanned: Scanned) -> Value {
    let Tally { seen, skipped, unmatched } = scanned.tally;
    let mut output = groups(scanned.groups);
    output["tally"] = json!({ "seen": seen, "skipped": skipped, "unmatched": unmatched });
    output["complete"] = scanned.complete.into();
    output["reached"] = scanned.reached.into();
    output
}

pub(crate) fn verified(verified: Verified) -> Value {
    json!({ "timestamp": verified.timestamp, "secret_index": verified.secret_index })
}

pub(crate) fn verify_error(error: VerifyError) -> Value {
    match error {
        VerifyError::Mismatch => json!({ "type": "mismatch" }),
        VerifyError::NoHeader => json!({ "type": "no_header" }),
        VerifyError::TooOld(found) => {
            json!({ "type": "too_old", "age": found.age, "tolerance": found.tolerance })
        }
        other => panic!("{other:?}"),
    }
}

pub(crate) fn parse_error(error: ParseError) -> Value {
    let (kind, problem) = match error {
        ParseError::NotJson(problem) => ("not_json", problem),
        ParseError::NotAnEvent(problem) => ("not_an_event", problem),
        ParseError::BadObject(problem) => ("bad_object", problem),
        ParseError::Other(error) => panic!("{error:?}"),
    };
    json!({ "type": kind, "problem": problem })
}

pub(crate) fn event(event: Event) -> Value {
    let subject = match event.subject {
        Subject::Refund(object) => json!({ "refund": refund(object) }),
        Subject::Charge(object) => json!({ "charge": charge(object) }),
        Subject::Dispute(object) => json!({ "dispute": dispute(object) }),
        other => panic!("{other:?}"),
    };
    json!({
        "id": event.id, "type": event.kind, "created": event.created, "livemode": event.livemode,
        "thin": event.thin, "api_version": event.api_version, "account": event.account,
        "request_id": event.request_id, "subject": subject,
    })
}

pub(crate) fn action(action: Action) -> Value {
    let (kind, object) = match action {
        Action::RefundFailed(object) => ("refund_failed", refund(object)),
        Action::ChargeRefunded(object) => ("charge_refunded", charge(object)),
        Action::DisputeOpened(object) => ("dispute_opened", dispute(object)),
        other => panic!("{other:?}"),
    };
    Value::Object(Map::from_iter([(kind.to_owned(), object)]))
}
