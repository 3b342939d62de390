//! Metadata limits and merging (reference 1.5).

use serde_json::{Map, Value};

use crate::error::{ApiError, ApiResult};

const MAX_KEYS: usize = 50;
const MAX_KEY: usize = 40;
const MAX_VALUE: usize = 500;

/// The metadata after a write: an empty value removes a key, an empty `metadata` removes all.
pub(super) fn merge(existing: &Value, written: Option<&Value>) -> ApiResult {
    let mut merged = existing.as_object().cloned().unwrap_or_default();
    match written {
        None | Some(Value::Null) => {}
        Some(Value::Object(fields)) => write(&mut merged, fields)?,
        Some(_) => merged.clear(),
    }
    if merged.len() > MAX_KEYS {
        return Err(ApiError::invalid(
            "parameter_invalid",
            "metadata",
            format!("You can only have up to {MAX_KEYS} metadata keys."),
        )
        .without_code());
    }
    Ok(Value::Object(merged))
}

fn write(merged: &mut Map<String, Value>, fields: &Map<String, Value>) -> ApiResult<()> {
    for (key, value) in fields {
        let text = value.as_str().unwrap_or_default();
        if key.chars().count() > MAX_KEY {
            return Err(ApiError::invalid(
                "parameter_invalid",
                "metadata",
                format!("Metadata keys can have up to {MAX_KEY} characters."),
            )
            .without_code());
        }
        if text.chars().count() > MAX_VALUE {
            return Err(ApiError::invalid(
                "parameter_invalid",
                format!("metadata[{key}]"),
                format!("Metadata values can have up to {MAX_VALUE} characters."),
            )
            .without_code());
        }
        if text.is_empty() {
            merged.remove(key);
        } else {
            merged.insert(key.clone(), value.clone());
        }
    }
    Ok(())
}
