//! Makes what billing orders ask for: what a shop's own code would have made over months.

mod credit_note;
mod invoice;
mod payment;
mod subscription;

pub(crate) use credit_note::issue;
pub(crate) use invoice::{Draft, invoice};
pub(crate) use subscription::subscription;

use serde_json::{Value, json};

use crate::world::{World, object};

/// A customer.
pub(crate) fn customer(world: &mut World, live: bool) -> Value {
    let id = world.id("cus");
    let customer = object(
        "customer",
        json!({
            "id": id, "created": world.now(), "livemode": live, "discount": null, "shipping": null,
        }),
    );
    world.add("customer", customer.clone());
    customer
}

/// The customer that was named, or a new one.
fn customer_or_new(world: &mut World, named: Option<&str>, live: bool) -> String {
    match named {
        Some(id) => id.to_owned(),
        None => text(&customer(world, live)["id"]),
    }
}

/// Adds to what a customer owes on the next invoice; a credit is negative. A customer that was only
/// named has no balance.
pub(crate) fn add_to_balance(world: &mut World, customer: &Value, amount: i64) {
    let id = text(customer);
    if let Some(known) = world.find_any(&id) {
        let balance = known["balance"].as_i64().unwrap_or_default() + amount;
        world.change(&id, &json!({ "balance": balance }));
    }
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
