//! `policy schema`

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value, json};

/// The schemas in the manifest, by name.
#[derive(Deserialize)]
struct Definitions {
    #[serde(rename = "$defs")]
    all: BTreeMap<String, Value>,
}

/// The JSON Schema of a document, out of the manifest, with the definitions it refers to.
pub(super) fn schema() -> anyhow::Result<String> {
    const ROOT: &str = "PolicyDocument";
    let Definitions { mut all } = serde_json::from_str(refund_core::dispatch::MANIFEST)?;
    let mut wanted = vec![ROOT.to_owned()];
    let mut found = BTreeSet::new();
    while let Some(name) = wanted.pop() {
        if found.insert(name.clone()) {
            references(&all[&name], &mut wanted);
        }
    }
    all.retain(|name, _| found.contains(name));
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Policy of refund-node",
        "$ref": format!("#/$defs/{ROOT}"),
        "$defs": all,
    });
    Ok(serde_json::to_string_pretty(&schema)?)
}

/// The definitions that a schema refers to.
fn references(schema: &Value, found: &mut Vec<String>) {
    match schema {
        Value::Object(fields) => {
            if let Some(name) = fields.get("$ref").and_then(Value::as_str) {
                found.extend(name.strip_prefix("#/$defs/").map(str::to_owned));
            }
            fields.values().for_each(|value| references(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}
