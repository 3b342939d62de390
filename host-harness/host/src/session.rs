//! An instance that is kept between calls.

use std::sync::Arc;

use crate::api::{node, webhooks};
use crate::error::CallError;
use crate::instance::Instance;
use crate::node::{Exports, Node};

/// One instance for many calls, one after the other, without the cost of a fresh one each time. It reaches nothing:
/// every request is denied. What a call leaves in the instance's memory is there for the next, so let no two
/// customers share one. Until it is dropped it takes one of the places of [`crate::Limits::concurrency`]. After an
/// error of the host's ([`crate::CallError`]) open another.
pub struct Session {
    pub(crate) exports: Arc<Exports>,
    pub(crate) instance: Instance,
    pub(crate) node: Option<node::Guest>,
    pub(crate) webhooks: Option<webhooks::Guest>,
}

impl Node {
    /// Opens an instance that is kept between calls.
    pub async fn session(&self) -> Result<Session, CallError> {
        let instance = self.open().await?;
        Ok(Session { exports: Arc::clone(self.exports()), instance, node: None, webhooks: None })
    }
}

/// The interface, loaded by the first call: that compares all its types and takes longer than many a call.
pub(crate) fn loaded<I>(
    interface: &mut Option<I>,
    load: impl FnOnce() -> wasmtime::Result<I>,
) -> wasmtime::Result<&I> {
    match interface {
        Some(interface) => Ok(interface),
        None => Ok(interface.insert(load()?)),
    }
}
