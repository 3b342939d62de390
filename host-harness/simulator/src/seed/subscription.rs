//! Subscriptions with their items, prices and products.

use serde_json::{Value, json};

use super::customer_or_new;
use crate::billing::{NewItem, NewSubscription};
use crate::world::{World, object};

const DAY: u64 = 86_400;

/// Makes a subscription, or says which field of the order is wrong.
pub(crate) fn subscription(world: &mut World, order: &NewSubscription) -> Result<Value, String> {
    if order.items.is_empty() {
        return Err("`items`: a subscription has one item at least".to_owned());
    }
    let id = world.id("sub");
    let mut items = Vec::new();
    for (n, wanted) in order.items.iter().enumerate() {
        items.push(item(world, &id, order, wanted).map_err(|why| format!("`items[{n}]`: {why}"))?);
    }
    let starts = items.iter().filter_map(|item| item["current_period_start"].as_u64());
    let start = starts.min().unwrap_or_else(|| world.now());
    let customer = customer_or_new(world, order.customer.as_deref(), order.livemode);
    let subscription = object(
        "subscription",
        json!({
            "id": id, "customer": customer, "currency": order.currency, "created": start,
            "start_date": start, "billing_cycle_anchor": start, "status": order.status,
            "livemode": order.livemode, "metadata": order.metadata,
            "items": {
                "object": "list", "has_more": false, "data": items,
                "url": format!("/v1/subscription_items?subscription={id}"),
            },
        }),
    );
    world.add("subscription", subscription.clone());
    world.emit("customer.subscription.created", &subscription, None);
    Ok(subscription)
}

fn item(
    world: &mut World,
    subscription: &str,
    order: &NewSubscription,
    wanted: &NewItem,
) -> Result<Value, String> {
    let length = match wanted.interval.as_str() {
        "day" => DAY,
        "week" => 7 * DAY,
        "month" => 30 * DAY,
        "year" => 365 * DAY,
        other => return Err(format!("`interval` is `{other}`, not day, week, month or year")),
    };
    let start = wanted.period_start.unwrap_or_else(|| world.now());
    let end = wanted.period_end.unwrap_or(start + length);
    if end <= start {
        return Err(format!("`period_end` {end} is not after `period_start` {start}"));
    }
    let price = price(world, order, wanted);
    let id = world.id("si");
    let mut item = object(
        "subscription_item",
        json!({
            "id": id, "created": start, "current_period_start": start, "current_period_end": end,
            "quantity": wanted.quantity, "subscription": subscription, "price": price,
        }),
    );
    // The plan is what a price was called before.
    for name in ["id", "created", "currency", "product", "livemode"] {
        item["plan"][name] = price[name].clone();
    }
    item["plan"]["amount"] = price["unit_amount"].clone();
    item["plan"]["amount_decimal"] = price["unit_amount_decimal"].clone();
    item["plan"]["interval"] = json!(wanted.interval);
    Ok(item)
}

fn price(world: &mut World, order: &NewSubscription, wanted: &NewItem) -> Value {
    let product = wanted.product.clone().unwrap_or_else(|| world.id("prod"));
    if world.find_any(&product).is_none() {
        let fields = json!({
            "id": product, "object": "product", "name": product, "active": true, "metadata": {},
            "created": world.now(), "livemode": order.livemode,
        });
        world.add("product", fields);
    }
    let id = world.id("price");
    let mut price = object(
        "price",
        json!({
            "id": id, "currency": order.currency, "created": world.now(), "product": product,
            "unit_amount": wanted.amount, "unit_amount_decimal": wanted.amount.to_string(),
            "livemode": order.livemode,
        }),
    );
    price["recurring"]["interval"] = json!(wanted.interval);
    world.add("price", price.clone());
    price
}
