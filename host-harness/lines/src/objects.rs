//! JSON objects, one a line, as they are: inputs of operations that have fields of their own.

use std::io::BufRead;

use serde_json::{Map, Value};

use super::csv_lines::too_long;
use super::line::{Bad, InputError, shown};
use super::lines::Lines;

/// An object with its number, or why it is none.
pub type NumberedObject = (u64, Result<Map<String, Value>, Bad>);

/// Reads objects one after the other, bad ones included. Empty lines are passed over.
pub struct Objects<R>(Lines<R>);

impl<R: BufRead> Objects<R> {
    /// Reads the beginning; an input without anything in it is an error.
    pub fn new(source: R) -> Result<Self, InputError> {
        let mut lines = Lines::new(source)?;
        lines.first_byte()?.ok_or(InputError::Empty)?;
        Ok(Self(lines))
    }

    /// The next one; `None` at the end.
    pub fn next_object(&mut self) -> Result<Option<NumberedObject>, InputError> {
        while let Some(line) = self.0.next()? {
            let bytes = line.bytes.trim_ascii();
            if bytes.is_empty() {
                continue;
            }
            let object = if line.too_long {
                Err(too_long())
            } else {
                serde_json::from_slice(bytes).map_err(|error| {
                    format!(
                        "is not a JSON object: {error} (one object a line, no array around them)"
                    )
                })
            };
            let bad = |reason| Bad { line: line.number, reason, text: shown(&line.bytes) };
            return Ok(Some((line.number, object.map_err(bad))));
        }
        Ok(None)
    }
}
