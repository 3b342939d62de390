//! Reading JSON with errors that name the field.
//!
//! Every text is read into a [`Tree`] first, which borrows from it, and decoded from there. One way in means
//! one copy of every decoder in the component, where size counts; and an error knows the path to its field.

mod decode;
mod tree;

use std::fmt;

use serde::de::DeserializeOwned;

pub(crate) use tree::Tree;

use self::decode::{Misfit, Node};

/// Why JSON could not be read.
#[derive(Debug)]
pub(crate) enum Error {
    /// It is not JSON.
    Syntax(String),
    /// A field has the wrong type or is missing.
    Field {
        /// For example `data.object.amount`; `.` for the whole.
        path: String,
        /// What is wrong.
        problem: String,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(problem) => f.write_str(problem),
            Self::Field { path, problem } => write!(f, "{path}: {problem}"),
        }
    }
}

/// Reads a text.
pub(crate) fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T, Error> {
    decode(&tree(text).map_err(Error::Syntax)?)
}

/// Reads a text whose shape is not known yet.
pub(crate) fn tree(text: &[u8]) -> Result<Tree<'_>, String> {
    serde_json::from_slice(text).map_err(|error| error.to_string())
}

/// Decodes a part of a text.
pub(crate) fn decode<T: DeserializeOwned>(tree: &Tree<'_>) -> Result<T, Error> {
    T::deserialize(Node(tree))
        .map_err(|Misfit { path, problem }| Error::Field { path: named(&path), problem })
}

/// The steps were taken down on the way out, so the last comes first.
fn named(path: &[String]) -> String {
    let mut text = String::new();
    for step in path.iter().rev() {
        if !text.is_empty() && !step.starts_with('[') {
            text.push('.');
        }
        text.push_str(step);
    }
    if text.is_empty() { ".".to_owned() } else { text }
}
