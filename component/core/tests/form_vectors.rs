//! Our request bodies against those that the official libraries sent.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use refund_core::wire::Form;
use serde_json::Value;

fn vectors() -> Vec<Value> {
    let text = include_str!("../../../tests/vectors/form-bodies.json");
    let file: Value = serde_json::from_str(text).unwrap();
    file["cases"].as_array().unwrap().clone()
}

/// The parameters of a vector, flattened to names with brackets as the libraries do.
fn form(params: &Value) -> Form {
    fn add(form: Form, name: &str, value: &Value) -> Form {
        match value {
            Value::Object(fields) => fields.iter().fold(form, |form, (key, value)| {
                let name = if name.is_empty() { key.clone() } else { format!("{name}[{key}]") };
                add(form, &name, value)
            }),
            Value::Array(items) => items
                .iter()
                .enumerate()
                .fold(form, |form, (index, item)| add(form, &format!("{name}[{index}]"), item)),
            Value::String(text) => form.with(name, text),
            other => form.with(name, other),
        }
    }
    add(Form::new(), "", params)
}

/// The order of parameters carries no meaning, and the vectors' JSON does not keep it.
fn pairs(body: &str) -> Vec<&str> {
    let mut pairs: Vec<_> = body.split('&').collect();
    pairs.sort_unstable();
    pairs
}

#[test]
fn every_body_is_the_one_the_libraries_sent() {
    let cases = vectors();
    assert_eq!(cases.len(), 16);
    for case in &cases {
        let body = form(&case["params"]).body();
        let (node, python) =
            (case["node_body"].as_str().unwrap(), case["python_body"].as_str().unwrap());
        // They agree but for the space, which node writes as %20 and python as a plus sign.
        assert_eq!(node, python.replace('+', "%20"), "{}", case["name"]);
        assert_eq!(pairs(&body), pairs(node), "{}", case["name"]);
    }
}
