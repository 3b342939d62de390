//! Metadata and its limits (reference 1.5).

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use crate::id::OperationId;
use crate::json::Tree;
use crate::problem::{FieldProblem, Problems};

/// The key under which the operation id is kept in a refund's metadata.
pub const OPERATION_KEY: &str = "refund_node_operation";

/// The key under which a refund says which billed period it is for: invoice, slash, subscription item.
pub const PERIOD_KEY: &str = "refund_node_period";

/// Most keys on one object.
pub const MAX_KEYS: usize = 50;
/// Longest key, in characters.
pub const MAX_KEY_CHARS: usize = 40;
/// Longest value, in characters.
pub const MAX_VALUE_CHARS: usize = 500;

/// Key and value pairs, ordered by key so that the same pairs always encode to the same bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Metadata(pub BTreeMap<String, String>);

impl Metadata {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// The operation that made this object, if it was one of ours.
    pub fn operation_id(&self) -> Option<&str> {
        self.get(OPERATION_KEY)
    }

    /// The same pairs, and the operation id.
    #[must_use]
    pub fn with_operation(mut self, id: &OperationId) -> Self {
        self.0.insert(OPERATION_KEY.to_owned(), id.as_str().to_owned());
        self
    }

    /// Whether an object with this metadata shows what these pairs set: an empty value removes its key.
    pub(crate) fn is_in(&self, held: &Self) -> bool {
        self.0.iter().all(|(key, value)| held.get(key).unwrap_or_default() == value)
    }

    /// Checks what a caller wants to write; one key is kept free for the operation id.
    pub fn check_input(&self, problems: &mut Problems) {
        let most = MAX_KEYS - 1;
        if self.0.len() > most {
            problems.push(FieldProblem::new(
                "metadata",
                format_args!("{} keys", self.0.len()),
                format!("has more than {most} keys (Stripe allows {MAX_KEYS}, and one holds the operation id)"),
                "leave some out",
            ));
        }
        for (key, value) in &self.0 {
            check_key(key, problems);
            check_value(key, value, problems);
        }
    }
}

fn check_key(key: &str, problems: &mut Problems) {
    let (problem, fix) = if key.is_empty() {
        ("has an empty key", "name it")
    } else if key.chars().count() > MAX_KEY_CHARS {
        ("has a key of more than 40 characters", "shorten it")
    } else if key.contains(['[', ']']) {
        ("has a key with square brackets, which Stripe cannot tell from nesting", "use `.` or `_`")
    } else if key == OPERATION_KEY {
        ("sets the key that holds the operation id", "use another key")
    } else {
        return;
    };
    problems.push(FieldProblem::new("metadata", key, problem, fix));
}

fn check_value(key: &str, value: &str, problems: &mut Problems) {
    let length = value.chars().count();
    if length > MAX_VALUE_CHARS {
        problems.push(FieldProblem::new(
            format!("metadata.{key}"),
            value,
            format!("has {length} characters, more than {MAX_VALUE_CHARS}"),
            "shorten it, or keep the text elsewhere and put its id here",
        ));
    }
}

impl FromIterator<(String, String)> for Metadata {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(pairs: T) -> Self {
        // One by one: collecting would bring a sort into the component.
        let mut metadata = BTreeMap::new();
        metadata.extend(pairs);
        Self(metadata)
    }
}

/// Null counts as empty; a value that is not text is kept as its JSON text, because workflow tools
/// like to send numbers.
impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let pairs = Option::<BTreeMap<String, Tree<'de>>>::deserialize(deserializer)?;
        let text = |value| match value {
            Tree::Text(text) => text.into_owned(),
            Tree::Null => String::new(),
            other => serde_json::to_string(&other).unwrap_or_default(),
        };
        Ok(pairs.unwrap_or_default().into_iter().map(|(key, value)| (key, text(value))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(metadata: &Metadata) -> Vec<FieldProblem> {
        let mut problems = Problems::default();
        metadata.check_input(&mut problems);
        problems.into_result().err().unwrap_or_default()
    }

    fn pairs(count: usize) -> Metadata {
        (0..count).map(|n| (format!("k{n}"), "v".to_owned())).collect()
    }

    #[test]
    fn limits_hold_at_the_boundary() {
        assert!(check(&pairs(49)).is_empty());
        assert_eq!(check(&pairs(50)).len(), 1);
        for (key, value, good) in [
            ("k".repeat(40), "v".repeat(500), true),
            ("k".repeat(41), String::new(), false),
            ("é".repeat(40), "é".repeat(500), true),
            ("k".to_owned(), "é".repeat(501), false),
            ("a[b]".to_owned(), String::new(), false),
            (String::new(), String::new(), false),
            (OPERATION_KEY.to_owned(), String::new(), false),
        ] {
            let metadata: Metadata = [(key.clone(), value)].into_iter().collect();
            assert_eq!(check(&metadata).is_empty(), good, "{key}");
        }
    }

    #[test]
    fn decodes_leniently() {
        let metadata: Metadata = serde_json::from_str(r#"{"a":"1","b":2,"c":null}"#).unwrap();
        assert_eq!(
            (metadata.get("a"), metadata.get("b"), metadata.get("c")),
            (Some("1"), Some("2"), Some(""))
        );
        assert_eq!(serde_json::from_str::<Metadata>("null").unwrap(), Metadata::default());
    }
}
