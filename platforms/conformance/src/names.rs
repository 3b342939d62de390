//! Names in a case: `{charge.id}` stands for a field of a named answer.

use std::collections::HashMap;

use anyhow::{Context, Result};
use serde_json::Value;

/// Named answers, and the output of the step before as `output`.
#[derive(Debug, Default)]
pub(crate) struct Names(HashMap<String, Value>);

impl Names {
    pub(crate) fn set(&mut self, name: &str, value: Value) {
        self.0.insert(name.to_owned(), value);
    }

    /// The same value with every name replaced. A string that is one name and nothing else becomes what the name
    /// stands for, a number for example.
    pub(crate) fn fill(&self, value: &Value) -> Result<Value> {
        Ok(match value {
            Value::String(text) => match whole(text) {
                Some(name) => self.find(name)?.clone(),
                None => Value::String(self.fill_text(text)?),
            },
            Value::Array(items) => {
                items.iter().map(|item| self.fill(item)).collect::<Result<_>>()?
            }
            Value::Object(fields) => {
                let fields = fields.iter().map(|(key, value)| Ok((key.clone(), self.fill(value)?)));
                Value::Object(fields.collect::<Result<_>>()?)
            }
            other => other.clone(),
        })
    }

    /// The same for text. Braces around anything but a name stay as they are.
    pub(crate) fn fill_text(&self, text: &str) -> Result<String> {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            filled.push_str(before);
            let name = after.split_once('}').filter(|(name, _)| is_name(name));
            if let Some((name, after)) = name {
                match self.find(name)? {
                    Value::String(text) => filled.push_str(text),
                    other => filled.push_str(&other.to_string()),
                }
                rest = after;
            } else {
                filled.push('{');
                rest = after;
            }
        }
        Ok(filled + rest)
    }

    fn find(&self, name: &str) -> Result<&Value> {
        let (first, path) = name.split_once('.').unwrap_or((name, ""));
        let answer = self.0.get(first).with_context(|| format!("nothing is called `{first}`"))?;
        let found = answer.pointer(&format!("/{}", path.replace('.', "/")));
        found.with_context(|| format!("`{{{name}}}` is not there: `{first}` is {answer}"))
    }
}

/// The name, where the text is nothing else.
fn whole(text: &str) -> Option<&str> {
    text.strip_prefix('{')?.strip_suffix('}').filter(|name| is_name(name))
}

/// `{id}` in a request is no name, nor is anything in JSON: a name has a dot in it and no quote.
fn is_name(text: &str) -> bool {
    let mut parts = text.split('.');
    let word = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    parts.clone().count() > 1 && parts.all(word)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names() -> Names {
        let mut names = Names::default();
        names.set("charge", json!({ "id": "ch_1", "created": 17, "list": [{ "n": "a" }] }));
        names
    }

    #[test]
    fn names_are_replaced_and_nothing_else_is() {
        for (given, expected) in [
            (json!("{charge.id}"), json!("ch_1")),
            (json!("{charge.created}"), json!(17)),
            (json!("from {charge.created} on {charge.id}"), json!("from 17 on ch_1")),
            (json!({ "a": ["{charge.list.0.n}"] }), json!({ "a": ["a"] })),
            (json!("GET /v1/charges/{id}"), json!("GET /v1/charges/{id}")),
            (json!("{\"id\": {\"a.b\": 1}}"), json!("{\"id\": {\"a.b\": 1}}")),
            (json!("{{charge.id}}"), json!("{ch_1}")),
            // Greater than what a double holds.
            (json!(9_007_199_254_740_993_u64), json!(9_007_199_254_740_993_u64)),
        ] {
            assert_eq!(names().fill(&given).unwrap(), expected);
        }
    }

    #[test]
    fn what_is_not_there_is_told() {
        for (given, expected) in [
            ("{refund.id}", "nothing is called `refund`"),
            ("a {charge.amount}", "`{charge.amount}` is not there: `charge` is {"),
        ] {
            let problem = names().fill(&json!(given)).unwrap_err().to_string();
            assert!(problem.starts_with(expected), "{problem}");
        }
    }
}
