//! Null is no amount and no limit: a field whose absence means more money, fewer checks or another account refuses
//! it, and its schema does not offer it.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(feature = "schema")]

use std::collections::BTreeSet;
use std::time::Duration;

use refund_core::client::{HttpRequest, SendFailure, Transport, TransportKind};
use refund_core::dispatch::{InvokeError, invoke, manifest};
use refund_core::problem::FieldProblem;
use refund_core::wire::Answer;
use serde_json::{Map, Value, json};

/// Fields that take null, since leaving them out is harmless. Everything else in an input refuses it.
const NULLABLE: [&str; 17] = [
    // More checks without it.
    "approval",
    // Nothing that decides about money.
    "connection.max_retries",
    "cursor",
    "instructions_email",
    "limit",
    "metadata",
    "policy.fee_rate",
    "range.cursor",
    "range.limit",
    "range.product_key",
    "reason",
    // How a sum is spread, not how large it is.
    "order",
    // The clock, and Stripe's own tolerance.
    "now",
    "tolerance",
    // One of several ways to give the same.
    "header",
    "payload",
    "payload_base64",
];

/// The same at the end of a path, wherever it begins.
const NULLABLE_ENDS: [&str; 4] = [".description", ".fee_rate", "options.top_customers", "left"];

/// Objects of Stripe's, and our own outputs given back: null is how they say that there is nothing.
const RECORDS: [&str; 10] = [
    "Charge",
    "Refund",
    "Dispute",
    "Event",
    "Row",
    "Metadata",
    "Ended",
    "EventObject",
    "Money",
    "ChargesTaken",
];

struct NothingIsSent;

impl Transport for NothingIsSent {
    fn send(&mut self, _: &HttpRequest) -> Result<Answer, SendFailure> {
        Err(SendFailure { kind: TransportKind::Denied, detail: "nothing is sent".into() })
    }

    fn now(&self) -> u64 {
        1_790_000_000
    }

    fn sleep(&mut self, _: Duration) {}
}

/// A place in an input that may be null or not.
struct Place {
    path: String,
    /// The smallest input with null there; what else is missing is looked at later.
    input: Value,
    schema_takes_null: bool,
    /// The smallest input with the schema's default there.
    default: Option<Value>,
}

/// Follows references.
fn resolved<'m>(schema: &'m Value, manifest: &'m Value) -> (&'m Value, Option<&'m str>) {
    match schema["$ref"].as_str().and_then(|reference| reference.strip_prefix("#/$defs/")) {
        Some(name) => (&manifest["$defs"][name], Some(name)),
        None => (schema, None),
    }
}

fn takes_null(schema: &Value, manifest: &Value) -> bool {
    let (schema, _) = resolved(schema, manifest);
    let is_null = |kind: &Value| kind == "null";
    is_null(&schema["type"])
        || schema["type"].as_array().is_some_and(|kinds| kinds.iter().any(is_null))
        || ["anyOf", "oneOf"].iter().any(|several| {
            schema[several]
                .as_array()
                .is_some_and(|all| all.iter().any(|one| takes_null(one, manifest)))
        })
}

/// Every place below a schema. `wrap` puts a value of this schema into a whole input.
fn places(
    schema: &Value,
    manifest: &Value,
    path: &str,
    wrap: &dyn Fn(Value) -> Value,
    found: &mut Vec<Place>,
) {
    let (schema, name) = resolved(schema, manifest);
    if name.is_some_and(|name| RECORDS.contains(&name)) {
        return;
    }
    for several in ["anyOf", "oneOf", "allOf"] {
        for one in schema[several].as_array().into_iter().flatten() {
            places(one, manifest, path, wrap, found);
        }
    }
    if schema.get("items").is_some() {
        places(
            &schema["items"],
            manifest,
            &format!("{path}[0]"),
            &|item| wrap(json!([item])),
            found,
        );
    }
    let patterns = schema["patternProperties"].as_object().into_iter().flat_map(Map::values);
    for values in patterns.chain(&schema["additionalProperties"].as_object().map(|map| json!(map)))
    {
        let (path, inside) = (format!("{path}.usd"), |value| wrap(json!({ "usd": value })));
        found.push(Place {
            path: path.clone(),
            input: inside(Value::Null),
            schema_takes_null: takes_null(values, manifest),
            default: None,
        });
        places(values, manifest, &path, &inside, found);
    }
    for (field, property) in schema["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() { field.clone() } else { format!("{path}.{field}") };
        let inside = |value| wrap(json!({ field: value }));
        found.push(Place {
            path: path.clone(),
            input: inside(Value::Null),
            schema_takes_null: takes_null(property, manifest),
            default: property.get("default").map(|default| inside(default.clone())),
        });
        places(property, manifest, &path, &inside, found);
    }
}

/// Whether an operation refuses a null at this path, or below it.
fn refuses_null(operation: &str, input: &Value, path: &str) -> bool {
    let is_about_null = |problem: &FieldProblem| {
        problem.field.starts_with(path) && problem.problem.contains("null")
    };
    matches!(
        invoke(&mut NothingIsSent, operation, &input.to_string()),
        Err(InvokeError::InvalidInput(problems)) if problems.iter().any(is_about_null)
    )
}

fn is_nullable(operation: &str, path: &str) -> bool {
    // A preview holds the input of `refunds.create`.
    let path = path.strip_prefix("request.").unwrap_or(path);
    // Refunds of the operation count as made before: less is left to refund.
    (operation, path) == ("billing.invoice", "operation_id")
        || NULLABLE.contains(&path)
        || NULLABLE_ENDS.iter().any(|end| path.ends_with(end))
}

#[test]
fn null_is_taken_where_it_is_harmless_and_nowhere_else() {
    let manifest = manifest::full();
    let (mut looked_at, mut wrong) = (BTreeSet::new(), Vec::new());
    for operation in manifest["operations"].as_array().unwrap() {
        let name = operation["name"].as_str().unwrap();
        let mut all = Vec::new();
        places(&operation["input_schema"], &manifest, "", &|input| input, &mut all);
        for place in &all {
            let taken = !refuses_null(name, &place.input, &place.path);
            let expected = is_nullable(name, &place.path);
            // Metadata are lenient, and their schema says what is good.
            let schema_differs =
                place.schema_takes_null != taken && !place.path.ends_with("metadata");
            if taken != expected || schema_differs {
                wrong.push(format!(
                    "{name} {}: taken {taken}, expected {expected}, in the schema {}",
                    place.path, place.schema_takes_null
                ));
            }
            if place.default.as_ref().is_some_and(|input| refuses_null(name, input, &place.path)) {
                wrong.push(format!("{name} {}: its default is refused", place.path));
            }
            looked_at.insert(place.path.clone());
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), looked_at.len(), wrong.join("\n"));
    let limit = "document.defaults.never_above.usd";
    for path in ["amount", limit, "document.rules[0].then.deduct.restocking_fee", "range.customer"]
    {
        assert!(looked_at.contains(path), "{path} is not in {looked_at:?}");
    }
}

#[test]
fn a_null_amount_is_told_with_what_to_do() {
    for operation in ["refunds.create", "eligibility.check", "eligibility.check-live"] {
        for (field, fix) in [
            ("amount", "leave the field out to refund everything that is left, or give an amount"),
            (
                "amount_decimal",
                "leave the field out to refund everything that is left, or give an amount",
            ),
            (
                "currency",
                "leave amount and currency out to refund everything that is left, or give both",
            ),
        ] {
            let input = json!({ field: null }).to_string();
            let Err(InvokeError::InvalidInput(problems)) =
                invoke(&mut NothingIsSent, operation, &input)
            else {
                panic!("{operation} takes {input}");
            };
            assert_eq!(
                problems,
                [FieldProblem::new(field, "", "is null", fix)],
                "{operation} with {input}"
            );
        }
    }
}

/// An empty text is no way to say "everything", "no limit" or "any".
#[test]
fn an_empty_text_is_refused_like_null() {
    for (operation, field, input) in [
        ("refunds.create", "amount", json!({ "amount": "" })),
        ("refunds.create", "amount_decimal", json!({ "amount_decimal": "", "currency": "usd" })),
        ("refunds.create", "currency", json!({ "currency": "" })),
        ("refunds.create", "currency", json!({ "amount": 5, "currency": "" })),
        ("refunds.create", "document", json!({ "document": "" })),
        ("refunds.create", "policy", json!({ "policy": "" })),
        ("refunds.create", "connection.account", json!({ "connection": { "account": "" } })),
        ("refunds.create", "connection.base_url", json!({ "connection": { "base_url": "" } })),
        ("refunds.create", "connection.api_key", json!({ "connection": { "api_key": "" } })),
        ("refunds.list", "payment", json!({ "payment": "" })),
        ("disputes.list", "payment", json!({ "payment": "" })),
        (
            "duplicates.scan-live",
            "customer",
            json!({ "range": { "created_from": 1, "customer": "" } }),
        ),
        ("billing.invoice", "line", json!({ "invoice": "in_1", "line": "" })),
        ("billing.subscription", "item", json!({ "subscription": "sub_1", "item": "" })),
    ] {
        let mut input = input;
        if operation == "refunds.create" {
            input["operation_id"] = json!("op-1");
            input["payment"] = json!("ch_1");
        }
        let Err(InvokeError::InvalidInput(problems)) =
            invoke(&mut NothingIsSent, operation, &input.to_string())
        else {
            panic!("{operation} takes {input}");
        };
        assert_eq!(problems[0].field, field, "{operation} with {input}: {problems:?}");
    }
}
