//! Puts objects in the place of their ids, as `expand[]` asks.

use serde_json::{Map, Value};

use crate::error::{ApiError, ApiResult};
use crate::world::World;

/// Deepest expansion that Stripe allows.
const DEEPEST: usize = 4;

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

/// Whether there was something to expand, or null.
fn one(world: &World, value: &mut Value, names: &[&str]) -> bool {
    let Some((first, rest)) = names.split_first() else { return true };
    if let Value::Array(items) = value {
        return items.iter_mut().all(|item| one(world, item, names));
    }
    let Some(field) = value.get_mut(*first) else { return false };
    if let Value::String(id) = field
        && let Some(object) = world.find_any(id)
    {
        *field = object;
    }
    field.is_null() || (!field.is_string() && one(world, field, rest))
}
