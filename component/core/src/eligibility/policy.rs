//! The merchant's own rules.

use serde::{Deserialize, Deserializer, Serialize};

use super::fee::FeeRate;
use crate::money::{Currency, Money};
use crate::problem::{FieldProblem, Problems};

/// The merchant's own rules. Everything is off when left out, except what Stripe itself enforces.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Policy {
    /// Refundable for so many days after the charge, the last one included.
    #[serde(deserialize_with = "crate::optional::limit", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub window_days: Option<u32>,
    /// Smallest refund, one entry per currency. It also applies to the last part of a charge. If there are entries
    /// but none in the charge's currency, the refund needs approval.
    #[serde(deserialize_with = "limits", skip_serializing_if = "Vec::is_empty")]
    pub minimum: Vec<Money>,
    /// Largest refund, one entry per currency. If there are entries but none in the charge's currency, the refund
    /// needs approval.
    #[serde(deserialize_with = "limits", skip_serializing_if = "Vec::is_empty")]
    pub maximum: Vec<Money>,
    /// A refund above this needs approval, one entry per currency. If there are entries but none in the charge's
    /// currency, every refund needs approval.
    #[serde(deserialize_with = "limits", skip_serializing_if = "Vec::is_empty")]
    pub approval_above: Vec<Money>,
    /// At most so many refunds on one payment, failed ones included.
    #[serde(deserialize_with = "crate::optional::limit", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub max_attempts: Option<u32>,
    /// Allowed payment method types, such as `card`; empty allows all.
    pub payment_methods: Vec<String>,
    /// All must hold.
    pub metadata_conditions: Vec<MetadataCondition>,
    /// Refuse a charge reported as fraudulent. Off, because refunding fraud early is often right.
    pub block_fraud_flagged: bool,
    /// For the fee estimate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fee_rate: Option<FeeRate>,
}

/// Reads limits that are given. An empty list would lift the limit of a caller whose amounts went missing on the way.
fn limits<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Money>, D::Error> {
    let limits = Vec::deserialize(deserializer)?;
    if limits.is_empty() {
        return Err(serde::de::Error::custom(
            "is an empty list: give an amount for each currency, or remove the field if there is no limit",
        ));
    }
    Ok(limits)
}

/// A condition on the charge's metadata.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MetadataCondition {
    /// The key that must be there.
    pub key: String,
    /// The value it must have; absent means any.
    #[serde(
        default,
        deserialize_with = "crate::optional::limit",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub value: Option<String>,
}

impl Policy {
    /// The limit for a currency.
    pub(super) fn limit(limits: &[Money], currency: Currency) -> Option<u64> {
        limits.iter().find(|limit| limit.currency == currency).map(|limit| limit.amount)
    }

    /// Notes everything that makes no sense.
    pub(super) fn check_input(&self, problems: &mut Problems) {
        for (field, limits) in [
            ("policy.minimum", &self.minimum),
            ("policy.maximum", &self.maximum),
            ("policy.approval_above", &self.approval_above),
        ] {
            for (at, limit) in limits.iter().enumerate() {
                if limits[..at].iter().any(|earlier| earlier.currency == limit.currency) {
                    problems.push(FieldProblem::new(
                        field,
                        limit.currency,
                        "has two entries for one currency",
                        "keep one of them",
                    ));
                }
            }
        }
        for minimum in &self.minimum {
            if let Some(maximum) = Self::limit(&self.maximum, minimum.currency)
                && maximum < minimum.amount
            {
                problems.push(FieldProblem::new(
                    "policy.minimum",
                    minimum,
                    format!("is above the maximum, {maximum}"),
                    "lower it",
                ));
            }
        }
        if self.metadata_conditions.iter().any(|condition| condition.key.is_empty()) {
            problems.push(FieldProblem::missing(
                "policy.metadata_conditions.key",
                "name the key that must be there",
            ));
        }
        if let Some(rate) = self.fee_rate.filter(|rate| rate.basis_points > 10_000) {
            problems.push(FieldProblem::new(
                "policy.fee_rate.basis_points",
                rate.basis_points,
                "is more than the whole amount",
                "290 stands for 2.9 %",
            ));
        }
    }
}
