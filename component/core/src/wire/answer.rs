//! From an HTTP answer to an object or a refusal.

use serde::de::DeserializeOwned;

use super::Refusal;
use crate::json;

/// An HTTP answer, read whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The first header of that name, given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// What Stripe says about trying again; its word beats every rule of ours (reference 3.5).
    pub fn should_retry(&self) -> Option<bool> {
        match self.header("stripe-should-retry")? {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// How many seconds to wait. Only the form with seconds is read; Stripe documents neither.
    pub fn retry_after(&self) -> Option<u32> {
        self.header("retry-after")?.trim().parse().ok()
    }

    fn request_id(&self) -> Option<String> {
        self.header("request-id").map(str::to_owned)
    }
}

/// An object from Stripe, and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replied<T> {
    /// The object.
    pub object: T,
    /// `req_…`.
    pub request_id: Option<String>,
    /// Stripe repeated the answer of an earlier request with the same key.
    pub replayed: bool,
}

/// Why an answer holds no object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoObject {
    /// Stripe said no.
    Refused(Refusal),
    /// Not an answer of Stripe's, or cut off: what is wrong.
    Unreadable(String),
}

/// Reads an answer: an object of the wanted type, a refusal, or neither.
pub(crate) fn read<T: DeserializeOwned>(answer: &Answer) -> Result<Replied<T>, NoObject> {
    match answer.status {
        200..=299 => json::read(&answer.body).map_err(unreadable).map(|object| Replied {
            object,
            request_id: answer.request_id(),
            replayed: answer.header("idempotent-replayed") == Some("true"),
        }),
        _ => Err(no_object(answer)),
    }
}

/// What an answer without an object says.
fn no_object(answer: &Answer) -> NoObject {
    match answer.status {
        400.. => NoObject::Refused(Refusal {
            request_id: answer.request_id(),
            retry_after: answer.retry_after(),
            ..Refusal::read(answer.status, &answer.body)
        }),
        status => NoObject::Unreadable(format!(
            "HTTP {status} is no answer of Stripe's; redirects are not followed"
        )),
    }
}

/// Why an object cannot be read, with the field.
fn unreadable(error: json::Error) -> NoObject {
    NoObject::Unreadable(match error {
        json::Error::Syntax(problem) => format!("the answer is not JSON: {problem}"),
        json::Error::Field { path, problem } => {
            format!("field {path} of the answer cannot be read: {problem}")
        }
    })
}
