//! The states of an operation.

use crate::words::words;

words! {
    /// Where an operation stands. Which move is permitted is a rule of `refund-app`.
    State {
        /// Recorded; no refund was made. Asking again sends the request.
        Planned = "planned",
        /// Under way: the request may have left.
        Sent = "sent",
        /// No answer says whether the refund was made. The same operation id finds out.
        OutcomeUnknown = "outcome-unknown",
        /// The refund exists and is under way.
        Pending = "pending",
        /// The refund went through. Not final: the bank may return the money.
        Succeeded = "succeeded",
        /// The refund failed, possibly after it had succeeded: pay the customer in another way.
        Failed = "failed",
        /// A rule or Stripe refused; there is no refund.
        Refused = "refused",
        /// Called off before anything was sent, or canceled at Stripe while it waited.
        Canceled = "canceled",
        /// An approver must decide first.
        NeedsApproval = "needs-approval",
    }
}

impl State {
    /// Whether it is not known if a refund was made.
    pub fn is_unsettled(self) -> bool {
        matches!(self, Self::Sent | Self::OutcomeUnknown)
    }

    /// Whether there is a refund at Stripe, or was one. `canceled` may be either.
    pub fn has_refund(self) -> bool {
        matches!(self, Self::Pending | Self::Succeeded | Self::Failed)
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
