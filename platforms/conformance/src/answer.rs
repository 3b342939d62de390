//! What a runner says, and the shape that every error has to have.

use anyhow::{Context, Result, ensure};
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
            let shape = Shape::deserialize(error);
            shape.with_context(|| format!("no error is {error}"))?;
        }
        Ok(answer)
    }
}

/// Whether one of the credentials is in a text.
pub(crate) fn holds_key(text: &str) -> bool {
    KEYS.iter().any(|key| text.contains(key))
}

/// Errors, the same everywhere.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[expect(dead_code, reason = "reading it is the check")]
enum Shape {
    InvalidInput {
        problems: Vec<Problem>,
    },
    UnknownOperation {
        known: Vec<String>,
    },
    Denied(Failure),
    NeedsApproval(Failure),
    Conflict(Failure),
    Refused(Failure),
    Transport(Failure),
    OutcomeUnknown(Failure),
    Rejected(Failure),
    Host {
        code: Code,
        message: String,
        #[serde(default)]
        money_state: Option<MoneyState>,
    },
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "reading it is the check")]
#[expect(clippy::struct_field_names, reason = "the contract names them")]
struct Problem {
    field: String,
    value: String,
    problem: String,
    fix: String,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "reading it is the check")]
struct Failure {
    message: String,
    retryable: bool,
    retry_after: Option<u32>,
    details: Map<String, Value>,
}

/// Why an embedding itself said no.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Code {
    MissingKey,
    WrongKey,
    LiveKey,
    WrongDigest,
    Timeout,
    Trapped,
}

/// What a call can have done that the embedding had to end.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum MoneyState {
    NothingSent,
    MayHaveBeenMade,
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
            (r#"{"error": {"kind": "invalid-input", "problems": [{}]}}"#.to_owned(), false),
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
