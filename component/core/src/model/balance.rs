//! The balance (reference 2.4), as far as refunds are paid out of it.

use serde::{Deserialize, Serialize};

/// What the account holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Balance {
    /// What can be paid out now, an entry a currency.
    pub available: Vec<Funds>,
}

/// An amount that may be negative.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Funds {
    /// In the smallest unit of `currency`.
    pub amount: i64,
    /// In Stripe's word; not always an ISO code.
    pub currency: String,
}
