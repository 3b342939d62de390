//! Refunds (reference 1).

use serde::{Deserialize, Deserializer, Serialize};

use super::lenient::{id, null_default, open_enum};
use crate::id::{ChargeId, OperationId, PaymentIntentId, RefundId};
use crate::json::Tree;
use crate::metadata::Metadata;
use crate::money::{Currency, Money};
use crate::problem::FieldProblem;

open_enum! {
    /// Where a refund stands. Not even `succeeded` is final: the bank may return the money later.
    RefundStatus {
        /// Under way.
        Pending = "pending",
        /// Waits for the customer; the only status that can be cancelled.
        RequiresAction = "requires_action",
        /// Accepted by the bank or network.
        Succeeded = "succeeded",
        /// The money came back.
        Failed = "failed",
        /// Cancelled before it was sent.
        Canceled = "canceled",
    }
}

impl RefundStatus {
    /// Whether the money of a refund with this status, or with none, has left or is about to.
    pub(crate) fn is_spent(status: Option<&Self>) -> bool {
        !matches!(status, Some(Self::Failed | Self::Canceled))
    }
}

open_enum! {
    /// Why a refund is made.
    Reason {
        /// The customer paid twice.
        Duplicate = "duplicate",
        /// The payment was fraudulent.
        Fraudulent = "fraudulent",
        /// The customer asked for it.
        RequestedByCustomer = "requested_by_customer",
        /// Set by Stripe alone, when an authorisation lapsed.
        ExpiredUncapturedCharge = "expired_uncaptured_charge",
    }
}

impl Reason {
    /// Whether Stripe takes it as input (reference 1.4).
    pub fn is_input(&self) -> bool {
        matches!(self, Self::Duplicate | Self::Fraudulent | Self::RequestedByCustomer)
    }

    /// Refuses a reason that Stripe does not take as input.
    pub fn check_input(&self) -> Result<(), FieldProblem> {
        if self.is_input() {
            return Ok(());
        }
        let fix = "use duplicate, fraudulent or requested_by_customer, and put your own words into metadata";
        Err(FieldProblem::new("reason", self, "is not a reason Stripe takes", fix))
    }
}

/// A refund.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Refund {
    /// `re_…` or `pyr_…`.
    pub id: RefundId,
    /// What is given back, in the smallest unit of `currency`.
    pub amount: u64,
    /// Its currency.
    pub currency: Currency,
    /// The charge it was taken from.
    #[serde(default, deserialize_with = "id")]
    pub charge: Option<ChargeId>,
    /// The PaymentIntent it was taken from.
    #[serde(default, deserialize_with = "id")]
    pub payment_intent: Option<PaymentIntentId>,
    /// Where it stands; Stripe may send null.
    #[serde(default)]
    pub status: Option<RefundStatus>,
    /// Why it was made.
    #[serde(default)]
    pub reason: Option<Reason>,
    /// Why it failed, in Stripe's open list of words.
    #[serde(default)]
    pub failure_reason: Option<String>,
    /// Why it is still pending, for example `insufficient_funds`.
    #[serde(default)]
    pub pending_reason: Option<String>,
    /// When it was made, Unix seconds.
    #[serde(default, deserialize_with = "null_default")]
    pub created: u64,
    /// The movement on the Stripe balance.
    #[serde(default, deserialize_with = "id")]
    pub balance_transaction: Option<String>,
    /// The movement that put the money back after a failure.
    #[serde(default, deserialize_with = "id")]
    pub failure_balance_transaction: Option<String>,
    /// The number on the e-mailed receipt.
    #[serde(default)]
    pub receipt_number: Option<String>,
    /// Where the money went.
    #[serde(default, deserialize_with = "destination")]
    pub destination_details: Option<Destination>,
    /// All metadata, the operation id included.
    #[serde(default)]
    pub metadata: Metadata,
}

/// Where the money of a refund went (reference 1.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Destination {
    /// The payment method's name at Stripe, such as `card`.
    #[serde(rename = "type")]
    pub kind: String,
    /// For cards: `refund`, `reversal` or `pending`.
    pub card_type: Option<String>,
    /// The trace number that a bank can look up.
    pub reference: Option<String>,
    /// `pending`, `available` or `unavailable`.
    pub reference_status: Option<String>,
}

impl Refund {
    /// A refund that succeeded, of which nothing else is known: for those that are only assumed.
    pub fn assumed(id: impl Into<String>, money: Money) -> Self {
        Self {
            id: RefundId::from_stripe(id.into()),
            amount: money.amount,
            currency: money.currency,
            charge: None,
            payment_intent: None,
            status: Some(RefundStatus::Succeeded),
            reason: None,
            failure_reason: None,
            pending_reason: None,
            created: 0,
            balance_transaction: None,
            failure_balance_transaction: None,
            receipt_number: None,
            destination_details: None,
            metadata: Metadata::default(),
        }
    }

    /// What is given back.
    pub fn money(&self) -> Money {
        Money { amount: self.amount, currency: self.currency }
    }

    /// The refund an operation made. Amount and charge never identify a refund: two equal partial refunds are
    /// legitimate.
    pub fn made_by<'a>(operation: &OperationId, refunds: &'a [Self]) -> Option<&'a Self> {
        refunds.iter().find(|refund| refund.metadata.operation_id() == Some(operation.as_str()))
    }

    /// The money has left or is about to: it no longer counts as refundable. Everything does, except
    /// what failed or was cancelled; a status unknown today counts as spent: too little is refundable then,
    /// and nothing is paid twice.
    pub fn is_spent(&self) -> bool {
        RefundStatus::is_spent(self.status.as_ref())
    }

    /// Spent, but not yet final.
    pub fn is_pending(&self) -> bool {
        self.is_spent() && self.status != Some(RefundStatus::Succeeded)
    }
}

/// Stripe puts the details under a key that is named by `type`; our own output has them side by side.
fn destination<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Destination>, D::Error> {
    let fields = Tree::deserialize(deserializer)?;
    let text = |tree: &Tree<'_>, key: &str| tree.get(key).and_then(Tree::as_str).map(str::to_owned);
    let Some(kind) = text(&fields, "type") else { return Ok(None) };
    let (details, card_type) = match fields.get(&kind).filter(|details| details.is_object()) {
        Some(details) => (details, if kind == "card" { "type" } else { "card_type" }),
        None => (&fields, "card_type"),
    };
    Ok(Some(Destination {
        card_type: text(details, card_type),
        reference: text(details, "reference"),
        reference_status: text(details, "reference_status"),
        kind,
    }))
}
