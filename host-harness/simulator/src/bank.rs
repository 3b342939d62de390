//! What banks do: they open disputes, take the money, and decide.

use serde_json::{Value, json};

use crate::world::{DisputeOrder, World, object};

/// A week and a half to answer.
const ANSWER_TIME: u64 = 10 * 86_400;
/// What Stripe takes for a chargeback, in the smallest unit; it is not given back.
const FEE: i64 = 1_500;
/// Every status (reference 2.5).
const STATUSES: [&str; 10] = [
    "warning_needs_response",
    "warning_under_review",
    "warning_closed",
    "needs_response",
    "under_review",
    "won",
    "lost",
    "prevented",
    "appeal_needs_response",
    "appeal_under_review",
];

/// An inquiry: nothing is taken yet.
fn inquiry(status: &str) -> bool {
    status.starts_with("warning_")
}

/// Whether an answer is awaited.
pub(crate) fn awaits_answer(status: &str) -> bool {
    status.ends_with("needs_response")
}

fn closed(status: &str) -> bool {
    ["won", "lost", "warning_closed"].contains(&status)
}

/// Opens a dispute, which may already be in any status.
pub(crate) fn open(world: &mut World, order: &DisputeOrder) -> Result<Value, String> {
    let charge = world.find_any(&order.charge).filter(|found| found["object"] == "charge");
    let charge = charge.ok_or("`charge`: there is no such charge")?;
    let status = order.status.as_str();
    if !STATUSES.contains(&status) {
        return Err(format!("`status` is `{status}`, which is not among {STATUSES:?}"));
    }
    let answered = i32::from(status.ends_with("under_review") || status == "won");
    let refundable = inquiry(status) || status == "won";
    let (id, now) = (world.id("dp"), world.now());
    let mut dispute = object(
        "dispute",
        json!({
            "id": id, "amount": charge["amount"], "currency": charge["currency"], "charge": charge["id"],
            "payment_intent": charge["payment_intent"], "created": now, "status": status,
            "reason": order.reason, "livemode": charge["livemode"], "metadata": {},
            "is_charge_refundable": order.refundable.unwrap_or(refundable), "balance_transactions": [],
            "intended_submission_method": null,
            "evidence_details": {
                "due_by": awaits_answer(status).then_some(now + ANSWER_TIME), "enhanced_eligibility": {},
                "has_evidence": answered > 0, "past_due": false, "submission_count": answered,
                "submission_method": if answered > 0 { "manual" } else { "not_submitted" },
            },
        }),
    );
    dispute["payment_method_details"]["card"]["case_type"] = json!(case_type(status));
    world.add("dispute", dispute.clone());
    world.change(&order.charge, &json!({ "disputed": true }));
    world.emit("charge.dispute.created", &dispute, None);
    if !inquiry(status) {
        dispute = withdraw(world, &dispute, if status == "prevented" { 0 } else { FEE });
    }
    if status == "won" {
        dispute = reinstate(world, &dispute);
    }
    if closed(status) {
        world.emit("charge.dispute.closed", &dispute, None);
    }
    Ok(dispute)
}

fn case_type(status: &str) -> &'static str {
    match status {
        "prevented" => "resolution",
        status if inquiry(status) => "inquiry",
        _ => "chargeback",
    }
}

/// The bank decides: `won`, `lost`, `warning_closed` or `prevented`; or makes a chargeback of an inquiry
/// (`needs_response`). A dispute that is over stays as it is.
pub(crate) fn decide(world: &mut World, id: &str, status: &str) -> Result<Value, String> {
    let found = world.find_any(id).filter(|found| found["object"] == "dispute");
    let dispute = found.ok_or("`dispute`: there is no such dispute")?;
    let now = dispute["status"].as_str().unwrap_or_default();
    let possible = match status {
        "won" => !inquiry(now),
        "lost" | "prevented" => true,
        "warning_closed" | "needs_response" => inquiry(now),
        _ => return Err(format!("`status`: no bank decides `{status}`")),
    };
    if !possible || closed(now) || now == "prevented" {
        return Err(format!("`status`: a dispute that is `{now}` cannot become `{status}`"));
    }
    let mut fields = json!({
        "status": status, "is_charge_refundable": matches!(status, "won" | "warning_closed"),
    });
    if status == "needs_response" || status == "prevented" {
        fields["payment_method_details"] = dispute["payment_method_details"].clone();
        fields["payment_method_details"]["card"]["case_type"] = json!(case_type(status));
    }
    if status == "needs_response" {
        fields["evidence_details"] = dispute["evidence_details"].clone();
        fields["evidence_details"]["due_by"] = json!(world.now() + ANSWER_TIME);
        fields["evidence_details"]["past_due"] = json!(false);
    }
    let (mut dispute, before) = world.change(id, &fields);
    let taken = dispute["balance_transactions"].as_array().is_some_and(|list| !list.is_empty());
    if !taken && status != "warning_closed" {
        dispute = withdraw(world, &dispute, if status == "prevented" { 0 } else { FEE });
    }
    if status == "won" {
        dispute = reinstate(world, &dispute);
    }
    let event = if closed(status) { "charge.dispute.closed" } else { "charge.dispute.updated" };
    world.emit(event, &dispute, Some(before));
    Ok(dispute)
}

fn withdraw(world: &mut World, dispute: &Value, fee: i64) -> Value {
    let amount = dispute["amount"].as_i64().unwrap_or_default();
    let dispute = movement(world, dispute, -amount, fee, "dispute");
    world.emit("charge.dispute.funds_withdrawn", &dispute, None);
    dispute
}

fn reinstate(world: &mut World, dispute: &Value) -> Value {
    let amount = dispute["amount"].as_i64().unwrap_or_default();
    let dispute = movement(world, dispute, amount, 0, "dispute_reversal");
    world.emit("charge.dispute.funds_reinstated", &dispute, None);
    dispute
}

/// Moves money on the balance, and writes the movement into the dispute.
fn movement(world: &mut World, dispute: &Value, amount: i64, fee: i64, category: &str) -> Value {
    let id = dispute["id"].as_str().unwrap_or_default();
    let currency = dispute["currency"].as_str().unwrap_or_default();
    let transaction = world.transact("adjustment", id, currency, amount, fee);
    let (transaction, _) = world.change(&transaction, &json!({ "reporting_category": category }));
    let mut all = dispute["balance_transactions"].as_array().cloned().unwrap_or_default();
    all.push(transaction);
    world.change(id, &json!({ "balance_transactions": all })).0
}

/// Marks the disputes whose time to answer has run out.
pub(crate) fn lapse(world: &mut World) {
    let now = world.now();
    let late = |dispute: &&Value| {
        let details = &dispute["evidence_details"];
        awaits_answer(dispute["status"].as_str().unwrap_or_default())
            && details["past_due"] == false
            && details["due_by"].as_u64().is_some_and(|due| now > due)
    };
    let late: Vec<_> = world.all("dispute").filter(late).cloned().collect();
    for dispute in late {
        let mut details = dispute["evidence_details"].clone();
        details["past_due"] = json!(true);
        let id = dispute["id"].as_str().unwrap_or_default();
        world.change(id, &json!({ "evidence_details": details }));
    }
}
