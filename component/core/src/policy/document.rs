//! What people write, in TOML or JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use super::limits::Limits;
use crate::eligibility::FeeRate;
use crate::model::Reason;
use crate::money::Currency;
use crate::rounding::Rounding;

/// The merchant's rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "PolicyDocument"))]
pub struct Document {
    /// What the policy is called, for people.
    pub name: String,
    /// Your own mark for this version, for example `2026-11-01`.
    pub version: String,
    /// The metadata key of a charge that names its product; `product` when absent. Write it on every charge: if rules
    /// look at the product, a refund of a charge without one needs approval.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "crate::optional::value"
    )]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub product_key: Option<String>,
    /// What holds where a rule says nothing, and for payments that no rule matches.
    #[serde(default)]
    pub defaults: Terms,
    /// Rules for some payments. Every rule that matches a payment must allow the refund by itself: one that denies is
    /// enough to deny, one that asks is enough to need approval, the largest deduction is kept, and the largest number
    /// of approvers counts. The order makes no difference.
    #[serde(default)]
    pub rules: Vec<Rule>,
}

/// Terms for some payments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "PolicyRule"))]
pub struct Rule {
    /// Its name, in every decision it makes: 1 to 60 letters, digits, `-`, `_` and `.`.
    pub id: String,
    /// Why it is there, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Has no effect, and is refused with advice when the document is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub priority: Option<u32>,
    /// Which payments the rule matches.
    pub when: When,
    /// What holds for them. What is left out is taken from the defaults; what is given takes the place of the defaults,
    /// stricter or not.
    #[serde(default)]
    pub then: Terms,
}

/// Which payments a rule matches: all that is given must hold.
///
/// A payment may lack a fact that a condition looks at: the type of the payment method, or a metadata key. If the rule
/// would be stricter, the refund then needs approval; a missing fact never approves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "PolicyWhen"))]
pub struct When {
    /// Payment method types, such as `card` or `sepa_debit`.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "listed")]
    pub payment_method: Vec<String>,
    /// Products: values of the metadata key `product_key`.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "listed")]
    pub product: Vec<String>,
    /// Currencies.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "listed")]
    pub currency: Vec<Currency>,
    /// Metadata keys of the charge with the values that match; an empty list matches any value. Write the keys on every
    /// charge, with a value for "no" as well.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, Vec<String>>,
}

/// A condition that is given lists something: an empty list would match every payment.
fn listed<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let values = Vec::deserialize(deserializer)?;
    if values.is_empty() {
        return Err(serde::de::Error::custom(
            "is empty: list what it matches, or leave it out to match everything",
        ));
    }
    Ok(values)
}

/// What holds. Everything may be left out: then only what Stripe itself enforces holds.
///
/// Where a table of amounts is given, a payment in a currency that the table leaves out needs approval.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "PolicyTerms"))]
pub struct Terms {
    /// `ask`: every refund needs approval. `deny`: no refund. Whatever else holds.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "crate::optional::limit")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub decision: Option<Standing>,
    /// Refundable for so many days after the charge, the last one included.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "crate::optional::limit")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub window_days: Option<u32>,
    /// Reasons that may be given; a request without a reason is refused then. `duplicate`, `fraudulent`,
    /// `requested_by_customer`.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "crate::optional::limit")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub reasons: Option<Vec<Reason>>,
    /// No refund below this.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "crate::optional::limit")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub minimum: Option<Limits>,
    /// A refund up to this needs no approval; above it, 1 person must approve.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "crate::optional::limit")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub approve_up_to: Option<Limits>,
    /// Above this several people must approve.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "crate::optional::limit")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub second_approval_above: Option<Limits>,
    /// How many people, 2 to 9, above `second_approval_above`; 2 when absent.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "crate::optional::value")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub approvals: Option<u8>,
    /// No refund above this, with or without approval.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "crate::optional::limit")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub never_above: Option<Limits>,
    /// At most so many refunds on one payment, failed ones included.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "crate::optional::limit")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub max_attempts: Option<u32>,
    /// Charges reported as fraudulent by the merchant or by Stripe; allowed when absent, since refunding fraud early is
    /// often right.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "crate::optional::limit")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub fraud: Option<Handling>,
    /// Charges with a dispute or an inquiry that still permits a refund; allowed when absent. A dispute that
    /// holds the money is always denied: a refund would pay twice.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "crate::optional::limit")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub disputes: Option<Handling>,
    /// Which self-serve requests need no approval. One that does not fit needs approval, and so does every one if this is
    /// absent.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "crate::optional::limit")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub self_serve: Option<SelfServe>,
    /// What is kept back.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "crate::optional::limit")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub deduct: Option<Deduction>,
    /// For the estimate of the fee that Stripe keeps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fee_rate: Option<FeeRate>,
}

/// A decision that stands, whatever else holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "PolicyStanding"))]
pub enum Standing {
    /// The refund needs approval.
    Ask,
    /// Never.
    Deny,
}

/// What to do with a circumstance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "PolicyHandling"))]
pub enum Handling {
    /// It changes nothing.
    Allow,
    /// The refund needs approval.
    Ask,
    /// Never.
    Deny,
}

/// Which self-serve requests need no approval: all that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "PolicySelfServe"))]
pub struct SelfServe {
    /// For refunds up to this.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "crate::optional::limit")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub up_to: Option<Limits>,
    /// Within so many days of the charge, the last one included.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "crate::optional::limit")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub within_days: Option<u32>,
    /// For these reasons.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "crate::optional::limit")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub reasons: Option<Vec<Reason>>,
    /// Only as the first refund of the payment.
    #[serde(skip_serializing_if = "is_default")]
    pub first_only: bool,
}

/// What is kept back of the captured amount: the parts are added up, and rounded once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "PolicyDeduction"))]
pub struct Deduction {
    /// A share for restocking, in hundredths of a percent: 1000 is 10 %.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "crate::optional::limit")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub restocking_basis_points: Option<u32>,
    /// A fee for restocking.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "crate::optional::limit")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub restocking_fee: Option<Limits>,
    /// The payment is used up evenly over so many days; every day begun counts.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "crate::optional::limit")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub used_up_in_days: Option<u32>,
    /// What becomes of a part smaller than the smallest unit; `half_up` when absent.
    #[serde(skip_serializing_if = "is_default")]
    pub rounding: Rounding,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
