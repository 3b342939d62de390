//! The same double without HTTP: for simulations, which have a time of their own.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::{Value, json};

use crate::api;
use crate::control;
use crate::fault::Fault;
use crate::pipeline::{Asked, answer, lock};
use crate::world::{NewCharge, World};

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
/// webhooks: who wants its events reads them with [`InProcess::objects`].
pub struct InProcess(Mutex<World>);

impl InProcess {
    /// An empty simulator. Ids follow from the seed; the clock begins at `start`, in Unix seconds.
    pub fn new(seed: u64, start: u64) -> Self {
        // Without webhook endpoints nothing is ever sent there.
        let (outbox, _) = tokio::sync::mpsc::unbounded_channel();
        let mut world = World::new(seed, Some(start), outbox);
        world.record = false;
        world.check_answers = false;
        Self(Mutex::new(world))
    }

    /// Carries out a request now. Faults of the network are for the caller to simulate: of those that were ordered with
    /// [`InProcess::order_fault`], only error answers and redirects show.
    pub fn request(&self, request: &PlainRequest) -> PlainAnswer {
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let asked = Asked {
            method: request.method.clone(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: request.headers.clone(),
            body: request.body.clone(),
            upload: None,
        };
        let reply = answer(&self.0, &asked);
        PlainAnswer { status: reply.status, headers: reply.headers, body: reply.body }
    }

    /// The clock, in Unix seconds.
    pub fn now(&self) -> u64 {
        lock(&self.0).now()
    }

    /// Moves the clock on to an instant. It never goes back.
    pub fn advance_to(&self, unix_seconds: u64) {
        let mut world = lock(&self.0);
        let seconds = unix_seconds.saturating_sub(world.now());
        if seconds > 0 {
            api::advance(&mut world, seconds);
        }
    }

    /// Makes a charge.
    pub fn charge(&self, order: &NewCharge) -> Value {
        lock(&self.0).new_charge(order)
    }

    /// Refunds as a click in the Dashboard does; null when that much is not left.
    pub fn dashboard_refund(&self, charge: &str, amount: u64) -> Value {
        let order = json!({ "charge": charge, "amount": amount });
        control::dashboard_refund(&mut lock(&self.0), &order).unwrap_or_default()
    }

    /// Ends a refund late: `succeeded`, `failed` (with Stripe's word for why) or `canceled`.
    pub fn end_refund(&self, refund: &str, status: &str, why: Option<&str>) -> Value {
        api::refunds::end(&mut lock(&self.0), refund, status, why)
    }

    /// Sets what is available in a currency; refunds that waited for it go through.
    pub fn set_balance(&self, currency: &str, available: i64) {
        let mut world = lock(&self.0);
        *world.available(currency) = available;
        api::refunds::after_top_up(&mut world, currency);
    }

    /// Orders a fault.
    pub fn order_fault(&self, fault: Fault) {
        lock(&self.0).faults.order(fault);
    }

    /// The objects of a kind (`charge`, `refund`, `event` and so on), oldest first, from that place on.
    pub fn objects(&self, kind: &str, from: usize) -> Vec<Value> {
        lock(&self.0).all(kind).skip(from).cloned().collect()
    }

    /// Signs a payload as Stripe does, now.
    pub fn sign(&self, payload: &str, secret: &str) -> String {
        let at = self.now();
        format!("t={at},v1={}", crate::sha::sign(secret, format!("{at}.{payload}").as_bytes()))
    }
}
