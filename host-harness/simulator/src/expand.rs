//! Puts objects in the place of their ids, as `expand[]` asks.

use serde_json::{Map, Value, json};

use crate::error::{ApiError, ApiResult};
use crate::world::World;

/// Deepest expansion that Stripe allows.
const DEEPEST: usize = 4;
/// Objects of an expanded sub-list.
const SUB_LIST: usize = 10;

/// Expands an answer.
pub(crate) fn expand(
    world: &World,
    answer: &mut Value,
    params: &Map<String, Value>,
) -> ApiResult<()> {
    let wanted = params.get("expand").and_then(Value::as_array);
    for path in wanted.into_iter().flatten().filter_map(Value::as_str) {
        let names: Vec<_> = path.split('.').collect();
        if names.len() > DEEPEST {
            return Err(ApiError::invalid(
                "parameter_invalid",
                "expand",
                "You cannot expand more than 4 levels of a property",
            )
            .without_code());
        }
        if !one(world, answer, &names) {
            return Err(ApiError::invalid(
                "parameter_invalid",
                "expand",
                format!("This property cannot be expanded ({path})."),
            )
            .without_code());
        }
    }
    Ok(())
}

/// The newest refunds of a charge: not in it unless asked for, since 2022-11-15 (reference 1.6).
fn refunds(world: &World, charge: &Value) -> Value {
    let charge = charge.as_str().unwrap_or_default();
    let all = world.store.owned("refund", "charge", charge);
    sub_list(&all, &format!("/v1/charges/{charge}/refunds"))
}

/// The payments of an invoice: not in it unless asked for either (reference 2.6).
fn payments(world: &World, invoice: &Value) -> Value {
    let invoice = invoice.as_str().unwrap_or_default();
    let all = world.store.owned("invoice_payment", "invoice", invoice);
    sub_list(&all, &format!("/v1/invoice_payments?invoice={invoice}"))
}

fn sub_list(all: &[&Value], url: &str) -> Value {
    let newest: Vec<_> = all.iter().rev().take(SUB_LIST).collect();
    json!({ "object": "list", "url": url, "has_more": all.len() > SUB_LIST, "data": newest })
}

/// Whether there was something to expand, or null.
fn one(world: &World, value: &mut Value, names: &[&str]) -> bool {
    let Some((first, rest)) = names.split_first() else { return true };
    if let Value::Array(items) = value {
        return items.iter_mut().all(|item| one(world, item, names));
    }
    if *first == "refunds" && value["object"] == "charge" {
        value["refunds"] = refunds(world, &value["id"]);
    }
    if *first == "payments" && value["object"] == "invoice" {
        value["payments"] = payments(world, &value["id"]);
    }
    let Some(field) = value.get_mut(*first) else { return false };
    if let Value::String(id) = field
        && let Some(object) = world.find_any(id)
    {
        *field = object;
    }
    field.is_null() || (!field.is_string() && one(world, field, rest))
}
