//! Which Stripe to talk to, put into the input of an operation.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::IgnoredAny;
use serde_json::error::Category;

/// The field of the input that the wrapper fills in.
const FIELD: &str = "connection";

/// What an operation has to know before it can talk to Stripe.
///
/// Not printable, for it holds a key.
#[derive(Default, Serialize)]
pub struct Connection {
    /// In place of `https://api.stripe.com`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// The connected account to act for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The key, or what the host puts it in place of.
    pub api_key: String,
}

/// An input that cannot be sent on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputError {
    /// It is no JSON object; why, without a word of the input, which may hold secrets.
    NotAnObject(String),
    /// It names a connection, which is the wrapper's to name.
    NamesConnection,
}

impl Connection {
    /// The input with this connection. All else stays as the caller wrote it, to the letter: numbers are not read
    /// and written again on their way.
    pub fn join(&self, input: &str) -> Result<String, InputError> {
        let fields: BTreeMap<String, IgnoredAny> =
            serde_json::from_str(input).map_err(not_an_object)?;
        if fields.contains_key(FIELD) {
            return Err(InputError::NamesConnection);
        }
        let connection = serde_json::to_string(self).map_err(not_an_object)?;
        let open = input.trim_end();
        let open = open.strip_suffix('}').unwrap_or(open);
        let comma = if fields.is_empty() { "" } else { "," };
        Ok(format!("{open}{comma}\"{FIELD}\":{connection}}}"))
    }
}

fn not_an_object(error: serde_json::Error) -> InputError {
    InputError::NotAnObject(match error.classify() {
        // What is there instead would stand in the parser's own words.
        Category::Data => "is something else than an object".into(),
        _ => format!("cannot be read: {error}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection() -> Connection {
        Connection { api_key: "sk_test_1".into(), ..Connection::default() }
    }

    #[test]
    fn all_else_stays_as_it_was_written() {
        let joined = |input| connection().join(input).unwrap();
        assert_eq!(joined(" { } \n"), r#" { "connection":{"api_key":"sk_test_1"}}"#);
        assert_eq!(
            joined("{\"a\": 1.10, \"b\": 18446744073709551616 }\t"),
            r#"{"a": 1.10, "b": 18446744073709551616 ,"connection":{"api_key":"sk_test_1"}}"#
        );
    }

    #[test]
    fn absent_fields_are_left_out() {
        let connection = Connection { account: Some("acct_1".into()), ..connection() };
        assert_eq!(
            connection.join("{}").unwrap(),
            r#"{"connection":{"account":"acct_1","api_key":"sk_test_1"}}"#
        );
    }

    #[test]
    fn a_caller_names_no_connection() {
        for input in [
            r#"{"connection":{}}"#,
            r#"{"a":1,"connection":null}"#,
            r#"{"\u0063onnection":{"api_key":"sk_live_1"}}"#,
        ] {
            assert_eq!(connection().join(input), Err(InputError::NamesConnection), "{input}");
        }
    }

    #[test]
    fn what_is_no_object_is_told_without_repeating_it() {
        for input in ["", "[]", "null", "{", "{}{}", "{\"a\":sk_live_secret}", "\"sk_live_secret\""]
        {
            let Err(InputError::NotAnObject(problem)) = connection().join(input) else {
                panic!("{input}")
            };
            assert!(!problem.contains("secret"), "{problem}");
        }
    }
}
