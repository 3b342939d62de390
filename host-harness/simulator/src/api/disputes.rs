//! Disputes.

use serde_json::{Value, json};

use super::{Call, metadata};
use crate::error::{ApiError, ApiResult};
use crate::world::{DisputeOrder, World, object};

/// A week and a half to answer.
const ANSWER_TIME: u64 = 10 * 86_400;

/// Stages evidence, or sends it to the bank: `submit` is true unless said otherwise (reference 2.5).
pub(super) fn update(call: &mut Call<'_>, id: &str) -> ApiResult {
    let dispute = call.world.get("dispute", id, call.live, "dispute")?;
    let mut evidence = dispute["evidence"].clone();
    let given = call.params.get("evidence").and_then(Value::as_object).cloned();
    for (name, value) in given.clone().unwrap_or_default() {
        evidence[name] = value;
    }
    let submits = call.params.get("submit") != Some(&json!(false)) && given.is_some();
    let status = dispute["status"].as_str().unwrap_or_default();
    let mut details = dispute["evidence_details"].clone();
    details["has_evidence"] = json!(details["has_evidence"] == true || given.is_some());
    let mut fields = json!({
        "evidence": evidence,
        "metadata": metadata::merge(&dispute["metadata"], call.params.get("metadata"))?,
    });
    if submits {
        let next = match status {
            "needs_response" => "under_review",
            "warning_needs_response" => "warning_under_review",
            _ => {
                return Err(ApiError::with_status(
                    400,
                    "This dispute is already closed or its evidence was submitted.",
                ));
            }
        };
        details["submission_count"] =
            json!(details["submission_count"].as_i64().unwrap_or_default() + 1);
        fields["status"] = json!(next);
    }
    fields["evidence_details"] = details;
    let (dispute, before) = call.world.change(id, &fields);
    call.world.emit("charge.dispute.updated", &dispute, Some(before));
    Ok(dispute)
}

/// Opens a dispute, as a bank would.
pub(crate) fn open(world: &mut World, order: &DisputeOrder) -> Option<Value> {
    let charge = world.find_any(&order.charge)?;
    let inquiry = order.status.starts_with("warning_");
    let (id, now) = (world.id("dp"), world.now());
    let dispute = object(
        "dispute",
        json!({
            "id": id, "amount": charge["amount"], "currency": charge["currency"], "charge": charge["id"],
            "payment_intent": charge["payment_intent"], "created": now, "status": order.status,
            "reason": order.reason, "livemode": charge["livemode"], "metadata": {},
            "is_charge_refundable": order.refundable.unwrap_or(inquiry), "balance_transactions": [],
            "intended_submission_method": null,
            "evidence_details": {
                "due_by": now + ANSWER_TIME, "enhanced_eligibility": {}, "has_evidence": false,
                "past_due": false, "submission_count": 0, "submission_method": "not_submitted",
            },
        }),
    );
    world.add("dispute", dispute.clone());
    world.change(&order.charge, &json!({ "disputed": true }));
    world.emit("charge.dispute.created", &dispute, None);
    Some(dispute)
}

/// Ends a dispute: `won`, `lost` or `warning_closed`.
pub(crate) fn close(world: &mut World, id: &str, status: &str) -> Value {
    let refundable = matches!(status, "won" | "warning_closed");
    let fields = json!({ "status": status, "is_charge_refundable": refundable });
    let (dispute, before) = world.change(id, &fields);
    world.emit("charge.dispute.closed", &dispute, Some(before));
    dispute
}
