//! One call: the request, its repetitions, and what is known at the end.

use serde::de::DeserializeOwned;

use super::connection::Connection;
use super::error::{CallError, TransportFailure, TransportKind};
use super::transport::{HttpRequest, SendFailure, Transport};
use crate::wire::requests::Request;
use crate::wire::retry::{self, Failed};
use crate::wire::{Answer, NoObject, Refusal, Replied, read};

/// How a call ended.
pub(super) struct Exchange<T> {
    /// The object, or why there is none.
    pub(super) outcome: Result<Replied<T>, Failure>,
    /// How many requests were sent.
    pub(super) attempts: u32,
    /// At least one of them may have been carried out without our knowing.
    pub(super) ambiguous: bool,
}

/// Why a call has no object.
pub(super) enum Failure {
    /// Stripe said no.
    Refused(Refusal),
    /// There was no usable answer.
    Transport(TransportFailure),
}

impl Failure {
    /// What happened, without the advice: that is another one when nobody knows what became of the call.
    pub(super) fn brief(&self) -> String {
        match self {
            Self::Refused(refusal) => format!("HTTP {}: {}", refusal.status, refusal.message),
            Self::Transport(failure) => format!("{}: {}", failure.what(), failure.detail),
        }
    }
}

impl From<Failure> for CallError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(refusal) => Self::Refused(refusal),
            Failure::Transport(failure) => Self::Transport(failure),
        }
    }
}

/// When a request that failed is sent again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// As long as that makes sense: it may be carried out twice without harm, or its key forbids that.
    Freely,
    /// Only while no try can have been carried out.
    WhileCertain,
}

/// Sends a request and repeats it as long as that makes sense, always with the same key.
pub(super) fn exchange<T: DeserializeOwned>(
    transport: &mut dyn Transport,
    connection: &Connection,
    request: &Request,
) -> Exchange<T> {
    exchange_with(Repeat::Freely, transport, connection, request)
}

/// The same, with a say in when it is repeated.
pub(super) fn exchange_with<T: DeserializeOwned>(
    repeat: Repeat,
    transport: &mut dyn Transport,
    connection: &Connection,
    request: &Request,
) -> Exchange<T> {
    let http = connection.complete(request);
    let mut tries =
        Tries { repeat, transport, connection, request, http, attempts: 0, ambiguous: false };
    let outcome = tries.object();
    Exchange { outcome, attempts: tries.attempts, ambiguous: tries.ambiguous }
}

/// A call that only reads: how often it was sent does not matter.
pub(super) fn call<T: DeserializeOwned>(
    transport: &mut dyn Transport,
    connection: &Connection,
    request: &Request,
) -> Result<T, CallError> {
    Ok(exchange(transport, connection, request).outcome?.object)
}

/// The tries of one call. Only `object` is compiled for each type of answer.
struct Tries<'a> {
    repeat: Repeat,
    transport: &'a mut dyn Transport,
    connection: &'a Connection,
    request: &'a Request,
    http: HttpRequest,
    attempts: u32,
    ambiguous: bool,
}

impl Tries<'_> {
    fn object<T: DeserializeOwned>(&mut self) -> Result<Replied<T>, Failure> {
        loop {
            let answer = self.answer()?;
            match read(&answer) {
                Ok(replied) => return Ok(replied),
                Err(reason) => self.without_object(reason, &answer)?,
            }
        }
    }

    /// Sends until there is an answer.
    fn answer(&mut self) -> Result<Answer, Failure> {
        loop {
            self.attempts += 1;
            let failure = match self.transport.send(&self.http) {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let worth_repeating = failure.kind != TransportKind::Denied;
            self.wait(lost(failure, self.attempts), Failed::NoAnswer { worth_repeating })?;
        }
    }

    fn without_object(&mut self, reason: NoObject, answer: &Answer) -> Result<(), Failure> {
        self.wait(unusable(reason, answer, self.attempts), Failed::Answered(answer))
    }

    /// Waits before the next try; where there is none, the failure is the outcome.
    fn wait(&mut self, failure: Failure, failed: Failed<'_>) -> Result<(), Failure> {
        self.ambiguous |= failure.is_ambiguous();
        let key = self.request.idempotency_key.as_ref();
        let seed = key.map_or(self.request.path.as_str(), |key| key.as_str());
        match retry::delay(self.attempts, self.connection.max_retries, failed, seed) {
            Some(wait) if !self.ambiguous || self.repeat == Repeat::Freely => {
                self.transport.sleep(wait);
                Ok(())
            }
            _ => Err(failure),
        }
    }
}

impl Failure {
    fn is_ambiguous(&self) -> bool {
        match self {
            Self::Refused(refusal) => refusal.is_ambiguous(),
            Self::Transport(failure) => !failure.kind.certainly_not_sent(),
        }
    }
}

fn unusable(reason: NoObject, answer: &Answer, attempts: u32) -> Failure {
    match reason {
        NoObject::Refused(refusal) => Failure::Refused(refusal),
        NoObject::Unreadable(detail) => {
            let id = answer.header("request-id").map(|id| format!(", {id}")).unwrap_or_default();
            Failure::Transport(TransportFailure {
                kind: TransportKind::Unreadable,
                detail: format!("{detail}{id}"),
                attempts,
            })
        }
    }
}

fn lost(failure: SendFailure, attempts: u32) -> Failure {
    Failure::Transport(TransportFailure { kind: failure.kind, detail: failure.detail, attempts })
}
