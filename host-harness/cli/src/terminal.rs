//! Text on its way to a terminal.
//!
//! Names, notes and messages of others may hold control characters, which a terminal would obey. They are shown, not
//! sent. And a reader that went away (`| head`, a log pipe that ended) is not an error: what cannot be written is
//! dropped, and whatever else the process does goes on.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};

/// Whether a terminal might obey this character, or show the text around it in another order.
fn is_control(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t'))
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// The text with control characters written out, for example `\u{1b}`.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_control) {
        return Cow::Borrowed(text);
    }
    let mut cleaned = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_control(c) {
            cleaned.extend(c.escape_unicode());
        } else {
            cleaned.push(c);
        }
    }
    Cow::Owned(cleaned)
}

/// JSON with control characters in its strings escaped, as JSON permits. Between the strings there are none.
pub(crate) fn clean_json(json: &str) -> Cow<'_, str> {
    if !json.chars().any(is_control) {
        return Cow::Borrowed(json);
    }
    let mut cleaned = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if is_control(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                // Writing to a string cannot fail.
                let _ = write!(cleaned, "\\u{unit:04x}");
            }
        } else {
            cleaned.push(c);
        }
    }
    Cow::Owned(cleaned)
}

/// Writes a line to stderr.
pub(crate) fn say(text: impl std::fmt::Display) {
    let text = text.to_string();
    let _ = writeln!(io::stderr(), "{}", clean(&text));
}

/// Stdout for a document. On a terminal control characters are shown; a file gets what the document has.
pub(crate) fn document() -> Box<dyn Write + Send> {
    if io::stdout().is_terminal() {
        Box::new(CleanLines { line: Vec::new(), target: io::stdout() })
    } else {
        Box::new(io::stdout())
    }
}

/// Writes cleaned text, a line at a time.
struct CleanLines<W: Write> {
    line: Vec<u8>,
    target: W,
}

impl<W: Write> CleanLines<W> {
    fn write_line(&mut self) -> io::Result<()> {
        let line = std::mem::take(&mut self.line);
        self.target.write_all(clean(&String::from_utf8_lossy(&line)).as_bytes())
    }
}

impl<W: Write> Write for CleanLines<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                self.write_line()?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.write_line()?;
        self.target.flush()
    }
}

/// Stderr for logs: what cannot be written is dropped.
pub(crate) fn log_writer() -> Quiet {
    Quiet(io::stderr())
}

/// A writer that never fails.
pub(crate) struct Quiet(io::Stderr);

impl Write for Quiet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.0.write_all(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let _ = self.0.flush();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown() {
        assert_eq!(clean("plain ✓ text\n\tmore"), "plain ✓ text\n\tmore");
        assert_eq!(clean("a\u{1b}[31mb"), "a\\u{1b}[31mb");
        assert_eq!(clean("\u{9b}31m \u{7f} \u{202e}x \r"), "\\u{9b}31m \\u{7f} \\u{202e}x \\u{d}");
    }

    #[test]
    fn a_document_on_a_terminal_is_cleaned_line_by_line() {
        let mut target = Vec::new();
        let mut lines = CleanLines { line: Vec::new(), target: &mut target };
        // The bytes of one character come in two pieces.
        for piece in [&b"a\x1b[31m\nb\xc3"[..], b"\xa9\n", b"c\x07"] {
            lines.write_all(piece).unwrap();
        }
        lines.flush().unwrap();
        assert_eq!(String::from_utf8(target).unwrap(), "a\\u{1b}[31m\nbé\nc\\u{7}");
    }

    #[test]
    fn cleaned_json_says_the_same() {
        let value = serde_json::json!({ "note": "a\u{1b}[31m\u{9b}\u{202e}\u{7f}é", "n": 1 });
        let text = value.to_string();
        let cleaned = clean_json(&text);
        assert!(!cleaned.chars().any(is_control), "{cleaned}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&cleaned).unwrap(), value);
    }
}
