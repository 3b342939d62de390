//! Any header over any payload: never accepted without a signature, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use refund_core::secret::Secret;
use refund_core::webhook::{VerifyOptions, verify};
use refund_fuzz::plainly_signed;

fuzz_target!(|input: (&str, &[u8])| {
    let (header, payload) = input;
    let secret = "whsec_fuzz";
    let options = VerifyOptions { tolerance: Some(0), future_tolerance: None };
    if verify(payload, Some(header), &[Secret::new(secret)], options, 1_700_000_000).is_ok() {
        assert!(plainly_signed(payload, header, secret));
    }
});
