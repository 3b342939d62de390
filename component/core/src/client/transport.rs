//! The one thing the sequences need from outside.

use std::time::Duration;

use super::error::TransportKind;
use crate::wire::requests::Method;
use crate::wire::{Answer, Body};

/// A request, complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    /// The verb.
    pub method: Method,
    /// Scheme, host, port, path and query.
    pub url: String,
    /// Names in lower case. Holds an `authorization` only where the caller passed a key.
    pub headers: Vec<(&'static str, String)>,
    /// The body of a POST.
    pub body: Option<Body>,
}

/// No usable answer came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendFailure {
    /// What happened. It decides whether the request may have been carried out.
    pub kind: TransportKind,
    /// More, for people; without secrets.
    pub detail: String,
}

/// Sends requests, tells the time, waits.
pub trait Transport {
    /// Sends one request and reads the whole answer, up to a cap. Never repeats it and never follows a
    /// redirect.
    fn send(&mut self, request: &HttpRequest) -> Result<Answer, SendFailure>;

    /// Unix seconds.
    fn now(&self) -> u64;

    /// Waits.
    fn sleep(&mut self, duration: Duration);
}
