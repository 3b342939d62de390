//! Exit codes and error messages.

use std::process::ExitCode;

use refund_host::CallError;
use refund_host::api::node::{FailureKind, InvokeError};
use refund_host::api::types::FieldProblem;
use serde_json::{Value, json};

/// Somebody typed something that makes no sense.
pub(crate) const BAD_INPUT: u8 = 2;
/// Somebody must approve first.
pub(crate) const NEEDS_APPROVAL: u8 = 3;
/// Denied.
pub(crate) const DENIED: u8 = 4;
/// Stripe refused, or there was no usable answer.
pub(crate) const FAILED: u8 = 5;
/// Nobody knows.
pub(crate) const UNKNOWN: u8 = 6;

/// Ended before the end.
pub(crate) const STOPPED: u8 = 7;
/// Two records do not say the same.
pub(crate) const DIFFERS: u8 = 8;

/// An error with an exit code of its own.
#[derive(Debug)]
pub(crate) struct Exit {
    code: u8,
    message: String,
}

impl Exit {
    pub(crate) fn bad_input(message: impl std::fmt::Display) -> anyhow::Error {
        Self { code: BAD_INPUT, message: message.to_string() }.into()
    }

    pub(crate) fn denied(message: impl std::fmt::Display) -> anyhow::Error {
        Self { code: DENIED, message: message.to_string() }.into()
    }

    pub(crate) fn needs_approval(message: impl std::fmt::Display) -> anyhow::Error {
        Self { code: NEEDS_APPROVAL, message: message.to_string() }.into()
    }

    pub(crate) fn unknown(message: impl std::fmt::Display) -> anyhow::Error {
        Self { code: UNKNOWN, message: message.to_string() }.into()
    }

    pub(crate) fn stopped(message: impl std::fmt::Display) -> anyhow::Error {
        Self { code: STOPPED, message: message.to_string() }.into()
    }

    pub(crate) fn failed(message: impl std::fmt::Display) -> anyhow::Error {
        Self { code: FAILED, message: message.to_string() }.into()
    }

    /// A call that came to no answer.
    pub(crate) fn of_call(error: &CallError) -> anyhow::Error {
        Self { code: code_of_call(error), message: error.to_string() }.into()
    }

    /// An operation that gave no output.
    pub(crate) fn of(error: InvokeError) -> anyhow::Error {
        let code = code(&error);
        let message = match error {
            InvokeError::UnknownOperation(known) => {
                format!("there is no such operation; there are: {}", known.join(", "))
            }
            InvokeError::InvalidInput(problems) => list(&problems),
            InvokeError::Failed(failure) => failure.message,
        };
        Self { code, message }.into()
    }
}

/// The exit code of an operation that gave no output.
pub(crate) fn code(error: &InvokeError) -> u8 {
    let InvokeError::Failed(failure) = error else { return BAD_INPUT };
    match failure.kind {
        FailureKind::Denied | FailureKind::Conflict => DENIED,
        FailureKind::NeedsApproval => NEEDS_APPROVAL,
        FailureKind::Refused | FailureKind::Transport => FAILED,
        FailureKind::OutcomeUnknown => UNKNOWN,
        FailureKind::Rejected => 1,
    }
}

/// The exit code of a call that came to no answer: it may have made a refund before it was stopped.
pub(crate) fn code_of_call(error: &CallError) -> u8 {
    match error {
        CallError::Limit(_) | CallError::Trap(_) => UNKNOWN,
        _ => FAILED,
    }
}

/// The error of an operation as JSON, the same on every platform (platforms/conformance/README.md).
pub(crate) fn json(error: &InvokeError) -> Value {
    match error {
        InvokeError::UnknownOperation(known) => {
            json!({ "kind": "unknown-operation", "known": known })
        }
        InvokeError::InvalidInput(problems) => {
            let one = |problem: &FieldProblem| {
                json!({
                    "field": problem.field, "value": problem.value,
                    "problem": problem.problem, "fix": problem.fix,
                })
            };
            json!({ "kind": "invalid-input", "problems": problems.iter().map(one).collect::<Vec<_>>() })
        }
        InvokeError::Failed(failure) => json!({
            "kind": word(failure.kind),
            "message": failure.message,
            "retryable": failure.retryable,
            "retry_after": failure.retry_after,
            "details": serde_json::from_str::<Value>(&failure.details).unwrap_or_default(),
        }),
    }
}

/// The contract's word.
fn word(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::Denied => "denied",
        FailureKind::NeedsApproval => "needs-approval",
        FailureKind::Conflict => "conflict",
        FailureKind::Refused => "refused",
        FailureKind::Transport => "transport",
        FailureKind::OutcomeUnknown => "outcome-unknown",
        FailureKind::Rejected => "rejected",
    }
}

impl std::fmt::Display for Exit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Exit {}

/// Problems of an input, one a line when there are several.
pub(crate) fn list(problems: &[FieldProblem]) -> String {
    let one = |problem: &FieldProblem| {
        let value =
            if problem.value.is_empty() { String::new() } else { format!(" `{}`", problem.value) };
        format!("{}{value} {}: {}", problem.field, problem.problem, problem.fix)
    };
    problems.iter().map(one).collect::<Vec<_>>().join("\n       ")
}

/// Says what went wrong, on stderr, and gives the exit code.
#[expect(clippy::print_stderr, reason = "this is where messages go")]
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    ExitCode::from(code_of(error))
}

/// The exit code of an error.
pub(crate) fn code_of(error: &anyhow::Error) -> u8 {
    error.downcast_ref::<Exit>().map_or(1, |exit| exit.code)
}
