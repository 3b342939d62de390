//! Any bytes as an input of `bulk`: every line is used or kept aside, in order, none twice.
#![no_main]

use libfuzzer_sys::fuzz_target;
use refund_lines::{Reader, Template};

fuzz_target!(|input: (&[u8], Option<&str>, bool)| {
    let (bytes, template, ignore_unknown) = input;
    let template = match template.map(Template::parse) {
        Some(Err(_)) => return,
        Some(Ok(template)) => Some(template),
        None => None,
    };
    let Ok(mut reader) = Reader::new(bytes, template, ignore_unknown) else { return };
    let mut last = 0;
    while let Ok(Some((number, line))) = reader.next_line() {
        assert!(number > last, "line {number} after {last}");
        last = number;
        match line {
            Ok(line) => assert!(line.request.amount.is_none_or(|money| money.amount > 0)),
            Err(bad) => assert!(bad.line == number && !bad.reason.is_empty()),
        }
    }
    let lines = bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count() as u64 + 1;
    assert!(last <= lines, "line {last} of {lines}");
});
