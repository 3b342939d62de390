//! An instance that is kept between calls.

use std::sync::Arc;

use crate::api::{node, webhooks};
use crate::error::{CallError, CallFailure};
use crate::instance::{Instance, Interface};
use crate::node::{Exports, Node};

/// One instance for many calls, one after the other, without the cost of a fresh one each time. It reaches nothing:
/// every request is denied. What a call leaves in the instance's memory is there for the next, so let no two
/// customers share one. Until it is dropped it takes one of the places of [`crate::Limits::concurrency`]. After an
/// error of the host's ([`crate::CallError`]) open another.
pub struct Session {
    pub(crate) exports: Arc<Exports>,
    pub(crate) instance: Instance,
    pub(crate) node: Loaded<node::Guest>,
    pub(crate) webhooks: Loaded<webhooks::Guest>,
}

/// The functions of an interface, loaded by the first call.
pub(crate) struct Loaded<G>(Option<G>);

impl<G> Loaded<G> {
    pub(crate) fn get(
        &mut self,
        instance: &mut Instance,
        interface: &impl Interface<Guest = G>,
    ) -> Result<&G, CallFailure> {
        Ok(match &mut self.0 {
            Some(guest) => guest,
            none => none.insert(instance.load(interface)?),
        })
    }
}

impl Node {
    /// Opens an instance that is kept between calls.
    pub async fn session(&self) -> Result<Session, CallError> {
        let (instance, exports) = (Instance::open(&self.linked).await?, Arc::clone(&self.exports));
        Ok(Session { exports, instance, node: Loaded(None), webhooks: Loaded(None) })
    }
}
