//! Webhook events, and refunds that no operation of this ledger made.

use refund_core::id::{OperationId, RefundId};

use crate::state::State;

/// A verified event, as the ledger keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// `evt_…`.
    pub id: String,
    /// In Stripe's words.
    pub kind: String,
    /// When it happened, Unix seconds.
    pub created: u64,
    /// The object it is about.
    pub object: Option<String>,
    /// The status of the refund in it, in Stripe's words.
    pub status: Option<String>,
}

/// What followed from an event or a refund that was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The event had been received before; nothing was done again.
    Repeated,
    /// An operation moved.
    Moved {
        /// Which.
        operation: OperationId,
        /// From where.
        from: State,
        /// To where.
        to: State,
    },
    /// An operation's refund, and nothing new about it.
    Known {
        /// Which.
        operation: OperationId,
    },
    /// A refund that no operation of this ledger made.
    Elsewhere,
    /// A second refund that names an operation which has one: the money may have gone out twice.
    Twice {
        /// Which.
        operation: OperationId,
        /// The refund the ledger knows.
        known: RefundId,
    },
    /// It is about something else; it was noted.
    Noted,
}

impl Effect {
    /// The word in the ledger.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Repeated => "repeated",
            Self::Moved { .. } => "moved",
            Self::Known { .. } => "known",
            Self::Elsewhere => "elsewhere",
            Self::Twice { .. } => "twice",
            Self::Noted => "noted",
        }
    }
}

/// What is known of a refund that no operation made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elsewhere {
    /// The refund's status, in Stripe's words.
    pub status: Option<String>,
}
