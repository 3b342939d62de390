//! Signatures after Standard Webhooks 1.0.0. Not Stripe's scheme: see the reference, section 5.7.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::secret::SigningSecret;

/// The three headers of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// `webhook-id`: the same in every delivery.
    pub id: String,
    /// `webhook-timestamp`: when this delivery was signed, Unix seconds.
    pub timestamp: u64,
    /// `webhook-signature`: one `v1,<base64>` for each secret, separated by blanks.
    pub signature: String,
}

/// Signs `id.timestamp.body` with every secret, so that a receiver may have either during a roll.
pub fn sign(id: &str, timestamp: u64, body: &[u8], secrets: &[SigningSecret]) -> Signed {
    let one = |secret: &SigningSecret| {
        // HMAC takes keys of every length, so this never fails.
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.reveal()).ok()?;
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    };
    let signatures: Vec<_> = secrets.iter().filter_map(one).collect();
    Signed { id: id.to_owned(), timestamp, signature: signatures.join(" ") }
}
