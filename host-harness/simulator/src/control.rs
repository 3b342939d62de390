//! The control API: `/_control/…`, JSON in and out. What a test or a person orders.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::api;
use crate::bank;
use crate::fault::Fault;
use crate::pipeline::{IncomingRequest, Reply, lock};
use crate::seed;
use crate::world::{DisputeOrder, NewCharge, NewCustomer, World};

/// Carries out an order.
pub(crate) fn run(world: &Mutex<World>, asked: &IncomingRequest) -> Reply {
    let (status, body) = match order(&mut lock(world), asked) {
        Ok(body) => (200, body),
        Err(problem) => (400, json!({ "error": { "message": problem } })),
    };
    Reply {
        status,
        headers: vec![("content-type", "application/json".to_owned())],
        body: body.to_string(),
        fault: None,
    }
}

fn order(world: &mut World, asked: &IncomingRequest) -> Result<Value, String> {
    let name = asked.path.trim_start_matches("/_control/");
    match (asked.method.as_str(), name) {
        ("POST", "charges") => Ok(world.new_charge(&read::<NewCharge>(asked)?)),
        ("POST", "customers") => Ok(seed::customer(world, &read::<NewCustomer>(asked)?)),
        ("POST", "disputes") => bank::open(world, &read::<DisputeOrder>(asked)?),
        ("POST", "disputes/close") => {
            let order: Value = read(asked)?;
            bank::decide(world, text(&order, "dispute")?, text(&order, "status")?)
        }
        ("POST", "subscriptions") => seed::subscription(world, &read(asked)?),
        ("POST", "invoices") => seed::invoice(world, &read(asked)?),
        ("POST", "credit_notes") => seed::issue(world, &read(asked)?),
        ("POST", "refunds") => dashboard_refund(world, &read(asked)?),
        ("POST", "refunds/end") => {
            let order: Value = read(asked)?;
            let why = order["reason"].as_str();
            Ok(api::refunds::end(world, text(&order, "refund")?, text(&order, "status")?, why))
        }
        ("POST", "balance") => balance(world, &read(asked)?),
        ("POST", "clock") => {
            let order: Value = read(asked)?;
            let seconds = order["advance"].as_u64().ok_or("`advance` is a number of seconds")?;
            api::advance(world, seconds);
            Ok(json!({ "now": world.now() }))
        }
        ("GET", "clock") => Ok(json!({ "now": world.now() })),
        ("POST", "faults") => {
            world.faults.order(read::<Fault>(asked)?);
            Ok(json!({}))
        }
        ("DELETE", "faults") => {
            world.faults.clear();
            Ok(json!({}))
        }
        ("POST", "limits") => {
            world.limits_on = read::<Value>(asked)?["on"] == true;
            Ok(json!({ "on": world.limits_on }))
        }
        ("POST", "deliver") => deliver(world, &read(asked)?),
        ("GET", "requests") => Ok(json!({ "requests": world.requests })),
        ("GET", "stats") => Ok(stats(world)),
        (method, name) => {
            Err(format!("no control {method} {name}: see the README of the simulator"))
        }
    }
}

/// Refunds counted where they are made: by charge, and by the operation in their metadata.
pub(crate) fn stats(world: &World) -> Value {
    let mut by_charge: BTreeMap<&str, u32> = BTreeMap::new();
    let mut by_operation: BTreeMap<&str, u32> = BTreeMap::new();
    for refund in world.all("refund") {
        *by_charge.entry(refund["charge"].as_str().unwrap_or_default()).or_default() += 1;
        if let Some(operation) = refund["metadata"]["refund_node_operation"].as_str() {
            *by_operation.entry(operation).or_default() += 1;
        }
    }
    json!({
        "refunds": world.all("refund").count(),
        "requests": world.requests.len(),
        "refunds_by_charge": by_charge,
        "refunds_by_operation": by_operation,
    })
}

/// A refund by a click in the Dashboard: no operation, no key.
pub(crate) fn dashboard_refund(world: &mut World, order: &Value) -> Result<Value, String> {
    let charge = world.find_any(text(order, "charge")?).ok_or("no such charge")?;
    let number = |name: &str| charge[name].as_i64().unwrap_or_default();
    let left = number("amount_captured") - number("amount_refunded");
    let amount = order["amount"].as_i64().unwrap_or(left);
    if !(1..=left).contains(&amount) {
        return Err(format!("only {left} is left"));
    }
    Ok(api::refunds::make(world, &charge, amount, None, &json!({})))
}

/// Sets what is available; refunds that waited for it go through.
fn balance(world: &mut World, order: &Value) -> Result<Value, String> {
    let currency = text(order, "currency")?;
    *world.available(currency) = order["available"].as_i64().ok_or("`available` is a number")?;
    api::refunds::after_top_up(world, currency);
    Ok(json!({ "currency": currency, "available": *world.available(currency) }))
}

/// Delivers events again: one by id, or the newest `count` of them, `reversed` if asked.
fn deliver(world: &World, order: &Value) -> Result<Value, String> {
    let mut events = Vec::new();
    if let Some(id) = order["event"].as_str() {
        events.push(world.find_any(id).ok_or("no such event")?);
    } else {
        let count = usize::try_from(order["count"].as_u64().unwrap_or(1)).unwrap_or(1);
        events.extend(world.all("event").rev().take(count).cloned());
        if order["reversed"] != true {
            events.reverse();
        }
    }
    for event in &events {
        world.deliver(event);
    }
    Ok(json!({ "delivered": events.len() }))
}

fn read<T: DeserializeOwned>(asked: &IncomingRequest) -> Result<T, String> {
    let body = if asked.body.is_empty() { "{}" } else { &asked.body };
    serde_json::from_str(body).map_err(|error| format!("the order cannot be read: {error}"))
}

fn text<'a>(order: &'a Value, name: &str) -> Result<&'a str, String> {
    order[name].as_str().ok_or_else(|| format!("`{name}` is missing"))
}
