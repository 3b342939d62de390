//! A summary of refunds, written for people and for programs.
//!
//! Amounts are shown as decimals of their currency and never touch a float. Product names and ids are
//! hostile: a terminal, a spreadsheet and a browser each get them defused.

mod about;
mod html;
mod sheet;
mod table;
mod words;

use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;

use refund_core::problem::FieldProblem;
use refund_core::reports::Summary;

pub use about::About;
pub use sheet::COLUMNS;

/// How to write a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Text for a terminal.
    Table,
    /// One header, one record a figure; see [`COLUMNS`].
    Csv,
    /// The summary as it is, in one object.
    Json,
    /// One page with charts. It loads nothing, runs nothing, and can be mailed and printed.
    Html,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Table, Self::Csv, Self::Json, Self::Html];

    /// Its name on a command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Html => "html",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Format {
    type Err = FieldProblem;

    fn from_str(text: &str) -> Result<Self, FieldProblem> {
        Self::ALL.into_iter().find(|format| format.as_str() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str).join(", ");
            FieldProblem::new("format", text, "is no format", format!("give one of: {names}"))
        })
    }
}

/// Writes a report.
pub fn render(
    summary: &Summary,
    format: Format,
    about: &About,
    target: &mut impl Write,
) -> io::Result<()> {
    match format {
        Format::Table => target.write_all(table::text(summary, about).as_bytes()),
        Format::Csv => sheet::write(summary, target),
        Format::Json => {
            serde_json::to_writer_pretty(&mut *target, summary)?;
            writeln!(target)
        }
        Format::Html => target.write_all(html::page(summary, about).as_bytes()),
    }
}
