//! Charges.

use serde_json::{Value, json};

use super::call::Call;
use crate::error::{ApiError, ApiResult};

/// Takes the money of an authorisation, or a part of it.
pub(super) fn capture(call: &mut Call<'_>, id: &str) -> ApiResult {
    let charge = call.world.get("charge", id, call.live, "id")?;
    if charge["captured"] == true {
        return Err(ApiError::refused(
            "charge_already_captured",
            format!("Charge {id} has already been captured."),
        ));
    }
    let authorised = charge["amount"].as_i64().unwrap_or_default();
    let amount = call.params.get("amount").and_then(Value::as_i64).unwrap_or(authorised);
    if !(1..=authorised).contains(&amount) {
        return Err(ApiError::refused(
            "amount_too_large",
            "You cannot capture more than the authorized amount.",
        )
        .param("amount"));
    }
    let currency = charge["currency"].as_str().unwrap_or_default();
    let fee = amount * 29 / 1000 + 30;
    let transaction = call.world.transact("charge", id, currency, amount, fee);
    let fields =
        json!({ "captured": true, "amount_captured": amount, "balance_transaction": transaction });
    let (charge, before) = call.world.change(id, &fields);
    if let Some(intent) = charge["payment_intent"].as_str() {
        let fields =
            json!({ "status": "succeeded", "amount_received": amount, "amount_capturable": 0 });
        call.world.change(intent, &fields);
    }
    call.world.emit("charge.captured", &charge, Some(before));
    Ok(charge)
}
