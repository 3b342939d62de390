//! The simulator of a round, by its own API and by Stripe's: charges, faults, and the refunds that there are.

use refund_simulator::{NewCharge, TEST_KEY};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::desk::Desk;
use super::http;

/// Sends an order to the simulator.
pub(super) fn order(
    desk: &Desk,
    method: &str,
    name: &str,
    order: &impl Serialize,
) -> Result<String, String> {
    let body = serde_json::to_string(order).map_err(|error| error.to_string())?;
    let path = format!("/_control/{name}");
    match http::send(&desk.stripe, method, &path, &[], &body) {
        Some((200, answer)) => Ok(answer),
        other => Err(format!("the simulator answers {method} {name} with {other:?}")),
    }
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| format!("{error}: {text}"))
}

/// A charge, in its two names.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Charge {
    pub(super) id: String,
    pub(super) payment_intent: String,
}

/// Makes a charge of dollars.
pub(super) fn charge(desk: &Desk, amount: u64) -> Result<Charge, String> {
    read(&order(desk, "POST", "charges", &NewCharge { amount, ..NewCharge::default() })?)
}

/// A refund at the simulator.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Refund {
    pub(super) id: String,
    pub(super) amount: u64,
    pub(super) status: String,
    pub(super) metadata: Metadata,
}

/// The operation that made a refund.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Metadata {
    pub(super) refund_node_operation: Option<String>,
}

#[derive(Deserialize)]
struct Page {
    data: Vec<Refund>,
    has_more: bool,
}

fn stripe(desk: &Desk, method: &str, path: &str, body: &str) -> Result<String, String> {
    let authorization = format!("Bearer {TEST_KEY}");
    let headers = [
        ("authorization", authorization.as_str()),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    match http::send(&desk.stripe, method, path, &headers, body) {
        Some((200, answer)) => Ok(answer),
        other => Err(format!("the simulator answers {method} {path} with {other:?}")),
    }
}

/// Every refund.
pub(super) fn refunds(desk: &Desk) -> Result<Vec<Refund>, String> {
    let mut refunds: Vec<Refund> = Vec::new();
    loop {
        let after =
            refunds.last().map_or_else(String::new, |last| format!("&starting_after={}", last.id));
        let page: Page = read(&stripe(desk, "GET", &format!("/v1/refunds?limit=100{after}"), "")?)?;
        refunds.extend(page.data);
        if !page.has_more {
            return Ok(refunds);
        }
    }
}

#[derive(Deserialize)]
struct Endpoint {
    secret: String,
}

/// Has every event delivered to an address; the secret that it is signed with.
pub(super) fn deliver_to(desk: &Desk, address: &str) -> Result<String, String> {
    let body = format!("url=http%3A%2F%2F{address}%2F&enabled_events[0]=*");
    let endpoint: Endpoint = read(&stripe(desk, "POST", "/v1/webhook_endpoints", &body)?)?;
    Ok(endpoint.secret)
}

/// An event about a refund.
#[derive(Deserialize)]
pub(super) struct Event {
    pub(super) data: EventData,
}

/// What an event is about.
#[derive(Deserialize)]
pub(super) struct EventData {
    pub(super) object: Object,
}

/// Its object, a refund or another one.
#[derive(Deserialize)]
pub(super) struct Object {
    pub(super) id: String,
}
