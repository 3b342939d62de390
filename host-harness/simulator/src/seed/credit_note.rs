//! Credit notes: here they only reduce what may still be credited.

use serde_json::{Value, json};

use super::add_to_balance;
use crate::billing::NewCreditNote;
use crate::world::{World, object};

/// Credits a part of a paid invoice to the customer's balance.
pub(crate) fn issue(world: &mut World, order: &NewCreditNote) -> Result<Value, String> {
    let invoice = world.find_any(&order.invoice).filter(|found| found["object"] == "invoice");
    let invoice = invoice.ok_or("`invoice`: there is no such invoice")?;
    if invoice["status"] != "paid" {
        return Err("`invoice`: only a paid invoice is credited here".to_owned());
    }
    let number = |name: &str| invoice[name].as_i64().unwrap_or_default();
    let credited = number("post_payment_credit_notes_amount");
    let left = number("amount_paid") - credited;
    let amount = i64::try_from(order.amount).unwrap_or(i64::MAX);
    if !(1..=left).contains(&amount) {
        return Err(format!("`amount`: {left} can still be credited"));
    }
    let id = world.id("cn");
    let number = world.all("credit_note").count() + 1;
    let note = object(
        "credit_note",
        json!({
            "id": id, "number": format!("SIM-CN-{number:02}"), "invoice": order.invoice, "amount": amount, "subtotal": amount, "total": amount,
            "subtotal_excluding_tax": amount, "total_excluding_tax": amount,
            "post_payment_amount": amount, "currency": invoice["currency"],
            "customer": invoice["customer"], "livemode": invoice["livemode"], "created": world.now(),
            "lines": { "object": "list", "data": [], "has_more": false, "url": format!("/v1/credit_notes/{id}/lines") },
        }),
    );
    world.add("credit_note", note.clone());
    let fields = json!({ "post_payment_credit_notes_amount": credited + amount });
    world.change(&order.invoice, &fields);
    add_to_balance(world, &invoice["customer"], -amount);
    world.emit("credit_note.created", &note, None);
    Ok(note)
}
