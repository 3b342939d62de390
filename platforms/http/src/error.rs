//! Why there is no output, and which status that is.

use refund_wrapper::{Code, JsonError, Problem};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::bindings::refund_node::refunds::node::{Failure, FailureKind, InvokeError};
use crate::bindings::refund_node::refunds::types::FieldProblem;
use crate::wire::{Answer, MOST};

/// Seconds to wait before sending again, where nobody named any.
const PAUSE: u32 = 5;

/// Why there is no output.
pub(crate) enum Error {
    /// A path is asked in another way.
    Method { allowed: &'static str },
    /// The body is not JSON.
    ContentType { given: String },
    /// The body is too large.
    TooLarge,
    /// Nobody says on whose account.
    MissingKey,
    /// It says why.
    WrongKey(&'static str),
    /// Real money, and nobody said that it may be.
    LiveKey,
    /// No such operation: the names of those there are.
    UnknownOperation(Vec<String>),
    /// The input does not fit; nothing was done.
    Invalid(Vec<Problem>),
    /// The operation ran and failed.
    Failed(Failure),
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Invalid(vec![problem])
    }
}

impl From<InvokeError> for Error {
    fn from(error: InvokeError) -> Self {
        let problem =
            |FieldProblem { field, value, problem, fix }| Problem { field, value, problem, fix };
        match error {
            InvokeError::UnknownOperation(known) => Self::UnknownOperation(known),
            InvokeError::InvalidInput(found) => {
                Self::Invalid(found.into_iter().map(problem).collect())
            }
            InvokeError::Failed(failure) => Self::Failed(failure),
        }
    }
}

impl Error {
    /// What is sent.
    pub(crate) fn answer(self) -> Answer {
        let status = self.status();
        let mut headers = Vec::new();
        match &self {
            Self::Method { allowed } => headers.push(("allow", (*allowed).to_owned())),
            Self::MissingKey | Self::WrongKey(_) => {
                headers.push(("www-authenticate", "Bearer".to_owned()));
            }
            Self::Failed(failure) if matches!(status, 503 | 504) => {
                headers.push(("retry-after", failure.retry_after.unwrap_or(PAUSE).to_string()));
            }
            _ => {}
        }
        Answer { status, headers, body: self.body() }
    }

    /// 503 and 504 are worth the same request again, with the same operation id; no other is.
    fn status(&self) -> u16 {
        match self {
            Self::Invalid(_) => 400,
            Self::MissingKey | Self::WrongKey(_) => 401,
            Self::LiveKey => 403,
            Self::UnknownOperation(_) => 404,
            Self::Method { .. } => 405,
            Self::TooLarge => 413,
            Self::ContentType { .. } => 415,
            Self::Failed(failure) => match (failure.kind, failure.retryable) {
                (FailureKind::Conflict, _) => 409,
                (FailureKind::Refused | FailureKind::Transport, true) => 503,
                (FailureKind::OutcomeUnknown, true) => 504,
                (FailureKind::Transport | FailureKind::OutcomeUnknown, false) => 502,
                (
                    FailureKind::Denied
                    | FailureKind::NeedsApproval
                    | FailureKind::Refused
                    | FailureKind::Rejected,
                    _,
                ) => 422,
            },
        }
    }

    fn body(self) -> String {
        #[derive(Serialize)]
        struct Body {
            error: JsonError,
        }
        // Nothing in it can fail to be written: all names are text.
        serde_json::to_string(&Body { error: self.json() }).unwrap_or_default()
    }

    fn json(self) -> JsonError {
        let problem = |problem| JsonError::invalid_input(vec![problem]);
        match self {
            Self::Method { allowed } => {
                problem(Problem::new("method", "is another one", format!("use {allowed}")))
            }
            Self::ContentType { given } => problem(Problem {
                value: given.chars().take(60).collect(),
                ..Problem::new(
                    "content-type",
                    "is not application/json",
                    "send the input as a JSON object, as content-type: application/json",
                )
            }),
            Self::TooLarge => problem(Problem::new(
                "body",
                format!("is larger than {MOST} bytes"),
                "send less at once",
            )),
            Self::MissingKey => JsonError::host(
                Code::MissingKey,
                "no key was sent: send your Stripe key as Authorization: Bearer sk_test_...",
            ),
            Self::WrongKey(why) => JsonError::host(Code::WrongKey, why),
            Self::LiveKey => JsonError::host(
                Code::LiveKey,
                "this key moves real money, and the request does not say that it may: send a test key, or x-refund-node-live: true",
            ),
            Self::UnknownOperation(known) => JsonError::unknown_operation(known),
            Self::Invalid(problems) => JsonError::invalid_input(problems),
            Self::Failed(failure) => failed(failure),
        }
    }
}

fn failed(failure: Failure) -> JsonError {
    let Failure { kind, message, retryable, retry_after, details } = failure;
    let kind = match kind {
        FailureKind::Denied => JsonError::Denied,
        FailureKind::NeedsApproval => JsonError::NeedsApproval,
        FailureKind::Conflict => JsonError::Conflict,
        FailureKind::Refused => JsonError::Refused,
        FailureKind::Transport => JsonError::Transport,
        FailureKind::OutcomeUnknown => JsonError::OutcomeUnknown,
        FailureKind::Rejected => JsonError::Rejected,
    };
    let details = RawValue::from_string(details).unwrap_or_default();
    kind(refund_wrapper::Failure { message, retryable, retry_after, details })
}
