//! A line as it was read, and why a line or an input cannot be used.

use std::collections::BTreeMap;

use refund_core::request::Request;

/// Longest line, in bytes. Longer ones are refused without being held in memory.
pub const LONGEST_LINE: usize = 256 << 10;

/// A line, by field name.
pub type Fields = BTreeMap<String, String>;

/// A line that cannot be used: nothing is sent for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bad {
    /// Its number, from 1.
    pub line: u64,
    /// What is wrong, and what to do.
    pub reason: String,
    /// The line as it was read, its beginning if it is long.
    pub text: String,
}

/// A line with its number.
pub type Numbered = (u64, Result<Request, Bad>);

/// The input as a whole makes no sense: nothing is sent.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// It cannot be read.
    #[error("the input cannot be read: {0}")]
    Read(#[from] std::io::Error),
    /// There is nothing in it.
    #[error("the input is empty: give CSV with a header, or one JSON object a line")]
    Empty,
    /// It is not UTF-8 throughout.
    #[error("the input is UTF-16: save it as UTF-8 (in a spreadsheet: CSV UTF-8)")]
    Utf16,
    /// The header of a CSV makes no sense.
    #[error("the header {0}")]
    Header(String),
}

/// The beginning of a line, for people to find it by.
pub(super) fn shown(line: &[u8]) -> String {
    const SHOWN: usize = 2000;
    let text = String::from_utf8_lossy(&line[..line.len().min(SHOWN)]);
    let text = text.trim_end_matches(['\r', '\n']);
    if line.len() > SHOWN { format!("{text}…") } else { text.to_owned() }
}
