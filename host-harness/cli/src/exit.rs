//! Exit codes and error messages.

use std::process::ExitCode;

use refund_host::api::node::{FailureKind, InvokeError};
use refund_host::api::types::FieldProblem;

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

    pub(crate) fn failed(message: impl std::fmt::Display) -> anyhow::Error {
        Self { code: FAILED, message: message.to_string() }.into()
    }

    /// An operation that gave no output.
    pub(crate) fn of(error: InvokeError) -> anyhow::Error {
        let (code, message) = match error {
            InvokeError::UnknownOperation(known) => {
                (BAD_INPUT, format!("there is no such operation; there are: {}", known.join(", ")))
            }
            InvokeError::InvalidInput(problems) => (BAD_INPUT, list(&problems)),
            InvokeError::Failed(failure) => {
                let code = match failure.kind {
                    FailureKind::Denied | FailureKind::Conflict => DENIED,
                    FailureKind::NeedsApproval => NEEDS_APPROVAL,
                    FailureKind::Refused | FailureKind::Transport => FAILED,
                    FailureKind::OutcomeUnknown => UNKNOWN,
                    FailureKind::Rejected => 1,
                };
                (code, failure.message)
            }
        };
        Self { code, message }.into()
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
    let code = error.downcast_ref::<Exit>().map_or(1, |exit| exit.code);
    ExitCode::from(code)
}
