//! The key.

use std::fmt;

use http::HeaderValue;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Whose money a key moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyMode {
    /// Nobody's.
    Test,
    /// Real customers'.
    Live,
}

/// A secret or restricted key. Wiped when dropped, never printed.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct StripeKey(String);

/// A key that cannot work. The key itself is never repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Nothing there.
    #[error("the key is blank: give a secret key (sk_…) or a restricted key (rk_…)")]
    Blank,
    /// For browsers.
    #[error(
        "this is a publishable key (pk_…), which may not refund: give a secret key (sk_…) or a restricted key (rk_…)"
    )]
    Publishable,
    /// For webhooks.
    #[error(
        "this is a webhook secret (whsec_…): give a secret key (sk_…) or a restricted key (rk_…)"
    )]
    WebhookSecret,
    /// Something else.
    #[error("this is no Stripe key: keys begin with sk_test_, sk_live_, rk_test_ or rk_live_")]
    NotAKey,
    /// Copied with something around it.
    #[error(
        "the key contains white space or characters that no key has: copy it from the Dashboard unchanged"
    )]
    OddCharacters,
}

impl StripeKey {
    /// Checks prefix and characters.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let known = ["sk_test_", "sk_live_", "rk_test_", "rk_live_"];
        if text.trim().is_empty() {
            Err(KeyError::Blank)
        } else if text.starts_with("pk_") {
            Err(KeyError::Publishable)
        } else if text.starts_with("whsec_") {
            Err(KeyError::WebhookSecret)
        } else if !known.iter().any(|prefix| text.len() > prefix.len() && text.starts_with(prefix))
        {
            Err(KeyError::NotAKey)
        } else if !text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            Err(KeyError::OddCharacters)
        } else {
            Ok(Self(text.to_owned()))
        }
    }

    /// Whose money it moves.
    pub fn mode(&self) -> KeyMode {
        if self.0[2..].starts_with("_live_") { KeyMode::Live } else { KeyMode::Test }
    }

    /// Whether it has only the rights that somebody gave it.
    pub fn is_restricted(&self) -> bool {
        self.0.starts_with("rk_")
    }

    /// The value of the Authorization header, marked so that nothing prints or compresses it.
    pub(crate) fn authorization(&self) -> Option<HeaderValue> {
        let mut text = format!("Bearer {}", self.0);
        let value = HeaderValue::from_str(&text).ok();
        text.zeroize();
        value.map(|mut value| {
            value.set_sensitive(true);
            value
        })
    }
}

impl fmt::Debug for StripeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StripeKey({}…)", &self.0[..8])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_from_what_is_none() {
        for (text, error) in [
            ("", KeyError::Blank),
            (" ", KeyError::Blank),
            ("pk_test_1", KeyError::Publishable),
            ("whsec_1", KeyError::WebhookSecret),
            ("sk_1", KeyError::NotAKey),
            ("sk_test_", KeyError::NotAKey),
            ("hello", KeyError::NotAKey),
            ("sk_test_a b", KeyError::OddCharacters),
            ("sk_test_a\r\nHost: x", KeyError::OddCharacters),
        ] {
            assert_eq!(StripeKey::parse(text).err(), Some(error), "{text:?}");
        }
        assert_eq!(StripeKey::parse("rk_live_1").map(|key| key.mode()), Ok(KeyMode::Live));
        assert_eq!(StripeKey::parse("sk_test_1").map(|key| key.mode()), Ok(KeyMode::Test));
    }

    #[test]
    fn nothing_prints_a_key() {
        let key = StripeKey::parse("sk_test_verysecret").unwrap();
        let header = key.authorization().unwrap();
        assert!(!format!("{key:?} {header:?}").contains("verysecret"));
    }
}
