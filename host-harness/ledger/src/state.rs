//! The states of an operation, and the moves between them.

use std::fmt;

/// Where an operation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Written down; nothing was sent, or certainly nothing was made of what was sent.
    Planned,
    /// On its way: the request may have left.
    Sent,
    /// No answer tells what became of it. Never a new operation for it: the same one settles it.
    OutcomeUnknown,
    /// The refund exists and is under way.
    Pending,
    /// The refund went through. Not final: the bank may send the money back.
    Succeeded,
    /// The refund failed, maybe after it had succeeded: the customer must be paid in another way.
    Failed,
    /// A rule or Stripe refused; there is no refund.
    Refused,
    /// Called off: before anything was sent, or at Stripe while it waited.
    Canceled,
    /// Somebody must agree first.
    NeedsApproval,
}

/// A move that the state machine does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an operation that is {from} cannot become {to}")]
pub struct IllegalMove {
    /// Where it stands.
    pub from: State,
    /// Where it should have gone.
    pub to: State,
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

    /// The state of an operation whose refund has this status at Stripe. Null and values of later API
    /// versions count as under way: only a word we know ends an operation.
    pub fn of_refund(status: Option<&str>) -> Self {
        match status {
            Some("succeeded") => Self::Succeeded,
            Some("failed") => Self::Failed,
            Some("canceled") => Self::Canceled,
            _ => Self::Pending,
        }
    }

    /// Whether money may be moving without our knowing.
    pub fn is_unsettled(self) -> bool {
        matches!(self, Self::Sent | Self::OutcomeUnknown)
    }

    /// Whether there is a refund at Stripe, or was one. `canceled` may be either.
    pub fn has_refund(self) -> bool {
        matches!(self, Self::Pending | Self::Succeeded | Self::Failed)
    }

    /// Checks a move. `refund` tells whether a refund of the operation is known at Stripe.
    ///
    /// Once a refund is known it only moves forward, whatever order events arrive in: pending, then
    /// succeeded, then failed or canceled.
    pub fn check_move(self, to: Self, refund: bool) -> Result<(), IllegalMove> {
        let permitted = match self {
            Self::Pending => matches!(to, Self::Succeeded | Self::Failed | Self::Canceled),
            Self::Succeeded => matches!(to, Self::Failed | Self::Canceled),
            Self::Failed => false,
            Self::Canceled if refund => false,
            // Called off here, and nevertheless Stripe shows a refund: Stripe is right.
            Self::Canceled => to.has_refund(),
            Self::Planned => to != Self::Planned && to != Self::OutcomeUnknown,
            Self::Sent => true,
            Self::OutcomeUnknown => to != Self::OutcomeUnknown,
            Self::Refused | Self::NeedsApproval => {
                to == Self::Sent || to == Self::Canceled || to.has_refund()
            }
        };
        if permitted { Ok(()) } else { Err(IllegalMove { from: self, to }) }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_read_back() {
        for state in State::ALL {
            assert_eq!(State::parse(state.as_str()), Some(state));
        }
        assert_eq!(State::parse("Sent"), None);
    }

    #[test]
    fn what_must_never_happen() {
        for (from, to) in [
            (State::Failed, State::Sent),
            (State::Succeeded, State::Sent),
            (State::Pending, State::Sent),
            (State::Succeeded, State::Pending),
            (State::Pending, State::Refused),
            (State::OutcomeUnknown, State::OutcomeUnknown),
            (State::Planned, State::OutcomeUnknown),
        ] {
            assert!(from.check_move(to, true).is_err(), "{from} to {to}");
        }
        assert!(State::Canceled.check_move(State::Sent, true).is_err());
        assert!(State::Canceled.check_move(State::Sent, false).is_err());
    }

    #[test]
    fn a_status_nobody_knows_yet_is_under_way() {
        assert_eq!(State::of_refund(None), State::Pending);
        assert_eq!(State::of_refund(Some("requires_action")), State::Pending);
        assert_eq!(State::of_refund(Some("something_new")), State::Pending);
        assert_eq!(State::of_refund(Some("failed")), State::Failed);
    }

    proptest! {
        /// Events arrive in any order; where they lead depends on the set alone.
        #[test]
        fn order_of_events_does_not_matter(
            statuses in Just(vec!["pending", "succeeded", "failed"]).prop_shuffle(),
            repeated in 0_usize..3,
        ) {
            let mut state = State::Sent;
            for status in statuses.iter().chain(&statuses[..repeated]) {
                let next = State::of_refund(Some(status));
                if state.check_move(next, state.has_refund()).is_ok() {
                    state = next;
                }
            }
            prop_assert_eq!(state, State::Failed);
        }
    }
}
