//! Subscriptions: reading, ending and labelling them. Prices and items stay as they were made.

use serde_json::{Map, Value, json};

use super::call::Call;
use super::{metadata, proration};
use crate::error::{ApiError, ApiResult};
use crate::world::World;

/// `GET /v1/subscriptions`: without a status, those that are not canceled.
pub(super) fn list(call: &mut Call<'_>) -> ApiResult {
    lapse(call.world);
    call.knows(&["customer", "price", "status", "collection_method", "created"])?;
    let (status, price) = (call.text("status"), call.text("price"));
    let of = |subscription: &Value| {
        let is = subscription["status"].as_str().unwrap_or_default();
        let fits = match status.as_deref() {
            None => is != "canceled",
            Some("all") => true,
            Some("ended") => ["canceled", "incomplete_expired"].contains(&is),
            Some(wanted) => is == wanted,
        };
        let mut items = subscription["items"]["data"].as_array().into_iter().flatten();
        fits && price.as_ref().is_none_or(|id| items.any(|item| item["price"]["id"] == **id))
    };
    call.page_of("subscription", &["customer", "collection_method"], "/v1/subscriptions", of)
}

/// `GET /v1/subscriptions/{id}`
pub(super) fn retrieve(call: &mut Call<'_>, id: &str) -> ApiResult {
    lapse(call.world);
    call.world.get("subscription", id, call.live, "id")
}

/// `POST /v1/subscriptions/{id}`
pub(super) fn update(call: &mut Call<'_>, id: &str) -> ApiResult {
    call.knows(&["cancel_at_period_end", "cancel_at", "cancellation_details", "metadata"])?;
    let subscription = retrieve(call, id)?;
    let mut fields = match end(call, &subscription)? {
        Some(_) if subscription["status"] == "canceled" => {
            return Err(ApiError::refused(
                "",
                "A canceled subscription can only update its cancellation_details and metadata.",
            )
            .without_code());
        }
        Some(end) => end,
        None => json!({}),
    };
    fields["metadata"] = metadata::merge(&subscription["metadata"], call.params.get("metadata"))?;
    let reason = match fields.get("cancel_at") {
        None => subscription["cancellation_details"]["reason"].clone(),
        Some(Value::Null) => Value::Null,
        Some(_) => json!("cancellation_requested"),
    };
    fields["cancellation_details"] = details(call, &subscription, &reason);
    let (subscription, before) = call.world.change(id, &fields);
    call.world.emit("customer.subscription.updated", &subscription, Some(before));
    Ok(subscription)
}

/// When it is to end, if that is to change: `cancel_at`, which `cancel_at_period_end` is a way to say.
fn end(call: &Call<'_>, subscription: &Value) -> ApiResult<Option<Value>> {
    let ends = || {
        let items = subscription["items"]["data"].as_array().into_iter().flatten();
        items.filter_map(|item| item["current_period_end"].as_u64())
    };
    let now = call.world.now();
    let (at, with_period) = match (
        call.params.get("cancel_at_period_end"),
        call.params.get("cancel_at"),
    ) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => {
            return Err(ApiError::invalid(
                "parameters_exclusive",
                "cancel_at",
                "You may only specify one of these parameters: cancel_at, cancel_at_period_end.",
            ));
        }
        (Some(Value::Bool(true)), None) => (ends().max(), true),
        (Some(_), None) => (None, false),
        (None, Some(at)) => match at.as_str() {
            Some("min_period_end") => (ends().min(), false),
            Some("max_period_end") => (ends().max(), false),
            _ => (at.as_u64(), false),
        },
    };
    if at.is_some_and(|at| at <= now) {
        return Err(ApiError::invalid(
            "",
            "cancel_at",
            "The subscription must be set to cancel in the future.",
        )
        .without_code());
    }
    Ok(Some(json!({
        "cancel_at": at, "cancel_at_period_end": with_period, "canceled_at": at.map(|_| now),
    })))
}

/// `DELETE /v1/subscriptions/{id}`: at once, for good, and no money back by itself.
pub(super) fn cancel(call: &mut Call<'_>, id: &str) -> ApiResult {
    let subscription = retrieve(call, id)?;
    if subscription["status"] == "canceled" {
        return Err(ApiError::missing("subscription", id, "id"));
    }
    let asked = |name: &str| call.params.get(name) == Some(&json!(true));
    let (prorate, invoice_now) = (asked("prorate"), asked("invoice_now"));
    let details = details(call, &subscription, &json!("cancellation_requested"));
    if prorate {
        proration::credit(call.world, &subscription, invoice_now)
            .map_err(|why| ApiError::with_status(500, why))?;
    }
    let now = call.world.now();
    let fields = json!({
        "status": "canceled", "canceled_at": now, "ended_at": now, "cancel_at": null,
        "cancel_at_period_end": false, "cancellation_details": details,
    });
    let (subscription, _) = call.world.change(id, &fields);
    call.world.emit("customer.subscription.deleted", &subscription, None);
    Ok(subscription)
}

/// What was said about the end; an empty text clears.
fn details(call: &Call<'_>, subscription: &Value, reason: &Value) -> Value {
    let mut details = subscription["cancellation_details"].clone();
    let given = call.params.get("cancellation_details").and_then(Value::as_object);
    for (name, value) in given.unwrap_or(&Map::new()) {
        details[name] = if *value == json!("") { Value::Null } else { value.clone() };
    }
    details["reason"] = reason.clone();
    details
}

/// Ends the subscriptions whose time has come.
pub(crate) fn lapse(world: &mut World) {
    let now = world.now();
    let over = |subscription: &&Value| {
        subscription["status"] != "canceled"
            && subscription["cancel_at"].as_u64().is_some_and(|at| at <= now)
    };
    let over: Vec<_> = world.all("subscription").filter(over).cloned().collect();
    for subscription in over {
        let id = subscription["id"].as_str().unwrap_or_default();
        let fields = json!({ "status": "canceled", "ended_at": subscription["cancel_at"] });
        let (subscription, _) = world.change(id, &fields);
        world.emit("customer.subscription.deleted", &subscription, None);
    }
}
