//! Webhook endpoints.

use serde_json::{Value, json};

use super::call::Call;
use crate::error::ApiResult;
use crate::sha;
use crate::world::object;

/// Registers an endpoint; its secret is in this answer only.
pub(super) fn create(call: &mut Call<'_>) -> Value {
    let id = call.world.id("we");
    let secret = format!("whsec_{}", sha::digits(&["secret", &id], 32));
    let mut endpoint = object(
        "webhook_endpoint",
        json!({
            "id": id, "url": call.text("url"), "enabled_events": call.params.get("enabled_events"),
            "created": call.world.now(), "livemode": call.live, "description": null,
        }),
    );
    call.world.add("webhook_endpoint", endpoint.clone());
    call.world.secrets.insert(id, secret.clone());
    endpoint["secret"] = json!(secret);
    endpoint
}

/// Removes an endpoint.
pub(super) fn delete(call: &mut Call<'_>, id: &str) -> ApiResult {
    call.world.get("webhook_endpoint", id, call.live, "id")?;
    call.world.store.remove(id);
    Ok(json!({ "id": id, "object": "webhook_endpoint", "deleted": true }))
}
