//! A pipeline's part of the manifest, made from its types and kept in a file beside it.

use std::path::Path;

use refund_core::dispatch::manifest::drawing;
use refund_core::dispatch::{self, InvokeError};
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::dispatch::Pipeline;

/// What people read about an operation.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// Its title.
    pub title: &'static str,
    /// What it does.
    pub description: &'static str,
    /// The path of a drawing of 24 by 24.
    pub icon: &'static str,
}

/// The part of the manifest. Definitions have the pipeline's name in theirs, so that they never stand for one
/// of the node's.
pub fn manifest<P: Pipeline>(about: About) -> Value
where
    P::Input: JsonSchema,
    P::Output: JsonSchema,
{
    let mut schemas = SchemaGenerator::default();
    let input = schemas.subschema_for::<P::Input>();
    let output = schemas.subschema_for::<P::Output>();
    let mut manifest = json!({
        "$defs": schemas.take_definitions(true),
        "operations": [{
            "name": P::OPERATION,
            "title": about.title,
            "description": about.description,
            "icon": drawing(about.icon),
            "effect": "moves-money",
            "needs_http": true,
            "input_schema": input,
            "output_schema": output,
        }],
    });
    let prefix = P::OPERATION.split('.').next().unwrap_or_default();
    rename(&mut manifest, prefix);
    if let Some(definitions) = manifest["$defs"].as_object_mut() {
        let renamed: Map<_, _> = std::mem::take(definitions)
            .into_iter()
            .map(|(name, schema)| (format!("{prefix}.{name}"), schema))
            .collect();
        *definitions = renamed;
    }
    manifest
}

/// References follow their definitions.
fn rename(schema: &mut Value, prefix: &str) {
    match schema {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(to) if name == "$ref" => {
                        *to = to.replace("#/$defs/", &format!("#/$defs/{prefix}."));
                    }
                    other => rename(other, prefix),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, prefix)),
        _ => {}
    }
}

/// Compares a checked-in manifest with the one the types make; `UPDATE_MANIFEST=1` writes it.
///
/// # Panics
/// When the two differ, or the file cannot be read or written.
pub fn compare(file: &Path, made: &Value) {
    if std::env::var_os("UPDATE_MANIFEST").is_some() {
        let written = std::fs::write(file, made.to_string());
        assert!(written.is_ok(), "{} cannot be written: {written:?}", file.display());
    }
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let checked_in: Value = serde_json::from_str(&text).unwrap_or_default();
    // Not assert_eq: the two would fill the screen.
    assert!(checked_in == *made, "{} is out of date: UPDATE_MANIFEST=1", file.display());
}

/// Tries null in every field of the input, and in every field of the objects in it: all but `taken` refuse it, and
/// the schema says the same.
///
/// # Panics
/// When a field takes null that should not, refuses it though it is in `taken`, or differs from its schema.
pub fn refuses_null<P: Pipeline>(taken: &[&str])
where
    P::Input: JsonSchema,
{
    let mut schemas = SchemaGenerator::default();
    let input = schemas.subschema_for::<P::Input>();
    let definitions = Value::Object(schemas.take_definitions(true));
    let mut wrong = Vec::new();
    for (field, property) in fields(input.as_value(), &definitions) {
        let mut tried = vec![(field.clone(), json!({ &field: null }), property.clone())];
        for (inner, of_inner) in fields(&property, &definitions) {
            tried.push((format!("{field}.{inner}"), json!({ &field: { inner: null } }), of_inner));
        }
        for (path, given, schema) in tried {
            let is_refused = match dispatch::read::<P::Input>(&given.to_string()) {
                Err(InvokeError::InvalidInput(problems)) => {
                    problems.iter().any(|one| one.field == path && one.problem.contains("null"))
                }
                _ => false,
            };
            let in_schema = schema.to_string().contains("\"null\"");
            // Metadata take null as none, and their schema says what is good.
            let agrees = in_schema != is_refused || path == "metadata";
            if is_refused == taken.contains(&path.as_str()) || !agrees {
                wrong.push(format!("{path}: refused {is_refused}, null in the schema {in_schema}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}: {}", P::OPERATION, wrong.join("; "));
}

/// The fields of an object, references followed.
fn fields(schema: &Value, definitions: &Value) -> Vec<(String, Value)> {
    let name = schema["$ref"].as_str().and_then(|to| to.strip_prefix("#/$defs/"));
    let object = name.map_or(schema, |name| &definitions[name]);
    let properties = object["properties"].as_object().into_iter().flatten();
    properties.map(|(field, schema)| (field.clone(), schema.clone())).collect()
}
