//! The state: objects, clock, balance, keys, faults.

use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc::UnboundedSender;

use crate::delivery::Delivery;
use crate::error::{ApiError, ApiResult};
use crate::fault::Faults;
use crate::idempotency::Keys;
use crate::limit::Limiter;
use crate::sha;
use crate::store::Store;

/// What every currency's available balance begins with, in its smallest unit.
const FIRST_BALANCE: i64 = 10_000_000;
/// Stripe's usual fee: 2.9 % and 30 of the smallest unit.
const FEE_BASIS_POINTS: u64 = 290;
const FEE_FIXED: u64 = 30;

/// Everything the simulator knows.
pub(crate) struct World {
    seed: u64,
    clock: Clock,
    counter: u64,
    pub(crate) store: Store,
    pub(crate) balance: HashMap<String, i64>,
    pub(crate) keys: Keys,
    pub(crate) faults: Faults,
    pub(crate) limiter: Limiter,
    pub(crate) limits_on: bool,
    pub(crate) check_answers: bool,
    pub(crate) requests: Vec<Recorded>,
    /// Whether requests are kept: a run of millions would fill the memory with them.
    pub(crate) record: bool,
    /// Secrets of webhook endpoints by id: Stripe shows them once.
    pub(crate) secrets: HashMap<String, String>,
    pub(crate) outbox: UnboundedSender<Delivery>,
    /// What was in uploaded files, by id.
    pub(crate) contents: HashMap<String, Bytes>,
    /// Charges whose refunds wait for the customer.
    pub(crate) needs_action: Vec<String>,
    /// The request that is being carried out, for the events it causes.
    pub(crate) request: (Option<String>, Option<String>),
}

/// The simulator's time: real and moved on by hand, or standing still until moved.
struct Clock {
    start: u64,
    flowing: Option<Instant>,
    advanced: u64,
}

/// A request as it was seen. The key is shortened.
#[derive(Clone, Debug, Serialize)]
pub struct Recorded {
    /// The verb.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Headers in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: String,
    /// The status of the answer; 0 when there was none.
    pub status: u16,
}

/// A charge to make.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NewCharge {
    /// In the smallest unit.
    pub amount: u64,
    /// Lower-case code.
    pub currency: String,
    /// `cus_…`
    pub customer: Option<String>,
    /// False for an authorisation only.
    pub captured: bool,
    /// `succeeded`, `pending` or `failed`.
    pub status: String,
    /// How many seconds ago it was made.
    pub age: u64,
    /// The merchant's keys.
    pub metadata: BTreeMap<String, String>,
    /// `card`, `us_bank_account`, `sepa_debit` and so on. Refunds of bank debits begin as pending.
    pub method: String,
    /// The card's fingerprint.
    pub fingerprint: String,
    /// What the merchant reported: `safe` or `fraudulent`.
    pub fraud_user_report: Option<String>,
    /// What Stripe reported: `fraudulent`.
    pub fraud_stripe_report: Option<String>,
    /// Real money.
    pub livemode: bool,
    /// Whether a `PaymentIntent` is made with it.
    pub payment_intent: bool,
    /// Its refunds wait for the customer (`requires_action`).
    pub refunds_need_action: bool,
    /// Who paid, in the words of the payment method.
    pub billing_details: NewBillingDetails,
    /// Where the receipt goes.
    pub receipt_email: Option<String>,
    /// The metadata of its `PaymentIntent`, where they are not those of the charge: keys that were set later.
    pub payment_intent_metadata: Option<BTreeMap<String, String>>,
}

/// Who paid, in the words of the payment method.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NewBillingDetails {
    /// The address.
    pub email: Option<String>,
    /// The name.
    pub name: Option<String>,
}

/// A customer to make.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NewCustomer {
    /// The address.
    pub email: Option<String>,
    /// The name.
    pub name: Option<String>,
    /// Real money.
    pub livemode: bool,
}

impl Default for NewCharge {
    fn default() -> Self {
        Self {
            amount: 2500,
            currency: "usd".to_owned(),
            customer: None,
            captured: true,
            status: "succeeded".to_owned(),
            age: 0,
            metadata: BTreeMap::new(),
            method: "card".to_owned(),
            fingerprint: "fp_4242".to_owned(),
            fraud_user_report: None,
            fraud_stripe_report: None,
            livemode: false,
            payment_intent: true,
            refunds_need_action: false,
            billing_details: NewBillingDetails::default(),
            receipt_email: None,
            payment_intent_metadata: None,
        }
    }
}

/// A dispute to open.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DisputeOrder {
    /// The disputed charge.
    pub charge: String,
    /// `needs_response` when absent; `warning_needs_response` for an inquiry; any other of Stripe's too.
    #[serde(default = "needs_response")]
    pub status: String,
    /// `fraudulent` when absent.
    #[serde(default = "fraudulent")]
    pub reason: String,
    /// Whether a refund stays possible; for inquiries and what was won when absent.
    #[serde(default)]
    pub refundable: Option<bool>,
}

fn needs_response() -> String {
    "needs_response".to_owned()
}

fn fraudulent() -> String {
    "fraudulent".to_owned()
}

fn fixture(kind: &str) -> Value {
    static FIXTURES: OnceLock<Value> = OnceLock::new();
    let fixtures = FIXTURES.get_or_init(|| {
        // The file is part of the crate, and every test reads it.
        serde_json::from_str(include_str!("../data/fixtures.json")).unwrap_or_default()
    });
    fixtures["resources"][kind].clone()
}

/// An object of a kind: Stripe's sample with these fields changed. A null removes a field that the
/// sample has and a real object has not.
pub(crate) fn object(kind: &str, fields: Value) -> Value {
    let mut object = fixture(kind);
    if let (Value::Object(target), Value::Object(fields)) = (&mut object, fields) {
        target.extend(fields);
    }
    object
}

impl World {
    pub(crate) fn new(seed: u64, start: Option<u64>, outbox: UnboundedSender<Delivery>) -> Self {
        let now =
            || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Self {
            seed,
            clock: Clock {
                start: start.unwrap_or_else(now),
                flowing: start.is_none().then(Instant::now),
                advanced: 0,
            },
            counter: 0,
            store: Store::default(),
            balance: HashMap::new(),
            keys: Keys::default(),
            faults: Faults::default(),
            limiter: Limiter::default(),
            limits_on: false,
            check_answers: true,
            requests: Vec::new(),
            record: true,
            secrets: HashMap::new(),
            outbox,
            contents: HashMap::new(),
            needs_action: Vec::new(),
            request: (None, None),
        }
    }

    /// Unix seconds.
    pub(crate) fn now(&self) -> u64 {
        self.now_exactly().as_secs()
    }

    /// Time since 1970, as finely as the machine knows it.
    pub(crate) fn now_exactly(&self) -> Duration {
        let flowed = self.clock.flowing.map_or(Duration::ZERO, |since| since.elapsed());
        Duration::from_secs(self.clock.start + self.clock.advanced) + flowed
    }

    pub(crate) fn advance(&mut self, seconds: u64) {
        self.clock.advanced += seconds;
    }

    /// A new id; the same under the same seed and history.
    pub(crate) fn id(&mut self, prefix: &str) -> String {
        self.counter += 1;
        let digits = sha::digits(&[&self.seed.to_string(), prefix, &self.counter.to_string()], 20);
        format!("{prefix}_3S{digits}")
    }

    pub(crate) fn add(&mut self, kind: &'static str, object: Value) {
        self.store.add(kind, object);
    }

    /// The objects of a kind, oldest first.
    pub(crate) fn all(&self, kind: &str) -> impl DoubleEndedIterator<Item = &Value> {
        self.store.all(kind)
    }

    /// An object by id, of any kind.
    pub(crate) fn find_any(&self, id: &str) -> Option<Value> {
        self.store.find(id).cloned()
    }

    /// An object by kind, id and mode; `param` is blamed when there is none.
    pub(crate) fn get(&self, kind: &str, id: &str, live: bool, param: &str) -> ApiResult {
        let found = self.store.find(id).filter(|object| object["object"] == kind);
        let other_mode =
            |object: &Value| object["livemode"].as_bool().is_some_and(|mode| mode != live);
        match found {
            Some(object) if !other_mode(object) => Ok(object.clone()),
            _ => Err(ApiError::missing(&kind.replace('_', ""), id, param)),
        }
    }

    /// Changes an object, gives it back, and tells what the fields were before.
    pub(crate) fn change(&mut self, id: &str, fields: &Value) -> (Value, Value) {
        let mut before = Map::new();
        let Some(Value::Object(object)) = self.store.find_mut(id) else {
            return (Value::Null, Value::Null);
        };
        for (name, value) in fields.as_object().into_iter().flatten() {
            let old = object.insert(name.clone(), value.clone()).unwrap_or_default();
            if old != *value {
                before.insert(name.clone(), old);
            }
        }
        (Value::Object(object.clone()), Value::Object(before))
    }

    /// What can be paid out of, in a currency.
    pub(crate) fn available(&mut self, currency: &str) -> &mut i64 {
        self.balance.entry(currency.to_owned()).or_insert(FIRST_BALANCE)
    }

    /// A movement on the balance.
    pub(crate) fn transact(
        &mut self,
        kind: &str,
        source: &str,
        currency: &str,
        amount: i64,
        fee: i64,
    ) -> String {
        let (id, now) = (self.id("txn"), self.now());
        *self.available(currency) += amount - fee;
        let details = json!([{ "amount": fee, "application": null, "currency": currency, "description": "Stripe processing fees", "type": "stripe_fee" }]);
        let transaction = object(
            "balance_transaction",
            json!({
                "id": id, "amount": amount, "fee": fee, "net": amount - fee, "currency": currency,
                "created": now, "available_on": now, "type": kind, "reporting_category": kind,
                "source": source, "description": null, "fee_details": if fee == 0 { json!([]) } else { details },
            }),
        );
        self.add("balance_transaction", transaction);
        id
    }

    /// Makes a charge as if a customer had paid.
    pub(crate) fn new_charge(&mut self, order: &NewCharge) -> Value {
        let id = self.id("ch");
        let intent = order.payment_intent.then(|| self.id("pi"));
        let created = self.now().saturating_sub(order.age);
        let paid = order.status == "succeeded";
        let taken = paid && order.captured;
        let amount = i64::try_from(order.amount).unwrap_or(i64::MAX);
        let fee =
            i64::try_from(order.amount * FEE_BASIS_POINTS / 10_000 + FEE_FIXED).unwrap_or_default();
        let transaction = taken.then(|| self.transact("charge", &id, &order.currency, amount, fee));
        let mut details = fixture("charge")["payment_method_details"].clone();
        if order.method == "card" {
            details["card"]["fingerprint"] = json!(order.fingerprint);
            if let Some(card) = details["card"].as_object_mut() {
                for name in ["wallet", "installments", "three_d_secure"] {
                    card.insert(name.to_owned(), Value::Null);
                }
            }
        } else {
            details = json!({ "type": order.method });
        }
        let mut fraud = Map::new();
        for (name, report) in [
            ("user_report", &order.fraud_user_report),
            ("stripe_report", &order.fraud_stripe_report),
        ] {
            if let Some(report) = report {
                fraud.insert(name.to_owned(), json!(report));
            }
        }
        if order.refunds_need_action {
            self.needs_action.push(id.clone());
        }
        let mut billing = fixture("charge")["billing_details"].clone();
        billing["email"] = json!(order.billing_details.email);
        billing["name"] = json!(order.billing_details.name);
        let mut charge = object(
            "charge",
            json!({
                "id": id, "amount": order.amount, "currency": order.currency, "created": created,
                "amount_captured": if taken { order.amount } else { 0 }, "captured": order.captured && paid,
                "paid": paid, "status": order.status, "customer": order.customer, "payment_intent": intent,
                "payment_method": "pm_card_visa", "payment_method_details": details, "fraud_details": fraud,
                "balance_transaction": transaction, "livemode": order.livemode, "metadata": order.metadata,
                "description": null, "shipping": null, "source": null, "transfer_data": null,
                "billing_details": billing, "receipt_email": order.receipt_email, "receipt_url": null, "outcome": null,
            }),
        );
        if let Some(fields) = charge.as_object_mut() {
            // Not included unless expanded, since 2022-11-15.
            fields.remove("refunds");
        }
        self.add("charge", charge.clone());
        if let Some(intent) = intent {
            self.new_intent(&intent, &id, order, created);
        }
        if taken {
            self.emit("charge.succeeded", &charge, None);
        }
        charge
    }

    fn new_intent(&mut self, id: &str, charge: &str, order: &NewCharge, created: u64) {
        let status = match (order.status.as_str(), order.captured) {
            ("succeeded", true) => "succeeded",
            ("succeeded", false) => "requires_capture",
            ("pending", _) => "processing",
            _ => "requires_payment_method",
        };
        let received = if status == "succeeded" { order.amount } else { 0 };
        let capturable = if status == "requires_capture" { order.amount } else { 0 };
        let intent = object(
            "payment_intent",
            json!({
                "id": id, "amount": order.amount, "amount_received": received, "amount_capturable": capturable,
                "currency": order.currency, "created": created, "customer": order.customer, "status": status,
                "latest_charge": charge, "livemode": order.livemode, "receipt_email": order.receipt_email,
                "metadata": order.payment_intent_metadata.as_ref().unwrap_or(&order.metadata),
                "capture_method": if order.captured { "automatic" } else { "manual" },
                "canceled_at": null, "last_payment_error": null, "next_action": null, "processing": null,
                "shipping": null, "transfer_data": null, "payment_method": "pm_card_visa",
                "client_secret": format!("{id}_secret_simulator"), "allowed_payment_method_types": null,
                "managed_payments": null, "payment_record": null, "payment_method_configuration_details": null,
                "automatic_payment_methods": null, "payment_method_options": null,
            }),
        );
        self.add("payment_intent", intent);
    }

    /// Records an event and sends it to the webhook endpoints that want it.
    pub(crate) fn emit(&mut self, kind: &str, of: &Value, before: Option<Value>) {
        let live = of["livemode"].as_bool().unwrap_or_default();
        let id = self.id("evt");
        let mut data = json!({ "object": of });
        if let Some(before) = before {
            data["previous_attributes"] = before;
        }
        let (request_id, key) = &self.request;
        let event = object(
            "event",
            json!({
                "id": id, "type": kind, "created": self.now(), "livemode": live, "data": data,
                "api_version": "2026-10-28.endive", "pending_webhooks": self.all("webhook_endpoint").count(),
                "request": { "id": request_id, "idempotency_key": key },
            }),
        );
        self.add("event", event.clone());
        self.deliver(&event);
    }

    /// Sends an event, first time or again.
    pub(crate) fn deliver(&self, event: &Value) {
        for endpoint in self.all("webhook_endpoint") {
            let wanted = endpoint["enabled_events"].as_array().into_iter().flatten();
            if !wanted.clone().any(|kind| *kind == "*" || *kind == event["type"]) {
                continue;
            }
            let id = endpoint["id"].as_str().unwrap_or_default();
            let delivery = Delivery {
                url: endpoint["url"].as_str().unwrap_or_default().to_owned(),
                secret: self.secrets.get(id).cloned().unwrap_or_default(),
                payload: event.to_string(),
                at: self.now(),
            };
            // The receiver is gone only when the simulator is shutting down.
            let _ = self.outbox.send(delivery);
        }
    }
}
