//! Uploaded files.

use serde::{Deserialize, Serialize};

use super::lenient::null_default;
use crate::id::FileId;

/// A file that Stripe holds. Its content is not read back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UploadedFile {
    /// `file_…`: the value of a file field of the evidence.
    pub id: FileId,
    /// What it was uploaded for: `dispute_evidence`.
    #[serde(default, deserialize_with = "null_default")]
    pub purpose: String,
    /// Its name.
    #[serde(default)]
    pub filename: Option<String>,
    /// `pdf`, `jpg` or `png`.
    #[serde(rename = "type", default)]
    pub kind: Option<String>,
    /// Its size in bytes.
    #[serde(default, deserialize_with = "null_default")]
    pub size: u64,
    /// When it was uploaded, Unix seconds.
    #[serde(default, deserialize_with = "null_default")]
    pub created: u64,
    /// When Stripe deletes it, Unix seconds.
    #[serde(default)]
    pub expires_at: Option<u64>,
}
