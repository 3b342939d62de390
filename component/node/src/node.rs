//! Exports `node`.

use refund_core::dispatch::{self, FailureKind, InvokeError};

use crate::Component;
use crate::bindings::exports::refund_node::refunds::node as wit;
use crate::types::problems_to_wit;

impl wit::Guest for Component {
    fn describe() -> String {
        let manifest =
            if cfg!(feature = "http") { dispatch::MANIFEST } else { dispatch::PURE_MANIFEST };
        manifest.to_owned()
    }

    fn invoke(operation: String, input: String) -> Result<String, wit::InvokeError> {
        #[cfg(feature = "http")]
        let output = dispatch::invoke(&mut crate::transport::Wasi, &operation, &input);
        #[cfg(not(feature = "http"))]
        let output = dispatch::invoke_pure(&operation, &input);
        output.map_err(invoke_error_to_wit)
    }
}

fn invoke_error_to_wit(error: InvokeError) -> wit::InvokeError {
    match error {
        InvokeError::UnknownOperation(known) => wit::InvokeError::UnknownOperation(known),
        InvokeError::InvalidInput(found) => wit::InvokeError::InvalidInput(problems_to_wit(found)),
        InvokeError::Failed(failure) => wit::InvokeError::Failed(wit::Failure {
            kind: match failure.kind {
                FailureKind::Denied => wit::FailureKind::Denied,
                FailureKind::NeedsApproval => wit::FailureKind::NeedsApproval,
                FailureKind::Conflict => wit::FailureKind::Conflict,
                FailureKind::Refused => wit::FailureKind::Refused,
                FailureKind::Transport => wit::FailureKind::Transport,
                FailureKind::OutcomeUnknown => wit::FailureKind::OutcomeUnknown,
                FailureKind::Rejected => wit::FailureKind::Rejected,
            },
            message: failure.message,
            retryable: failure.retryable,
            retry_after: failure.retry_after,
            details: failure.details,
        }),
    }
}
