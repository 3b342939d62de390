//! How the node fails, in names that say to Obelisk whether to try again.

use refund_wrapper::InputError;

use crate::bindings::exports::refund_node::obelisk::activity::{Error, Failure, Problem};
use crate::bindings::refund_node::refunds::node::{self, FailureKind, InvokeError};
use crate::bindings::refund_node::refunds::types::FieldProblem;

impl From<InvokeError> for Error {
    fn from(error: InvokeError) -> Self {
        match error {
            InvokeError::UnknownOperation(known) => Self::PermanentUnknownOperation(known),
            InvokeError::InvalidInput(found) => {
                let problem = |FieldProblem { field, value, problem, fix }| Problem {
                    field,
                    value,
                    problem,
                    fix,
                };
                Self::PermanentInvalidInput(found.into_iter().map(problem).collect())
            }
            InvokeError::Failed(failure) => failed(failure),
        }
    }
}

/// The node knows whether the same call may succeed later; only what it says so of is tried again.
fn failed(failure: node::Failure) -> Error {
    let node::Failure { kind, message, retryable, retry_after, details } = failure;
    let told = Failure { message, retry_after, details };
    match (kind, retryable) {
        (FailureKind::Refused, true) => Error::Refused(told),
        (FailureKind::Refused, false) => Error::PermanentRefused(told),
        (FailureKind::Transport, true) => Error::Transport(told),
        (FailureKind::Transport, false) => Error::PermanentTransport(told),
        (FailureKind::OutcomeUnknown | FailureKind::Other, true) => Error::OutcomeUnknown(told),
        (FailureKind::OutcomeUnknown | FailureKind::Other, false) => {
            Error::PermanentOutcomeUnknown(told)
        }
        (FailureKind::Denied, _) => Error::PermanentDenied(told),
        (FailureKind::NeedsApproval, _) => Error::PermanentNeedsApproval(told),
        (FailureKind::Conflict, _) => Error::PermanentConflict(told),
        (FailureKind::Rejected, _) => Error::PermanentRejected(told),
    }
}

impl From<InputError> for Error {
    fn from(error: InputError) -> Self {
        let (field, problem, fix) = match error {
            InputError::NotAnObject(problem) => ("input", problem, "give a JSON object"),
            InputError::NamesConnection => (
                "connection",
                "does not belong in the input".to_owned(),
                "leave it out: the deployment says where Stripe is and as whom",
            ),
        };
        invalid(field, problem, fix)
    }
}

/// One problem, without the value, which is missing or may be secret.
pub(crate) fn invalid(field: &str, problem: String, fix: &str) -> Error {
    let (field, fix) = (field.to_owned(), fix.to_owned());
    Error::PermanentInvalidInput(vec![Problem { field, value: String::new(), problem, fix }])
}

/// The node's output is not as its manifest says. What was done is done: trying again finds the same.
pub(crate) fn not_understood(why: &serde_json::Error) -> Error {
    Error::PermanentOutcomeUnknown(Failure {
        message: format!(
            "the operation succeeded, and its output cannot be read ({why}): use `invoke`"
        ),
        retry_after: None,
        details: "{}".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [FailureKind; 8] = [
        FailureKind::Denied,
        FailureKind::NeedsApproval,
        FailureKind::Conflict,
        FailureKind::Refused,
        FailureKind::Transport,
        FailureKind::OutcomeUnknown,
        FailureKind::Rejected,
        FailureKind::Other,
    ];

    /// A case by its name in WIT.
    fn name(error: &Error) -> &'static str {
        match error {
            Error::ExecutionFailed => "execution-failed",
            Error::Refused(_) => "refused",
            Error::Transport(_) => "transport",
            Error::OutcomeUnknown(_) => "outcome-unknown",
            Error::PermanentInvalidInput(_) => "permanent-invalid-input",
            Error::PermanentUnknownOperation(_) => "permanent-unknown-operation",
            Error::PermanentNoKey => "permanent-no-key",
            Error::PermanentDenied(_) => "permanent-denied",
            Error::PermanentNeedsApproval(_) => "permanent-needs-approval",
            Error::PermanentConflict(_) => "permanent-conflict",
            Error::PermanentRefused(_) => "permanent-refused",
            Error::PermanentTransport(_) => "permanent-transport",
            Error::PermanentOutcomeUnknown(_) => "permanent-outcome-unknown",
            Error::PermanentRejected(_) => "permanent-rejected",
        }
    }

    fn case(kind: FailureKind, retryable: bool) -> &'static str {
        name(&failed(node::Failure {
            kind,
            message: String::new(),
            retryable,
            retry_after: None,
            details: String::new(),
        }))
    }

    #[test]
    fn what_the_node_does_not_offer_again_is_permanent() {
        for kind in KINDS {
            assert!(case(kind, false).starts_with("permanent-"), "{kind:?}");
        }
    }

    #[test]
    fn what_may_succeed_later_is_not() {
        for (kind, expected) in [
            (FailureKind::Refused, "refused"),
            (FailureKind::Transport, "transport"),
            (FailureKind::OutcomeUnknown, "outcome-unknown"),
            (FailureKind::Other, "outcome-unknown"),
        ] {
            assert_eq!(case(kind, true), expected);
            assert_eq!(case(kind, false), format!("permanent-{expected}"));
        }
    }

    #[test]
    fn a_no_stays_a_no() {
        for (kind, expected) in [
            (FailureKind::Denied, "permanent-denied"),
            (FailureKind::NeedsApproval, "permanent-needs-approval"),
            (FailureKind::Conflict, "permanent-conflict"),
            (FailureKind::Rejected, "permanent-rejected"),
        ] {
            assert_eq!((case(kind, true), case(kind, false)), (expected, expected));
        }
    }

    #[test]
    fn nothing_is_done_on_bad_input() {
        let unknown = InvokeError::UnknownOperation(Vec::new());
        assert_eq!(name(&unknown.into()), "permanent-unknown-operation");
        let invalid = InvokeError::InvalidInput(Vec::new());
        assert_eq!(name(&invalid.into()), "permanent-invalid-input");
        assert_eq!(name(&InputError::NamesConnection.into()), "permanent-invalid-input");
    }
}
