//! The dispatch of a pipeline: the operations of the node, and one more.

use refund_core::client::ConnectionInput;
use refund_core::dispatch::{self, Failure, FailureKind, InvokeError};
use refund_core::problem::FieldProblem;
use serde::de::DeserializeOwned;

use crate::batch::{HasReport, settle};
use crate::bindings::exports::refund_node::refunds::node as exported;
use crate::bindings::refund_node::refunds::node;
use crate::imported::{Imported, Invoke};
use crate::manifest::Addition;
use crate::node::Node;

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
    fn run(input: Self::Input, node: &mut impl Node) -> Result<Self::Output, InvokeError>;
}

impl<P: Pipeline> exported::Guest for P {
    fn describe() -> String {
        Addition::read(P::MANIFEST).joined(&node::describe())
    }

    fn invoke(operation: String, input: String) -> Result<String, node::InvokeError> {
        if operation == P::OPERATION {
            return run::<P>(&input).map_err(to_wit);
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
    let mut node = Imported::new(Composed, input.connection());
    dispatch::write(&settle(P::run(input, &mut node)?)?)
}

/// The node that the component was composed with.
struct Composed;

impl Invoke for Composed {
    fn invoke(&mut self, operation: &str, input: &str) -> Result<String, InvokeError> {
        node::invoke(operation, input).map_err(from_wit)
    }
}

fn from_wit(error: node::InvokeError) -> InvokeError {
    match error {
        node::InvokeError::UnknownOperation(known) => InvokeError::UnknownOperation(known),
        node::InvokeError::InvalidInput(found) => {
            let problem = |node::FieldProblem { field, value, problem, fix }| FieldProblem {
                field,
                value,
                problem,
                fix,
            };
            InvokeError::InvalidInput(found.into_iter().map(problem).collect())
        }
        node::InvokeError::Failed(failure) => InvokeError::Failed(Failure {
            kind: match failure.kind {
                node::FailureKind::Denied => FailureKind::Denied,
                node::FailureKind::NeedsApproval => FailureKind::NeedsApproval,
                node::FailureKind::Conflict => FailureKind::Conflict,
                node::FailureKind::Refused => FailureKind::Refused,
                node::FailureKind::Transport => FailureKind::Transport,
                node::FailureKind::OutcomeUnknown | node::FailureKind::Other => {
                    FailureKind::OutcomeUnknown
                }
                node::FailureKind::Rejected => FailureKind::Rejected,
            },
            message: failure.message,
            retryable: failure.retryable,
            retry_after: failure.retry_after,
            details: failure.details,
        }),
    }
}

fn to_wit(error: InvokeError) -> node::InvokeError {
    match error {
        InvokeError::UnknownOperation(known) => node::InvokeError::UnknownOperation(known),
        InvokeError::InvalidInput(found) => {
            let problem = |FieldProblem { field, value, problem, fix }| node::FieldProblem {
                field,
                value,
                problem,
                fix,
            };
            node::InvokeError::InvalidInput(found.into_iter().map(problem).collect())
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
