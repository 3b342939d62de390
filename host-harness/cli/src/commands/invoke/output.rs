//! What an operation gave, and why it gave nothing.

use refund_app::outcome::CallProblem;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::exit::{self, Exit};

/// What is printed, and the exit code.
pub(super) struct Output {
    pub(super) json: Box<RawValue>,
    /// What to say on stderr.
    pub(super) message: Option<String>,
    pub(super) code: u8,
}

impl Output {
    pub(super) fn new(
        json: &impl Serialize,
        code: u8,
        message: Option<String>,
    ) -> Result<Self, serde_json::Error> {
        Ok(Self { json: to_raw_value(json)?, code, message })
    }
}

/// Why there is no output.
pub(super) enum NoOutput {
    /// The component gave none.
    Component(CallProblem),
    /// It was not asked, or the ledger failed.
    Here(anyhow::Error),
}

impl From<CallProblem> for NoOutput {
    fn from(problem: CallProblem) -> Self {
        Self::Component(problem)
    }
}

impl From<serde_json::Error> for NoOutput {
    fn from(error: serde_json::Error) -> Self {
        Self::Here(error.into())
    }
}

impl NoOutput {
    pub(super) fn exit(self) -> anyhow::Error {
        match self {
            Self::Component(problem) => Exit::of_call(&problem),
            Self::Here(error) => error,
        }
    }

    pub(super) fn code(&self) -> u8 {
        match self {
            Self::Component(problem) => problem.kind().row().exit,
            Self::Here(error) => exit::code_of(error),
        }
    }

    /// For programs.
    pub(super) fn json(&self) -> Option<Box<RawValue>> {
        match self {
            Self::Component(problem) => RawValue::from_string(problem.json()).ok(),
            Self::Here(error) => {
                to_raw_value(&HostError { kind: "host", message: format!("{error:#}") }).ok()
            }
        }
    }
}

#[derive(Serialize)]
struct HostError {
    kind: &'static str,
    message: String,
}
