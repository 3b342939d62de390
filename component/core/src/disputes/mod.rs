//! Answering disputes: what may be sent as evidence, and when (reference 2.5).

mod evidence;
mod field;
mod file;
mod standing;

pub use evidence::{Evidence, MAX_TEXT, MAX_TEXT_OF_FIELD};
pub use field::{EvidenceField, FileField, TextField};
pub use file::{EvidenceFile, FileKind, MAX_FILE};
pub use standing::{Barrier, Standing};
pub(crate) use standing::{is_accepted, is_submitted};
