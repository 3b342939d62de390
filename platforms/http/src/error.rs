//! Why there is no output, and which status that is.

use refund_wrapper::{Code, JsonError, Problem};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::bindings::refund_node::refunds::node::{Failure, FailureKind, InvokeError};
use crate::bindings::refund_node::refunds::types::FieldProblem;
use crate::wire::{Answer, MOST};

/// Seconds to wait before sending again, where the node names none.
const PAUSE: u32 = 5;

/// Why there is no output, as it is sent.
pub(crate) struct Error {
    status: u16,
    headers: Vec<(&'static str, String)>,
    json: JsonError,
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::invalid(400, problem)
    }
}

impl From<InvokeError> for Error {
    fn from(error: InvokeError) -> Self {
        let problem =
            |FieldProblem { field, value, problem, fix }| Problem { field, value, problem, fix };
        match error {
            InvokeError::UnknownOperation(known) => Self::unknown_operation(known),
            InvokeError::InvalidInput(found) => {
                let problems = found.into_iter().map(problem).collect();
                Self::new(400, JsonError::invalid_input(problems))
            }
            InvokeError::Failed(failure) => failed(failure),
        }
    }
}

impl Error {
    fn new(status: u16, json: JsonError) -> Self {
        Self { status, headers: Vec::new(), json }
    }

    fn invalid(status: u16, problem: Problem) -> Self {
        Self::new(status, JsonError::invalid_input(vec![problem]))
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// The path takes another method.
    pub(crate) fn method(allowed: &'static str) -> Self {
        let problem = Problem::new("method", "is another one", format!("use {allowed}"));
        Self::invalid(405, problem).with("allow", allowed)
    }

    /// The body is not JSON.
    pub(crate) fn content_type(given: &str) -> Self {
        let problem = Problem {
            value: given.chars().take(60).collect(),
            ..Problem::new(
                "content-type",
                "is not application/json",
                "send the input as a JSON object, as content-type: application/json",
            )
        };
        Self::invalid(415, problem)
    }

    pub(crate) fn too_large() -> Self {
        let problem = format!("is larger than {MOST} bytes");
        Self::invalid(413, Problem::new("body", problem, "send less at once"))
    }

    pub(crate) fn missing_key() -> Self {
        let message = "no key was sent: send your Stripe key as Authorization: Bearer sk_test_...";
        Self::new(401, JsonError::host(Code::MissingKey, message))
            .with("www-authenticate", "Bearer")
    }

    pub(crate) fn wrong_key(why: &str) -> Self {
        Self::new(401, JsonError::host(Code::WrongKey, why)).with("www-authenticate", "Bearer")
    }

    pub(crate) fn live_key() -> Self {
        let message = "this key moves real money, and the request does not say that it may: send a test key, or x-refund-node-live: true";
        Self::new(403, JsonError::host(Code::LiveKey, message))
    }

    pub(crate) fn unknown_operation(known: Vec<String>) -> Self {
        Self::new(404, JsonError::unknown_operation(known))
    }

    /// What is sent.
    pub(crate) fn answer(self) -> Answer {
        #[derive(Serialize)]
        struct Body {
            error: JsonError,
        }
        let Self { status, headers, json } = self;
        // Nothing in it can fail to be written: all names are text.
        let body = serde_json::to_string(&Body { error: json }).unwrap_or_default();
        Answer { status, headers, body }
    }
}

/// 503 and 504 are worth the same request again, with the same operation id; no other is.
fn failed(failure: Failure) -> Error {
    let Failure { kind, message, retryable, retry_after, details } = failure;
    let (json, status, again): (fn(refund_wrapper::Failure<_>) -> JsonError, _, _) = match kind {
        FailureKind::Denied => (JsonError::Denied, 422, 422),
        FailureKind::NeedsApproval => (JsonError::NeedsApproval, 422, 422),
        FailureKind::Conflict => (JsonError::Conflict, 409, 409),
        FailureKind::Refused => (JsonError::Refused, 422, 503),
        FailureKind::Transport => (JsonError::Transport, 502, 503),
        FailureKind::OutcomeUnknown | FailureKind::Other => (JsonError::OutcomeUnknown, 502, 504),
        FailureKind::Rejected => (JsonError::Rejected, 422, 422),
    };
    let status = if retryable { again } else { status };
    let details = RawValue::from_string(details).unwrap_or_default();
    let json = json(refund_wrapper::Failure { message, retryable, retry_after, details });
    let error = Error::new(status, json);
    match status {
        503 | 504 => error.with("retry-after", &retry_after.unwrap_or(PAUSE).to_string()),
        _ => error,
    }
}
