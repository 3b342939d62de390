//! What people write, in TOML or JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use super::terms::Terms;
use crate::money::Currency;

/// The metadata key of a product's name, unless the document names another one.
pub(super) const PRODUCT_KEY: &str = "product";

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
