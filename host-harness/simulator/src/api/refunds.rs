//! Refunds: what Stripe refuses, and what becomes of the rest.

use serde_json::{Value, json};

use super::call::Call;
use super::metadata;
use crate::error::{ApiError, ApiResult};
use crate::world::{World, object};

/// Currencies whose smallest unit is the unit, and those with three decimals, for messages alone.
const NO_DECIMALS: [&str; 15] = [
    "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf",
    "xof", "xpf",
];
const THREE_DECIMALS: [&str; 5] = ["bhd", "jod", "kwd", "omr", "tnd"];

/// `POST /v1/refunds`
pub(crate) fn create(call: &mut Call<'_>) -> ApiResult {
    // A parameter that can never be right is found before the charge is looked at.
    if call.params.get("amount").and_then(Value::as_i64).is_some_and(|amount| amount <= 0) {
        return Err(ApiError::invalid(
            "parameter_invalid_integer",
            "amount",
            "Invalid positive integer",
        ));
    }
    let charge = charge_of(call)?;
    let amount = amount_of(call, &charge)?;
    let reason = call.text("reason");
    if reason.as_deref().is_some_and(|reason| {
        !["duplicate", "fraudulent", "requested_by_customer"].contains(&reason)
    }) {
        return Err(ApiError::invalid(
            "parameter_invalid",
            "reason",
            "Invalid reason: must be one of duplicate, fraudulent, or requested_by_customer",
        )
        .without_code());
    }
    for flag in ["refund_application_fee", "reverse_transfer"] {
        if call.params.get(flag) == Some(&json!(true)) {
            return Err(ApiError::refused(
                "application_fees_not_allowed",
                format!("The charge was not made through Connect: {flag} is not possible."),
            )
            .without_code()
            .param(flag));
        }
    }
    let metadata = metadata::merge(&json!({}), call.params.get("metadata"))?;
    Ok(make(call.world, &charge, amount, reason.as_deref(), &metadata))
}

/// `POST /v1/refunds/{id}`
pub(super) fn update(call: &mut Call<'_>, id: &str) -> ApiResult {
    let refund = call.world.get("refund", id, call.live, "id")?;
    let merged = metadata::merge(&refund["metadata"], call.params.get("metadata"))?;
    let (refund, before) = call.world.change(id, &json!({ "metadata": merged }));
    call.world.emit("refund.updated", &refund, Some(before));
    Ok(refund)
}

/// `POST /v1/refunds/{id}/cancel`
pub(super) fn cancel(call: &mut Call<'_>, id: &str) -> ApiResult {
    let refund = call.world.get("refund", id, call.live, "refund")?;
    if refund["status"] != "requires_action" {
        let status = refund["status"].as_str().unwrap_or_default();
        return Err(ApiError::refused("status_transition_invalid", format!("This refund cannot be canceled because it has a status of {status}. Only refunds with a status of requires_action can be canceled.")).without_code());
    }
    Ok(end(call.world, id, "canceled", None))
}

/// The charge that is meant; only one that went through counts.
fn charge_of(call: &Call<'_>) -> ApiResult {
    let charge = match (call.text("charge"), call.text("payment_intent")) {
        (Some(_), Some(_)) => {
            return Err(ApiError::invalid(
                "parameters_exclusive",
                "charge",
                "You may only specify one of these parameters: charge, payment_intent.",
            ));
        }
        (None, None) => {
            return Err(ApiError::invalid(
                "parameter_missing",
                "charge",
                "One of the following params should be provided for this request: payment_intent or charge.",
            ));
        }
        (Some(id), None) => call.world.get("charge", &id, call.live, "charge")?,
        (None, Some(id)) => {
            let intent = call.world.get("payment_intent", &id, call.live, "payment_intent")?;
            if intent["status"] != "succeeded" {
                return Err(ApiError::refused(
                    "payment_intent_unexpected_state",
                    format!(
                        "This PaymentIntent ({id}) does not have a successful charge to refund."
                    ),
                ));
            }
            let latest = intent["latest_charge"].as_str().unwrap_or_default();
            call.world.get("charge", latest, call.live, "payment_intent")?
        }
    };
    let id = charge["id"].as_str().unwrap_or_default();
    let disputes = call.world.store.owned("dispute", "charge", id);
    let blocked = disputes.iter().any(|dispute| dispute["is_charge_refundable"] == false);
    if charge["status"] != "succeeded" || charge["captured"] != true {
        Err(ApiError::refused(
            "charge_not_refundable",
            format!("Charge {id} cannot be refunded: it has not been captured."),
        ))
    } else if blocked {
        Err(ApiError::refused(
            "charge_disputed",
            format!("Charge {id} has been charged back; cannot issue a refund."),
        ))
    } else if left(&charge) == 0 {
        Err(ApiError::refused(
            "charge_already_refunded",
            format!("Charge {id} has already been refunded."),
        ))
    } else {
        Ok(charge)
    }
}

/// The amount, which may not be more than is left.
fn amount_of(call: &Call<'_>, charge: &Value) -> ApiResult<i64> {
    let left = left(charge);
    let amount = call.params.get("amount").and_then(Value::as_i64).unwrap_or(left);
    let currency = charge["currency"].as_str().unwrap_or_default();
    let step = if THREE_DECIMALS.contains(&currency) {
        10
    } else if ["isk", "ugx"].contains(&currency) {
        100
    } else {
        1
    };
    if amount % step != 0 {
        return Err(ApiError::invalid(
            "invalid_charge_amount",
            "amount",
            format!("The amount must be a multiple of {step} in {currency}."),
        )
        .without_code());
    }
    if amount > left {
        let (asked, left) = (show(amount, currency), show(left, currency));
        return Err(ApiError::refused(
            "",
            format!("Refund amount ({asked}) is greater than unrefunded amount on charge ({left})"),
        )
        .without_code()
        .param("amount"));
    }
    Ok(amount)
}

fn left(charge: &Value) -> i64 {
    charge["amount_captured"].as_i64().unwrap_or_default()
        - charge["amount_refunded"].as_i64().unwrap_or_default()
}

fn show(amount: i64, currency: &str) -> String {
    let code = currency.to_uppercase();
    if NO_DECIMALS.contains(&currency) {
        format!("{amount} {code}")
    } else if THREE_DECIMALS.contains(&currency) {
        format!("{}.{:03} {code}", amount / 1000, amount % 1000)
    } else {
        format!("{}.{:02} {code}", amount / 100, amount % 100)
    }
}

/// Makes a refund that nothing forbids. Also what a click in the Dashboard does.
pub(crate) fn make(
    world: &mut World,
    charge: &Value,
    amount: i64,
    reason: Option<&str>,
    metadata: &Value,
) -> Value {
    let id = world.id("re");
    let charge_id = charge["id"].as_str().unwrap_or_default().to_owned();
    let currency = charge["currency"].as_str().unwrap_or_default().to_owned();
    let method = charge["payment_method_details"]["type"].as_str().unwrap_or("card");
    let short = *world.available(&currency) < amount;
    let (status, pending) = if world.needs_action.contains(&charge_id) {
        ("requires_action", None)
    } else if short {
        ("pending", Some("insufficient_funds"))
    } else if method == "card" {
        ("succeeded", None)
    } else {
        ("pending", Some("processing"))
    };
    let moves = !short && status != "requires_action";
    let transaction = moves.then(|| world.transact("refund", &id, &currency, -amount, 0));
    let details = if method == "card" {
        json!({ "type": "card", "card": { "type": if status == "succeeded" { "refund" } else { "pending" }, "reference_status": "pending", "reference_type": "acquirer_reference_number" } })
    } else {
        json!({ "type": method })
    };
    let mut refund = object(
        "refund",
        json!({
            "id": id, "amount": amount, "currency": currency, "charge": charge_id, "created": world.now(),
            "payment_intent": charge["payment_intent"], "customer": charge["customer"],
            "payment_method": charge["payment_method"], "reason": reason, "status": status,
            "metadata": metadata, "balance_transaction": transaction, "destination_details": details,
        }),
    );
    if let Some(why) = pending {
        refund["pending_reason"] = json!(why);
    }
    world.add("refund", refund.clone());
    let refunded = charge["amount_refunded"].as_i64().unwrap_or_default() + amount;
    let all = refunded == charge["amount_captured"].as_i64().unwrap_or_default();
    let (charge, before) =
        world.change(&charge_id, &json!({ "amount_refunded": refunded, "refunded": all }));
    world.emit("refund.created", &refund, None);
    world.emit("charge.refunded", &charge, Some(before));
    refund
}

/// A refund comes to an end: `succeeded`, `failed` or `canceled`.
pub(crate) fn end(world: &mut World, id: &str, status: &str, why: Option<&str>) -> Value {
    let Some(refund) = world.find_any(id) else { return Value::Null };
    let text = |name: &str| refund[name].as_str().unwrap_or_default().to_owned();
    // Its money came back once, and does not come back again.
    if matches!(text("status").as_str(), "failed" | "canceled") {
        return refund;
    }
    let amount = refund["amount"].as_i64().unwrap_or_default();
    let moved = !refund["balance_transaction"].is_null();
    let mut fields = json!({ "status": status });
    if status == "succeeded" && !moved {
        let transaction = world.transact("refund", id, &text("currency"), -amount, 0);
        fields["balance_transaction"] = json!(transaction);
    }
    if status == "failed" {
        fields["failure_reason"] = json!(why.unwrap_or("unknown"));
        if moved {
            let back = world.transact("refund_failure", id, &text("currency"), amount, 0);
            fields["failure_balance_transaction"] = json!(back);
        }
    }
    if status != "succeeded" {
        give_back(world, &text("charge"), amount);
    }
    let (mut refund, before) = world.change(id, &fields);
    if let Some(fields) = refund.as_object_mut() {
        fields.remove("pending_reason");
    }
    world.emit("refund.updated", &refund, Some(before.clone()));
    if status == "failed" {
        world.emit("refund.failed", &refund, None);
    }
    world.emit("charge.refund.updated", &refund, Some(before));
    refund
}

/// What was not refunded after all can be refunded again.
fn give_back(world: &mut World, charge: &str, amount: i64) {
    let refunded = world.find_any(charge).and_then(|charge| charge["amount_refunded"].as_i64());
    let refunded = refunded.unwrap_or_default() - amount;
    world.change(charge, &json!({ "amount_refunded": refunded, "refunded": false }));
}

/// Money arrived: refunds that waited for it go through, oldest first.
pub(crate) fn after_top_up(world: &mut World, currency: &str) {
    let waiting: Vec<_> = world
        .all("refund")
        .filter(|refund| {
            refund["pending_reason"] == "insufficient_funds" && refund["status"] == "pending"
        })
        .filter(|refund| refund["currency"] == currency)
        .map(|refund| {
            (
                refund["id"].as_str().unwrap_or_default().to_owned(),
                refund["amount"].as_i64().unwrap_or_default(),
            )
        })
        .collect();
    for (id, amount) in waiting {
        if *world.available(currency) >= amount {
            end(world, &id, "succeeded", None);
        }
    }
}
