//! Optional fields in which null is refused.
//!
//! A field that is left out has a meaning: everything that is left, no limit, every customer. Null often comes from a
//! variable that was empty by mistake, so it must not get that meaning. The functions here are for
//! `#[serde(default, deserialize_with = …)]`. The table of all fields is in `dispatch::inputs`.

use serde::{Deserialize, Deserializer};

use crate::problem::FieldProblem;

/// What an error about null begins with. What follows is how to mend it.
const IS_NULL: &str = "is null: ";

/// An amount; without one everything that is left is refunded.
pub fn amount<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    present(
        deserializer,
        "leave the field out to refund everything that is left, or give an amount",
    )
}

/// The currency of an amount.
pub fn currency<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    present(
        deserializer,
        "leave amount and currency out to refund everything that is left, or give both",
    )
}

/// A limit or a rule; without it nothing is limited or checked.
pub fn limit<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    present(deserializer, "leave the field out to have no such rule, or give a value")
}

/// What narrows a search; without it more is found.
pub fn filter<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    present(deserializer, "leave the field out to search without this filter, or give a value")
}

/// A value that has a default.
pub fn value<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    present(deserializer, "leave the field out to use its default, or give a value")
}

fn present<'de, D, T>(deserializer: D, fix: &'static str) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    match Option::deserialize(deserializer)? {
        Some(value) => Ok(Some(value)),
        None => Err(serde::de::Error::custom(format_args!("{IS_NULL}{fix}"))),
    }
}

/// The problem of a field in which null was refused; `None` for any other problem.
pub(crate) fn null_problem(field: &str, problem: &str) -> Option<FieldProblem> {
    problem.strip_prefix(IS_NULL).map(|fix| FieldProblem::new(field, "", "is null", fix))
}

/// Takes null out of the schema of such a field.
#[cfg(feature = "schema")]
pub fn not_null(schema: &mut schemars::Schema) {
    use serde_json::Value;

    if schema.get("default").is_some_and(Value::is_null) {
        schema.remove("default");
    }
    if let Some(Value::Array(kinds)) = schema.get_mut("type") {
        kinds.retain(|kind| kind != "null");
        if let [kind] = kinds.as_slice() {
            let kind = kind.clone();
            schema.insert("type".into(), kind);
        }
    }
    let Some(Value::Array(mut cases)) = schema.remove("anyOf") else { return };
    cases.retain(|case| case["type"] != "null");
    match cases.as_slice() {
        [Value::Object(only)] => {
            for (name, value) in only {
                schema.insert(name.clone(), value.clone());
            }
        }
        _ => {
            schema.insert("anyOf".into(), Value::Array(cases));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    struct Input {
        #[serde(default, deserialize_with = "super::amount")]
        amount: Option<u64>,
    }

    #[test]
    fn absent_is_none_and_null_is_refused() {
        let read = |text: &str| serde_json::from_str::<Input>(text).map(|input| input.amount);
        assert_eq!(read("{}").unwrap(), None);
        assert_eq!(read(r#"{"amount":5}"#).unwrap(), Some(5));
        let error = read(r#"{"amount":null}"#).unwrap_err().to_string();
        assert!(error.starts_with("is null: leave the field out"), "{error}");
        assert!(read(r#"{"amount":""}"#).is_err());
    }
}
