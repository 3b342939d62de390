//! The terms of the merchant: the one vocabulary of policy documents and of rules given with a call.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::limits::Limits;
use crate::eligibility::FeeRate;
use crate::model::Reason;
use crate::rounding::Rounding;

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
    pub decision: Option<FixedDecision>,
    /// Days after the charge in which it is refundable, the last one included.
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
    /// The most refunds of one payment, failed ones included.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "crate::optional::limit")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub max_attempts: Option<u32>,
    /// Payment method types that may be refunded, such as `card`; every other one is denied.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "crate::optional::limit")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub payment_methods: Option<Vec<String>>,
    /// Metadata that the charge must have, or else the refund is denied: for each key the values that are accepted; an
    /// empty list accepts any value.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "crate::optional::limit")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub required_metadata: Option<BTreeMap<String, Vec<String>>>,
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

impl Terms {
    /// Whether they can deny a refund, reduce it or send it to approval. Where there are no defaults, `allow` sets no rule;
    /// nor does the rate for the estimate of a fee.
    #[must_use]
    pub fn set_rules(&self) -> bool {
        let allows = |handling: Option<Handling>| handling.is_none_or(|one| one == Handling::Allow);
        let others = Self { fraud: None, disputes: None, fee_rate: None, ..self.clone() };
        others != Self::default() || !allows(self.fraud) || !allows(self.disputes)
    }

    /// These terms; what they leave out is taken from the defaults.
    pub(super) fn or(&self, defaults: &Self) -> Self {
        macro_rules! fill {
            ($($field:ident),*) => { Self { $($field: self.$field.clone().or_else(|| defaults.$field.clone())),* } };
        }
        fill!(
            decision,
            window_days,
            reasons,
            minimum,
            approve_up_to,
            second_approval_above,
            approvals,
            never_above,
            max_attempts,
            payment_methods,
            required_metadata,
            fraud,
            disputes,
            self_serve,
            deduct,
            fee_rate
        )
    }

    /// The tables of amounts, by name.
    pub fn tables(&self) -> impl Iterator<Item = (&'static str, &Limits)> {
        let serve = self.self_serve.as_ref().and_then(|serve| serve.up_to.as_ref());
        let fee = self.deduct.as_ref().and_then(|deduct| deduct.restocking_fee.as_ref());
        [
            ("minimum", self.minimum.as_ref()),
            ("approve_up_to", self.approve_up_to.as_ref()),
            ("second_approval_above", self.second_approval_above.as_ref()),
            ("never_above", self.never_above.as_ref()),
            ("self_serve.up_to", serve),
            ("deduct.restocking_fee", fee),
        ]
        .into_iter()
        .filter_map(|(name, limits)| Some((name, limits?)))
    }

    /// How many people must approve above `second_approval_above`.
    pub(super) fn approvers_above_second(&self) -> u8 {
        self.approvals.unwrap_or(2)
    }
}

/// A decision that holds whatever the other terms say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "PolicyFixedDecision"))]
pub enum FixedDecision {
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
    /// Days after the charge in which this holds, the last one included.
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
    /// Days over which the payment is used up evenly; every day begun counts.
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
