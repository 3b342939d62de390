//! Which requests find a customer's address, and what an answer that says no means.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::time::Duration;

use refund_core::client::{
    self, CallError, Connection, ConnectionInput, HttpRequest, SendFailure, Transport,
    TransportKind,
};
use refund_core::followups::{FoundContact, LookResult, Place};
use refund_core::id::PaymentRef;
use refund_core::wire::Answer;
use refund_core::wire::requests::Method;
use serde_json::{Value, json};

/// Answers by path and query; a path without one does not exist.
#[derive(Default)]
struct Stripe {
    answers: BTreeMap<&'static str, Result<(u16, Value), TransportKind>>,
    asked: Vec<String>,
}

impl Stripe {
    fn with(mut self, path: &'static str, object: Value) -> Self {
        self.answers.insert(path, Ok((200, object)));
        self
    }

    fn refusing(mut self, path: &'static str, status: u16) -> Self {
        let error = json!({ "error": { "type": "invalid_request_error", "message": "no" } });
        self.answers.insert(path, Ok((status, error)));
        self
    }

    fn failing(mut self, path: &'static str, kind: TransportKind) -> Self {
        self.answers.insert(path, Err(kind));
        self
    }

    fn find(&mut self, payment: &str) -> Result<FoundContact, CallError> {
        let input = ConnectionInput { max_retries: Some(0), ..ConnectionInput::default() };
        let connection = Connection::new(input).unwrap();
        client::contact(self, &connection, &PaymentRef::parse(payment).unwrap())
    }
}

impl Transport for Stripe {
    fn send(&mut self, request: &HttpRequest) -> Result<Answer, SendFailure> {
        assert_eq!(request.method, Method::Get);
        let path = request.url.strip_prefix("https://api.stripe.com").unwrap();
        let path = path.replace("%5B", "[").replace("%5D", "]");
        self.asked.push(path.clone());
        let missing =
            || json!({ "error": { "type": "invalid_request_error", "code": "resource_missing" } });
        let (status, body) = match self.answers.get(path.as_str()) {
            Some(Ok(answer)) => answer.clone(),
            Some(Err(kind)) => {
                return Err(SendFailure { kind: *kind, detail: "scripted".into() });
            }
            None => (404, missing()),
        };
        Ok(Answer { status, headers: Vec::new(), body: body.to_string().into_bytes() })
    }

    fn now(&self) -> u64 {
        1_790_000_000
    }

    fn sleep(&mut self, _: Duration) {}
}

const CHARGE: &str = "/v1/charges/ch_1";
const INTENT: &str = "/v1/payment_intents/pi_1";
const WITH_CHARGE: &str = "/v1/payment_intents/pi_1?expand[0]=latest_charge";
const CUSTOMER: &str = "/v1/customers/cus_1";

fn charge(fields: &Value) -> Value {
    let mut charge = json!({
        "id": "ch_1", "object": "charge", "customer": "cus_1", "payment_intent": "pi_1", "metadata": {},
        "billing_details": { "email": null, "name": null }, "receipt_email": null,
    });
    for (name, value) in fields.as_object().unwrap() {
        charge[name] = value.clone();
    }
    charge
}

fn bare() -> Value {
    charge(&json!({}))
}

fn intent(metadata: &Value) -> Value {
    json!({ "id": "pi_1", "object": "payment_intent", "metadata": metadata, "latest_charge": "ch_1" })
}

fn customer() -> Value {
    json!({ "id": "cus_1", "object": "customer", "name": "Cleo", "email": "cleo@example.com" })
}

fn email(found: &FoundContact) -> Option<&str> {
    found.email.as_deref()
}

#[test]
fn no_more_is_read_than_is_needed() {
    let metadata = json!({ "customer_email": "ann@example.com" });
    let billing = json!({ "billing_details": { "email": "bea@example.com", "name": "Bea" } });
    let table: [(Stripe, &str, &[&str]); 5] = [
        (
            Stripe::default().with(CHARGE, charge(&json!({ "metadata": metadata.clone() }))),
            "ann@example.com",
            &[CHARGE],
        ),
        (
            Stripe::default().with(CHARGE, charge(&billing)).with(INTENT, intent(&metadata)),
            "ann@example.com",
            &[CHARGE, INTENT],
        ),
        (
            Stripe::default().with(CHARGE, charge(&billing)).with(INTENT, intent(&json!({}))),
            "bea@example.com",
            &[CHARGE, INTENT],
        ),
        (
            Stripe::default()
                .with(CHARGE, charge(&json!({ "receipt_email": "rae@example.com" })))
                .with(INTENT, intent(&json!({}))),
            "rae@example.com",
            &[CHARGE, INTENT],
        ),
        (
            Stripe::default()
                .with(CHARGE, bare())
                .with(INTENT, intent(&json!({})))
                .with(CUSTOMER, customer()),
            "cleo@example.com",
            &[CHARGE, INTENT, CUSTOMER],
        ),
    ];
    for (mut stripe, expected, asked) in table {
        let found = stripe.find("ch_1").unwrap();
        assert_eq!(
            (email(&found), &stripe.asked.iter().map(String::as_str).collect::<Vec<_>>()[..]),
            (Some(expected), asked)
        );
    }
}

#[test]
fn a_payment_intent_is_read_with_its_charge() {
    let mut whole = intent(&json!({}));
    whole["latest_charge"] = charge(&json!({ "receipt_email": "rae@example.com" }));
    let mut stripe = Stripe::default().with(WITH_CHARGE, whole.clone());
    let found = stripe.find("pi_1").unwrap();
    assert_eq!((email(&found), stripe.asked.len()), (Some("rae@example.com"), 1));
    // Never paid: no charge, but a customer.
    whole["latest_charge"] = Value::Null;
    whole["customer"] = json!("cus_1");
    let mut stripe = Stripe::default().with(WITH_CHARGE, whole).with(CUSTOMER, customer());
    let found = stripe.find("pi_1").unwrap();
    assert_eq!((email(&found), found.name.as_deref()), (Some("cleo@example.com"), Some("Cleo")));
    assert_eq!(stripe.asked, [WITH_CHARGE, CUSTOMER]);
    // Stripe names the charge only.
    let mut stripe = Stripe::default()
        .with(WITH_CHARGE, intent(&json!({})))
        .with(CHARGE, charge(&json!({ "receipt_email": "rae@example.com" })));
    assert_eq!(email(&stripe.find("pi_1").unwrap()), Some("rae@example.com"));
}

#[test]
fn a_payment_without_intent_or_customer_has_fewer_places() {
    let alone = charge(&json!({ "customer": null, "payment_intent": null }));
    let mut stripe = Stripe::default().with(CHARGE, alone);
    let found = stripe.find("ch_1").unwrap();
    assert_eq!(stripe.asked, [CHARGE]);
    let places: Vec<_> = found.looked_at.iter().map(|look| look.place).collect();
    assert_eq!(places, [Place::ChargeMetadata, Place::BillingDetails, Place::ReceiptEmail]);
}

#[test]
fn what_may_not_be_read_has_no_address_and_is_named() {
    let stripe = || Stripe::default().with(CHARGE, bare());
    for status in [401, 403, 404] {
        let mut refused = stripe().refusing(INTENT, status).refusing(CUSTOMER, status);
        let found = refused.find("ch_1").unwrap();
        assert_eq!(email(&found), None, "{status}");
        assert_eq!(
            found.places(LookResult::NotReadable),
            ["the PaymentIntent's metadata", "the customer's e-mail"]
        );
    }
    let mut denied = stripe().failing(INTENT, TransportKind::Denied).with(CUSTOMER, customer());
    assert_eq!(email(&denied.find("ch_1").unwrap()), Some("cleo@example.com"));
}

#[test]
fn what_cannot_be_read_now_fails() {
    let stripe = || Stripe::default().with(CHARGE, bare()).with(INTENT, intent(&json!({})));
    for status in [400, 429, 500] {
        let error = stripe().refusing(CUSTOMER, status).find("ch_1").unwrap_err();
        assert!(matches!(error, CallError::Refused(_)), "{status}: {error}");
        assert!(stripe().refusing(INTENT, status).find("ch_1").is_err(), "{status}");
    }
    for kind in [TransportKind::Timeout, TransportKind::Connect] {
        assert!(stripe().failing(CUSTOMER, kind).find("ch_1").is_err());
    }
    // No object of that kind is not an address that is missing.
    assert!(stripe().with(CUSTOMER, json!({})).find("ch_1").is_err());
    // The payment itself must be there.
    for status in [401, 403, 404] {
        assert!(Stripe::default().refusing(CHARGE, status).find("ch_1").is_err(), "{status}");
    }
}
