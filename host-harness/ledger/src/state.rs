//! The states of an operation.

use std::fmt;

/// Where an operation stands. Which move is permitted is a rule of `refund-app`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Recorded; no refund was made. Asking again sends the request.
    Planned,
    /// Under way: the request may have left.
    Sent,
    /// No answer says whether the refund was made. The same operation id finds out.
    OutcomeUnknown,
    /// The refund exists and is under way.
    Pending,
    /// The refund went through. Not final: the bank may return the money.
    Succeeded,
    /// The refund failed, possibly after it had succeeded: pay the customer in another way.
    Failed,
    /// A rule or Stripe refused; there is no refund.
    Refused,
    /// Called off before anything was sent, or canceled at Stripe while it waited.
    Canceled,
    /// An approver must decide first.
    NeedsApproval,
}

impl State {
    /// Every state, in the order of a life.
    pub const ALL: [Self; 9] = [
        Self::Planned,
        Self::Sent,
        Self::OutcomeUnknown,
        Self::Pending,
        Self::Succeeded,
        Self::Failed,
        Self::Refused,
        Self::Canceled,
        Self::NeedsApproval,
    ];

    /// The word in the ledger.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Sent => "sent",
            Self::OutcomeUnknown => "outcome-unknown",
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Canceled => "canceled",
            Self::NeedsApproval => "needs-approval",
        }
    }

    /// The state of a word in the ledger.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Every word, for messages.
    pub fn words() -> String {
        Self::ALL.map(Self::as_str).join(", ")
    }

    /// Whether it is not known if a refund was made.
    pub fn is_unsettled(self) -> bool {
        matches!(self, Self::Sent | Self::OutcomeUnknown)
    }

    /// Whether there is a refund at Stripe, or was one. `canceled` may be either.
    pub fn has_refund(self) -> bool {
        matches!(self, Self::Pending | Self::Succeeded | Self::Failed)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_back() {
        for state in State::ALL {
            assert_eq!(State::parse(state.as_str()), Some(state));
        }
        assert_eq!(State::parse("Sent"), None);
    }
}
