//! Starting a simulator that listens, and stopping it.

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use crate::delivery;
use crate::handle::Handle;
use crate::server::serve;
use crate::world::World;

/// The simulator cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Not a loopback address.
    #[error(
        "{0} is not a loopback address: the simulator has no passwords, so it listens on 127.0.0.1 or ::1 alone"
    )]
    NotLoopback(SocketAddr),
    /// Somebody else listens there.
    #[error("{0} is in use: stop what listens there, or choose another port (0 takes a free one)")]
    InUse(SocketAddr),
    /// Something else.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        error: std::io::Error,
    },
}

/// Settings of a simulator.
#[derive(Clone, Debug)]
pub struct Builder {
    address: SocketAddr,
    seed: u64,
    start_at: Option<u64>,
    limits: bool,
    check_answers: bool,
    record: bool,
    latency: Duration,
}

/// A running simulator; it stops when it is dropped. What can be ordered and seen is in [`Handle`].
#[derive(Debug)]
pub struct Simulator {
    address: SocketAddr,
    handle: Handle,
    tasks: [AbortHandle; 2],
}

impl Builder {
    /// Ids follow from the seed.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The clock stands at this instant until it is advanced. Without it, it is real time.
    #[must_use]
    pub fn start_at(self, unix_seconds: u64) -> Self {
        Self { start_at: Some(unix_seconds), ..self }
    }

    /// Where to listen: a loopback address; port 0 takes a free one.
    #[must_use]
    pub fn address(self, address: SocketAddr) -> Self {
        Self { address, ..self }
    }

    /// Turns Stripe's rate limits on.
    #[must_use]
    pub fn rate_limits(self, on: bool) -> Self {
        Self { limits: on, ..self }
    }

    /// Compares every answer with Stripe's description, on unless turned off.
    #[must_use]
    pub fn check_answers(self, on: bool) -> Self {
        Self { check_answers: on, ..self }
    }

    /// Keeps every request for [`Handle::requests`], on unless turned off.
    #[must_use]
    pub fn record_requests(self, on: bool) -> Self {
        Self { record: on, ..self }
    }

    /// Holds every answer of the API back for so long, as the way to Stripe does: nothing unless told otherwise.
    #[must_use]
    pub fn latency(self, latency: Duration) -> Self {
        Self { latency, ..self }
    }

    /// Starts.
    pub async fn start(self) -> Result<Simulator, StartError> {
        if !self.address.ip().is_loopback() {
            return Err(StartError::NotLoopback(self.address));
        }
        let listener =
            TcpListener::bind(self.address).await.map_err(|error| match error.kind() {
                std::io::ErrorKind::AddrInUse => StartError::InUse(self.address),
                _ => StartError::Listen { address: self.address, error },
            })?;
        let address = listener
            .local_addr()
            .map_err(|error| StartError::Listen { address: self.address, error })?;
        let (outbox, deliveries) = tokio::sync::mpsc::unbounded_channel();
        let mut world = World::new(self.seed, self.start_at, outbox);
        world.limits_on = self.limits;
        world.check_answers = self.check_answers;
        world.record = self.record;
        let world = Arc::new(Mutex::new(world));
        let tasks = [
            tokio::spawn(serve(listener, Arc::clone(&world), self.latency)).abort_handle(),
            tokio::spawn(delivery::run(deliveries)).abort_handle(),
        ];
        Ok(Simulator { address, handle: Handle(world), tasks })
    }
}

impl Deref for Simulator {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

impl Simulator {
    /// Starts building: loopback, a free port, real time.
    pub fn builder() -> Builder {
        Builder {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            seed: 0,
            start_at: None,
            limits: false,
            check_answers: true,
            record: true,
            latency: Duration::ZERO,
        }
    }

    /// Scheme, host and port.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }
}
