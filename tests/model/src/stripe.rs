//! A small Stripe: one payment or several, refunds, idempotency keys, and requests that are on their way.
//!
//! It keeps what decides something. A refund carries the operation id that its request had in the metadata. The first
//! answer to a key is repeated for as long as the key lives, whether that was a refund, a refusal or a fault; with other
//! parameters the key is refused. A refusal because of a parameter is not kept, as at Stripe.

use std::sync::Arc;

use refund_core::client::HttpRequest;
use refund_core::wire::Answer;
use refund_core::wire::requests::Method;
use serde_json::{Value, json};

/// How long a request may take until it is carried out, in seconds. Stripe's own libraries wait that long.
pub const LANDS_WITHIN_SECS: u64 = 80;

/// What came of a request, for whoever sent it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reply {
    /// Stripe answered.
    Answered(Arc<Body>),
    /// No answer came in time.
    Lost,
    /// No connection could be made: the request did not leave.
    NotReached,
    /// The host stopped the component while it waited.
    Stopped {
        /// Whether a request that changes something was on its way.
        left: bool,
    },
}

/// Status and body of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Body {
    status: u16,
    is_replayed: bool,
    text: String,
}

impl Body {
    fn ok(value: &Value) -> Reply {
        Self::with_status(200, value, false)
    }

    fn with_status(status: u16, value: &Value, is_replayed: bool) -> Reply {
        Reply::Answered(Arc::new(Self { status, is_replayed, text: value.to_string() }))
    }

    /// As the client reads it.
    pub fn whole(&self) -> Answer {
        let mut headers = vec![("request-id".to_owned(), "req_1".to_owned())];
        if self.is_replayed {
            headers.push(("idempotent-replayed".to_owned(), "true".to_owned()));
        }
        Answer { status: self.status, headers, body: self.text.clone().into_bytes() }
    }
}

/// A payment: the model has few, and they never change but for their refunds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Payment {
    /// `ch_…`
    pub charge: &'static str,
    /// `pi_…`
    pub intent: &'static str,
    /// What was paid, in cents.
    pub cents: u64,
}

/// Where a refund stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// Under way.
    Pending,
    /// Accepted by the bank.
    Succeeded,
    /// The money came back.
    Failed,
}

impl Status {
    /// In Stripe's words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
}

/// What does not change at Stripe.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The payments.
    pub payments: Vec<Payment>,
    /// Where a refund stands once it is made.
    pub made_as: Status,
}

/// A refund that exists.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Made {
    /// The operation that the request named; absent for one that was made in the Dashboard.
    pub operation: Option<String>,
    /// What it was taken from.
    pub payment: Payment,
    /// How much, in cents.
    pub cents: u64,
    /// Where it stands.
    pub status: Status,
}

/// A request that makes a refund.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Post {
    /// Its idempotency key.
    pub key: String,
    /// The operation in its metadata.
    pub operation: String,
    /// The charge it names.
    pub charge: String,
    /// How much, in cents.
    pub cents: u64,
    /// Its parameters: the same key with others is refused.
    body: String,
}

/// A request on its way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Flight {
    /// What it asks for.
    pub post: Arc<Post>,
    /// When it left, Unix seconds.
    pub sent: u64,
    /// Which worker waits for the answer; absent once it does not any more.
    pub waiter: Option<u8>,
}

/// What Stripe does with a request that arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Handling {
    /// What it was sent for.
    Made,
    /// The card network refuses.
    Refused,
    /// Too many requests; nothing is done and nothing is kept.
    TooMany,
    /// A fault before the refund is made.
    FaultBefore,
    /// A fault after the refund was made.
    FaultAfter,
}

/// The first answer to a key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct First {
    key: String,
    body: String,
    outcome: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Outcome {
    Refund(usize),
    Refused,
    Exceeds,
    Fault,
}

/// What Stripe holds, and what is on its way to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Stripe {
    /// Oldest first.
    pub refunds: Vec<Made>,
    keys: Vec<First>,
    /// Oldest first.
    pub flights: Vec<Flight>,
}

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Something that only reads.
    Read,
    /// Something that makes a refund.
    Refund(Post),
}

impl Asked {
    /// Reads a request.
    pub fn of(request: &HttpRequest) -> Self {
        if request.method == Method::Get {
            return Self::Read;
        }
        let body = request.body.as_ref().map_or(&[][..], |body| body.as_bytes());
        let body = String::from_utf8_lossy(body).into_owned();
        let header = request.headers.iter().find(|(name, _)| *name == "idempotency-key");
        let field = |name: &str| parameter(&body, name).unwrap_or_default().to_owned();
        Self::Refund(Post {
            key: header.map(|(_, key)| key.clone()).unwrap_or_default(),
            operation: field("metadata[refund_node_operation]"),
            charge: field("charge"),
            cents: field("amount").parse().unwrap_or_default(),
            body,
        })
    }
}

fn parameter<'a>(form: &'a str, name: &str) -> Option<&'a str> {
    form.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

impl Stripe {
    /// What is left of a payment, in cents.
    pub fn left(&self, payment: Payment) -> u64 {
        let refunds = self.refunds.iter().filter(|one| one.payment == payment);
        let spent = refunds.filter(|one| one.status != Status::Failed).map(|one| one.cents);
        payment.cents.saturating_sub(spent.sum())
    }

    /// The refunds that name an operation.
    pub fn refunds_of<'a>(&'a self, operation: &'a str) -> impl Iterator<Item = &'a Made> {
        self.refunds.iter().filter(move |one| one.operation.as_deref() == Some(operation))
    }

    /// The requests of an operation that may still be carried out.
    pub fn flights_of<'a>(&'a self, operation: &'a str) -> impl Iterator<Item = &'a Flight> {
        self.flights.iter().filter(move |one| one.post.operation == operation)
    }

    /// Stripe forgets the answers to all keys.
    pub fn forget_keys(&mut self) {
        self.keys.clear();
    }

    /// Whether the key of a request is remembered.
    pub fn knows(&self, post: &Post) -> bool {
        self.keys.iter().any(|first| first.key == post.key)
    }

    /// A request that was not carried out in time never is.
    pub fn drop_overdue(&mut self, now: u64) {
        self.flights.retain(|flight| now.saturating_sub(flight.sent) < LANDS_WITHIN_SECS);
    }

    /// Carries out a request, and gives the answer for whoever still waits for it.
    pub fn carry_out(&mut self, post: &Post, setting: &Setting, handling: Handling) -> Reply {
        if let Some(first) = self.keys.iter().find(|first| first.key == post.key) {
            return if first.body == post.body {
                self.answer(first.outcome, setting, true)
            } else {
                refusal(400, "idempotency_error", "the key was used with other parameters")
            };
        }
        if handling == Handling::TooMany {
            return refusal(429, "invalid_request_error", "too many requests");
        }
        let payments = &setting.payments;
        let Some(payment) = payments.iter().find(|one| one.charge == post.charge) else {
            return refusal(404, "invalid_request_error", "no such charge");
        };
        let outcome = match handling {
            Handling::Refused => Outcome::Refused,
            Handling::FaultBefore => Outcome::Fault,
            _ if post.cents > self.left(*payment) => Outcome::Exceeds,
            Handling::Made | Handling::FaultAfter | Handling::TooMany => {
                let operation = Some(post.operation.clone());
                let refund = self.make(operation, *payment, post.cents, setting.made_as);
                if handling == Handling::FaultAfter {
                    Outcome::Fault
                } else {
                    Outcome::Refund(refund)
                }
            }
        };
        let (key, body) = (post.key.clone(), post.body.clone());
        self.keys.push(First { key, body, outcome });
        self.answer(outcome, setting, false)
    }

    /// Makes a refund; its number.
    pub fn make(
        &mut self,
        operation: Option<String>,
        payment: Payment,
        cents: u64,
        status: Status,
    ) -> usize {
        self.refunds.push(Made { operation, payment, cents, status });
        self.refunds.len() - 1
    }

    fn answer(&self, outcome: Outcome, setting: &Setting, is_replayed: bool) -> Reply {
        match outcome {
            Outcome::Refund(at) => {
                // The answer is the first one, whatever became of the refund since.
                let made = Made { status: setting.made_as, ..self.refunds[at].clone() };
                Body::with_status(200, &show(at, &made), is_replayed)
            }
            Outcome::Refused => refusal(402, "card_error", "the card network refused"),
            Outcome::Exceeds => {
                refusal(400, "invalid_request_error", "the amount is more than what is left")
            }
            Outcome::Fault => refusal(500, "api_error", "a fault"),
        }
    }

    /// Answers a request that only reads.
    pub fn read(&self, request: &HttpRequest, setting: &Setting) -> Reply {
        let payments = &setting.payments;
        let (path, query) = request.url.split_once('?').unwrap_or((&request.url, ""));
        let path = path.split_once("/v1/").map_or(path, |(_, path)| path);
        let (kind, id) = path.split_once('/').unwrap_or((path, ""));
        let by = |id: &str| payments.iter().find(|one| one.charge == id || one.intent == id);
        match kind {
            "charges" => by(id).map_or_else(absent, |one| Body::ok(&self.charge(*one))),
            "payment_intents" => by(id).map_or_else(absent, |one| {
                Body::ok(&json!({
                    "id": one.intent, "status": "succeeded", "currency": "usd",
                    "latest_charge": self.charge(*one),
                }))
            }),
            "refunds" if id.is_empty() => {
                let named = ["charge", "payment_intent"].map(|name| parameter(query, name));
                let payment = named.into_iter().flatten().next().and_then(by);
                Body::ok(&self.list(payment.copied()))
            }
            "refunds" => {
                let at = id.strip_prefix("re_").and_then(|number| number.parse::<usize>().ok());
                let found = at.and_then(|at| Some((at - 1, self.refunds.get(at - 1)?)));
                found.map_or_else(absent, |(at, made)| Body::ok(&show(at, made)))
            }
            _ => Body::ok(&json!({ "object": "list", "data": [], "has_more": false })),
        }
    }

    fn charge(&self, payment: Payment) -> Value {
        let spent = payment.cents - self.left(payment);
        json!({
            "id": payment.charge, "object": "charge", "amount": payment.cents,
            "amount_captured": payment.cents, "amount_refunded": spent, "currency": "usd",
            "status": "succeeded", "captured": true, "refunded": spent == payment.cents,
            "disputed": false, "created": CREATED, "payment_intent": payment.intent,
            "refunds": self.list(Some(payment)),
        })
    }

    /// Newest first.
    fn list(&self, payment: Option<Payment>) -> Value {
        let refunds = self.refunds.iter().enumerate().rev();
        let data: Vec<_> = refunds
            .filter(|(_, one)| payment.is_none_or(|payment| one.payment == payment))
            .map(|(at, one)| show(at, one))
            .collect();
        json!({ "object": "list", "data": data, "has_more": false })
    }
}

/// When the payments and their refunds were made: no rule of the model looks at it.
const CREATED: u64 = 1_700_000_000;

/// A refund as Stripe shows it.
pub fn show(at: usize, made: &Made) -> Value {
    let mut refund = json!({
        "id": refund_id(at), "object": "refund", "amount": made.cents, "currency": "usd",
        "charge": made.payment.charge, "payment_intent": made.payment.intent,
        "status": made.status.as_str(), "created": CREATED, "reason": null, "metadata": {},
    });
    if let Some(operation) = &made.operation {
        refund["metadata"] = json!({ "refund_node_operation": operation });
    }
    refund
}

/// `re_…`
pub fn refund_id(at: usize) -> String {
    format!("re_{}", at + 1)
}

fn absent() -> Reply {
    refusal(404, "invalid_request_error", "no such object")
}

fn refusal(status: u16, kind: &str, message: &str) -> Reply {
    let body = json!({ "error": { "type": kind, "message": message } });
    Body::with_status(status, &body, false)
}
