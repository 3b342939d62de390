//! Lists: newest first, filtered, a page at a time.

use std::cmp::Reverse;

use serde_json::{Map, Value, json};

use crate::error::{ApiError, ApiResult};

/// A page of `objects`, which come oldest first. `filters` are parameters that must equal the field of
/// the same name.
pub(crate) fn page<'a>(
    objects: impl DoubleEndedIterator<Item = &'a Value>,
    params: &Map<String, Value>,
    filters: &[&str],
    url: &str,
) -> ApiResult {
    let limit = params.get("limit").and_then(Value::as_i64).unwrap_or(10);
    if !(1..=100).contains(&limit) {
        return Err(ApiError::invalid(
            "parameter_invalid_integer",
            "limit",
            format!("Invalid limit: {limit}. It must be between 1 and 100"),
        )
        .without_code());
    }
    let limit = usize::try_from(limit).unwrap_or(10);
    let fits = |object: &&Value| {
        let equal = |name: &&str| params.get(*name).is_none_or(|wanted| object[*name] == *wanted);
        filters.iter().all(equal) && in_range(&object["created"], params.get("created"))
    };
    let mut all: Vec<&Value> = objects.rev().filter(fits).collect();
    // A charge may be made with an age; of one second, the one made later comes first.
    all.sort_by_key(|object| Reverse(object["created"].as_i64()));
    let position = |name: &str| -> ApiResult<Option<usize>> {
        let Some(id) = params.get(name).and_then(Value::as_str) else { return Ok(None) };
        let found = all.iter().position(|object| object["id"] == id);
        found.map(Some).ok_or_else(|| ApiError::missing("object", id, name))
    };
    let (from, to, has_more) = match (position("starting_after")?, position("ending_before")?) {
        (_, Some(before)) => {
            let from = before.saturating_sub(limit);
            (from, before, from > 0)
        }
        (after, None) => {
            let from = after.map_or(0, |after| after + 1);
            let to = (from + limit).min(all.len());
            (from, to, to < all.len())
        }
    };
    Ok(json!({ "object": "list", "url": url, "has_more": has_more, "data": all[from..to] }))
}

fn in_range(created: &Value, wanted: Option<&Value>) -> bool {
    let created = created.as_i64().unwrap_or_default();
    match wanted {
        None => true,
        Some(Value::Object(range)) => {
            let holds = |name: &str, good: fn(i64, i64) -> bool| {
                range.get(name).and_then(Value::as_i64).is_none_or(|bound| good(created, bound))
            };
            holds("gt", |a, b| a > b)
                && holds("gte", |a, b| a >= b)
                && holds("lt", |a, b| a < b)
                && holds("lte", |a, b| a <= b)
        }
        Some(exact) => exact.as_i64() == Some(created),
    }
}
