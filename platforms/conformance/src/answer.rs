//! What a runner says, and the shape that every error has to have.

use anyhow::{Context, Result, ensure};
use refund_wrapper::JsonError;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Of all credentials. None of them ever comes back.
const KEYS: [&str; 3] = ["sk_test_simulator", "sk_live_simulator", "pk_test_simulator"];

/// A runner's first line.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Hello {
    /// What the runner calls its platform.
    pub platform: String,
    /// The platform's version.
    pub version: String,
    /// Of the component that was loaded.
    pub digest: String,
    /// Of the text that `describe` gave.
    pub manifest: String,
}

/// Every other line.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Answer {
    Output(Value),
    Error(Value),
}

impl Answer {
    /// Reads a line. One that is no answer at all is not repeated where it holds a key.
    pub(crate) fn read(line: &str) -> Result<Self> {
        ensure!(!holds_key(line), "the answer holds a key");
        let answer = serde_json::from_str(line);
        let answer = answer.with_context(|| format!("no answer is `{line}`"))?;
        if let Self::Error(error) = &answer {
            let shape = JsonError::<Map<String, Value>>::deserialize(error);
            let shape = shape.with_context(|| format!("no error is {error}"))?;
            ensure!(*error == serde_json::to_value(shape)?, "an error has no such fields: {error}");
        }
        Ok(answer)
    }
}

/// Whether one of the credentials is in a text.
pub(crate) fn holds_key(text: &str) -> bool {
    KEYS.iter().any(|key| text.contains(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_one_of_the_known_shapes() {
        let failure = r#""message": "m", "retryable": false, "retry_after": null"#;
        for (line, good) in [
            (r#"{"output": {}}"#.to_owned(), true),
            (r#"{"error": {"kind": "host", "code": "live-key", "message": "m"}}"#.to_owned(), true),
            (
                r#"{"error": {"kind": "host", "code": "timeout", "message": "m", "money_state": "nothing-sent"}}"#.to_owned(),
                true,
            ),
            (
                r#"{"error": {"kind": "host", "code": "timeout", "message": "m", "money_state": "maybe"}}"#.to_owned(),
                false,
            ),
            (format!(r#"{{"error": {{"kind": "denied", {failure}, "details": {{}}}}}}"#), true),
            (format!(r#"{{"error": {{"kind": "denied", {failure}, "details": "{{}}"}}}}"#), false),
            (format!(r#"{{"error": {{"kind": "denied", {failure}}}}}"#), false),
            (format!(r#"{{"error": {{"kind": "odd", {failure}, "details": {{}}}}}}"#), false),
            (r#"{"error": {"kind": "invalid-input", "message": "m", "problems": [{}]}}"#.to_owned(), false),
            (r#"{"error": {"kind": "invalid-input", "message": "m", "problems": []}}"#.to_owned(), true),
            (r#"{"error": {"kind": "invalid-input", "problems": []}}"#.to_owned(), false),
            (r#"{"error": {"kind": "unknown-operation", "message": "m", "known": []}}"#.to_owned(), true),
            (r#"{"error": {"kind": "unknown-operation", "message": "m", "known": [], "name": "n"}}"#.to_owned(), false),
            (r#"{"error": {"kind": "host", "code": "odd", "message": "m"}}"#.to_owned(), false),
            (r#"{"output": {}, "error": {}}"#.to_owned(), false),
            (r#"{"output": {"a": "sk_test_simulator"}}"#.to_owned(), false),
            ("{}".to_owned(), false),
            ("ready".to_owned(), false),
        ] {
            assert_eq!(Answer::read(&line).is_ok(), good, "{line}");
        }
    }
}
