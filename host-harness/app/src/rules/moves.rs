//! The moves between the states of an operation.

use refund_core::model::RefundStatus;
use refund_ledger::{LedgerError, State};

/// The state of an operation whose refund has this status at Stripe. Null and values of later API versions count as
/// under way: only a known word ends an operation.
pub fn state_of(status: Option<&RefundStatus>) -> State {
    match status {
        Some(RefundStatus::Succeeded) => State::Succeeded,
        Some(RefundStatus::Failed) => State::Failed,
        Some(RefundStatus::Canceled) => State::Canceled,
        Some(RefundStatus::Pending | RefundStatus::RequiresAction | RefundStatus::Other(_))
        | None => State::Pending,
    }
}

/// Checks a move. `has_refund` says whether a refund of the operation is known at Stripe.
///
/// Once a refund is known it only moves forward, in whatever order events arrive: pending, then succeeded, then failed
/// or canceled.
///
/// # Errors
/// When the move is not permitted.
pub fn check(from: State, to: State, has_refund: bool) -> Result<(), LedgerError> {
    let permitted = match from {
        State::Pending => matches!(to, State::Succeeded | State::Failed | State::Canceled),
        State::Succeeded => matches!(to, State::Failed | State::Canceled),
        State::Failed => false,
        State::Canceled if has_refund => false,
        // Called off here, and nevertheless Stripe shows a refund: Stripe is right.
        State::Canceled => to.has_refund(),
        State::Planned => to != State::Planned && to != State::OutcomeUnknown,
        State::Sent => true,
        State::OutcomeUnknown => to != State::OutcomeUnknown,
        // Asked again: as it was, or with corrected values, which are planned anew.
        State::Refused | State::NeedsApproval => {
            matches!(to, State::Sent | State::Planned | State::Canceled) || to.has_refund()
        }
    };
    if permitted { Ok(()) } else { Err(LedgerError::Move { from, to }) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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
            assert!(check(from, to, true).is_err(), "{from} to {to}");
        }
        assert!(check(State::Canceled, State::Sent, true).is_err());
        assert!(check(State::Canceled, State::Sent, false).is_err());
    }

    #[test]
    fn a_refund_is_never_taken_back() {
        for from in State::ALL.into_iter().filter(|state| state.has_refund()) {
            for to in State::ALL.into_iter().filter(|to| check(from, *to, true).is_ok()) {
                assert!(to.has_refund() || to == State::Canceled, "{from} to {to}");
            }
        }
    }

    #[test]
    fn a_status_that_is_not_known_yet_is_under_way() {
        assert_eq!(state_of(None), State::Pending);
        assert_eq!(state_of(Some(&RefundStatus::RequiresAction)), State::Pending);
        assert_eq!(state_of(Some(&RefundStatus::from("something_new"))), State::Pending);
        assert_eq!(state_of(Some(&RefundStatus::Failed)), State::Failed);
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
                let next = state_of(Some(&RefundStatus::from(*status)));
                if check(state, next, state.has_refund()).is_ok() {
                    state = next;
                }
            }
            prop_assert_eq!(state, State::Failed);
        }
    }
}
