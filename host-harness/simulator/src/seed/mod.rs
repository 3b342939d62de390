//! Makes what billing orders ask for: what a shop's own code would have made over months.

mod credit_note;
mod invoice;
mod payment;
mod subscription;

pub(crate) use credit_note::issue;
pub(crate) use invoice::{Draft, invoice};
pub(crate) use subscription::subscription;

use serde_json::{Value, json};

use crate::world::{NewCustomer, World, object};

/// A customer.
pub(crate) fn customer(world: &mut World, order: &NewCustomer) -> Value {
    let id = world.id("cus");
    let customer = object(
        "customer",
        json!({
            "id": id, "created": world.now(), "livemode": order.livemode, "discount": null, "shipping": null,
            "email": order.email, "name": order.name,
        }),
    );
    world.add("customer", customer.clone());
    customer
}

/// The customer that was named, or a new one.
fn customer_or_new(world: &mut World, named: Option<&str>, live: bool) -> String {
    let made = || {
        let order = NewCustomer { livemode: live, ..NewCustomer::default() };
        text(&customer(world, &order)["id"])
    };
    named.map_or_else(made, str::to_owned)
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
