//! A Stripe in memory: charges, refunds, idempotency keys, and faults that a test orders. It counts refunds itself, so
//! that a test compares what the ledger says with what Stripe has.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use refund_core::client::{HttpRequest, SendFailure, Transport, TransportKind};
use refund_core::wire::Answer;
use refund_core::wire::requests::Method;
use serde_json::{Value, json};

use super::clock::Clock;

/// What becomes of the next request that makes a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The refund is made, and the answer arrives.
    Answered,
    /// The refund is made, and the answer is lost.
    AnswerLost,
    /// The request is lost: no refund is made.
    RequestLost,
    /// No answer; the request is carried out this many seconds later.
    Late(u64),
    /// No connection could be made: the request did not leave.
    NotReached,
    /// Stripe refuses with this HTTP status.
    Refused(u16),
}

/// A Stripe in memory. Clones are the same Stripe.
#[derive(Clone)]
pub struct Stripe {
    world: Arc<Mutex<World>>,
    clock: Clock,
}

#[derive(Default)]
struct World {
    charges: Vec<Value>,
    /// Newest first.
    refunds: Vec<Value>,
    /// Body and refund of each idempotency key.
    keys: HashMap<String, (String, Value)>,
    fates: VecDeque<Fate>,
    /// Requests under way, and when they are carried out.
    late: Vec<(u64, HttpRequest)>,
    /// The status of refunds that are made; `succeeded` unless ordered otherwise.
    status: Option<String>,
    /// How many more reads fail.
    unreadable: usize,
    /// How many seconds the answer to the next read takes.
    slow_read: u64,
    /// Requests that make a refund, those that did not leave included.
    posts: usize,
}

impl Stripe {
    pub fn new(clock: Clock) -> Self {
        Self { world: Arc::default(), clock }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        let mut world = self.world.lock().unwrap();
        world.carry_out(self.clock.unix());
        world
    }

    /// Adds a charge of this many cents; its PaymentIntent has the same ending.
    pub fn charge(&self, id: &str, amount: u64) {
        let intent = id.replacen("ch_", "pi_", 1);
        let charge = json!({
            "id": id, "object": "charge", "amount": amount, "amount_captured": amount, "amount_refunded": 0,
            "currency": "usd", "status": "succeeded", "captured": true, "refunded": false, "disputed": false,
            "created": self.clock.unix() - 86_400, "payment_intent": intent,
        });
        self.world().charges.push(charge);
    }

    /// Orders what becomes of the next requests that make a refund, one after the other.
    pub fn order(&self, fates: &[Fate]) {
        self.world().fates.extend(fates);
    }

    /// The next reads fail.
    pub fn order_unreadable(&self, reads: usize) {
        self.world().unreadable = reads;
    }

    /// The next read is answered at once; the answer arrives this many seconds later.
    pub fn order_slow_read(&self, seconds: u64) {
        self.world().slow_read = seconds;
    }

    /// Refunds that are made from now on have this status.
    pub fn order_status(&self, status: &str) {
        self.world().status = Some(status.to_owned());
    }

    /// Whether a request of this operation is still under way.
    pub fn is_under_way(&self, operation: &str) -> bool {
        let wanted = format!("metadata[refund_node_operation]={operation}");
        let holds = |request: &HttpRequest| body(request).split('&').any(|pair| pair == wanted);
        self.world().late.iter().any(|(_, request)| holds(request))
    }

    /// Stripe forgets idempotency keys after a day.
    pub fn forget_keys(&self) {
        self.world().keys.clear();
    }

    /// A refund that somebody makes in the Dashboard; its id.
    pub fn dashboard_refund(&self, charge: &str, amount: u64) -> String {
        let now = self.clock.unix();
        self.world().add_refund(charge, amount, &Value::Null, &json!({}), now)["id"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// The same, where that much is left.
    pub fn try_dashboard_refund(&self, charge: &str, amount: u64) {
        let left = self.world().left(charge);
        if amount <= left {
            self.dashboard_refund(charge, amount);
        }
    }

    /// The newest refund.
    pub fn newest(&self) -> Option<refund_core::model::Refund> {
        let newest = self.world().refunds.first().cloned()?;
        Some(serde_json::from_value(newest).unwrap())
    }

    /// The newest refund fails, unless it did.
    pub fn fail_newest(&self) {
        let newest = self.world().refunds.first().cloned().unwrap_or_default();
        if newest["status"] == "succeeded" {
            self.end_refund(newest["id"].as_str().unwrap(), "failed");
        }
    }

    /// A refund that an earlier request of this operation made.
    pub fn made_elsewhere(&self, charge: &str, amount: u64, operation: &str) {
        let (now, metadata) = (self.clock.unix(), json!({ "refund_node_operation": operation }));
        self.world().add_refund(charge, amount, &Value::Null, &metadata, now);
    }

    /// A refund ends late.
    pub fn end_refund(&self, id: &str, status: &str) {
        let mut world = self.world();
        let refund = world.refunds.iter_mut().find(|one| one["id"] == id).unwrap();
        refund["status"] = json!(status);
        let (charge, amount) = (refund["charge"].clone(), refund["amount"].as_u64().unwrap());
        if matches!(status, "failed" | "canceled") {
            let charge = world.charges.iter_mut().find(|one| one["id"] == charge).unwrap();
            charge["amount_refunded"] = json!(charge["amount_refunded"].as_u64().unwrap() - amount);
            charge["refunded"] = json!(false);
        }
    }

    /// The refunds that name this operation.
    pub fn refunds_of(&self, operation: &str) -> Vec<refund_core::model::Refund> {
        let world = self.world();
        let ours = world
            .refunds
            .iter()
            .filter(|one| one["metadata"]["refund_node_operation"] == operation)
            .map(|one| serde_json::from_value(one.clone()).unwrap());
        ours.collect()
    }

    /// How many refunds name this operation.
    pub fn count_of(&self, operation: &str) -> usize {
        self.refunds_of(operation).len()
    }

    /// All refunds: how many, and their sum in cents.
    pub fn total(&self) -> (usize, u64) {
        let world = self.world();
        let sum = world.refunds.iter().filter_map(|one| one["amount"].as_u64()).sum();
        (world.refunds.len(), sum)
    }

    /// How many requests to make a refund were sent, or tried to be.
    pub fn posts(&self) -> usize {
        self.world().posts
    }
}

impl World {
    /// Carries out the requests whose time has come.
    fn carry_out(&mut self, now: u64) {
        let (due, late) =
            std::mem::take(&mut self.late).into_iter().partition(|(at, _)| *at <= now);
        self.late = late;
        for (at, request) in due {
            self.refund(&request, at);
        }
    }

    fn get(&mut self, url: &str) -> Result<Answer, SendFailure> {
        if self.unreadable > 0 {
            self.unreadable -= 1;
            return Err(lost(TransportKind::Timeout));
        }
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let path = path.split_once("/v1/").unwrap().1;
        let parameter = |name: &str| {
            query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
        };
        if let Some(id) = path.strip_prefix("charges/") {
            return Ok(self.charge(id).map_or_else(|| refused(404), |charge| ok(&charge)));
        }
        if let Some(id) = path.strip_prefix("payment_intents/") {
            let charge = self.charge(&id.replacen("pi_", "ch_", 1));
            return Ok(charge.map_or_else(
                || refused(404),
                |charge| {
                    ok(&json!({
                        "id": id, "status": "succeeded", "currency": "usd", "latest_charge": charge,
                    }))
                },
            ));
        }
        if let Some(id) = path.strip_prefix("refunds/") {
            let refund = self.refunds.iter().find(|one| one["id"] == id);
            return Ok(refund.map_or_else(|| refused(404), ok));
        }
        let after = parameter("starting_after");
        let limit: usize = parameter("limit").map_or(10, |limit| limit.parse().unwrap());
        let since: u64 = parameter("created%5Bgte%5D").map_or(0, |since| since.parse().unwrap());
        let mut listed: Vec<_> = match path {
            "refunds" => self.refunds.clone(),
            _ => Vec::new(),
        };
        for name in ["charge", "payment_intent"] {
            listed.retain(|one| parameter(name).is_none_or(|id| one[name] == id));
        }
        listed.retain(|one| one["created"].as_u64() >= Some(since));
        if let Some(after) = after {
            let at = listed.iter().position(|one| one["id"] == after).unwrap();
            listed.drain(..=at);
        }
        let has_more = listed.len() > limit;
        listed.truncate(limit);
        Ok(ok(&json!({ "object": "list", "data": listed, "has_more": has_more })))
    }

    fn charge(&self, id: &str) -> Option<Value> {
        let mut charge = self.charges.iter().find(|one| one["id"] == id)?.clone();
        let refunds: Vec<_> = self.refunds.iter().filter(|one| one["charge"] == id).collect();
        charge["refunds"] = json!({ "object": "list", "data": refunds, "has_more": false });
        Some(charge)
    }

    fn post(
        &mut self,
        request: &HttpRequest,
        sent: &mut u32,
        now: u64,
    ) -> Result<Answer, SendFailure> {
        self.posts += 1;
        let fate = self.fates.pop_front().unwrap_or(Fate::Answered);
        *sent += u32::from(fate != Fate::NotReached);
        match fate {
            Fate::Answered => Ok(self.refund(request, now)),
            Fate::AnswerLost => {
                self.refund(request, now);
                Err(lost(TransportKind::Timeout))
            }
            Fate::RequestLost => Err(lost(TransportKind::Timeout)),
            Fate::Late(seconds) => {
                self.late.push((now + seconds, request.clone()));
                Err(lost(TransportKind::Timeout))
            }
            Fate::NotReached => Err(lost(TransportKind::Connect)),
            Fate::Refused(status) => Ok(refused(status)),
        }
    }

    /// Makes a refund, repeats the answer of the same key, or refuses more than is left.
    fn refund(&mut self, request: &HttpRequest, now: u64) -> Answer {
        let header = |name: &str| {
            request.headers.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone())
        };
        let key = header("idempotency-key").expect("a refund is never sent without a key");
        let body = body(request);
        if let Some((known, refund)) = self.keys.get(&key) {
            return if *known == body { replayed(refund) } else { idempotency_error() };
        }
        let field = |name: &str| {
            let value = body.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
            value.map(str::to_owned)
        };
        let charge = field("charge").unwrap();
        let amount: u64 = field("amount").unwrap().parse().unwrap();
        if amount > self.left(&charge) {
            return refused(400);
        }
        assert!(field("metadata[refund_node_operation]").is_some(), "{body}");
        let metadata: serde_json::Map<_, _> = body
            .split('&')
            .filter_map(|pair| pair.strip_prefix("metadata[")?.split_once("]="))
            .map(|(key, value)| (key.to_owned(), json!(value.replace("%40", "@"))))
            .collect();
        let metadata = Value::Object(metadata);
        let refund = self.add_refund(&charge, amount, &json!(field("reason")), &metadata, now);
        self.keys.insert(key, (body, refund.clone()));
        ok(&refund)
    }

    /// What is left of a charge.
    fn left(&self, charge: &str) -> u64 {
        let charge = self.charges.iter().find(|one| one["id"] == charge);
        charge.map_or(0, |one| {
            one["amount"].as_u64().unwrap() - one["amount_refunded"].as_u64().unwrap()
        })
    }

    fn add_refund(
        &mut self,
        charge: &str,
        amount: u64,
        reason: &Value,
        metadata: &Value,
        now: u64,
    ) -> Value {
        let refund = json!({
            "id": format!("re_{}", self.refunds.len() + 1), "object": "refund", "amount": amount,
            "currency": "usd", "charge": charge, "payment_intent": charge.replacen("ch_", "pi_", 1),
            "status": self.status.as_deref().unwrap_or("succeeded"), "created": now, "reason": reason, "metadata": metadata,
        });
        self.refunds.insert(0, refund.clone());
        let charge = self.charges.iter_mut().find(|one| one["id"] == charge).unwrap();
        let refunded = charge["amount_refunded"].as_u64().unwrap() + amount;
        charge["amount_refunded"] = json!(refunded);
        charge["refunded"] = json!(refunded == charge["amount"].as_u64().unwrap());
        refund
    }
}

/// One call's way to Stripe. It counts the requests that change something, as the host does.
pub struct Way {
    stripe: Stripe,
    pub sent: u32,
}

impl Way {
    pub fn to(stripe: &Stripe) -> Self {
        Self { stripe: stripe.clone(), sent: 0 }
    }
}

impl Transport for Way {
    fn send(&mut self, request: &HttpRequest) -> Result<Answer, SendFailure> {
        let now = self.stripe.clock.unix();
        match request.method {
            Method::Post => self.stripe.world().post(request, &mut self.sent, now),
            Method::Get => {
                let (answer, seconds) = {
                    let mut world = self.stripe.world();
                    (world.get(&request.url), std::mem::take(&mut world.slow_read))
                };
                self.stripe.clock.advance(seconds);
                answer
            }
        }
    }

    fn now(&self) -> u64 {
        self.stripe.clock.unix()
    }

    fn sleep(&mut self, _: Duration) {}
}

fn body(request: &HttpRequest) -> String {
    String::from_utf8(request.body.as_ref().unwrap().as_bytes().to_vec()).unwrap()
}

fn lost(kind: TransportKind) -> SendFailure {
    SendFailure { kind, detail: "ordered by the test".into() }
}

fn ok(body: &Value) -> Answer {
    Answer {
        status: 200,
        headers: vec![("request-id".into(), "req_1".into())],
        body: body.to_string().into_bytes(),
    }
}

fn replayed(refund: &Value) -> Answer {
    let mut answer = ok(refund);
    answer.headers.push(("idempotent-replayed".into(), "true".into()));
    answer
}

fn refused(status: u16) -> Answer {
    let body = json!({ "error": { "type": "invalid_request_error", "message": "no" } });
    Answer { status, headers: Vec::new(), body: body.to_string().into_bytes() }
}

fn idempotency_error() -> Answer {
    let body = json!({ "error": { "type": "idempotency_error", "message": "other parameters" } });
    Answer { status: 400, headers: Vec::new(), body: body.to_string().into_bytes() }
}
