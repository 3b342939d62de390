//! What every instance needs: the engine, what is linked, the limits, the way out, and where core dumps go.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Semaphore;
use wasmtime::component::Linker;
use wasmtime::{Engine, Store, UpdateDeadline, WasmCoreDump};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView};
use wasmtime_wasi::p2::bindings::clocks;

use crate::egress::{Egress, Hook};
use crate::engine::{TICK, engine};
use crate::error::{CallFailure, HostError};
use crate::limits::{Limit, Limits};
use crate::state::State;

/// What the linker gives. Everything else is a foreign import.
pub(crate) const GIVEN: [&str; 6] = [
    "wasi:io/error@0.2.",
    "wasi:io/poll@0.2.",
    "wasi:io/streams@0.2.",
    "wasi:clocks/monotonic-clock@0.2.",
    "wasi:clocks/wall-clock@0.2.",
    "wasi:http/",
];

/// Shared by all components of a host.
pub(crate) struct Runtime {
    pub(crate) engine: Engine,
    pub(crate) egress: Arc<Egress>,
    pub(crate) limits: Limits,
    pub(crate) linker: Linker<State>,
    /// As many as instances may be open.
    pub(crate) permits: Arc<Semaphore>,
    core_dumps: Option<Box<Path>>,
}

impl Runtime {
    /// Makes the engine and links what components may import.
    pub(crate) fn new(
        limits: Limits,
        egress: Egress,
        core_dumps: Option<Box<Path>>,
    ) -> Result<Self, HostError> {
        let engine = engine(&limits, core_dumps.is_some())?;
        let linker = linker(&engine).map_err(|error| HostError::Engine(error.to_string()))?;
        let permits = usize::try_from(limits.concurrency).unwrap_or(usize::MAX);
        Ok(Self {
            engine,
            egress: Arc::new(egress),
            limits,
            linker,
            permits: Arc::new(Semaphore::new(permits.min(Semaphore::MAX_PERMITS))),
            core_dumps,
        })
    }

    /// A store whose guest reaches what the hook lets out, and nothing beyond the limits.
    pub(crate) fn store(&self, hook: Hook) -> Store<State> {
        let mut store = Store::new(&self.engine, State::new(hook, &self.limits));
        store.set_hostcall_fuel(self.limits.transfer);
        store.limiter(|state| &mut state.guard);
        self.start_clock(&mut store);
        store
    }

    /// Each tick of the engine's clock the guest gives way to other tasks, so that the time of the call
    /// is kept; once it has used up its computing time it is stopped.
    pub(crate) fn start_clock(&self, store: &mut Store<State>) {
        let cpu = self.limits.cpu;
        let mut left = cpu.as_millis() / TICK.as_millis();
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |_| {
            left = left.saturating_sub(1);
            if left == 0 { Err(Limit::Cpu(cpu).into()) } else { Ok(UpdateDeadline::Yield(1)) }
        });
    }

    /// Bounds the whole call: guests that compute give way, guests that wait are dropped.
    pub(crate) async fn within<T>(
        &self,
        call: impl Future<Output = Result<T, CallFailure>>,
    ) -> Result<T, CallFailure> {
        let most = self.limits.call;
        match tokio::time::timeout(most, call).await {
            Ok(answer) => answer,
            Err(_) => Err(CallFailure::Limit(Limit::Call(most))),
        }
    }

    /// Why a guest was stopped.
    pub(crate) fn failure(&self, error: &wasmtime::Error) -> CallFailure {
        let failure = CallFailure::from_wasmtime(error, &self.limits);
        tracing::debug!(%failure, "a call ended without an answer");
        failure
    }

    /// Writes what a stopped guest held, if the host was built with a folder for core dumps.
    pub(crate) fn dump(&self, error: &wasmtime::Error, store: &mut Store<State>, digest: &str) {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let (Some(folder), Some(dump)) = (&self.core_dumps, error.downcast_ref::<WasmCoreDump>())
        else {
            return;
        };
        let name = &digest[..12];
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let file = folder.join(format!("{name}-{}-{number}.coredump", std::process::id()));
        match std::fs::write(&file, dump.serialize(store, name)) {
            Ok(()) => tracing::info!(file = %file.display(), "a core dump of the guest is written"),
            Err(error) => tracing::warn!(%error, "the core dump cannot be written"),
        }
    }
}

/// Links the clocks, streams and HTTP: no files, no sockets, no environment, no randomness.
fn linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi_io::add_to_linker_async(&mut linker)?;
    clocks::wall_clock::add_to_linker::<State, WasiClocks>(&mut linker, State::clocks)?;
    clocks::monotonic_clock::add_to_linker::<State, WasiClocks>(&mut linker, State::clocks)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    Ok(linker)
}
