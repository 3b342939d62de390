//! `PaymentIntents`.

use serde_json::json;

use super::call::Call;
use crate::error::{ApiError, ApiResult};

/// Cancels a payment that was not captured: what is done instead of a refund.
pub(super) fn cancel(call: &mut Call<'_>, id: &str) -> ApiResult {
    let intent = call.world.get("payment_intent", id, call.live, "intent")?;
    let status = intent["status"].as_str().unwrap_or_default();
    let open = [
        "requires_payment_method",
        "requires_capture",
        "requires_confirmation",
        "requires_action",
        "processing",
    ];
    if !open.contains(&status) {
        return Err(ApiError::refused(
            "payment_intent_unexpected_state",
            format!("You cannot cancel this PaymentIntent because it has a status of {status}."),
        ));
    }
    let fields = json!({
        "status": "canceled", "canceled_at": call.world.now(), "amount_capturable": 0,
        "cancellation_reason": call.text("cancellation_reason"),
    });
    let (intent, before) = call.world.change(id, &fields);
    call.world.emit("payment_intent.canceled", &intent, Some(before));
    Ok(intent)
}
