//! Signing secrets.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::{Zeroize, ZeroizeOnDrop};

const PREFIX: &str = "whsec_";
/// What Standard Webhooks asks for, in bytes.
const LENGTHS: std::ops::RangeInclusive<usize> = 24..=64;

/// A secret that signs deliveries: `whsec_` and 24 to 64 bytes in base64. Wiped when dropped, never
/// printed.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SigningSecret(Vec<u8>);

/// A secret that cannot be used. It is never repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// No prefix.
    #[error("lacks its prefix")]
    NoPrefix,
    /// No base64.
    #[error("is not base64 after its prefix")]
    NotBase64,
    /// Too short to be safe, or too long to be one.
    #[error("is not of 24 to 64 bytes")]
    BadLength,
}

impl SigningSecret {
    /// Reads `whsec_…`.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let encoded = text.trim().strip_prefix(PREFIX).ok_or(SecretError::NoPrefix)?;
        let secret = STANDARD.decode(encoded).map(Self).map_err(|_| SecretError::NotBase64)?;
        if LENGTHS.contains(&secret.0.len()) { Ok(secret) } else { Err(SecretError::BadLength) }
    }

    /// The key of the HMAC.
    pub(crate) fn reveal(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_told_from_what_is_none() {
        let of = |bytes: usize| format!("whsec_{}", STANDARD.encode(vec![7; bytes]));
        for (text, error) in [
            (of(24), None),
            (of(64), None),
            (format!(" {}\n", of(32)), None),
            (of(23), Some(SecretError::BadLength)),
            (of(65), Some(SecretError::BadLength)),
            ("whsec_".to_owned(), Some(SecretError::BadLength)),
            (of(32)[6..].to_owned(), Some(SecretError::NoPrefix)),
            ("whsec_!".to_owned(), Some(SecretError::NotBase64)),
        ] {
            assert_eq!(SigningSecret::parse(&text).err(), error);
        }
    }

    #[test]
    fn nothing_prints_a_secret() {
        assert_eq!(format!("{:?}", SigningSecret(b"abc".to_vec())), "SigningSecret(…)");
    }
}
