//! For tests: a Stripe in memory, and a node that runs the sequences of `refund-core` against it.
//!
//! The Stripe behaves as the real one where refunds of several calls meet: it forgets idempotency keys after a day,
//! refuses a key with other parameters, and refuses to refund more than was captured.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use refund_core::client::{ConnectionInput, HttpRequest, SendFailure, Transport, TransportKind};
use refund_core::dispatch::{InvokeError, invoke};
use refund_core::wire::Answer;
use refund_core::wire::requests::Method;
use serde_json::{Value, json};

use crate::batch::Planned;
use crate::imported::{Imported, Invoke};

/// Stripe forgets idempotency keys after this many seconds.
const KEY_LIFETIME_SECS: u64 = 24 * 3600;
/// What a charge or PaymentIntent carries of its refunds at most.
const EMBEDDED_REFUNDS: usize = 10;
/// When the tests begin.
pub const START: u64 = 1_790_000_000;

/// What happens to a request that gets no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// It never arrived.
    Request,
    /// It was carried out, and the answer was lost.
    Answer,
}

/// A Stripe account. Clones share it.
#[derive(Clone, Debug)]
pub struct Stripe(Rc<RefCell<Account>>);

#[derive(Debug)]
struct Account {
    now: u64,
    /// In the order in which they were made.
    charges: Vec<Value>,
    refunds: Vec<Value>,
    /// Invoices and other objects that only reads need, by path.
    objects: BTreeMap<String, Value>,
    keys: BTreeMap<String, Remembered>,
}

#[derive(Debug)]
struct Remembered {
    at: u64,
    body: String,
    answer: Answer,
}

impl Default for Stripe {
    fn default() -> Self {
        Self(Rc::new(RefCell::new(Account {
            now: START,
            charges: Vec::new(),
            refunds: Vec::new(),
            objects: BTreeMap::new(),
            keys: BTreeMap::new(),
        })))
    }
}

impl Stripe {
    /// Adds a paid charge `ch_<name>` of the PaymentIntent `pi_<name>`.
    pub fn charge(&self, name: &str, captured: u64) {
        self.charge_of(name, captured, &json!({}));
    }

    /// The same, with further fields.
    pub fn charge_of(&self, name: &str, captured: u64, fields: &Value) {
        let mut account = self.0.borrow_mut();
        let mut charge = json!({
            "id": format!("ch_{name}"), "object": "charge", "amount": captured,
            "amount_captured": captured, "currency": "usd", "status": "succeeded", "captured": true,
            "created": account.now, "payment_intent": format!("pi_{name}"), "metadata": {},
        });
        merge(&mut charge, fields);
        account.charges.push(charge);
    }

    /// Adds an object that can only be read, under its path.
    pub fn object(&self, path: &str, object: Value) {
        self.0.borrow_mut().objects.insert(path.to_owned(), object);
    }

    /// Makes a refund as a person does in the Dashboard.
    pub fn dashboard_refund(&self, name: &str, amount: u64) {
        let mut account = self.0.borrow_mut();
        let refund = account.new_refund(&format!("ch_{name}"), amount);
        account.refunds.push(refund);
    }

    /// Lets time pass.
    pub fn advance(&self, seconds: u64) {
        self.0.borrow_mut().now += seconds;
    }

    /// The refunds of `ch_<name>`.
    #[must_use]
    pub fn refunds_of(&self, name: &str) -> Vec<Value> {
        let account = self.0.borrow();
        let of = format!("ch_{name}");
        account.refunds.iter().filter(|refund| refund["charge"] == of).cloned().collect()
    }

    /// What was refunded of all charges.
    #[must_use]
    pub fn refunded(&self) -> u64 {
        self.0.borrow().refunds.iter().map(amount).sum()
    }

    /// The refunds as charge, amount, reason and metadata: what two ways of making them can be compared by.
    #[must_use]
    pub fn made(&self) -> Vec<Value> {
        let account = self.0.borrow();
        let compared = ["charge", "amount", "reason", "metadata"];
        let pick = |refund: &Value| {
            compared
                .iter()
                .map(|name| ((*name).to_owned(), refund[name].clone()))
                .collect::<Value>()
        };
        account.refunds.iter().map(pick).collect()
    }
}

fn merge(object: &mut Value, fields: &Value) {
    if let (Some(object), Some(fields)) = (object.as_object_mut(), fields.as_object()) {
        object.extend(fields.clone());
    }
}

fn amount(refund: &Value) -> u64 {
    refund["amount"].as_u64().unwrap_or_default()
}

impl Account {
    fn new_refund(&self, charge: &str, amount: u64) -> Value {
        json!({
            "id": format!("re_{}", self.refunds.len()), "object": "refund", "amount": amount,
            "charge": charge, "created": self.now, "currency": "usd", "metadata": {},
            "reason": null, "status": "succeeded",
        })
    }

    fn refunds_of(&self, charge: &str) -> Vec<Value> {
        let own = self.refunds.iter().filter(|refund| refund["charge"] == charge);
        own.rev().cloned().collect()
    }

    fn charge(&self, wanted: impl Fn(&Value) -> bool) -> Option<Value> {
        let mut charge = self.charges.iter().find(|charge| wanted(charge))?.clone();
        let refunds = self.refunds_of(charge["id"].as_str().unwrap_or_default());
        let refunded: u64 = refunds.iter().map(amount).sum();
        charge["amount_refunded"] = refunded.into();
        charge["refunded"] = (refunded >= charge["amount_captured"].as_u64().unwrap_or(0)).into();
        charge["refunds"] = page(&refunds, 0, EMBEDDED_REFUNDS);
        Some(charge)
    }

    fn get(&self, path: &str, query: &BTreeMap<String, String>) -> Answer {
        let parts: Vec<&str> = path.trim_start_matches("/v1/").split('/').collect();
        let object = match parts[..] {
            ["charges", id] => self.charge(|charge| charge["id"] == id),
            ["payment_intents", id] => self.charge(|charge| charge["payment_intent"] == id).map(
                |charge| json!({ "id": id, "status": charge["status"], "currency": "usd", "latest_charge": charge }),
            ),
            ["charges"] => Some(self.list_charges(query)),
            ["refunds"] => {
                let of = query.get("charge").map_or("", String::as_str);
                Some(after(&self.refunds_of(of), query))
            }
            _ => None,
        };
        match object.or_else(|| self.objects.get(path).cloned()) {
            Some(object) => answer(200, &object),
            None => refusal(404, "invalid_request_error", "resource_missing"),
        }
    }

    fn list_charges(&self, query: &BTreeMap<String, String>) -> Value {
        let limit =
            |name: &str, or: u64| query.get(name).and_then(|text| text.parse().ok()).unwrap_or(or);
        let range = limit("created[gte]", 0)..=limit("created[lte]", u64::MAX);
        let created = |charge: &Value| charge["created"].as_u64().unwrap_or_default();
        let mut found: Vec<Value> = self
            .charges
            .iter()
            .filter(|one| range.contains(&created(one)))
            .filter_map(|one| self.charge(|charge| charge["id"] == one["id"]))
            .collect();
        found.sort_by_key(|charge| std::cmp::Reverse(created(charge)));
        after(&found, query)
    }

    fn create(&mut self, key: &str, body: &str) -> Answer {
        let known = self.keys.get(key).filter(|known| known.at + KEY_LIFETIME_SECS > self.now);
        if let Some(known) = known {
            if known.body != body {
                return refusal(400, "idempotency_error", "");
            }
            let mut answer = known.answer.clone();
            answer.headers.push(("idempotent-replayed".into(), "true".into()));
            return answer;
        }
        let answer = self.refund(&pairs(body));
        let remembered = Remembered { at: self.now, body: body.to_owned(), answer: answer.clone() };
        self.keys.insert(key.to_owned(), remembered);
        answer
    }

    fn refund(&mut self, form: &BTreeMap<String, String>) -> Answer {
        let of = form.get("charge").map_or("", String::as_str);
        let wanted = form.get("amount").and_then(|text| text.parse().ok()).unwrap_or_default();
        let Some(charge) = self.charge(|charge| charge["id"] == of) else {
            return refusal(404, "invalid_request_error", "resource_missing");
        };
        let field = |name: &str| charge[name].as_u64().unwrap_or_default();
        if wanted == 0 || wanted + field("amount_refunded") > field("amount_captured") {
            return refusal(400, "invalid_request_error", "charge_already_refunded");
        }
        let mut refund = self.new_refund(of, wanted);
        for (name, value) in form {
            if let Some(key) = name.strip_prefix("metadata[").and_then(|key| key.strip_suffix(']'))
            {
                refund["metadata"][key] = value.as_str().into();
            } else if name == "reason" {
                refund["reason"] = value.as_str().into();
            }
        }
        self.refunds.push(refund.clone());
        answer(200, &refund)
    }
}

fn page(all: &[Value], start: usize, limit: usize) -> Value {
    let end = all.len().min(start.saturating_add(limit));
    let data = all.get(start..end).unwrap_or_default();
    json!({ "object": "list", "data": data, "has_more": end < all.len() })
}

fn after(all: &[Value], query: &BTreeMap<String, String>) -> Value {
    let last = query.get("starting_after");
    let start = last.and_then(|id| all.iter().position(|one| one["id"] == **id));
    let limit = query.get("limit").and_then(|text| text.parse().ok()).unwrap_or(10);
    page(all, start.map_or(0, |at| at + 1), limit)
}

fn answer(status: u16, body: &Value) -> Answer {
    Answer { status, headers: Vec::new(), body: body.to_string().into_bytes() }
}

fn refusal(status: u16, kind: &str, code: &str) -> Answer {
    answer(status, &json!({ "error": { "type": kind, "code": code, "message": code } }))
}

/// Reads a form or query.
fn pairs(text: &str) -> BTreeMap<String, String> {
    let pair = |pair: &str| pair.split_once('=').map(|(name, value)| (decode(name), decode(value)));
    text.split('&').filter_map(pair).collect()
}

fn decode(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.bytes());
    while let Some(byte) = rest.next() {
        let mut digit = || char::from(rest.next().unwrap_or_default()).to_digit(16).unwrap_or(0);
        bytes.push(if byte == b'%' {
            u8::try_from(digit() * 16 + digit()).unwrap_or_default()
        } else {
            byte
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A node over a [`Stripe`], for one call of a pipeline.
pub struct Node {
    stripe: Stripe,
    sent: usize,
    changes: usize,
    lost: BTreeMap<usize, Lost>,
    interruption: Option<(usize, Box<dyn FnOnce()>)>,
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("sent", &self.sent).finish_non_exhaustive()
    }
}

impl Node {
    /// A node that gets an answer to every request.
    #[must_use]
    pub fn new(stripe: &Stripe) -> Self {
        Self {
            stripe: stripe.clone(),
            sent: 0,
            changes: 0,
            lost: BTreeMap::new(),
            interruption: None,
        }
    }

    /// The n-th request, counted from 0, gets no answer.
    #[must_use]
    pub fn losing(mut self, n: usize, lost: Lost) -> Self {
        self.lost.insert(n, lost);
        self
    }

    /// Something else happens right before the n-th request, counted from 0: so two calls run at once.
    #[must_use]
    pub fn interrupted(mut self, n: usize, by: impl FnOnce() + 'static) -> Self {
        self.interruption = Some((n, Box::new(by)));
        self
    }

    /// How many requests were sent that can change something.
    #[must_use]
    pub fn changes(&self) -> usize {
        self.changes
    }

    /// Makes a planned refund as a host does that knows nothing of the pipeline: by a plain `refunds.create` with
    /// the fields of the plan and the rules of the pipeline's input.
    pub fn make_planned(&mut self, planned: &Planned, input: &Value) -> Result<Value, InvokeError> {
        let planned = serde_json::to_value(planned).unwrap_or_default();
        let mut request = json!({ "connection": { "max_retries": 0 } });
        for name in ["operation_id", "payment", "reason", "metadata", "approval"] {
            request[name] = planned[name].clone();
        }
        if planned["all"] == false {
            request["amount"] = planned["amount"]["amount"].clone();
            request["currency"] = planned["amount"]["currency"].clone();
        }
        for name in ["policy", "document"] {
            if let Some(rules) = input.get(name) {
                request[name] = rules.clone();
            }
        }
        let created = invoke(self, "refunds.create", &request.to_string())?;
        Ok(serde_json::from_str(&created).unwrap_or_default())
    }
}

impl Transport for Node {
    fn send(&mut self, request: &HttpRequest) -> Result<Answer, SendFailure> {
        let n = self.sent;
        self.sent += 1;
        if let Some((_, happen)) = self.interruption.take_if(|(at, _)| *at == n) {
            happen();
        }
        let lost = self.lost.get(&n).copied();
        if lost == Some(Lost::Request) {
            return Err(no_answer());
        }
        let mut account = self.stripe.0.borrow_mut();
        let path = request.url.trim_start_matches("https://api.stripe.com");
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let answer = match request.method {
            Method::Get => account.get(path, &pairs(query)),
            Method::Post => {
                self.changes += 1;
                let key = request.headers.iter().find(|(name, _)| *name == "idempotency-key");
                let body = request.body.as_ref().map_or(&b""[..], |body| body.as_bytes());
                let body = String::from_utf8_lossy(body);
                account.create(key.map_or("", |(_, key)| key), &body)
            }
        };
        if lost == Some(Lost::Answer) { Err(no_answer()) } else { Ok(answer) }
    }

    fn now(&self) -> u64 {
        self.stripe.0.borrow().now
    }

    fn sleep(&mut self, _: Duration) {}
}

fn no_answer() -> SendFailure {
    SendFailure { kind: TransportKind::Timeout, detail: "no answer".to_owned() }
}

impl Invoke for &mut Node {
    fn invoke(&mut self, operation: &str, input: &str) -> Result<String, InvokeError> {
        invoke(&mut **self, operation, input)
    }
}

impl Node {
    /// The node as a pipeline calls it. A request without an answer is not repeated.
    pub fn imported(&mut self) -> Imported<&mut Self> {
        let connection = ConnectionInput { max_retries: Some(0), ..ConnectionInput::default() };
        Imported::new(self, &connection)
    }
}
