//! CSV: records that may span lines, read so that a missing quotation mark costs one line and not the rest.

use std::io::BufRead;

use super::columns::Columns;
use super::line::{Fields, InputError, LONGEST_LINE, shown};
use super::lines::{Lines, RawLine};
use super::template::Template;

/// Most lines that one record may span.
const MOST_LINES: usize = 100;

pub(super) struct CsvLines<R> {
    lines: Lines<R>,
    columns: Columns,
    separator: u8,
}

/// Number, text and fields of a line, or what is wrong with it.
pub(super) type Read = Option<(u64, String, Result<Fields, String>)>;

impl<R: BufRead> CsvLines<R> {
    pub(super) fn new(
        mut lines: Lines<R>,
        template: Option<&Template>,
        ignore_unknown: bool,
    ) -> Result<Self, InputError> {
        let header = lines.next()?.ok_or(InputError::Empty)?;
        if header.too_long {
            return Err(InputError::Header("is too long: is this a CSV?".into()));
        }
        // Spreadsheets of many countries write semicolons.
        let parts = |separator: u8| header.bytes.split(|byte| *byte == separator).count();
        let separator = if parts(b';') > parts(b',') { b';' } else { b',' };
        let names = record(&header.bytes, separator).map_err(InputError::Header)?;
        let columns =
            Columns::read(&names, template, ignore_unknown).map_err(InputError::Header)?;
        Ok(Self { lines, columns, separator })
    }

    pub(super) fn next_fields(&mut self) -> Result<Read, InputError> {
        loop {
            let Some(line) = self.lines.next()? else { return Ok(None) };
            if line.bytes.trim_ascii().is_empty() {
                continue;
            }
            let number = line.number;
            if line.too_long {
                return Ok(Some((number, shown(&line.bytes), Err(too_long()))));
            }
            let text = shown(&line.bytes);
            let whole = self.whole(line)?;
            let fields = whole.and_then(|bytes| self.fields(&bytes));
            return Ok(Some((number, text, fields)));
        }
    }

    /// Joins lines until the quotation marks are even. If they never are, the first line is refused and
    /// the others are read by themselves.
    fn whole(&mut self, first: RawLine) -> Result<Result<Vec<u8>, String>, InputError> {
        let mut bytes = first.bytes;
        let mut joined: Vec<RawLine> = Vec::new();
        while !is_even(&bytes) {
            let next = if joined.len() < MOST_LINES { self.lines.next()? } else { None };
            let fits =
                |next: &RawLine| !next.too_long && bytes.len() + next.bytes.len() <= LONGEST_LINE;
            match next {
                Some(next) if fits(&next) => {
                    bytes.extend_from_slice(&next.bytes);
                    joined.push(next);
                }
                other => {
                    self.lines.give_back_all(joined.into_iter().chain(other));
                    return Ok(Err("has a quotation mark that is not closed: close it, or double it inside a field".into()));
                }
            }
        }
        Ok(Ok(bytes))
    }

    fn fields(&self, bytes: &[u8]) -> Result<Fields, String> {
        let values = record(bytes, self.separator)?;
        if values.len() != self.columns.len() {
            return Err(format!(
                "has {} columns, the header has {}: put quotation marks around a field with a `{}` in it",
                values.len(),
                self.columns.len(),
                char::from(self.separator),
            ));
        }
        let named = self.columns.iter().zip(values);
        Ok(named.filter_map(|(name, value)| Some((name?.to_owned(), value))).collect())
    }
}

pub(super) fn too_long() -> String {
    format!("is longer than {} kB: no refund needs that much", LONGEST_LINE >> 10)
}

/// Whether every quotation mark has its counterpart.
fn is_even(bytes: &[u8]) -> bool {
    bytes.split(|byte| *byte == b'"').count() % 2 == 1
}

fn record(bytes: &[u8], separator: u8) -> Result<Vec<String>, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        format!("is not UTF-8 at byte {}: save the file as UTF-8", error.valid_up_to() + 1)
    })?;
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator)
        .buffer_capacity(text.len().max(1))
        .from_reader(text.as_bytes());
    let mut values = csv::StringRecord::new();
    reader.read_record(&mut values).map_err(|error| format!("is not CSV: {error}"))?;
    // CSV knows a bare carriage return as a line break; what stands behind it must not get lost.
    if reader.read_record(&mut csv::StringRecord::new()).unwrap_or(true) {
        return Err("has a line break of old systems (a bare carriage return) in it: save the file with line breaks of today".into());
    }
    Ok(values.iter().map(str::to_owned).collect())
}
