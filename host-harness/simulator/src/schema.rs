//! Stripe's API description, trimmed to what refunds use: requests are checked against it and turned
//! from text into the types it names; answers are checked against it too.

use std::sync::OnceLock;

use serde_json::{Map, Value, json};

use crate::error::{ApiError, ApiResult};

fn description() -> &'static Value {
    static DESCRIPTION: OnceLock<Value> = OnceLock::new();
    DESCRIPTION.get_or_init(|| {
        // The file is part of the crate, and a test reads it.
        serde_json::from_str(include_str!("../data/openapi.json")).unwrap_or_default()
    })
}

/// A call that the description knows.
#[derive(Clone, Copy)]
pub(crate) struct Call(&'static Value);

/// Finds a call by method and path; ids in the path match `{…}`.
pub(crate) fn find(method: &str, path: &str) -> Option<Call> {
    let segments: Vec<_> = path.split('/').collect();
    let paths = description()["paths"].as_object()?;
    // Names win over placeholders: /v1/charges/search is no charge.
    let mut matching: Vec<_> = paths
        .iter()
        .filter(|(template, _)| {
            let wanted: Vec<_> = template.split('/').collect();
            wanted.len() == segments.len()
                && wanted.iter().zip(&segments).all(|(w, s)| w.starts_with('{') || w == s)
        })
        .collect();
    matching.sort_by_key(|(template, _)| template.matches('{').count());
    let operation = matching.first()?.1.get(method.to_ascii_lowercase())?;
    Some(Call(operation))
}

impl Call {
    /// Checks the parameters and gives them their types.
    pub(crate) fn read_params(self, params: Map<String, Value>) -> ApiResult<Map<String, Value>> {
        let schema = self.params_schema();
        let typed = convert(&schema, Value::Object(params), "")?;
        Ok(typed.as_object().cloned().unwrap_or_default())
    }

    fn params_schema(self) -> Value {
        let kinds = self.0["requestBody"]["content"].as_object();
        if let Some(body) = kinds.and_then(|kinds| kinds.values().next()) {
            return body["schema"].clone();
        }
        let mut properties = Map::new();
        for parameter in self.0["parameters"].as_array().into_iter().flatten() {
            if parameter["in"] == "query" {
                let name = parameter["name"].as_str().unwrap_or_default();
                properties.insert(name.to_owned(), parameter["schema"].clone());
            }
        }
        json!({ "type": "object", "properties": properties, "additionalProperties": false })
    }

    /// What is wrong with an answer; `None` when nothing is.
    pub(crate) fn fault_in_answer(self, answer: &Value) -> Option<String> {
        let schema = &self.0["responses"]["200"]["content"]["application/json"]["schema"];
        fault(schema, answer, "")
    }
}

fn resolve(schema: &Value) -> &Value {
    let schema = schema["allOf"].get(0).unwrap_or(schema);
    match schema["$ref"].as_str().and_then(|name| name.rsplit('/').next()) {
        Some(name) => &description()["components"]["schemas"][name],
        None => schema,
    }
}

/// Text into the type that the schema wants.
fn convert(schema: &Value, value: Value, at: &str) -> ApiResult<Value> {
    let schema = resolve(schema);
    if let Some(options) = schema["anyOf"].as_array() {
        let mut last = None;
        for option in options {
            match convert(option, value.clone(), at) {
                Ok(typed) => return Ok(typed),
                Err(error) => last = Some(error),
            }
        }
        return last.map_or(Ok(value), Err);
    }
    match (schema["type"].as_str(), value) {
        (Some("integer"), Value::String(text)) => {
            let number: i64 = text.parse().map_err(|_| {
                ApiError::invalid(
                    "parameter_invalid_integer",
                    at,
                    format!("Invalid integer: {text}"),
                )
            })?;
            Ok(json!(number))
        }
        (Some("boolean"), Value::String(text)) => match text.as_str() {
            "true" => Ok(json!(true)),
            "false" => Ok(json!(false)),
            _ => {
                Err(ApiError::invalid("parameter_invalid", at, format!("Invalid boolean: {text}"))
                    .without_code())
            }
        },
        (Some("string"), Value::String(text)) => {
            let allowed = schema["enum"].as_array();
            if allowed.is_some_and(|values| values.iter().all(|value| *value != text)) {
                return Err(ApiError::invalid(
                    "parameter_invalid",
                    at,
                    format!("Invalid {at}: must be one of the documented values"),
                )
                .without_code());
            }
            Ok(Value::String(text))
        }
        (Some("array"), Value::Array(items)) => {
            let items = items.into_iter().enumerate();
            let typed =
                items.map(|(n, item)| convert(&schema["items"], item, &format!("{at}[{n}]")));
            typed.collect::<ApiResult<Vec<_>>>().map(Value::Array)
        }
        (Some("object"), Value::Object(fields)) => convert_object(schema, fields, at),
        (None, value) => Ok(value),
        (Some(wanted), _) => {
            Err(ApiError::invalid("parameter_invalid", at, format!("Invalid {wanted}"))
                .without_code())
        }
    }
}

fn convert_object(schema: &Value, fields: Map<String, Value>, at: &str) -> ApiResult<Value> {
    let properties = &schema["properties"];
    let mut typed = Map::new();
    for (name, value) in fields {
        let path = if at.is_empty() { name.clone() } else { format!("{at}[{name}]") };
        let of = match properties.get(&name) {
            Some(of) => of,
            None if schema["additionalProperties"].is_object() => &schema["additionalProperties"],
            None => {
                return Err(ApiError::invalid(
                    "parameter_unknown",
                    path.clone(),
                    format!("Received unknown parameter: {path}"),
                ));
            }
        };
        typed.insert(name, convert(of, value, &path)?);
    }
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !typed.contains_key(name) {
            return Err(ApiError::invalid(
                "parameter_missing",
                name,
                format!("Missing required param: {name}."),
            ));
        }
    }
    Ok(Value::Object(typed))
}

/// Adds what an object of a schema always has, and a merchant need not send: null, false, or nothing in it.
pub(crate) fn complete(schema: &str, value: &mut Value) {
    fill(&description()["components"]["schemas"][schema], value);
}

fn fill(schema: &Value, value: &mut Value) {
    let schema = resolve(schema);
    if let Some(items) = value.as_array_mut() {
        for item in items {
            fill(&schema["items"], item);
        }
    }
    let Some(fields) = value.as_object_mut() else { return };
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let of = &schema["properties"][name];
        let empty = match of["type"].as_str() {
            _ if of["nullable"] == true => Value::Null,
            Some("array") => json!([]),
            Some("boolean") => json!(false),
            _ => continue,
        };
        fields.entry(name).or_insert(empty);
    }
    for (name, inner) in fields {
        fill(&schema["properties"][name.as_str()], inner);
    }
}

/// The first thing about a value that its schema does not allow.
fn fault(schema: &Value, value: &Value, at: &str) -> Option<String> {
    let nullable = schema["nullable"] == true;
    let schema = resolve(schema);
    if value.is_null() {
        let fine = nullable || schema.as_object().is_none_or(Map::is_empty);
        return (!fine).then(|| format!("{at} is null"));
    }
    if let Some(options) = schema["anyOf"].as_array() {
        let faults: Vec<_> = options.iter().filter_map(|option| fault(option, value, at)).collect();
        return (faults.len() == options.len()).then(|| faults.join(" and "));
    }
    let fits = match schema["type"].as_str() {
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        Some("string") => value.is_string(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        _ => true,
    };
    if !fits {
        return Some(format!("{at} is {value}, not {}", schema["type"]));
    }
    let closed = schema["x-open-enum"] != true;
    if closed && schema["enum"].as_array().is_some_and(|allowed| !allowed.contains(value)) {
        return Some(format!("{at} is {value}, which is not among {}", schema["enum"]));
    }
    if let Some(items) = value.as_array() {
        return items
            .iter()
            .enumerate()
            .find_map(|(n, item)| fault(&schema["items"], item, &format!("{at}[{n}]")));
    }
    let fields = value.as_object()?;
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    required
        .filter(|name| !fields.contains_key(*name))
        .map(|name| format!("{at}.{name} is missing"))
        .next()
        .or_else(|| {
            let properties = schema["properties"].as_object()?;
            fields.iter().find_map(|(name, value)| {
                fault(properties.get(name)?, value, &format!("{at}.{name}"))
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(text: &str) -> ApiResult<Value> {
        let call = find("POST", "/v1/refunds").unwrap();
        call.read_params(crate::form::read(text)?).map(Value::Object)
    }

    #[test]
    fn parameters_get_their_types() {
        assert_eq!(
            params("charge=ch_1&amount=5&reverse_transfer=true&metadata[a]=1&expand[]=charge")
                .unwrap(),
            json!({"charge": "ch_1", "amount": 5, "reverse_transfer": true, "metadata": {"a": "1"}, "expand": ["charge"]})
        );
        for text in [
            "amount=ten",
            "amount=1.5",
            "colour=red",
            "reason=boredom",
            "reverse_transfer=yes",
            "metadata[a][b]=1",
        ] {
            assert!(params(text).is_err(), "{text}");
        }
    }

    #[test]
    fn names_win_over_placeholders() {
        assert!(find("GET", "/v1/charges/ch_1").is_some());
        assert!(find("DELETE", "/v1/charges/ch_1").is_none());
        assert!(find("GET", "/v1/nonsense").is_none());
    }
}
