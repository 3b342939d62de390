//! Reading JSON with errors that name the field.
//!
//! Everything is read into a value first and decoded from there: one way in means one copy of every
//! decoder in the component, which is a third of its size otherwise.

use serde::de::DeserializeOwned;
use serde_json::Value;

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

/// Reads a text.
pub(crate) fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T, Error> {
    let value = serde_json::from_slice(text).map_err(|error| Error::Syntax(error.to_string()))?;
    decode(value)
}

/// Decodes a value.
pub(crate) fn decode<T: DeserializeOwned>(value: Value) -> Result<T, Error> {
    serde_path_to_error::deserialize(value).map_err(|error| Error::Field {
        path: error.path().to_string(),
        problem: error.inner().to_string(),
    })
}
