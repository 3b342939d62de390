//! What is found.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{ChargeId, CustomerId};
use crate::money::Currency;

/// What makes charges belong together.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Basis {
    /// The same customer.
    Customer(CustomerId),
    /// No customer, but the same card.
    CardFingerprint(String),
}

/// How sure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Confidence {
    /// Something speaks against it.
    Low,
    /// Nothing speaks against it, little speaks for it.
    Medium,
    /// Nothing differs.
    High,
}

/// An observation about a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Observation {
    /// Same customer.
    SameCustomer,
    /// Every charge was made with the same card.
    SameCard,
    /// More than one card was used.
    DifferentCards,
    /// Same order or invoice reference: the metadata key.
    SameReference(String),
    /// Differing order or invoice references: the metadata key.
    DifferentReference(String),
    /// This charge was partly refunded already.
    PartlyRefunded(ChargeId),
    /// Seconds between the first and the last charge.
    SecondsApart(u64),
}

/// Charges that look like one payment made more than once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Group {
    /// The first charge: keep it.
    pub keep: ChargeId,
    /// The later ones, oldest first: refund them.
    pub refund: Vec<ChargeId>,
    /// Each of them is this much, in the smallest unit of `currency`.
    pub amount: u64,
    /// Their currency.
    pub currency: Currency,
    /// What makes them belong together.
    pub basis: Basis,
    /// When the first was made, Unix seconds.
    pub first_created: u64,
    /// When the last was made, Unix seconds.
    pub last_created: u64,
    /// How sure.
    pub confidence: Confidence,
    /// Why.
    pub observations: Vec<Observation>,
}

impl Group {
    /// The order of a list: by first charge.
    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        (self.first_created, &self.keep).cmp(&(other.first_created, &other.keep))
    }
}

impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        })
    }
}

impl fmt::Display for Observation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SameCustomer => f.write_str("same customer"),
            Self::SameCard => f.write_str("same card"),
            Self::DifferentCards => f.write_str("different cards"),
            Self::SameReference(key) => write!(f, "same {key}"),
            Self::DifferentReference(key) => write!(f, "different {key}"),
            Self::PartlyRefunded(id) => write!(f, "{id} was partly refunded already"),
            Self::SecondsApart(seconds) => write!(f, "{seconds} s apart"),
        }
    }
}
