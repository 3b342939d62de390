//! Subscriptions (reference 2.7), as far as their periods need them.

use serde::Deserialize;

use super::Page;
use super::lenient::{id, null_default};
use crate::id::{InvoiceId, ItemId, SubscriptionId};

/// A subscription. Since 2025-03-31 its periods are those of its items.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Subscription {
    /// `sub_…`.
    pub id: SubscriptionId,
    /// In Stripe's word: `active`, `canceled`, `past_due` and so on.
    #[serde(default, deserialize_with = "null_default")]
    pub status: String,
    /// When it ended, Unix seconds.
    #[serde(default)]
    pub ended_at: Option<u64>,
    /// What is subscribed to.
    pub items: Page<SubscriptionItem>,
    /// The newest invoice.
    #[serde(default, deserialize_with = "id")]
    pub latest_invoice: Option<InvoiceId>,
}

/// An item of a subscription.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct SubscriptionItem {
    /// `si_…`.
    pub id: ItemId,
    /// When the period began that is under way, or was when the subscription ended; Unix seconds.
    pub current_period_start: u64,
    /// When that period ends, Unix seconds.
    pub current_period_end: u64,
}
