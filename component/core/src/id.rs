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

    /// Takes an id as it is. Only the prefix is looked at.
    pub fn by_prefix(id: String) -> Self {
        if id.starts_with("pi_") { Self::PaymentIntent(id.into()) } else { Self::Charge(id.into()) }
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

    /// The id of the refund that this operation makes of one payment, where it makes several: `<id>-<payment id>`.
    /// It follows from the payment alone, so it is the same whatever other payments there are, in whatever order.
    ///
    /// Give the charge where it is known: a payment has two names, and two ids would be two refunds.
    pub fn for_payment(&self, payment: &PaymentRef) -> Result<Self, FieldProblem> {
        let added = payment.as_str().len() + 1;
        if self.0.len() + added > Self::MAX_CHARS {
            let problem = format!(
                "is {} characters long and leaves no room for `-{payment}`: an operation id has at most {}",
                self.0.len(),
                Self::MAX_CHARS
            );
            let fix = format!("shorten it to {}", Self::MAX_CHARS.saturating_sub(added));
            return Err(FieldProblem::new("operation_id", self, problem, fix));
        }
        Self::parse(&format!("{self}-{payment}"))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for OperationId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
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
    use crate::testing::property;

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

    #[test]
    fn the_id_for_a_payment_follows_from_the_payment() {
        let charge = PaymentRef::parse("ch_3Abc").unwrap();
        let own = OperationId::parse("cancel-7").unwrap().for_payment(&charge).unwrap();
        assert_eq!(own.as_str(), "cancel-7-ch_3Abc");
        for (length, fits) in [(192, true), (193, false), (200, false)] {
            let operation = OperationId::parse(&"a".repeat(length)).unwrap();
            match operation.for_payment(&charge) {
                Ok(own) => assert!(fits && own.as_str().len() == 200),
                Err(problem) => {
                    assert!(!fits && problem.field == "operation_id");
                    assert!(problem.to_string().contains("shorten it to 192"), "{problem}");
                }
            }
        }
    }

    /// Parses as one kind of id, and the prefixes that this kind has.
    type Kind = (fn(&str) -> Result<String, FieldProblem>, &'static str, &'static [&'static str]);

    macro_rules! kinds {
        ($($name:ident, $field:literal, [$($prefix:literal),+];)+) => {
            [$((
                |text| $name::parse(text).map(|id| id.as_str().to_owned()),
                $field,
                &[$($prefix),+],
            )),+]
        };
    }

    const KINDS: [Kind; 11] = kinds![
        ChargeId, "charge", ["ch_", "py_"];
        PaymentIntentId, "payment_intent", ["pi_"];
        RefundId, "refund", ["re_", "pyr_"];
        DisputeId, "dispute", ["dp_", "du_"];
        AccountId, "account", ["acct_"];
        CustomerId, "customer", ["cus_"];
        FileId, "file", ["file_"];
        InvoiceId, "invoice", ["in_"];
        LineId, "line", ["il_"];
        SubscriptionId, "subscription", ["sub_"];
        ItemId, "item", ["si_"];
    ];

    /// A prefix of any kind.
    fn prefixes() -> impl Strategy<Value = String> {
        let known: Vec<_> = KINDS.iter().flat_map(|kind| kind.2).copied().collect();
        prop::sample::select(known).prop_map(str::to_owned)
    }

    /// A text that only resembles one of these prefixes.
    fn near(prefixes: &'static [&'static str]) -> impl Strategy<Value = String> {
        (prop::sample::select(prefixes), 0..8_usize).prop_map(|(prefix, edit)| {
            let word = prefix.trim_end_matches('_');
            match edit {
                0 => format!("{word}-"),
                1 => word.to_owned(),
                2 => prefix.to_uppercase(),
                3 => format!(" {prefix}"),
                4 => format!("\u{feff}{prefix}"),
                5 => format!("x{prefix}"),
                6 => prefix.replacen(['c', 'p', 'i', 's'], "\u{441}", 1),
                _ => format!("{word}\u{ff3f}"),
            }
        })
    }

    /// Letters, digits and `_`, and now and then one character too many, or more of them than an id has.
    fn bodies() -> impl Strategy<Value = String> {
        let odd = prop::sample::select(vec![
            "-", "/", "/../x", "?", "#", "%2f", ".", " ", "\n", "\0", "\u{e9}", "\u{200b}",
            "\u{ff11}", "\u{661}", "\u{ff3f}", "\"", "&", "=", "@", "_secret_", "_secret",
        ]);
        prop_oneof![
            4 => "[A-Za-z0-9_]{1,24}",
            4 => ("[A-Za-z0-9_]{0,12}", odd, "[A-Za-z0-9_]{0,12}").prop_map(|(a, odd, b)| a + odd + &b),
            2 => Just(String::new()),
            1 => "[A-Za-z0-9]{1,9}_secret_[A-Za-z0-9]{1,9}",
            1 => "[A-Za-z0-9]{1,9}_secret",
            3 => (248..258_usize).prop_map(|length| "a".repeat(length)),
        ]
    }

    #[test]
    fn an_id_is_a_prefix_of_its_kind_and_letters_digits_and_underscores() {
        let branches = [
            "an id",
            "of another kind",
            "an odd character",
            "no body",
            "too long",
            "a client secret",
            "a prefix that is none",
            "the longest",
        ];
        let cases = prop::sample::select(KINDS.to_vec()).prop_flat_map(|kind| {
            let own = prop::sample::select(kind.2).prop_map(str::to_owned);
            (Just(kind), prop_oneof![4 => own, 2 => prefixes(), 2 => near(kind.2)], bodies())
        });
        property(&cases, branches, |((parse, field, own), prefix, body), reached| {
            let text = format!("{prefix}{body}");
            let is_plain = |c: char| matches!(c, 'a'..='z' | 'A'..='Z' | '0'..='9' | '_');
            let is_known = KINDS.iter().any(|kind| kind.2.contains(&prefix.as_str()));
            // Not the two parts that were put together: `p` and `i_x` make a PaymentIntent as well.
            let (is_id, branch) = match own.iter().find_map(|own| text.strip_prefix(own)) {
                None if is_known => (false, "of another kind"),
                None => (false, "a prefix that is none"),
                Some("") => (false, "no body"),
                Some(_) if text.contains("_secret_") => (false, "a client secret"),
                Some(body) if !body.chars().all(is_plain) => (false, "an odd character"),
                Some(_) if text.len() > 255 => (false, "too long"),
                Some(_) => (true, "an id"),
            };
            reached.note(branch);
            reached.note_if(is_id && text.len() >= 250, "the longest");
            match parse(&text) {
                Ok(id) => {
                    prop_assert!(is_id, "{:?} is no {}", text, field);
                    prop_assert_eq!(id, text);
                }
                Err(problem) => {
                    prop_assert!(!is_id, "{:?}: {}", text, problem);
                    prop_assert_eq!(&problem.field, field);
                    let told = problem.to_string();
                    prop_assert!(!text.contains("_secret_") || !told.contains(&text), "{}", told);
                }
            }
            Ok(())
        });
    }

    #[test]
    fn a_payment_is_a_charge_or_a_payment_intent_by_its_prefix() {
        const PAYMENTS: &[&str] = &["ch_", "py_", "pi_"];
        let branches = ["a charge", "a PaymentIntent", "neither"];
        let payments = prop::sample::select(PAYMENTS).prop_map(str::to_owned);
        let prefixes = prop_oneof![2 => prefixes(), 1 => near(PAYMENTS), 2 => payments];
        property(&(prefixes, bodies()), branches, |(prefix, body), reached| {
            let text = format!("{prefix}{body}");
            let (charge, intent) =
                (ChargeId::parse(&text).ok(), PaymentIntentId::parse(&text).ok());
            match PaymentRef::parse(&text) {
                Ok(PaymentRef::Charge(id)) => {
                    reached.note("a charge");
                    prop_assert_eq!((Some(id), None), (charge, intent));
                }
                Ok(PaymentRef::PaymentIntent(id)) => {
                    reached.note("a PaymentIntent");
                    prop_assert_eq!((None, Some(id)), (charge, intent));
                }
                Err(_) => {
                    reached.note("neither");
                    prop_assert_eq!((None, None), (charge, intent));
                }
            }
            Ok(())
        });
    }

    #[test]
    fn an_operation_id_is_visible_ascii_without_blanks_at_its_ends() {
        let middle = prop::sample::select(vec![
            "", " ", "  ", "\t", "\n", "\0", "\x7f", "\u{a0}", "\u{e9}", "e\u{301}", "\u{430}",
            "\u{200b}", "\u{ff11}", "~", "!", "\"", "\\", "/", "sk_live_", "whsec_", "sk_liv",
        ]);
        let blank = prop::sample::select(vec![" ", "\t", "\n", "\u{feff}", "\u{2003}"]);
        let ends = || prop_oneof![4 => Just(""), 1 => blank.clone()];
        let long = prop_oneof![8 => Just(0), 2 => 190..202_usize];
        let texts = (ends(), "[a-z0-9-]{0,6}", middle, "[A-Z0-9-]{0,6}", long, ends()).prop_map(
            |(before, a, middle, b, long, after)| {
                format!("{before}{a}{middle}{b}{}{after}", "x".repeat(long))
            },
        );
        let texts = prop_oneof![9 => texts, 1 => "[ \t\u{2003}]{0,3}"];
        let branches = [
            "an operation id",
            "blank",
            "blank at an end",
            "too long",
            "no visible ASCII",
            "a secret",
        ];
        property(&texts, branches, |text, reached| {
            let is_blank = |c: Option<char>| c.is_none_or(char::is_whitespace);
            let is_secret = text.contains("sk_live_") || text.contains("whsec_");
            let (is_id, branch) = if text.chars().all(char::is_whitespace) {
                (false, "blank")
            } else if is_blank(text.chars().next()) || is_blank(text.chars().last()) {
                (false, "blank at an end")
            } else if text.chars().count() > 200 {
                (false, "too long")
            } else if text.chars().any(|c| !(' '..='~').contains(&c)) {
                (false, "no visible ASCII")
            } else if is_secret {
                (false, "a secret")
            } else {
                (true, "an operation id")
            };
            reached.note(branch);
            let parsed = OperationId::parse(&text);
            prop_assert_eq!(parsed.is_ok(), is_id, "{:?}", text);
            prop_assert!(parsed.is_err() || parsed.is_ok_and(|id| id.as_str() == text));
            Ok(())
        });
    }
}
