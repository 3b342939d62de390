//! Host: engine, linker, egress.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::Semaphore;
use wasmtime::Engine;
use wasmtime::component::Linker;
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView};
use wasmtime_wasi::p2::bindings::clocks;

use crate::component::{check_world, compile, digest, read};
use crate::egress::{Allow, Egress, Pace};
use crate::engine::engine;
use crate::error::{ComponentError, HostError};
use crate::limits::Limits;
use crate::node::Node;
use crate::secret::StripeKey;
use crate::state::State;

/// What the linker gives. Everything else is a foreign import.
const GIVEN: [&str; 6] = [
    "wasi:io/error@0.2.",
    "wasi:io/poll@0.2.",
    "wasi:io/streams@0.2.",
    "wasi:clocks/monotonic-clock@0.2.",
    "wasi:clocks/wall-clock@0.2.",
    "wasi:http/",
];

/// Runs components. Cheap to clone; one is enough for a process.
#[derive(Clone)]
pub struct Host {
    pub(crate) engine: Engine,
    linker: Arc<Linker<State>>,
    pub(crate) egress: Arc<Egress>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) turns: Arc<Semaphore>,
}

/// Builds a [`Host`].
#[derive(Debug, Default)]
pub struct HostBuilder {
    key: Option<StripeKey>,
    allow: Allow,
    limits: Limits,
    allow_guest_key: bool,
    pace: Option<Pace>,
}

impl HostBuilder {
    /// The key that the host adds to every allowed request.
    #[must_use]
    pub fn key(mut self, key: StripeKey) -> Self {
        self.key = Some(key);
        self
    }

    /// Where requests may go. Without it: nowhere.
    #[must_use]
    pub fn allow(mut self, allow: Allow) -> Self {
        self.allow = allow;
        self
    }

    /// Bounds of a call.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Lets a caller pass the key through the component, in `connection.api-key`. For platforms that
    /// keep keys themselves; off, so that a component cannot send a key of its own.
    #[must_use]
    pub fn allow_guest_key(mut self, allow: bool) -> Self {
        self.allow_guest_key = allow;
        self
    }

    /// Keeps requests within these rates: they wait for their turn instead of being refused. Off unless
    /// set.
    #[must_use]
    pub fn pace(mut self, pace: Pace) -> Self {
        self.pace = Some(pace);
        self
    }

    /// Makes the engine and the connection pool.
    pub fn build(self) -> Result<Host, HostError> {
        let engine = engine(&self.limits)?;
        let linker = linker(&engine).map_err(|error| HostError::Engine(error.to_string()))?;
        let egress =
            Egress::new(self.allow, self.key, self.allow_guest_key, self.pace, &self.limits);
        let turns = usize::try_from(self.limits.concurrency).unwrap_or(usize::MAX);
        Ok(Host {
            engine,
            linker: Arc::new(linker),
            egress: Arc::new(egress),
            turns: Arc::new(Semaphore::new(turns.min(Semaphore::MAX_PERMITS))),
            limits: Arc::new(self.limits),
        })
    }
}

impl Host {
    /// Starts building.
    pub fn builder() -> HostBuilder {
        HostBuilder::default()
    }

    /// How often Stripe answered 429 since the host was built, where a pace is kept.
    pub fn throttled(&self) -> u64 {
        self.egress.refused()
    }

    /// Loads a component from its bytes.
    pub fn load(&self, bytes: &[u8]) -> Result<Node, ComponentError> {
        let component = compile(&self.engine, bytes)?;
        check_world(&self.engine, &component, &GIVEN)?;
        let pre = self
            .linker
            .instantiate_pre(&component)
            .map_err(|error| ComponentError::Damaged(error.root_cause().to_string()))?;
        Node::new(self.clone(), pre, digest(bytes))
    }

    /// Loads a component from a file.
    pub fn load_file(&self, path: &Path) -> Result<Node, ComponentError> {
        self.load(&read(path)?)
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
