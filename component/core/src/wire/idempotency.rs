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

    proptest! {
        #[test]
        fn short_enough_and_different(a in "[a-z0-9-]{1,200}", b in "[a-z0-9-]{1,200}") {
            let (first, second) = (key(&a, "POST /v1/refunds"), key(&b, "POST /v1/refunds"));
            prop_assert!(first.as_str().len() <= 255);
            prop_assert_eq!(a == b, first == second);
        }
    }
}
