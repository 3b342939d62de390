//! The handle: starts, orders, counts, stops.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use crate::api;
use crate::bank;
use crate::billing::{NewCreditNote, NewInvoice, NewSubscription};
use crate::control;
use crate::delivery;
use crate::fault::Fault;
use crate::pipeline::lock;
use crate::seed;
use crate::server::serve;
use crate::world::{DisputeOrder, NewCharge, NewCustomer, Recorded, World};

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

/// A running simulator; it stops when it is dropped.
#[derive(Debug)]
pub struct Simulator {
    address: SocketAddr,
    world: Shared,
    tasks: [AbortHandle; 2],
}

/// The world, without its contents in `Debug`.
struct Shared(Arc<Mutex<World>>);

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("World")
    }
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

    /// Keeps every request for [`Simulator::requests`], on unless turned off.
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
        Ok(Simulator { address, world: Shared(world), tasks })
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

    /// Makes a charge.
    pub fn charge(&self, order: &NewCharge) -> Value {
        lock(&self.world.0).new_charge(order)
    }

    /// Makes a customer.
    pub fn customer(&self, order: &NewCustomer) -> Value {
        seed::customer(&mut lock(&self.world.0), order)
    }

    /// Opens a dispute; null when there is no such charge.
    pub fn dispute(&self, order: &DisputeOrder) -> Value {
        bank::open(&mut lock(&self.world.0), order).unwrap_or_default()
    }

    /// The bank decides a dispute: `won`, `lost`, `warning_closed` or `prevented`; `needs_response` makes a
    /// chargeback of an inquiry. Null when the dispute cannot become that.
    pub fn close_dispute(&self, dispute: &str, status: &str) -> Value {
        bank::decide(&mut lock(&self.world.0), dispute, status).unwrap_or_default()
    }

    /// Makes a subscription, or says what is wrong with the order.
    pub fn subscription(&self, order: &NewSubscription) -> Result<Value, String> {
        seed::subscription(&mut lock(&self.world.0), order)
    }

    /// Makes an invoice with its payments, or says what is wrong with the order.
    pub fn invoice(&self, order: &NewInvoice) -> Result<Value, String> {
        seed::invoice(&mut lock(&self.world.0), order)
    }

    /// Issues a credit note, or says what is wrong with the order.
    pub fn credit_note(&self, order: &NewCreditNote) -> Result<Value, String> {
        seed::issue(&mut lock(&self.world.0), order)
    }

    /// What is in an uploaded file.
    pub fn file_contents(&self, file: &str) -> Option<Bytes> {
        lock(&self.world.0).contents.get(file).cloned()
    }

    /// Refunds as a click in the Dashboard does; null when that much is not left.
    pub fn dashboard_refund(&self, charge: &str, amount: u64) -> Value {
        let order = json!({ "charge": charge, "amount": amount });
        control::dashboard_refund(&mut lock(&self.world.0), &order).unwrap_or_default()
    }

    /// Ends a refund late: `succeeded`, `failed` (with Stripe's word for why) or `canceled`.
    pub fn end_refund(&self, refund: &str, status: &str, why: Option<&str>) -> Value {
        api::refunds::end(&mut lock(&self.world.0), refund, status, why)
    }

    /// Sets what is available in a currency; refunds that waited for it go through.
    pub fn set_balance(&self, currency: &str, available: i64) {
        let mut world = lock(&self.world.0);
        *world.available(currency) = available;
        api::refunds::after_top_up(&mut world, currency);
    }

    /// Orders a fault.
    pub fn order_fault(&self, fault: Fault) {
        lock(&self.world.0).faults.order(fault);
    }

    /// Forgets the faults that were ordered and have not come yet.
    pub fn clear_faults(&self) {
        lock(&self.world.0).faults.clear();
    }

    /// Moves the clock on.
    pub fn advance(&self, seconds: u64) {
        api::advance(&mut lock(&self.world.0), seconds);
    }

    /// The clock, in Unix seconds.
    pub fn now(&self) -> u64 {
        lock(&self.world.0).now()
    }

    /// The refunds of a charge, oldest first: counted here, not where they were asked for.
    pub fn refunds_of(&self, charge: &str) -> Vec<Value> {
        let world = lock(&self.world.0);
        world.store.owned("refund", "charge", charge).into_iter().cloned().collect()
    }

    /// An object by id; null when there is none.
    pub fn object(&self, id: &str) -> Value {
        lock(&self.world.0).find_any(id).unwrap_or_default()
    }

    /// Every request seen, oldest first.
    pub fn requests(&self) -> Vec<Recorded> {
        lock(&self.world.0).requests.clone()
    }

    /// Counts of refunds and requests.
    pub fn stats(&self) -> Value {
        control::stats(&lock(&self.world.0))
    }

    /// Signs a payload as Stripe does, now.
    pub fn sign(&self, payload: &str, secret: &str) -> String {
        let at = self.now();
        format!("t={at},v1={}", crate::sha::sign(secret, format!("{at}.{payload}").as_bytes()))
    }

    /// The newest event of a kind; null when there is none.
    pub fn newest_event(&self, kind: &str) -> Value {
        let world = lock(&self.world.0);
        let found = world.all("event").rev().find(|event| event["type"] == kind).cloned();
        found.unwrap_or_default()
    }
}
