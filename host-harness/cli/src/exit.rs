//! Exit codes and error messages. The exit codes of outcomes are in `refund_app::outcome::table`.

use std::process::ExitCode;

use refund_app::outcome::CallProblem;
use refund_app::outcome::table::{
    EXIT_BAD_INPUT, EXIT_DENIED, EXIT_FAILED, EXIT_MACHINE, EXIT_NEEDS_APPROVAL, EXIT_STOPPED,
};
use refund_app::{AskError, Called, DecideError, OperationError, OutcomeKind};
use refund_core::dispatch::InvokeError;
use refund_core::problem::FieldProblem;

use crate::terminal;

/// An error with an exit code of its own.
#[derive(Debug)]
pub(crate) struct Exit {
    code: u8,
    message: String,
}

impl Exit {
    fn with(code: u8, message: impl std::fmt::Display) -> anyhow::Error {
        Self { code, message: message.to_string() }.into()
    }

    pub(crate) fn bad_input(message: impl std::fmt::Display) -> anyhow::Error {
        Self::with(EXIT_BAD_INPUT, message)
    }

    pub(crate) fn stopped(message: impl std::fmt::Display) -> anyhow::Error {
        Self::with(EXIT_STOPPED, message)
    }

    pub(crate) fn failed(message: impl std::fmt::Display) -> anyhow::Error {
        Self::with(EXIT_FAILED, message)
    }

    /// As the table has it.
    pub(crate) fn of(kind: OutcomeKind, message: impl std::fmt::Display) -> anyhow::Error {
        Self::with(kind.row().exit, message)
    }

    /// An operation that was passed through gave no output.
    pub(crate) fn of_call(problem: &CallProblem) -> anyhow::Error {
        let problems = problem.problems();
        if problems.is_empty() {
            return Self::of(problem.kind(), problem);
        }
        Self::of(problem.kind(), list(&problems))
    }

    /// An operation that changes nothing gave no output.
    pub(crate) fn of_read<E: Into<InvokeError>>(error: OperationError<E>) -> anyhow::Error {
        match error {
            OperationError::Failed(error) => Self::of_failure(error.into()),
            OperationError::NoAnswer(said) => Self::of(
                OutcomeKind::NoAnswer,
                format_args!("{said}; nothing was sent that changes anything at Stripe"),
            ),
        }
    }

    /// The output of an operation, which may have changed something.
    pub(crate) fn of_change<T, E: Into<InvokeError>>(called: Called<T, E>) -> anyhow::Result<T> {
        called.result.map_err(|error| match error {
            OperationError::NoAnswer(said) if called.changes_sent > 0 => Self::of(
                OutcomeKind::Unknown,
                format_args!(
                    "{said}; a change may have been made at Stripe: read the object again"
                ),
            ),
            error => Self::of_read(error),
        })
    }

    fn of_failure(error: InvokeError) -> anyhow::Error {
        match error {
            InvokeError::Failed(failure) => Self::of(failure.kind.into(), failure.message),
            InvokeError::InvalidInput(problems) => Self::bad_input(list(&problems)),
            InvokeError::UnknownOperation(known) => {
                Self::bad_input(format_args!("there are only: {}", known.join(", ")))
            }
        }
    }

    /// The ledger failed.
    pub(crate) fn of_ask(error: &AskError) -> anyhow::Error {
        Self::of(error.kind(), error)
    }

    /// A decision does not count.
    pub(crate) fn of_decision(error: &DecideError) -> anyhow::Error {
        let code = match error {
            DecideError::Ledger(_) => EXIT_MACHINE,
            DecideError::Unknown(_) => EXIT_BAD_INPUT,
            DecideError::NotApproved { .. } => EXIT_NEEDS_APPROVAL,
            _ => EXIT_DENIED,
        };
        Self::with(code, error)
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
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n       ")
}

/// Says on stderr what went wrong, and gives the exit code.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    terminal::say(format_args!("error: {error:#}"));
    ExitCode::from(code_of(error))
}

/// The exit code of an error.
pub(crate) fn code_of(error: &anyhow::Error) -> u8 {
    error.downcast_ref::<Exit>().map_or(EXIT_MACHINE, |exit| exit.code)
}
