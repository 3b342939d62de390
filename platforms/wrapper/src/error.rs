//! An error as JSON, the same on every platform: see `platforms/conformance/README.md`.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Why a call has no output. `D` is how the details are held: as text, or read.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum JsonError<D = Box<RawValue>> {
    /// There is no such operation.
    UnknownOperation {
        /// One sentence for people.
        message: String,
        /// The names of the operations there are.
        known: Vec<String>,
    },
    /// The input does not fit the operation. Nothing was sent.
    InvalidInput {
        /// One sentence for people.
        message: String,
        /// Every field that is wrong.
        problems: Vec<Problem>,
    },
    /// The embedding refused the call, or ended it.
    Host {
        /// Why.
        code: Code,
        /// One sentence for people.
        message: String,
        /// What the call can have done, where the embedding counts what leaves.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        money_state: Option<MoneyState>,
    },
    /// A rule of Stripe or of the policy forbids it.
    Denied(Failure<D>),
    /// A person has to approve it first.
    NeedsApproval(Failure<D>),
    /// The operation id or the approval belongs to something else.
    Conflict(Failure<D>),
    /// Stripe refused.
    Refused(Failure<D>),
    /// No usable answer came; nothing was changed.
    Transport(Failure<D>),
    /// It may have been made.
    OutcomeUnknown(Failure<D>),
    /// The data given was rejected.
    Rejected(Failure<D>),
}

/// What is wrong with one field.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Problem {
    /// Its path.
    pub field: String,
    /// Its value; empty where it is missing or may be secret.
    pub value: String,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub fix: String,
}

/// How an operation that ran failed.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Failure<D> {
    /// One sentence for people.
    pub message: String,
    /// Whether the same call may succeed later.
    pub retryable: bool,
    /// Seconds to wait before it, where known.
    pub retry_after: Option<u32>,
    /// The typed error, an object.
    pub details: D,
}

/// Why an embedding refused a call, or ended it.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// The operation needs a key.
    MissingKey,
    /// The key is publishable, or no key of Stripe.
    WrongKey,
    /// The key is live, and live was not allowed.
    LiveKey,
    /// The component is another one than was asked for.
    WrongDigest,
    /// The call took too long.
    Timeout,
    /// The component broke off.
    Trapped,
}

/// What a call can have done that the embedding ended.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MoneyState {
    /// No request that changes anything left for Stripe.
    NothingSent,
    /// One left.
    MayHaveBeenMade,
}

impl<D> JsonError<D> {
    /// There is no such operation.
    pub fn unknown_operation(known: Vec<String>) -> Self {
        let message = format!("there is no such operation; there are {}", known.join(", "));
        Self::UnknownOperation { message, known }
    }

    /// The input does not fit the operation.
    pub fn invalid_input(problems: Vec<Problem>) -> Self {
        let sentence = |one: &Problem| format!("{}: {}; {}", one.field, one.problem, one.fix);
        let sentences: Vec<_> = problems.iter().map(sentence).collect();
        Self::InvalidInput { message: sentences.join("\n"), problems }
    }

    /// The embedding refused the call, or ended it.
    pub fn host(code: Code, message: impl Into<String>) -> Self {
        Self::Host { code, message: message.into(), money_state: None }
    }
}

impl Problem {
    /// A problem without the value.
    pub fn new(field: &str, problem: impl Into<String>, fix: impl Into<String>) -> Self {
        let (problem, fix) = (problem.into(), fix.into());
        Self { field: field.to_owned(), value: String::new(), problem, fix }
    }
}
