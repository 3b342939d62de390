//! What several targets need.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use refund_core::client::{HttpRequest, SendFailure, Transport};
use refund_core::wire::Answer;
use sha2::Sha256;

/// Webhook verification once more, written plainly from Stripe's documentation, with none of our code: split
/// at commas, the first `t`, every `v1`, HMAC-SHA256 of `t.payload`. It knows nothing of strictness.
pub fn plainly_signed(payload: &[u8], header: &str, secret: &str) -> bool {
    let pairs: Vec<_> = header.split(',').filter_map(|pair| pair.split_once('=')).collect();
    let Some((_, t)) = pairs.iter().find(|(name, _)| *name == "t") else { return false };
    let signature = sign(payload, t, secret);
    pairs.iter().any(|(name, value)| *name == "v1" && *value == signature)
}

/// The `v1` of a payload.
pub fn sign(payload: &[u8], t: &str, secret: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any key");
    mac.update(t.as_bytes());
    mac.update(b".");
    mac.update(payload);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A Stripe that says whatever the fuzzer wants, over and over.
pub struct Babble {
    /// Status, headers and body of the answers, taken in turn.
    pub answers: Vec<Answer>,
    /// Requests so far.
    pub sent: usize,
    /// The clock: it moves when the component waits.
    pub now: u64,
}

impl Transport for Babble {
    fn send(&mut self, request: &HttpRequest) -> Result<Answer, SendFailure> {
        let is_file = request.url == "https://files.stripe.com/v1/files";
        let is_stripe = request.url.starts_with("https://api.stripe.com/v1/");
        assert!(is_stripe || is_file, "{}", request.url);
        assert!(self.sent < 2_000, "it asks for ever");
        let answer = self.answers[self.sent % self.answers.len()].clone();
        self.sent += 1;
        Ok(answer)
    }

    fn now(&self) -> u64 {
        self.now
    }

    fn sleep(&mut self, duration: Duration) {
        assert!(duration <= Duration::from_secs(600), "it sleeps for {duration:?}");
        self.now += duration.as_secs();
    }
}
