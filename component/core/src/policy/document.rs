//! What people write, in TOML or JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

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
    /// The metadata key of a charge that names its product; `product` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_key: Option<String>,
    /// What holds where a rule says nothing, and for payments that no rule speaks of.
    #[serde(default)]
    pub defaults: Terms,
    /// Rules for some payments. For every payment at most one may hold: of those that match, the one with
    /// the highest priority.
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
    /// Where several rules match, the one with the highest priority holds; 0 when absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub priority: u32,
    /// Which payments it speaks of.
    pub when: When,
    /// What holds for them. What is left out is taken from the defaults.
    #[serde(default)]
    pub then: Terms,
}

/// Which payments a rule speaks of: all that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "PolicyWhen"))]
pub struct When {
    /// Payment method types, such as `card` or `sepa_debit`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub payment_method: Vec<String>,
    /// Products: values of the metadata key `product_key`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub product: Vec<String>,
    /// Currencies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub currency: Vec<Currency>,
    /// Metadata keys of the charge with the values that match; an empty list matches any value.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, Vec<String>>,
}

/// What holds. Everything may be left out: then only what Stripe itself enforces holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "PolicyTerms"))]
pub struct Terms {
    /// Always ask somebody, or always deny, whatever else holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<Standing>,
    /// Refundable for so many days after the charge, the last one included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window_days: Option<u32>,
    /// Reasons that may be given; a request without a reason is refused then. `duplicate`, `fraudulent`,
    /// `requested_by_customer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasons: Option<Vec<Reason>>,
    /// No refund below this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum: Option<Limits>,
    /// Up to this a refund needs nobody's approval; above, somebody must approve.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approve_up_to: Option<Limits>,
    /// Above this several people must approve.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub second_approval_above: Option<Limits>,
    /// How many people, 2 to 9, above `second_approval_above`; 2 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approvals: Option<u8>,
    /// No refund above this, whoever approves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub never_above: Option<Limits>,
    /// At most so many refunds on one payment, failed ones included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<u32>,
    /// Charges that somebody reported as fraudulent; allowed when absent, since refunding fraud early is
    /// often right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fraud: Option<Handling>,
    /// Charges with a dispute or an inquiry that still permits a refund; allowed when absent. A dispute that
    /// holds the money is always denied: a refund would pay twice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disputes: Option<Handling>,
    /// When customers may help themselves. A request marked as self-serve that does not fit, or for which
    /// there is nothing here, needs approval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub self_serve: Option<SelfServe>,
    /// What is kept back.
    #[serde(skip_serializing_if = "Option::is_none")]
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
    /// Somebody must approve.
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
    /// Somebody must approve.
    Ask,
    /// Never.
    Deny,
}

/// When customers may help themselves: all that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "PolicySelfServe"))]
pub struct SelfServe {
    /// For refunds up to this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub up_to: Option<Limits>,
    /// Within so many days of the charge, the last one included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within_days: Option<u32>,
    /// For these reasons.
    #[serde(skip_serializing_if = "Option::is_none")]
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
    #[serde(skip_serializing_if = "is_default")]
    pub restocking_basis_points: u32,
    /// A fee for restocking.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restocking_fee: Option<Limits>,
    /// The payment is used up evenly over so many days; every day begun counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used_up_in_days: Option<u32>,
    /// What becomes of a part smaller than the smallest unit; `half_up` when absent.
    #[serde(skip_serializing_if = "is_default")]
    pub rounding: Rounding,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
