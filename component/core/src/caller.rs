//! What a caller of `invoke` writes and reads: inputs, outputs and typed errors. The application layer calls the component
//! with these, and so does a pipeline.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::client::ScanRange;
use crate::duplicates;
use crate::eligibility::Amount;
use crate::json;
use crate::metadata::Metadata;
use crate::money::Money;
use crate::policy::{Document, Terms};

/// The input of an operation, and which Stripe to talk to.
#[derive(Debug, Serialize)]
pub struct Connected<'a, C, T> {
    /// Which Stripe to talk to.
    pub connection: &'a C,
    /// The other fields.
    #[serde(flatten)]
    pub input: T,
}

/// The input of `refunds.create`, without its connection.
#[derive(Debug, Serialize)]
pub struct CreateCall<'a> {
    /// The operation id.
    pub operation_id: &'a str,
    /// The charge or PaymentIntent.
    pub payment: &'a str,
    /// The amount.
    #[serde(flatten)]
    pub amount: AmountFields<'a>,
    /// The reason that Stripe records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'a str>,
    /// The caller's own keys.
    pub metadata: &'a Metadata,
    /// Connect: give the application fee back in proportion.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub refund_application_fee: bool,
    /// Connect: take the money back from the connected account in proportion.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub reverse_transfer: bool,
    /// Where to send instructions, for methods without native refunds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instructions_email: Option<&'a str>,
    /// The merchant's policy.
    #[serde(flatten)]
    pub rules: RulesFields<'a>,
    /// The hash of the request that was approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<&'a str>,
}

/// An amount. Absent means everything that is refundable; it is never null.
#[derive(Debug, Default, Serialize)]
pub struct AmountFields<'a> {
    /// In the smallest unit of the currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<u64>,
    /// The currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<&'a str>,
}

impl<'a> From<&'a Amount> for AmountFields<'a> {
    fn from(amount: &'a Amount) -> Self {
        match amount {
            Amount::Everything => None.into(),
            Amount::Exactly(money) => Some(money).into(),
        }
    }
}

impl<'a> From<Option<&'a Money>> for AmountFields<'a> {
    fn from(money: Option<&'a Money>) -> Self {
        Self {
            amount: money.map(|money| money.amount),
            currency: money.map(|money| money.currency.as_str()),
        }
    }
}

/// The merchant's policy: a few terms, or a document.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct RulesFields<'a> {
    /// The terms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<&'a Terms>,
    /// The document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<&'a Document>,
    /// The customer requested this refund directly, without staff review.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub self_serve: bool,
}

/// The input of `eligibility.check-live`, without its connection.
#[derive(Debug, Serialize)]
pub struct CheckCall<'a> {
    /// The charge or PaymentIntent.
    pub payment: &'a str,
    /// The amount.
    #[serde(flatten)]
    pub amount: AmountFields<'a>,
    /// The reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'a str>,
    /// The merchant's policy.
    #[serde(flatten)]
    pub rules: RulesFields<'a>,
}

/// The input of `duplicates.scan-live`, without its connection.
#[derive(Debug, Serialize)]
pub struct ScanCall<'a> {
    /// Which charges to look at.
    pub range: &'a ScanRange,
    /// How to look.
    pub options: &'a duplicates::Options,
}

/// The input of `billing.subscription`, without its connection.
#[derive(Debug, Serialize)]
pub struct SubscriptionCall<'a> {
    /// The subscription.
    pub subscription: &'a str,
    /// One of its items.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<&'a str>,
}

/// Reads an output, or the details of a failure.
///
/// # Errors
/// Says which field is not as the contract has it.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    json::read(text.as_bytes()).map_err(|error| error.to_string())
}
