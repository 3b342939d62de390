//! Charges (reference 2.1) and the fee on their balance transaction (2.3).

use serde::{Deserialize, Deserializer, Serialize};

use super::lenient::{id, null_default, open_enum, sub_list, yes};
use super::{Page, Refund};
use crate::id::{ChargeId, CustomerId, PaymentIntentId};
use crate::json::{self, Tree};
use crate::metadata::Metadata;
use crate::money::{Currency, Money};

open_enum! {
    /// Whether a charge went through.
    ChargeStatus {
        /// It did.
        Succeeded = "succeeded",
        /// Not yet decided.
        Pending = "pending",
        /// It did not.
        Failed = "failed",
    }
}

/// A charge. Amounts are in the smallest unit of `currency`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Charge {
    /// `ch_…` or `py_…`.
    pub id: ChargeId,
    /// What was authorised.
    pub amount: u64,
    /// Its currency.
    pub currency: Currency,
    /// What was taken; absent in older exports, then all of it where `captured` is true.
    #[serde(default)]
    pub amount_captured: Option<u64>,
    /// What Stripe counts as given back.
    #[serde(default, deserialize_with = "null_default")]
    pub amount_refunded: u64,
    /// Whether it went through.
    pub status: ChargeStatus,
    /// False while it is only an authorisation.
    #[serde(default = "yes")]
    pub captured: bool,
    /// True once everything is given back.
    #[serde(default, deserialize_with = "null_default")]
    pub refunded: bool,
    /// True once there ever was a dispute; stays true after it is over.
    #[serde(default, deserialize_with = "null_default")]
    pub disputed: bool,
    /// When it was made, Unix seconds.
    pub created: u64,
    /// Who paid.
    #[serde(default, deserialize_with = "id")]
    pub customer: Option<CustomerId>,
    /// The PaymentIntent it belongs to.
    #[serde(default, deserialize_with = "id")]
    pub payment_intent: Option<PaymentIntentId>,
    /// How it was paid.
    #[serde(default)]
    pub payment_method_details: Option<PaymentMethodDetails>,
    /// Reports of fraud.
    #[serde(default)]
    pub fraud_details: Option<FraudDetails>,
    /// The movement on the balance; `None` where Stripe sent nothing or only its id.
    #[serde(default, deserialize_with = "expanded")]
    pub balance_transaction: Option<BalanceTransaction>,
    /// False in test mode.
    #[serde(default, deserialize_with = "null_default")]
    pub livemode: bool,
    /// The merchant's own keys.
    #[serde(default)]
    pub metadata: Metadata,
    /// The newest of its refunds, where a request asked for them (reference 1.6).
    #[serde(default, skip_serializing, deserialize_with = "sub_list")]
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub refunds: Option<Page<Refund>>,
}

/// How a charge was paid.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PaymentMethodDetails {
    /// `card`, `sepa_debit` and so on.
    #[serde(rename = "type", default)]
    pub kind: Option<String>,
    /// For cards.
    #[serde(default)]
    pub card: Option<CardDetails>,
}

/// The card of a charge.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CardDetails {
    /// The same for every charge of one card.
    #[serde(default)]
    pub fingerprint: Option<String>,
}

/// Reports of fraud on a charge.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FraudDetails {
    /// The merchant's: `safe` or `fraudulent`.
    #[serde(default)]
    pub user_report: Option<String>,
    /// Stripe's: `fraudulent`.
    #[serde(default)]
    pub stripe_report: Option<String>,
}

/// A movement on the Stripe balance, as far as fees need it. It is in the settlement currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BalanceTransaction {
    /// `txn_…`.
    pub id: String,
    /// The processing fee.
    pub fee: u64,
    /// The settlement currency.
    pub currency: Currency,
}

impl Charge {
    /// What was taken from the customer.
    pub fn captured_amount(&self) -> u64 {
        match self.amount_captured {
            Some(amount) => amount,
            None if self.captured && self.status == ChargeStatus::Succeeded => self.amount,
            None => 0,
        }
    }

    /// Everything is given back. Some exports lack the flag, so the amounts decide too.
    pub fn is_fully_refunded(&self) -> bool {
        self.refunded
            || (self.amount_refunded > 0 && self.amount_refunded >= self.captured_amount())
    }

    /// An amount in this charge's currency.
    pub fn money(&self, amount: u64) -> Money {
        Money { amount, currency: self.currency }
    }

    /// `card`, `sepa_debit` and so on.
    pub fn payment_method_type(&self) -> Option<&str> {
        self.payment_method_details.as_ref()?.kind.as_deref()
    }

    /// The same for every charge of one card.
    pub fn card_fingerprint(&self) -> Option<&str> {
        self.payment_method_details.as_ref()?.card.as_ref()?.fingerprint.as_deref()
    }
}

/// A balance transaction when it was expanded; an id alone tells no fee.
fn expanded<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<BalanceTransaction>, D::Error> {
    Ok(json::decode(&Tree::deserialize(deserializer)?).ok())
}
