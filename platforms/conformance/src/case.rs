//! A case, as it lies in its file.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What is at Stripe, what is called, and what has to come of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The name of its file.
    #[serde(skip)]
    pub name: String,
    /// The promise, in one sentence.
    pub about: String,
    /// What is at Stripe before the first step.
    #[serde(default)]
    pub given: Vec<Order>,
    /// Calls, one after the other.
    pub steps: Vec<Step>,
    /// What has to be at Stripe after the last one.
    #[serde(default)]
    pub then: Then,
}

/// An order for the simulator's control API.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// Its path below `/_control/`.
    #[serde(rename = "order")]
    pub path: String,
    /// Its body.
    #[serde(default)]
    pub body: Value,
    /// What later parts of the case call the answer.
    #[serde(rename = "as")]
    pub name: Option<String>,
}

/// One call.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The operation.
    pub invoke: String,
    /// Its input, without a connection.
    pub input: Value,
    /// Whose key the embedding has.
    #[serde(default)]
    pub credential: Credential,
    /// What has to be in the output; this or `error`.
    pub output: Option<Value>,
    /// What has to be in the error; this or `output`.
    pub error: Option<Value>,
    /// Exactly these requests reach Stripe during the step; this or `never`.
    pub requests: Option<Vec<String>>,
    /// None of these requests reaches Stripe during the step; this or `requests`.
    pub never: Option<Vec<String>>,
    /// What later parts of the case call the output or the error.
    #[serde(rename = "as")]
    pub name: Option<String>,
}

/// The key that the embedding is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Credential {
    /// A secret key of test mode.
    #[default]
    Good,
    /// None at all.
    None,
    /// A secret key of live mode, where live was not allowed.
    Live,
    /// A key that is not secret.
    Publishable,
}

/// What has to be at Stripe in the end.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Then {
    /// How many refunds each charge has.
    #[serde(default)]
    pub refunds: BTreeMap<String, usize>,
}

/// Reads all cases of a folder, in the order of their names.
pub fn load(folder: &Path) -> Result<Vec<Case>> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let file = entry?.path();
        if file.extension().is_some_and(|extension| extension == "json") {
            files.push(file);
        }
    }
    files.sort();
    ensure!(!files.is_empty(), "there is no case in {}", folder.display());
    files.iter().map(read).collect()
}

fn read(file: impl AsRef<Path>) -> Result<Case> {
    let file = file.as_ref();
    let shown = file.display();
    let text = fs::read_to_string(file).with_context(|| format!("{shown} cannot be read"))?;
    let mut deserializer = serde_json::Deserializer::from_str(&text);
    let case: Result<Case, _> = serde_path_to_error::deserialize(&mut deserializer);
    let mut case = case.map_err(|error| {
        anyhow::anyhow!("{shown}: `{}` cannot be read: {}", error.path(), error.inner())
    })?;
    deserializer.end().with_context(|| format!("{shown}: something follows the case"))?;
    case.name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    case.check().with_context(|| shown.to_string())?;
    Ok(case)
}

impl Case {
    /// A step that expects nothing can never fail.
    fn check(&self) -> Result<()> {
        ensure!(!self.steps.is_empty(), "`steps` is empty");
        for (number, step) in self.steps.iter().enumerate() {
            match (&step.output, &step.error) {
                (Some(_), Some(_)) => bail!("`steps[{number}]` has both `output` and `error`"),
                (None, None) => bail!("`steps[{number}]` has neither `output` nor `error`"),
                _ => {}
            }
            match (&step.requests, &step.never) {
                (Some(_), Some(_)) => bail!("`steps[{number}]` has both `requests` and `never`"),
                (None, None) => bail!("`steps[{number}]` has neither `requests` nor `never`"),
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("one.json");
        fs::write(&file, text).unwrap();
        let error = load(folder.path()).unwrap_err();
        format!("{error:#}").replace(&file.display().to_string(), "FILE")
    }

    #[test]
    fn a_case_that_cannot_be_read_names_file_and_field() {
        for (text, expected) in [
            ("{", "FILE: `?` cannot be read: EOF"),
            (r#"{"about": "x", "steps": 3}"#, "FILE: `steps` cannot be read: invalid type"),
            (
                r#"{"about": "x", "steps": [{"invoke": "a", "input": {}, "outptu": {}}]}"#,
                "FILE: `steps[0].outptu` cannot be read: unknown field",
            ),
            (
                r#"{"about": "x", "steps": [{"invoke": "a", "input": {}, "credential": "bad"}]}"#,
                "FILE: `steps[0].credential` cannot be read: unknown variant",
            ),
            (r#"{"about": "x", "steps": []}"#, "FILE: `steps` is empty"),
            (
                r#"{"about": "x", "steps": [{"invoke": "a", "input": {}, "requests": []}]}"#,
                "FILE: `steps[0]` has neither `output` nor `error`",
            ),
            (
                r#"{"about": "x", "steps": [{"invoke": "a", "input": {}, "output": {}}]}"#,
                "FILE: `steps[0]` has neither `requests` nor `never`",
            ),
        ] {
            let problem = problem(text);
            assert!(problem.starts_with(expected), "{problem}");
        }
    }
}
