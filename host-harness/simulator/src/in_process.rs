//! The same double without HTTP: for simulations, which have a time of their own.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex};

use crate::handle::Handle;
use crate::pipeline::{IncomingRequest, answer};
use crate::world::World;

/// A request, without a host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlainRequest {
    /// The verb.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    /// Parameters, escaped.
    pub body: String,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainAnswer {
    /// The status.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// JSON, unless a fault was ordered.
    pub body: String,
}

/// A simulator that is called instead of connected to. Its clock stands still until it is moved on, and it delivers no
/// webhooks: who wants its events reads them with [`Handle::objects`].
pub struct InProcess(Handle);

impl Deref for InProcess {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.0
    }
}

impl InProcess {
    /// An empty simulator. Ids follow from the seed; the clock begins at `start`, in Unix seconds.
    pub fn new(seed: u64, start: u64) -> Self {
        // Without webhook endpoints nothing is ever sent there.
        let (outbox, _) = tokio::sync::mpsc::unbounded_channel();
        let mut world = World::new(seed, Some(start), outbox);
        world.record = false;
        world.check_answers = false;
        Self(Handle(Arc::new(Mutex::new(world))))
    }

    /// Carries out a request now. Faults of the network are for the caller to simulate: of those that were ordered with
    /// [`Handle::order_fault`], only error answers and redirects show.
    pub fn request(&self, request: &PlainRequest) -> PlainAnswer {
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let asked = IncomingRequest {
            method: request.method.clone(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: request.headers.clone(),
            body: request.body.clone(),
            upload: None,
        };
        let reply = answer(&self.0.0, &asked);
        PlainAnswer { status: reply.status, headers: reply.headers, body: reply.body }
    }
}
