//! What came of a delivery.

/// What came of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It was taken.
    Delivered,
    /// It was not, this time.
    Failed {
        /// Why.
        reason: String,
        /// In how many seconds the receiver wants it again, if it said so.
        retry_after: Option<u64>,
    },
    /// It never will be, as it is: no address, a template that fails.
    Undeliverable {
        /// Why.
        reason: String,
    },
    /// The receiver wants nothing any more.
    Gone {
        /// Why.
        reason: String,
    },
}

impl Delivery {
    pub(crate) fn failed(reason: impl Into<String>) -> Self {
        Self::Failed { reason: reason.into(), retry_after: None }
    }
}
