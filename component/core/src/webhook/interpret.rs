//! What follows from an event.

use serde::{Deserialize, Serialize};

use super::event::{Event, RelatedObject, Subject};
use crate::model::{Charge, Dispute, Refund, RefundStatus};

/// What the host should do. Apply it once per refund id and status, not per event: one refund makes
/// several events, and they arrive in any order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Action {
    /// The refund went through.
    RefundSucceeded(Box<Refund>),
    /// The refund is under way.
    RefundPending(Box<Refund>),
    /// The customer has to act.
    RefundRequiresAction(Box<Refund>),
    /// The refund failed, maybe after it had succeeded: reopen the operation, pay in another way.
    RefundFailed(Box<Refund>),
    /// The refund was cancelled: the money was not sent.
    RefundCanceled(Box<Refund>),
    /// A charge was refunded, in part or whole, here or elsewhere: read its refunds.
    ChargeRefunded(Box<Charge>),
    /// A dispute was opened: stop refunds of this charge unless it is still refundable.
    DisputeOpened(Box<Dispute>),
    /// A dispute changed: read its flag `is_charge_refundable` again.
    DisputeUpdated(Box<Dispute>),
    /// A dispute is over.
    DisputeClosed(Box<Dispute>),
    /// A thin event: fetch the object and treat it as the kind says.
    Fetch(RelatedObject),
    /// Nothing to do: why.
    Ignore(String),
}

/// Says what follows from an event. The refund's own status decides, not the event's name: there is no
/// `refund.succeeded`, and `refund.updated` may mean anything (reference 5.4).
pub fn interpret(event: &Event) -> Action {
    let kind = event.kind.strip_prefix("v1.").unwrap_or(&event.kind);
    match &event.subject {
        Subject::Refund(refund) => of_refund(refund),
        Subject::Charge(charge) if kind == "charge.refunded" => {
            Action::ChargeRefunded(charge.clone())
        }
        Subject::Dispute(dispute) => match kind {
            "charge.dispute.created" => Action::DisputeOpened(dispute.clone()),
            "charge.dispute.closed" => Action::DisputeClosed(dispute.clone()),
            _ => Action::DisputeUpdated(dispute.clone()),
        },
        Subject::Reference(object) if concerns_refunds(kind) => Action::Fetch(object.clone()),
        Subject::Charge(_) | Subject::Reference(_) | Subject::Other(_) => {
            Action::Ignore(format!("{} does not concern refunds", event.kind))
        }
    }
}

/// A status unknown today, or none, is treated as under way: the next event or a read tells more.
fn of_refund(refund: &Refund) -> Action {
    let refund = Box::new(refund.clone());
    match refund.status {
        Some(RefundStatus::Succeeded) => Action::RefundSucceeded(refund),
        Some(RefundStatus::Failed) => Action::RefundFailed(refund),
        Some(RefundStatus::Canceled) => Action::RefundCanceled(refund),
        Some(RefundStatus::RequiresAction) => Action::RefundRequiresAction(refund),
        Some(RefundStatus::Pending | RefundStatus::Other(_)) | None => {
            Action::RefundPending(refund)
        }
    }
}

fn concerns_refunds(kind: &str) -> bool {
    kind.starts_with("refund.")
        || kind.starts_with("charge.refund")
        || kind.starts_with("charge.dispute.")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::parse;
    use super::*;

    fn action(kind: &str, object: &Value) -> Action {
        let body = json!({ "id": "evt_1", "object": "event", "type": kind, "created": 1, "data": { "object": object } });
        interpret(&parse(body.to_string().as_bytes()).unwrap())
    }

    fn name(action: &Action) -> String {
        json!(action).as_object().unwrap().keys().next().unwrap().clone()
    }

    #[test]
    fn the_status_of_the_refund_decides() {
        for (kind, status, expected) in [
            ("refund.created", json!("succeeded"), "refund_succeeded"),
            ("refund.created", json!("pending"), "refund_pending"),
            ("refund.updated", json!("succeeded"), "refund_succeeded"),
            ("refund.updated", json!("canceled"), "refund_canceled"),
            ("refund.updated", json!("requires_action"), "refund_requires_action"),
            ("refund.failed", json!("failed"), "refund_failed"),
            ("charge.refund.updated", json!("failed"), "refund_failed"),
            ("refund.succeeded", json!("succeeded"), "refund_succeeded"),
            ("refund.updated", json!("status_of_tomorrow"), "refund_pending"),
            ("refund.updated", json!(null), "refund_pending"),
        ] {
            let refund = json!({ "id": "re_1", "object": "refund", "amount": 1, "currency": "usd", "status": status });
            assert_eq!(name(&action(kind, &refund)), expected, "{kind} {status}");
        }
    }

    #[test]
    fn charges_and_disputes() {
        let charge = json!({ "id": "ch_1", "object": "charge", "amount": 1, "currency": "usd", "status": "succeeded", "created": 1 });
        let dispute = json!({ "id": "dp_1", "object": "dispute", "amount": 1, "currency": "usd", "status": "won" });
        for (kind, object, expected) in [
            ("charge.refunded", &charge, "charge_refunded"),
            ("charge.succeeded", &charge, "ignore"),
            ("charge.dispute.created", &dispute, "dispute_opened"),
            ("charge.dispute.updated", &dispute, "dispute_updated"),
            ("charge.dispute.funds_withdrawn", &dispute, "dispute_updated"),
            ("charge.dispute.closed", &dispute, "dispute_closed"),
            ("balance.available", &json!({ "object": "balance" }), "ignore"),
        ] {
            assert_eq!(name(&action(kind, object)), expected, "{kind}");
        }
    }

    #[test]
    fn thin_events_ask_for_a_fetch() {
        for (kind, expected) in [
            ("v1.refund.updated", "fetch"),
            ("v1.charge.refunded", "fetch"),
            ("v1.charge.dispute.closed", "fetch"),
            ("v1.customer.created", "ignore"),
        ] {
            let body = json!({
                "id": "evt_1", "object": "v2.core.event", "type": kind, "created": "2026-01-01T00:00:00Z",
                "related_object": { "id": "re_1", "type": "refund", "url": "/v1/refunds/re_1" },
            });
            assert_eq!(
                name(&interpret(&parse(body.to_string().as_bytes()).unwrap())),
                expected,
                "{kind}"
            );
        }
    }
}
