//! Stripe's side: the simulator in process, read into types.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use refund_simulator::{InProcess, NewCharge, PlainAnswer, PlainRequest};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Where the product puts the operation id. Written here once more: a product that named it otherwise would be found.
const OPERATION_KEY: &str = "refund_node_operation";

/// A charge as Stripe has it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ChargeAtStripe {
    pub(crate) id: String,
    pub(crate) payment_intent: Option<String>,
    pub(crate) amount_captured: u64,
    pub(crate) amount_refunded: u64,
}

/// A refund as Stripe has it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct RefundAtStripe {
    pub(crate) id: String,
    pub(crate) amount: u64,
    pub(crate) charge: String,
    pub(crate) status: String,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

impl RefundAtStripe {
    /// The operation that it says it is of.
    pub(crate) fn operation(&self) -> Option<&str> {
        self.metadata.get(OPERATION_KEY).map(String::as_str)
    }
}

/// What is looked at of an event.
#[derive(Clone, Debug, Deserialize)]
struct EventHead {
    id: String,
    #[serde(rename = "type")]
    kind: String,
}

/// An event.
#[derive(Clone, Debug)]
pub(crate) struct EventAtStripe {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) body: String,
}

/// Stripe.
pub(crate) struct Stripe {
    inside: InProcess,
    seen: Mutex<Seen>,
}

/// How many objects were looked at.
#[derive(Clone, Copy, Default)]
struct Seen {
    refunds: usize,
    events: usize,
}

fn read<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("the simulator's objects are as Stripe describes them")
}

impl Stripe {
    pub(crate) fn new(seed: u64, start: u64) -> Self {
        Self { inside: InProcess::new(seed, start), seen: Mutex::default() }
    }

    pub(crate) fn charge(&self, order: &NewCharge) -> ChargeAtStripe {
        read(self.inside.charge(order))
    }

    /// Carries out a request at a time, in Unix seconds. A fault takes the place of the answer, before or after.
    pub(crate) fn request(
        &self,
        request: &PlainRequest,
        now: u64,
        fault: Option<refund_simulator::Fault>,
    ) -> PlainAnswer {
        self.inside.advance_to(now);
        if let Some(fault) = fault {
            self.inside.order_fault(fault);
        }
        self.inside.request(request)
    }

    /// A click in the Dashboard. Whether there was something to refund.
    pub(crate) fn dashboard_refund(&self, charge: &str, amount: u64, now: u64) -> bool {
        self.inside.advance_to(now);
        !self.inside.dashboard_refund(charge, amount).is_null()
    }

    /// A bank ends a refund.
    pub(crate) fn end_refund(&self, refund: &str, status: &str, now: u64) {
        self.inside.advance_to(now);
        self.inside.end_refund(refund, status, Some("expired_or_canceled_card"));
    }

    pub(crate) fn set_balance(&self, available: i64) {
        self.inside.set_balance("usd", available);
    }

    /// The refunds that were made since this was called last.
    pub(crate) fn new_refunds(&self) -> Vec<RefundAtStripe> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let refunds = self.inside.objects("refund", seen.refunds);
        seen.refunds += refunds.len();
        refunds.into_iter().map(read).collect()
    }

    /// The events that happened since this was called last.
    pub(crate) fn new_events(&self) -> Vec<EventAtStripe> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let events = self.inside.objects("event", seen.events);
        seen.events += events.len();
        let event = |value: Value| {
            let body = value.to_string();
            let EventHead { id, kind } = read(value);
            EventAtStripe { id, kind, body }
        };
        events.into_iter().map(event).collect()
    }

    /// Every refund.
    pub(crate) fn refunds(&self) -> Vec<RefundAtStripe> {
        self.inside.objects("refund", 0).into_iter().map(read).collect()
    }

    /// Every charge.
    pub(crate) fn charges(&self) -> Vec<ChargeAtStripe> {
        self.inside.objects("charge", 0).into_iter().map(read).collect()
    }

    /// A signature of a payload, made now.
    pub(crate) fn sign(&self, payload: &str, secret: &str, now: u64) -> String {
        self.inside.advance_to(now);
        self.inside.sign(payload, secret)
    }
}
