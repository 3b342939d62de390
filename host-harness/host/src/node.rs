//! A loaded component, each call of which runs in a fresh instance.

use std::sync::Arc;

use wasmtime::Store;
use wasmtime::component::InstancePre;

use crate::api;
use crate::error::{CallError, CallFailure, ComponentError};
use crate::instance::{Instance, Interface, Linked};
use crate::state::State;

/// A loaded component. Cheap to clone, and called by many tasks at once: every call runs in a fresh
/// instance of its own.
#[derive(Clone)]
pub struct Node {
    pub(crate) linked: Arc<Linked>,
    pub(crate) exports: Arc<Exports>,
    cached: bool,
}

/// What a typed call gives: the component's answer, or the host's error around it.
pub type Answer<T, E> = Result<Result<T, E>, CallError>;

/// Where the functions of each exported interface are. The first four interfaces are in every refund node.
pub(crate) struct Exports {
    pub(crate) node: api::node::GuestIndices,
    pub(crate) eligibility: api::eligibility::GuestIndices,
    pub(crate) duplicates: api::duplicates::GuestIndices,
    pub(crate) webhooks: api::webhooks::GuestIndices,
    pub(crate) policies: Optional<api::policies::GuestIndices>,
    pub(crate) refunds: Optional<api::refunds::GuestIndices>,
    pub(crate) live: Optional<api::live::GuestIndices>,
}

/// The functions of an interface, or the name of an interface that the component does not export.
pub(crate) struct Optional<I>(Result<I, &'static str>);

impl<I> Optional<I> {
    fn new(name: &'static str, indices: wasmtime::Result<I>) -> Self {
        Self(indices.map_err(|_| name))
    }

    pub(crate) fn get(&self) -> Result<&I, CallFailure> {
        self.0.as_ref().map_err(|name| CallFailure::NoInterface(name))
    }
}

impl Exports {
    fn new(pre: &InstancePre<State>) -> wasmtime::Result<Self> {
        Ok(Self {
            node: api::node::GuestIndices::new(pre)?,
            eligibility: api::eligibility::GuestIndices::new(pre)?,
            duplicates: api::duplicates::GuestIndices::new(pre)?,
            webhooks: api::webhooks::GuestIndices::new(pre)?,
            policies: Optional::new("policies", api::policies::GuestIndices::new(pre)),
            refunds: Optional::new("refunds", api::refunds::GuestIndices::new(pre)),
            live: Optional::new("live", api::live::GuestIndices::new(pre)),
        })
    }
}

impl Node {
    pub(crate) fn new(linked: Linked, cached: bool) -> Result<Self, ComponentError> {
        let missing = |error: wasmtime::Error| ComponentError::MissingExport {
            export: error.root_cause().to_string(),
        };
        let exports = Exports::new(&linked.pre).map_err(missing)?;
        Ok(Self { linked: Arc::new(linked), exports: Arc::new(exports), cached })
    }

    /// SHA-256 of the component file, in lower-case hexadecimal digits.
    pub fn digest(&self) -> &str {
        &self.linked.digest
    }

    /// Whether its compiled code came from the cache.
    pub fn was_cached(&self) -> bool {
        self.cached
    }

    /// Calls a fresh instance that reaches what the allow-list permits.
    pub(crate) async fn once<I: Interface, T>(
        &self,
        interface: &I,
        call: impl AsyncFnOnce(&I::Guest, &mut Store<State>) -> wasmtime::Result<T>,
    ) -> Result<T, CallError> {
        Instance::once(&self.linked, self.linked.runtime.egress.open(), interface, call).await
    }
}
