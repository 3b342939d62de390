//! What a component says of its operations.

use serde::Deserialize;

/// What a manifest says of an operation.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct OperationAbout {
    pub(crate) name: String,
    pub(crate) effect: String,
    pub(crate) description: String,
    pub(crate) needs_http: bool,
}

/// What a component says of itself.
#[derive(Deserialize)]
pub(crate) struct Manifest {
    pub(crate) operations: Vec<OperationAbout>,
}
