//! Reads inputs and writes outputs: JSON text on both sides.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::failure::InvokeError;
use crate::policy::old_name;
use crate::problem::FieldProblem;
use crate::{json, optional};

/// Reads an input; a failure names the field.
pub fn read<T: DeserializeOwned>(input: &str) -> Result<T, InvokeError> {
    json::read(input.as_bytes()).map_err(unread)
}

fn unread(error: json::Error) -> InvokeError {
    let problem = |field: &str, problem| {
        FieldProblem::new(
            field,
            "",
            problem,
            "give a JSON object as the operation's input schema says (see `describe`)",
        )
    };
    match error {
        json::Error::Syntax(text) => problem("input", format!("is not JSON: {text}")).into(),
        json::Error::Field { path, problem: text } => {
            let field = if path == "." { "input" } else { &path };
            optional::null_problem(field, &text)
                .or_else(|| old_name(field, &text))
                .unwrap_or_else(|| problem(field, format!("cannot be read: {text}")))
                .into()
        }
    }
}

/// Writes an output.
pub fn write(output: &impl Serialize) -> Result<String, InvokeError> {
    serde_json::to_string(output).map_err(|error| unwritten(&error))
}

fn unwritten(error: &serde_json::Error) -> InvokeError {
    FieldProblem::new("output", "", format!("cannot be written: {error}"), "report this").into()
}
