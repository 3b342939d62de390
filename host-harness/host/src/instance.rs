//! One instance of a component, and the one way to call into it.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;
use wasmtime::Store;
use wasmtime::component::{self, InstancePre};

use crate::api;
use crate::egress::Hook;
use crate::error::{CallError, CallFailure};
use crate::runtime::Runtime;
use crate::state::State;

/// A component that can be instantiated.
pub(crate) struct Linked {
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) pre: InstancePre<State>,
    pub(crate) digest: String,
}

/// An instance that is ready to be called. Until it is dropped it counts towards [`crate::Limits::concurrency`].
pub(crate) struct Instance {
    linked: Arc<Linked>,
    store: Store<State>,
    exports: component::Instance,
    _permit: OwnedSemaphorePermit,
}

/// Where the functions of an exported interface are.
pub(crate) trait Interface {
    /// The functions in one instance.
    type Guest;

    fn load(
        &self,
        store: &mut Store<State>,
        exports: &component::Instance,
    ) -> wasmtime::Result<Self::Guest>;
}

macro_rules! interfaces {
    ($($name:ident),*) => {$(
        impl Interface for api::$name::GuestIndices {
            type Guest = api::$name::Guest;

            fn load(
                &self,
                store: &mut Store<State>,
                exports: &component::Instance,
            ) -> wasmtime::Result<Self::Guest> {
                self.load(store, exports)
            }
        }
    )*};
}

interfaces!(duplicates, eligibility, live, node, policies, refunds, webhooks);

impl Instance {
    /// Opens an instance, calls it once and drops it, all within the time of one call.
    pub(crate) async fn once<I: Interface, T>(
        linked: &Arc<Linked>,
        hook: Hook,
        interface: &I,
        call: impl AsyncFnOnce(&I::Guest, &mut Store<State>) -> wasmtime::Result<T>,
    ) -> Result<T, CallError> {
        let changes = hook.changes().clone();
        let opened = async {
            let mut instance = Self::instantiate(linked, hook).await?;
            let guest = instance.load(interface)?;
            instance.run(&guest, call).await
        };
        let answer = linked.runtime.within(opened).await;
        let sent = changes.close();
        answer.map_err(|failure| CallError::new(failure, sent))
    }

    /// Opens an instance that is kept. It reaches nothing: every request is denied.
    pub(crate) async fn open(linked: &Arc<Linked>) -> Result<Self, CallError> {
        let hook = linked.runtime.egress.closed();
        Ok(linked.runtime.within(Self::instantiate(linked, hook)).await?)
    }

    /// The functions of an interface. To load them compares all their types, which takes longer than many a call.
    pub(crate) fn load<I: Interface>(&mut self, interface: &I) -> Result<I::Guest, CallFailure> {
        let loaded = interface.load(&mut self.store, &self.exports);
        loaded.map_err(|error| self.linked.runtime.failure(&error))
    }

    /// Calls a kept instance. Each call has the time and the computing time of a call.
    pub(crate) async fn call<G, T>(
        &mut self,
        guest: &G,
        call: impl AsyncFnOnce(&G, &mut Store<State>) -> wasmtime::Result<T>,
    ) -> Result<T, CallError> {
        let linked = Arc::clone(&self.linked);
        linked.runtime.start_clock(&mut self.store);
        Ok(linked.runtime.within(self.run(guest, call)).await?)
    }

    async fn instantiate(linked: &Arc<Linked>, hook: Hook) -> Result<Self, CallFailure> {
        let runtime = &linked.runtime;
        let permit = Arc::clone(&runtime.permits).acquire_owned().await;
        let permit = permit.map_err(|error| CallFailure::Sandbox(error.to_string()))?;
        let mut store = runtime.store(hook);
        let exports = linked.pre.instantiate_async(&mut store).await;
        let exports = exports.map_err(|error| runtime.failure(&error))?;
        Ok(Self { linked: Arc::clone(linked), store, exports, _permit: permit })
    }

    async fn run<G, T>(
        &mut self,
        guest: &G,
        call: impl AsyncFnOnce(&G, &mut Store<State>) -> wasmtime::Result<T>,
    ) -> Result<T, CallFailure> {
        let answer = call(guest, &mut self.store).await;
        // A guest may go on after it was denied a request for a limit; what it answers then counts for nothing.
        if let Some(limit) = self.store.data().reached() {
            return Err(CallFailure::Limit(limit));
        }
        answer.map_err(|error| {
            let Linked { runtime, digest, .. } = &*self.linked;
            runtime.dump(&error, &mut self.store, digest);
            runtime.failure(&error)
        })
    }
}
