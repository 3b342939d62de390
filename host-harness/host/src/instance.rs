//! One instance of a component, and the one way to call into it.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;
use wasmtime::Store;
use wasmtime::component::{self, InstancePre};

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

impl Instance {
    /// Opens an instance, calls it once and drops it, all within the time of one call.
    pub(crate) async fn once<T>(
        linked: &Arc<Linked>,
        hook: Hook,
        call: impl AsyncFnOnce(&mut Store<State>, &component::Instance) -> wasmtime::Result<T>,
    ) -> Result<T, CallFailure> {
        let opened = async { Self::instantiate(linked, hook).await?.run(call).await };
        linked.runtime.within(opened).await
    }

    /// Opens an instance that is kept. It reaches nothing: every request is denied.
    pub(crate) async fn open(linked: &Arc<Linked>) -> Result<Self, CallError> {
        let hook = linked.runtime.egress.closed();
        Ok(linked.runtime.within(Self::instantiate(linked, hook)).await?)
    }

    /// Calls a kept instance. Each call has the time and the computing time of a call.
    pub(crate) async fn call<T>(
        &mut self,
        call: impl AsyncFnOnce(&mut Store<State>, &component::Instance) -> wasmtime::Result<T>,
    ) -> Result<T, CallError> {
        let linked = Arc::clone(&self.linked);
        linked.runtime.start_clock(&mut self.store);
        Ok(linked.runtime.within(self.run(call)).await?)
    }

    async fn instantiate(linked: &Arc<Linked>, hook: Hook) -> Result<Self, CallFailure> {
        let runtime = &linked.runtime;
        let permit = runtime.permit().await?;
        let mut store = runtime.store(hook);
        let exports = linked.pre.instantiate_async(&mut store).await;
        let exports = exports.map_err(|error| runtime.failure(&error))?;
        Ok(Self { linked: Arc::clone(linked), store, exports, _permit: permit })
    }

    async fn run<T>(
        &mut self,
        call: impl AsyncFnOnce(&mut Store<State>, &component::Instance) -> wasmtime::Result<T>,
    ) -> Result<T, CallFailure> {
        let answer = call(&mut self.store, &self.exports).await;
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
