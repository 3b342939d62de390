//! Disputes (reference 2.5).

use serde::{Deserialize, Serialize};

use super::lenient::{id, null_default};
use crate::id::{ChargeId, DisputeId, PaymentIntentId};
use crate::money::Currency;

/// A dispute, inquiries included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Dispute {
    /// `dp_…` or `du_…`.
    pub id: DisputeId,
    /// What is disputed, in the smallest unit of `currency`.
    pub amount: u64,
    /// Its currency.
    pub currency: Currency,
    /// The disputed charge.
    #[serde(default, deserialize_with = "id")]
    pub charge: Option<ChargeId>,
    /// Its PaymentIntent.
    #[serde(default, deserialize_with = "id")]
    pub payment_intent: Option<PaymentIntentId>,
    /// In Stripe's word, such as `needs_response`. Not decided upon: see `is_charge_refundable`.
    #[serde(default, deserialize_with = "null_default")]
    pub status: String,
    /// In Stripe's word, such as `product_not_received`.
    #[serde(default, deserialize_with = "null_default")]
    pub reason: String,
    /// Whether a refund is still possible. This flag decides, not the status. Missing counts as no.
    #[serde(default, deserialize_with = "null_default")]
    pub is_charge_refundable: bool,
    /// When it was opened, Unix seconds.
    #[serde(default, deserialize_with = "null_default")]
    pub created: u64,
    /// Until when evidence can be sent, and whether some was.
    #[serde(default)]
    pub evidence_details: Option<EvidenceDetails>,
}

/// Until when evidence can be sent, and whether some was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EvidenceDetails {
    /// Unix seconds; 0 or null when no answer is possible.
    #[serde(default)]
    pub due_by: Option<u64>,
    /// Evidence is staged or was submitted.
    #[serde(default, deserialize_with = "null_default")]
    pub has_evidence: bool,
    /// Stripe says that the date has passed.
    #[serde(default, deserialize_with = "null_default")]
    pub past_due: bool,
    /// How often evidence was submitted, normally once at most; absent where nobody said.
    #[serde(default)]
    pub submission_count: Option<u32>,
}

impl Dispute {
    /// Until when evidence can be sent; `None` when no answer is possible.
    pub fn evidence_due_by(&self) -> Option<u64> {
        self.evidence_details.as_ref()?.due_by.filter(|due| *due > 0)
    }
}
