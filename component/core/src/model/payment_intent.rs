//! `PaymentIntents`, as far as they lead to a charge (reference 2.2).

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::Charge;
use crate::id::{ChargeId, PaymentIntentId};
use crate::json::{self, Tree};
use crate::money::Currency;

/// A `PaymentIntent`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PaymentIntent {
    /// `pi_…`.
    pub id: PaymentIntentId,
    /// In Stripe's word: `succeeded`, `requires_capture`, `processing` and so on.
    #[serde(default)]
    pub status: String,
    /// The currency of the payment.
    pub currency: Currency,
    /// The charge of the last try, expanded when that was asked for.
    #[serde(default, deserialize_with = "latest_charge")]
    pub latest_charge: Option<LatestCharge>,
}

/// The charge of a `PaymentIntent`'s last try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LatestCharge {
    /// Only its id.
    Id(ChargeId),
    /// The whole of it.
    Object(Box<Charge>),
}

fn latest_charge<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<LatestCharge>, D::Error> {
    match Tree::deserialize(deserializer)? {
        Tree::Null => Ok(None),
        Tree::Text(id) => Ok(Some(LatestCharge::Id(ChargeId::from_stripe(id)))),
        object => match json::decode(&object) {
            Ok(charge) => Ok(Some(LatestCharge::Object(Box::new(charge)))),
            Err(error) => Err(D::Error::custom(error)),
        },
    }
}
