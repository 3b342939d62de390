//! Reads `a=1&b[c]=2&d[0]=x&e[]=y` into nested JSON of strings.

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use crate::error::{ApiError, ApiResult};

/// Reads a body or query string.
pub(crate) fn read(text: &str) -> ApiResult<Map<String, Value>> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Ok((decode(name)?, decode(value)?))
    });
    nest(pairs.collect::<ApiResult<Vec<_>>>()?)
}

/// Nests decoded pairs.
pub(crate) fn nest(pairs: Vec<(String, String)>) -> ApiResult<Map<String, Value>> {
    let mut fields = Map::new();
    for (name, value) in pairs {
        let path = path(&name).ok_or_else(|| {
            ApiError::invalid(
                "parameter_unknown",
                name.clone(),
                format!("Received unknown parameter: {name}"),
            )
        })?;
        insert(&mut fields, &path, value).ok_or_else(|| {
            ApiError::invalid(
                "parameter_invalid_string",
                name.clone(),
                format!("Invalid parameter: {name}"),
            )
            .without_code()
        })?;
    }
    let mut value = Value::Object(fields);
    make_lists(&mut value);
    match value {
        Value::Object(fields) => Ok(fields),
        _ => Ok(Map::new()),
    }
}

fn decode(text: &str) -> ApiResult<String> {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8();
    decoded.map(Into::into).map_err(|_| ApiError::with_status(400, "Invalid UTF-8 in the request"))
}

/// `a[b][c]` into its parts; text behind a bracket is no name.
fn path(name: &str) -> Option<Vec<&str>> {
    let Some(open) = name.find('[') else { return Some(vec![name]) };
    let mut parts = vec![&name[..open]];
    let mut rest = &name[open..];
    while !rest.is_empty() {
        let close = rest.strip_prefix('[')?.find(']')? + 1;
        parts.push(&rest[1..close]);
        rest = &rest[close + 1..];
    }
    Some(parts)
}

fn insert(fields: &mut Map<String, Value>, path: &[&str], value: String) -> Option<()> {
    let (first, rest) = path.split_first()?;
    // `e[]=x` appends: the next free index.
    let key = if first.is_empty() { fields.len().to_string() } else { (*first).to_owned() };
    if rest.is_empty() {
        fields.insert(key, Value::String(value));
        return Some(());
    }
    let inner = fields.entry(key).or_insert_with(|| Value::Object(Map::new()));
    insert(inner.as_object_mut()?, rest, value)
}

/// An object whose keys are 0, 1, 2 … is a list.
fn make_lists(value: &mut Value) {
    let Value::Object(fields) = value else { return };
    fields.values_mut().for_each(make_lists);
    let indexed = (0..fields.len()).all(|index| fields.contains_key(&index.to_string()));
    if indexed && !fields.is_empty() {
        let items = (0..fields.len()).filter_map(|index| fields.remove(&index.to_string()));
        *value = Value::Array(items.collect());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nests() {
        let read = |text| Value::Object(read(text).unwrap());
        assert_eq!(
            read("a=1&metadata[k%20x]=a+b&expand[0]=x&expand[1]=y&e[]=z&c%5Bgte%5D=5"),
            json!({"a": "1", "metadata": {"k x": "a b"}, "expand": ["x", "y"], "e": ["z"], "c": {"gte": "5"}})
        );
        assert_eq!(read(""), json!({}));
        assert_eq!(read("metadata="), json!({"metadata": ""}));
    }

    #[test]
    fn odd_names_are_refused() {
        for text in ["a[b]c=1", "a[b=1", "a=%FF", "a=1&a[b]=2"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
