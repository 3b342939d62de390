//! What is wrong with an input, in words that let the caller mend it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Longest value that is repeated back to the caller.
const SHOWN: usize = 80;

/// One thing wrong with the input: field, value, problem and fix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FieldProblem {
    /// The field's name, for example `metadata.order_id`.
    pub field: String,
    /// The value as given, shortened; empty where it is missing or secret.
    pub value: String,
    /// What is wrong with it.
    pub problem: String,
    /// What to do about it.
    pub fix: String,
}

impl FieldProblem {
    /// Names a field, its value, what is wrong and how to mend it. Long values are shortened.
    pub fn new(
        field: impl Into<String>,
        value: impl fmt::Display,
        problem: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self::shown(field.into(), &value, problem.into(), fix.into())
    }

    /// Apart from `new`, so that it is not compiled for every type of value.
    fn shown(field: String, value: &dyn fmt::Display, problem: String, fix: String) -> Self {
        Self { field, value: shorten(&hide(value.to_string())), problem: hide(problem), fix }
    }

    /// A field that is not there.
    pub fn missing(field: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::new(field, "", "is missing", fix)
    }

    /// The same problem, found in a field of that name inside a larger input.
    #[must_use]
    pub fn at(mut self, field: impl Into<String>) -> Self {
        self.field = field.into();
        self
    }
}

impl fmt::Display for FieldProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.value.is_empty() {
            write!(f, "{} {}: {}", self.field, self.problem, self.fix)
        } else {
            write!(f, "{} `{}` {}: {}", self.field, self.value, self.problem, self.fix)
        }
    }
}

impl std::error::Error for FieldProblem {}

/// Collects problems, so that a call reports all of them at once.
#[derive(Debug, Default)]
pub struct Problems(Vec<FieldProblem>);

impl Problems {
    /// Notes one.
    pub fn push(&mut self, problem: FieldProblem) {
        self.0.push(problem);
    }

    /// Notes the problem, if there is one, and hands on the value.
    pub fn keep<T>(&mut self, result: Result<T, FieldProblem>) -> Option<T> {
        result.map_err(|problem| self.push(problem)).ok()
    }

    /// Notes several, if there are any, and hands on the value.
    pub fn keep_all<T>(&mut self, result: Result<T, Vec<FieldProblem>>) -> Option<T> {
        result.map_err(|problems| self.0.extend(problems)).ok()
    }

    /// Fails with all problems noted.
    pub fn into_result(self) -> Result<(), Vec<FieldProblem>> {
        if self.0.is_empty() { Ok(()) } else { Err(self.0) }
    }
}

/// Beginnings and middles of keys, webhook secrets and client secrets.
const SECRETS: [&str; 6] = ["sk_test_", "sk_live_", "rk_test_", "rk_live_", "whsec_", "_secret_"];

/// Whether a text holds what looks like a secret.
pub(crate) fn looks_secret(text: &str) -> bool {
    SECRETS.iter().any(|mark| text.contains(mark))
}

/// The text, unless somebody put a secret where none belongs: error messages end up in logs.
fn hide(text: String) -> String {
    if looks_secret(&text) { "(hidden, it looks like a secret)".to_owned() } else { text }
}

/// The value, or its beginning: at most [`SHOWN`] characters, control characters escaped.
fn shorten(value: &str) -> String {
    let mut shown: String = value.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    if value.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_field_value_problem_and_fix() {
        let problem = FieldProblem::new("amount", 0, "is zero", "give at least 1");
        assert_eq!(problem.to_string(), "amount `0` is zero: give at least 1");
        let missing = FieldProblem::missing("charge", "give a charge id");
        assert_eq!(missing.to_string(), "charge is missing: give a charge id");
    }

    #[test]
    fn secrets_in_the_wrong_place_are_not_repeated() {
        let problem =
            FieldProblem::new("payment", "sk_live_abc", "invalid string \"whsec_abc\"", "mend it");
        assert!(!format!("{problem}").contains("abc"), "{problem}");
    }

    #[test]
    fn long_and_hostile_values_are_tamed() {
        let problem = FieldProblem::new("id", "x\n".repeat(100), "is odd", "mend it");
        assert!(problem.value.ends_with('…'));
        assert!(!problem.value.contains('\n'));
    }
}
