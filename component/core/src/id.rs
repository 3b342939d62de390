//! Identifiers. Stripe's are opaque, but a prefix tells a charge from a PaymentIntent, and mixing the
//! two up is the commonest slip of all.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::problem::{FieldProblem, looks_secret};

/// Longest id of Stripe's (its documentation promises 255 characters).
const MAX_STRIPE_ID: usize = 255;

macro_rules! stripe_id {
    ($(#[$doc:meta])* $name:ident, $field:literal, $what:literal, [$($prefix:literal),+]) => {
        $(#[$doc])*
        ///
        /// `parse` is strict, for what people type; deserialising takes Stripe's own ids as they come.
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub struct $name(String);

        impl $name {
            /// Checks prefix and characters.
            pub fn parse(text: &str) -> Result<Self, FieldProblem> {
                check_stripe_id(text, $field, $what, &[$($prefix),+])?;
                Ok(Self(text.to_owned()))
            }

            /// Takes an id from Stripe as it is.
            pub fn from_stripe(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<String> for $name {
            fn from(id: String) -> Self {
                Self(id)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

stripe_id!(
    /// A charge: `ch_…`, or `py_…` for some payment methods.
    ChargeId, "charge", "a charge id", ["ch_", "py_"]
);
stripe_id!(
    /// A PaymentIntent: `pi_…`.
    PaymentIntentId, "payment_intent", "a PaymentIntent id", ["pi_"]
);
stripe_id!(
    /// A refund: `re_…`, or `pyr_…` for some payment methods.
    RefundId, "refund", "a refund id", ["re_", "pyr_"]
);
stripe_id!(
    /// A dispute: `dp_…` or `du_…`.
    DisputeId, "dispute", "a dispute id", ["dp_", "du_"]
);
stripe_id!(
    /// A connected account: `acct_…`.
    AccountId, "account", "an account id", ["acct_"]
);
stripe_id!(
    /// A customer: `cus_…`.
    CustomerId, "customer", "a customer id", ["cus_"]
);

stripe_id!(
    /// An uploaded file: `file_…`.
    FileId, "file", "a file id", ["file_"]
);
stripe_id!(
    /// An invoice: `in_…`.
    InvoiceId, "invoice", "an invoice id", ["in_"]
);
stripe_id!(
    /// A line of an invoice: `il_…`.
    LineId, "line", "an invoice line id", ["il_"]
);
stripe_id!(
    /// A subscription: `sub_…`.
    SubscriptionId, "subscription", "a subscription id", ["sub_"]
);
stripe_id!(
    /// An item of a subscription: `si_…`.
    ItemId, "item", "a subscription item id", ["si_"]
);

fn check_stripe_id(
    text: &str,
    field: &str,
    what: &str,
    prefixes: &[&str],
) -> Result<(), FieldProblem> {
    let wanted = prefixes.iter().map(|p| format!("{p}…")).collect::<Vec<_>>().join(" or ");
    if text.is_empty() {
        return Err(FieldProblem::missing(field, format!("give {what}, {wanted}")));
    }
    let Some(rest) = prefixes.iter().find_map(|prefix| text.strip_prefix(prefix)) else {
        let seen = describe_prefix(text);
        return Err(FieldProblem::new(
            field,
            text,
            format!("is not {what}{seen}"),
            format!("give an id that begins with {wanted}"),
        ));
    };
    if text.contains("_secret_") {
        return Err(FieldProblem::new(
            field,
            "",
            "is a client secret, not an id",
            "leave `_secret_` and what follows out",
        ));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if rest.is_empty() || text.len() > MAX_STRIPE_ID || !rest.chars().all(plain) {
        return Err(FieldProblem::new(
            field,
            text,
            format!(
                "is not {what}: after the prefix come letters, digits and `_`, up to {MAX_STRIPE_ID} characters in all"
            ),
            "copy the id from Stripe unchanged",
        ));
    }
    Ok(())
}

/// What an id of another kind is, so that the message can say so.
fn describe_prefix(text: &str) -> &'static str {
    const KNOWN: [(&str, &str); 12] = [
        ("ch_", " but a charge id"),
        ("py_", " but a charge id"),
        ("pi_", " but a PaymentIntent id"),
        ("re_", " but a refund id"),
        ("pyr_", " but a refund id"),
        ("cus_", " but a customer id"),
        ("in_", " but an invoice id"),
        ("il_", " but an invoice line id"),
        ("sub_", " but a subscription id"),
        ("si_", " but a subscription item id"),
        ("dp_", " but a dispute id"),
        ("txn_", " but a balance transaction id"),
    ];
    KNOWN.iter().find(|(prefix, _)| text.starts_with(prefix)).map_or("", |(_, what)| what)
}

/// What a refund is taken from: exactly one of the two.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum PaymentRef {
    /// A charge.
    Charge(ChargeId),
    /// A PaymentIntent.
    PaymentIntent(PaymentIntentId),
}

impl PaymentRef {
    /// Tells a charge from a PaymentIntent by its prefix.
    pub fn parse(text: &str) -> Result<Self, FieldProblem> {
        if text.starts_with("pi_") {
            return PaymentIntentId::parse(text).map(Self::PaymentIntent);
        }
        ChargeId::parse(text).map(Self::Charge).map_err(|mut problem| {
            problem.field = "payment".into();
            if !text.starts_with("ch_") && !text.starts_with("py_") {
                problem.fix = "give a charge (ch_… or py_…) or a PaymentIntent (pi_…)".into();
            }
            problem
        })
    }

    /// Stripe's parameter name: `charge` or `payment_intent`.
    pub fn param(&self) -> &'static str {
        match self {
            Self::Charge(_) => "charge",
            Self::PaymentIntent(_) => "payment_intent",
        }
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Charge(id) => id.as_str(),
            Self::PaymentIntent(id) => id.as_str(),
        }
    }
}

impl fmt::Display for PaymentRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The caller's own name for one refund: 1 to 200 visible ASCII characters. One id, one refund, ever.
///
/// Only ASCII, because two ids that look alike (an accent in two spellings, a byte-order mark in the
/// first cell of a CSV) would be two refunds.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OperationId(String);

impl OperationId {
    /// Longest id. Well below the 500 characters of a metadata value, so that a prefix still fits.
    pub const MAX_CHARS: usize = 200;

    /// Checks that it is not blank, not too long, and free of control characters. White space at
    /// either end is refused, because `a` and `a ` would be two refunds.
    pub fn parse(text: &str) -> Result<Self, FieldProblem> {
        let problem = |problem: &str, fix: &str| {
            Err(FieldProblem::new("operation_id", text, problem.to_owned(), fix.to_owned()))
        };
        if text.trim().is_empty() {
            return problem(
                "is empty",
                "give your own name for this refund, for example `order-6735-refund-1`; calling again with it never pays twice",
            );
        }
        if text.trim() != text {
            return problem("begins or ends with white space", "trim it");
        }
        if text.chars().count() > Self::MAX_CHARS {
            return problem("is longer than 200 characters", "shorten it, or use a hash of it");
        }
        if !text.bytes().all(|b| b.is_ascii_graphic() || b == b' ') {
            return problem(
                "contains a character outside of visible ASCII",
                "use letters, digits and punctuation, or a hash of it: ids that only look alike would be two refunds",
            );
        }
        if looks_secret(text) {
            return problem(
                "looks like a secret",
                "use a name; it is written to the refund's metadata",
            );
        }
        Ok(Self(text.to_owned()))
    }

    /// The id of one of several refunds that are made in the name of this one: `<id>-<n>`.
    pub fn numbered(&self, n: usize) -> Result<Self, FieldProblem> {
        Self::parse(&format!("{self}-{n}"))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn prefixes_decide() {
        assert!(ChargeId::parse("ch_3Abc").is_ok());
        assert!(ChargeId::parse("py_3Abc").is_ok());
        let problem = ChargeId::parse("pi_3Abc").unwrap_err();
        assert_eq!(problem.field, "charge");
        assert!(problem.problem.contains("but a PaymentIntent id"), "{problem}");
        for bad in ["", "ch_", "ch_a b", "ch_a/../b", "CH_1", "ch_é", "ch_a?b"] {
            assert!(ChargeId::parse(bad).is_err(), "{bad}");
        }
        assert!(ChargeId::parse(&format!("ch_{}", "a".repeat(252))).is_ok());
        assert!(ChargeId::parse(&format!("ch_{}", "a".repeat(253))).is_err());
    }

    #[test]
    fn payment_refs_are_told_apart() {
        assert!(matches!(PaymentRef::parse("ch_1"), Ok(PaymentRef::Charge(_))));
        assert!(matches!(PaymentRef::parse("pi_1"), Ok(PaymentRef::PaymentIntent(_))));
        let problem = PaymentRef::parse("in_1").unwrap_err();
        assert_eq!(problem.field, "payment");
        assert!(problem.fix.contains("pi_"), "{problem}");
    }

    #[test]
    fn operation_ids_are_strict() {
        for bad in ["", " ", "a ", "\ta", "a\nb"] {
            assert!(OperationId::parse(bad).is_err(), "{bad:?}");
        }
        for bad in ["\u{feff}order-1", "order\u{200b}1", "caf\u{e9}", "sk_live_abc", "whsec_abc"] {
            assert!(OperationId::parse(bad).is_err(), "{bad:?}");
        }
        assert!(OperationId::parse(&"a".repeat(200)).is_ok());
        assert!(OperationId::parse(&"a".repeat(201)).is_err());
    }

    proptest! {
        #[test]
        fn a_parsed_id_needs_no_escaping(text in "\\PC{0,40}") {
            if let Ok(id) = ChargeId::parse(&text) {
                prop_assert!(id.as_str().bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
            }
        }
    }
}
