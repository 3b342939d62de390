//! Lines of bytes, none of them ever held whole if it is too long.

use std::collections::VecDeque;
use std::io::{BufRead, ErrorKind};

use super::line::{InputError, LONGEST_LINE};

/// A line as it stands in the input, its line break included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RawLine {
    pub(super) number: u64,
    pub(super) bytes: Vec<u8>,
    /// It was longer than may be; `bytes` is its beginning.
    pub(super) too_long: bool,
}

/// Reads line by line. Lines may be given back, to be read again.
pub(super) struct Lines<R> {
    source: R,
    number: u64,
    returned: VecDeque<RawLine>,
}

impl<R: BufRead> Lines<R> {
    /// Passes over a byte-order mark; UTF-16 is told apart at once.
    pub(super) fn new(mut source: R) -> Result<Self, InputError> {
        let begins = fill(&mut source)?;
        if begins.starts_with(&[0xFF, 0xFE]) || begins.starts_with(&[0xFE, 0xFF]) {
            return Err(InputError::Utf16);
        }
        if begins.starts_with(b"\xEF\xBB\xBF") {
            source.consume(3);
        }
        Ok(Self { source, number: 0, returned: VecDeque::new() })
    }

    /// The first byte that is no white space, without taking it; empty lines before it are taken.
    pub(super) fn first_byte(&mut self) -> Result<Option<u8>, InputError> {
        while let Some(line) = self.next()? {
            let first = line.bytes.iter().find(|byte| !byte.is_ascii_whitespace()).copied();
            if first.is_some() {
                self.give_back(line);
                return Ok(first);
            }
        }
        Ok(None)
    }

    /// The next line; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<RawLine>, InputError> {
        if let Some(line) = self.returned.pop_front() {
            return Ok(Some(line));
        }
        let mut line = RawLine { number: self.number + 1, bytes: Vec::new(), too_long: false };
        let mut read_any = false;
        loop {
            let part = fill(&mut self.source)?;
            if part.is_empty() {
                break;
            }
            read_any = true;
            let end = part.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(part.len(), |end| end + 1);
            let room = LONGEST_LINE.saturating_sub(line.bytes.len());
            line.bytes.extend_from_slice(&part[..taken.min(room)]);
            line.too_long |= taken > room;
            self.source.consume(taken);
            if end.is_some() {
                break;
            }
        }
        if !read_any {
            return Ok(None);
        }
        self.number += 1;
        Ok(Some(line))
    }

    /// Puts lines back in front, in the order they were read.
    pub(super) fn give_back_all(&mut self, lines: impl DoubleEndedIterator<Item = RawLine>) {
        for line in lines.rev() {
            self.returned.push_front(line);
        }
    }

    fn give_back(&mut self, line: RawLine) {
        self.returned.push_front(line);
    }
}

fn fill<R: BufRead>(source: &mut R) -> Result<&[u8], InputError> {
    // Asked twice because the borrow of a returned buffer would outlive the loop.
    loop {
        match source.fill_buf() {
            Ok(_) => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(source.fill_buf()?)
}
