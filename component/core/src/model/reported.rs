//! A refund as a report needs it: with the charge it was taken from.

use serde::{Deserialize, Deserializer};

use super::lenient::null_default;
use super::{Charge, Reason, RefundStatus};
use crate::id::RefundId;
use crate::json::{self, Tree};
use crate::metadata::Metadata;
use crate::money::Currency;

/// A refund whose charge was expanded.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ReportedRefund {
    /// `re_…` or `pyr_…`.
    pub id: RefundId,
    /// What is given back, in the smallest unit of `currency`.
    pub amount: u64,
    /// Its currency.
    pub currency: Currency,
    /// Where it stands; Stripe may send null.
    #[serde(default)]
    pub status: Option<RefundStatus>,
    /// Why it was made.
    #[serde(default)]
    pub reason: Option<Reason>,
    /// When it was made, Unix seconds.
    #[serde(default, deserialize_with = "null_default")]
    pub created: u64,
    /// The charge; `None` where Stripe sent nothing, only its id, or what cannot be read.
    #[serde(default, deserialize_with = "expanded")]
    pub charge: Option<Charge>,
    /// All metadata.
    #[serde(default)]
    pub metadata: Metadata,
}

impl ReportedRefund {
    /// Whether the money has left or is about to, as [`super::Refund::is_spent`] has it.
    pub fn is_spent(&self) -> bool {
        RefundStatus::is_spent(self.status.as_ref())
    }
}

/// A report lacks what cannot be read of a charge; it does not fail for it.
fn expanded<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Charge>, D::Error> {
    Ok(json::decode(&Tree::deserialize(deserializer)?).ok())
}
