//! The dispatch of a pipeline: the operations of the node, and one more.

use refund_core::client::ConnectionInput;
use refund_core::dispatch::{self, FailureKind, InvokeError};
use serde::de::DeserializeOwned;

use crate::batch::{HasReport, settle};
use crate::bindings::exports::refund_node::refunds::node as exported;
use crate::bindings::refund_node::refunds::node;
use crate::imported::Imported;
use crate::imports::{Billing, Credits, Live, Refunds};
use crate::manifest::Addition;
use crate::outward;

/// An input names the Stripe to talk to.
pub trait Input: DeserializeOwned {
    /// Which.
    fn connection(&self) -> &ConnectionInput;
}

/// A pipeline: one operation, over those of the node.
pub trait Pipeline {
    /// The name of its operation.
    const OPERATION: &'static str;
    /// What it adds to the node's manifest; made by `schema::manifest`.
    const MANIFEST: &'static str;
    /// What it takes.
    type Input: Input;
    /// What it answers.
    type Output: HasReport;

    /// Runs it.
    fn run(
        input: Self::Input,
        node: &mut (impl Live + Refunds + Credits + Billing),
    ) -> Result<Self::Output, InvokeError>;
}

impl<P: Pipeline> exported::Guest for P {
    fn describe() -> String {
        Addition::read(P::MANIFEST).joined(&node::describe())
    }

    fn invoke(operation: String, input: String) -> Result<String, node::InvokeError> {
        if operation == P::OPERATION {
            return run::<P>(&input).map_err(invoke_error);
        }
        node::invoke(&operation, &input).map_err(|error| match error {
            node::InvokeError::UnknownOperation(mut known) => {
                known.push(P::OPERATION.to_owned());
                node::InvokeError::UnknownOperation(known)
            }
            other => other,
        })
    }
}

fn run<P: Pipeline>(input: &str) -> Result<String, InvokeError> {
    let input: P::Input = dispatch::read(input)?;
    dispatch::connect(input.connection().clone())?;
    let mut node = Imported::new(input.connection());
    dispatch::write(&settle(P::run(input, &mut node)?)?)
}

fn invoke_error(error: InvokeError) -> node::InvokeError {
    match error {
        InvokeError::UnknownOperation(known) => node::InvokeError::UnknownOperation(known),
        InvokeError::InvalidInput(found) => {
            node::InvokeError::InvalidInput(outward::problems(found))
        }
        InvokeError::Failed(failure) => node::InvokeError::Failed(node::Failure {
            kind: match failure.kind {
                FailureKind::Denied => node::FailureKind::Denied,
                FailureKind::NeedsApproval => node::FailureKind::NeedsApproval,
                FailureKind::Conflict => node::FailureKind::Conflict,
                FailureKind::Refused => node::FailureKind::Refused,
                FailureKind::Transport => node::FailureKind::Transport,
                FailureKind::OutcomeUnknown => node::FailureKind::OutcomeUnknown,
                FailureKind::Rejected => node::FailureKind::Rejected,
            },
            message: failure.message,
            retryable: failure.retryable,
            retry_after: failure.retry_after,
            details: failure.details,
        }),
    }
}
