//! The Idempotency-Key: derived, never random.

use std::fmt::{self, Write};

use sha2::{Digest, Sha256};

use crate::id::OperationId;

/// An idempotency key: a hash of the operation id and the endpoint, nothing else. So the same
/// operation always sends the same key, and Stripe itself refuses the id with other parameters. The
/// endpoint is part of it because Stripe refuses a key that was used on another one (reference 3.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The key of an operation on an endpoint such as `POST /v1/refunds`.
    pub fn derive(operation: &OperationId, endpoint: &str) -> Self {
        let mut hash = Sha256::new();
        for part in ["refund-node/1", endpoint, operation.as_str()] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self(format!("refund-node-{}", hex(&hash.finalize())))
    }

    /// The header's value: 76 characters of ASCII.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::property;

    fn key(operation: &str, endpoint: &str) -> IdempotencyKey {
        IdempotencyKey::derive(&OperationId::parse(operation).unwrap(), endpoint)
    }

    #[test]
    fn the_key_is_fixed_for_ever() {
        // A different value here would let an upgrade pay again what the version before had paid.
        assert_eq!(
            key("order-1", "POST /v1/refunds").as_str(),
            "refund-node-0343895ef30885880d39be0757bcc877bc9dad05900d389de46917e24aa72510"
        );
        assert_ne!(key("order-1", "POST /v1/refunds"), key("order-1", "POST /v1/refunds/re_1"));
    }

    #[test]
    fn the_key_is_as_different_as_operation_and_endpoint() {
        let endpoints = || {
            let all = vec![
                "POST /v1/refunds",
                "POST /v1/refunds/re_1",
                "POST /v1/refund",
                "",
                "refund-node/1",
            ];
            prop::sample::select(all)
        };
        let pairs = (
            "[a-zA-Z0-9-]{1,190}",
            0..7_usize,
            any::<prop::sample::Index>(),
            endpoints(),
            endpoints(),
        );
        let branches = ["the same", "another operation", "another endpoint"];
        property(&pairs, branches, |(a, edit, at, to_a, to_b), reached| {
            let at = at.index(a.len());
            let b = match edit {
                0..=2 => a.clone(),
                3 => format!("{a}s"),
                4 => format!("s{a}"),
                5 => format!(
                    "{}{}{}",
                    &a[..at],
                    if a[at..].starts_with('x') { 'y' } else { 'x' },
                    &a[at + 1..]
                ),
                _ => a.to_ascii_uppercase(),
            };
            let is_same = a == b && to_a == to_b;
            reached.note_if(is_same, "the same");
            reached.note_if(a != b, "another operation");
            reached.note_if(a == b && to_a != to_b, "another endpoint");
            let (first, second) = (key(&a, to_a), key(&b, to_b));
            prop_assert_eq!(is_same, first == second, "{} {} {} {}", a, b, to_a, to_b);
            let digits = first.as_str().strip_prefix("refund-node-").unwrap();
            let is_digit = |c: char| matches!(c, '0'..='9' | 'a'..='f');
            prop_assert!(digits.len() == 64 && digits.chars().all(is_digit), "{}", first);
            Ok(())
        });
    }
}
