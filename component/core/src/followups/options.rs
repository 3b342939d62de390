//! Which follow-ups are wanted.

use serde::{Deserialize, Serialize};

use super::follow_up::{FollowUp, Kind};
use crate::duplicates;
use crate::metadata::Metadata;

/// When a refund has a consequence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum When {
    /// Nothing is left of the payment.
    #[default]
    Full,
    /// Any part was given back.
    Any,
    /// Never.
    Never,
}

/// Which follow-ups are wanted. Everything may be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Options {
    /// When access is revoked; a refund after which it is not revoked keeps it.
    pub revoke_access: When,
    /// When the subscription is cancelled that the metadata name.
    pub cancel_subscription: When,
    /// Only these kinds; all of them when empty.
    pub only: Vec<Kind>,
    /// Metadata keys that name an order, the first one found counts; a sensible list when empty.
    pub reference_keys: Vec<String>,
}

impl When {
    pub(super) fn applies(self, nothing_left: bool) -> bool {
        match self {
            Self::Full => nothing_left,
            Self::Any => true,
            Self::Never => false,
        }
    }
}

impl Options {
    pub(super) fn wanted(&self, mut found: Vec<FollowUp>) -> Vec<FollowUp> {
        found.retain(|one| self.only.is_empty() || self.only.contains(&one.task.kind()));
        found
    }

    /// Key and value of the order; the refund's metadata go before the payment's.
    pub(super) fn order(&self, places: &[&Metadata]) -> Option<(String, String)> {
        let references = duplicates::Options {
            reference_keys: self.reference_keys.clone(),
            ..duplicates::Options::default()
        };
        let keys = references.keys();
        places.iter().find_map(|metadata| {
            let (at, value) = duplicates::references(metadata, &keys).into_iter().next()?;
            Some((keys.get(at)?.clone(), value.to_owned()))
        })
    }
}
