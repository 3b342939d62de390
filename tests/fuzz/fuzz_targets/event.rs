//! Any bytes as an event: read or refused, and what was read can be interpreted.
#![no_main]

use libfuzzer_sys::fuzz_target;
use refund_core::webhook::{interpret, parse};

fuzz_target!(|payload: &[u8]| {
    if let Ok(event) = parse(payload) {
        let _ = interpret(&event);
    }
});
