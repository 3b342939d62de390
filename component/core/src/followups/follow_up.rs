//! What is left to do. The JSON of [`FollowUp`] is what receivers get, whatever way it takes.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::id::{ChargeId, DisputeId, PaymentIntentId, RefundId};
use crate::money::Money;
use crate::wire::hex;

/// Something to do, once.
///
/// As JSON: `{"id": "fu_…", "subject": "ch_1", "type": "notify-customer", "data": {…}, "about": {…}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FollowUp {
    /// The same however often and by whomever the fact is told: do nothing when it was done already.
    pub id: FollowUpId,
    /// What has an order: of two follow-ups with the same subject, the later one is delivered later. A
    /// charge, or else a PaymentIntent, refund or dispute.
    pub subject: String,
    /// What to do.
    #[serde(flatten)]
    pub task: Task,
    /// Which refund and payment it is about.
    pub about: About,
}

/// `fu_` and 64 hexadecimal digits: a hash of the kind of follow-up, of the object it is about (refund,
/// payment, dispute, or an operation that made no refund), and of the object's state. Amounts, texts and
/// options are no part of it.
///
/// A payment's state is what is left of it. Refunded in whole, returned by the bank, and refunded in
/// whole again is the same state twice, and the second one is not told anew; the failure in between was,
/// as an alert.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FollowUpId(String);

/// What to do. As JSON `type` is the name in the contract, `data` what comes with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Task {
    /// Tell the customer.
    NotifyCustomer {
        /// What.
        message: Message,
        /// Whom.
        customer: Contact,
        /// Why, in Stripe's or the policy's words; for people who read logs, not for customers.
        detail: Option<String>,
    },
    /// Take away what was paid for.
    RevokeAccess {
        /// Why.
        why: AccessReason,
    },
    /// Leave it, or give it back where it was taken away.
    KeepAccess {
        /// Why.
        why: AccessReason,
    },
    /// Cancel the subscription that was paid for.
    CancelSubscription {
        /// Its id, from the payment's metadata.
        subscription: String,
    },
    /// Set the state of the order in the merchant's own system.
    UpdateOrder {
        /// The metadata key that names the order, such as `order_id`.
        key: String,
        /// The order.
        order: String,
        /// Its new state, as far as money goes.
        status: OrderStatus,
    },
    /// Wake somebody.
    Alert {
        /// How much it matters.
        severity: Severity,
        /// What happened.
        reason: AlertReason,
        /// More, in Stripe's words or ours.
        detail: Option<String>,
        /// Until when it has to be answered, Unix seconds.
        due_by: Option<u64>,
    },
}

/// The kinds of follow-ups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Kind {
    /// See [`Task::NotifyCustomer`].
    NotifyCustomer,
    /// See [`Task::RevokeAccess`].
    RevokeAccess,
    /// See [`Task::KeepAccess`].
    KeepAccess,
    /// See [`Task::CancelSubscription`].
    CancelSubscription,
    /// See [`Task::UpdateOrder`].
    UpdateOrder,
    /// See [`Task::Alert`].
    Alert,
}

/// What a customer is told. When the money arrives is not among it: nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Message {
    /// The refund is on its way.
    RefundPending,
    /// The bank or network took it.
    RefundSucceeded,
    /// It failed: the money has to be paid in another way.
    RefundFailed,
    /// It waits for the customer.
    RefundNeedsAction,
    /// There will be none.
    RefundDenied,
}

/// The customer to notify: name and address as they were typed, from the metadata of refund or payment. Where these
/// have no address, `payments.contact` looks for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Contact {
    /// From `customer_name` or `name`.
    pub name: Option<String>,
    /// From `customer_email` or `email`.
    pub email: Option<String>,
}

/// Why access is taken or kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum AccessReason {
    /// Nothing is left of the payment.
    FullyRefunded,
    /// A part of it was given back.
    PartlyRefunded,
    /// The money came back to the merchant.
    RefundFailed,
    /// The money was never sent.
    RefundCanceled,
}

/// Where an order stands, as far as money goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum OrderStatus {
    /// A refund is on its way.
    RefundPending,
    /// A refund waits for the customer.
    RefundNeedsAction,
    /// A refund went through.
    RefundSucceeded,
    /// A refund failed.
    RefundFailed,
    /// A refund was cancelled.
    RefundCanceled,
    /// Something is left of the payment; pending refunds count as given back.
    PartlyRefunded,
    /// Nothing is left of the payment; pending refunds count as given back.
    FullyRefunded,
}

/// How much an alert matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Severity {
    /// Good to know.
    Info,
    /// Look at it.
    Warning,
    /// Money is wrong or will be: look now.
    Critical,
}

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum AlertReason {
    /// A refund failed, maybe days after it had succeeded: pay the customer in another way.
    RefundFailed,
    /// Stripe refused to make a refund.
    RefundRefused,
    /// Nobody knows whether a refund was made.
    OutcomeUnknown,
    /// More was given back than was taken, or one operation has two refunds.
    RefundedTwice,
    /// A disputed payment was refunded: the customer may get the money from both.
    RefundedWhileDisputed,
    /// A customer disputes a payment.
    DisputeOpened,
    /// A dispute is over, and the money stays.
    DisputeClosed,
    /// A dispute is over, and the money is gone.
    DisputeLost,
}

/// Which refund and payment a follow-up is about, as far as known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct About {
    /// The operation that made the refund, or was to.
    pub operation: Option<String>,
    /// The refund.
    pub refund: Option<RefundId>,
    /// The dispute.
    pub dispute: Option<DisputeId>,
    /// The charge.
    pub charge: Option<ChargeId>,
    /// The PaymentIntent.
    pub payment_intent: Option<PaymentIntentId>,
    /// Of the refund or dispute; for a payment, all that was given back. In the smallest unit.
    pub money: Option<Money>,
}

impl FollowUpId {
    pub(super) fn derive(kind: Kind, about: &str, state: &str) -> Self {
        let mut hash = Sha256::new();
        for part in ["refund-node/follow-up/1", kind.as_str(), about, state] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self(format!("fu_{}", hex(&hash.finalize())))
    }

    /// The text: 67 characters of ASCII.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FollowUpId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Task {
    pub(super) fn alert(severity: Severity, reason: AlertReason, detail: Option<String>) -> Self {
        Self::Alert { severity, reason, detail, due_by: None }
    }

    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self {
            Self::NotifyCustomer { .. } => Kind::NotifyCustomer,
            Self::RevokeAccess { .. } => Kind::RevokeAccess,
            Self::KeepAccess { .. } => Kind::KeepAccess,
            Self::CancelSubscription { .. } => Kind::CancelSubscription,
            Self::UpdateOrder { .. } => Kind::UpdateOrder,
            Self::Alert { .. } => Kind::Alert,
        }
    }
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::NotifyCustomer,
        Self::RevokeAccess,
        Self::KeepAccess,
        Self::CancelSubscription,
        Self::UpdateOrder,
        Self::Alert,
    ];

    /// The contract's name, such as `notify-customer`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotifyCustomer => "notify-customer",
            Self::RevokeAccess => "revoke-access",
            Self::KeepAccess => "keep-access",
            Self::CancelSubscription => "cancel-subscription",
            Self::UpdateOrder => "update-order",
            Self::Alert => "alert",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
