//! The credit for what is left of a subscription that ends early (reference 8.1): an item of the next
//! invoice, or an invoice at once. Either way it is a credit, never a refund.

use serde_json::{Value, json};

use crate::billing::NewLine;
use crate::seed::{Draft, add_to_balance, text};
use crate::world::{World, object};

/// Credits the rest of every item's period, from now on.
pub(super) fn credit(world: &mut World, of: &Value, invoice_now: bool) -> Result<(), String> {
    let mut draft = Draft {
        id: world.id("in"),
        created: world.now(),
        currency: text(&of["currency"]),
        customer: text(&of["customer"]),
        livemode: of["livemode"] == true,
        subscription: Some(of),
        billing_reason: "subscription_update",
        lines: Vec::new(),
    };
    let items = of["items"]["data"].as_array();
    for line in items.into_iter().flatten().filter_map(|item| unused(item, draft.created)) {
        if invoice_now {
            let line = draft.line(world, &line)?;
            draft.lines.push(line);
        } else {
            pending(world, of, &line);
        }
    }
    let total = draft.total();
    if total != 0 {
        draft.issue(world, None, 0, &json!({}), Vec::new());
        add_to_balance(world, &of["customer"], total);
    }
    Ok(())
}

/// The line for what is left of an item's period, if anything is.
fn unused(item: &Value, now: u64) -> Option<NewLine> {
    let start = item["current_period_start"].as_u64()?;
    let end = item["current_period_end"].as_u64()?;
    let from = now.max(start);
    let left = i128::from(end.checked_sub(from).filter(|left| *left > 0)?);
    let whole = i128::from(end.checked_sub(start)?);
    let quantity = item["quantity"].as_u64()?;
    let price = i128::from(item["price"]["unit_amount"].as_i64()?) * i128::from(quantity);
    // Half away from zero.
    let rounded = (2 * price * left + whole) / (2 * whole);
    Some(NewLine {
        amount: -i64::try_from(rounded).ok()?,
        quantity,
        period_start: Some(from),
        period_end: Some(end),
        subscription_item: item["id"].as_str().map(str::to_owned),
        proration: true,
        description: Some("Unused time".to_owned()),
        ..NewLine::default()
    })
}

/// An item that waits for the customer's next invoice.
fn pending(world: &mut World, of: &Value, line: &NewLine) {
    let item = object(
        "invoiceitem",
        json!({
            "id": world.id("ii"), "amount": line.amount, "net_amount": line.amount,
            "currency": of["currency"], "customer": of["customer"], "livemode": of["livemode"],
            "date": world.now(), "description": line.description, "discountable": false,
            "proration": true, "quantity": line.quantity, "quantity_decimal": line.quantity.to_string(),
            "period": { "start": line.period_start, "end": line.period_end },
            "parent": {
                "type": "subscription_details",
                "subscription_details": {
                    "subscription": of["id"], "subscription_item": line.subscription_item,
                },
            },
        }),
    );
    world.add("invoiceitem", item.clone());
    world.emit("invoiceitem.created", &item, None);
}
