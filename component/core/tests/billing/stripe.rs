//! A Stripe that holds an invoice and what belongs to it.

use std::collections::BTreeMap;
use std::time::Duration;

use refund_core::billing::InvoiceFacts;
use refund_core::client::{
    self, CallError, Connection, ConnectionInput, HttpRequest, InvoiceRequest, SendFailure,
    Transport,
};
use refund_core::credits::{Order, Price, ProrateRequest, Proration, prorate};
use refund_core::wire::Answer;
use serde_json::{Value, json};

pub(crate) const STRIPE: &str = "https://api.stripe.com";
pub(crate) const START: u64 = 1_790_000_000;
pub(crate) const MONTH: u64 = 30 * 86_400;

/// Objects by path; lists are given whole, and paged as they are asked for.
#[derive(Default)]
pub(crate) struct Stripe {
    pub(crate) objects: BTreeMap<String, Value>,
    pub(crate) lists: BTreeMap<String, Vec<Value>>,
    pub(crate) urls: Vec<String>,
}

impl Stripe {
    /// An invoice of these lines, paid by these payments.
    pub(crate) fn of(lines: &[Value], payments: &[Value]) -> Self {
        let mut stripe = Self::default();
        let invoice = json!({
            "id": "in_1", "object": "invoice", "status": "paid", "currency": "usd",
            "lines": { "object": "list", "has_more": false, "data": lines },
            "payments": { "object": "list", "has_more": false, "data": payments },
            "pre_payment_credit_notes_amount": 0, "post_payment_credit_notes_amount": 0,
        });
        stripe.objects.insert("/v1/invoices/in_1".into(), invoice);
        stripe
    }

    /// The usual one: 30.00 for a month, by two payments of 20.00 and 10.00.
    pub(crate) fn usual() -> Self {
        let payments =
            vec![by_intent("inpay_2", "pi_b", 1000, 20), by_intent("inpay_1", "pi_a", 2000, 10)];
        let mut stripe = Self::of(&[line("il_1", "si_1", 3000)], &payments);
        stripe.pays("pi_a", 2000, &[]);
        stripe.pays("pi_b", 1000, &[]);
        stripe
    }

    pub(crate) fn invoice(&mut self) -> &mut Value {
        self.objects.get_mut("/v1/invoices/in_1").unwrap()
    }

    /// A `PaymentIntent` whose charge took so much, and had these refunds.
    pub(crate) fn pays(&mut self, intent: &str, captured: u64, refunds: &[Value]) {
        let spent = |refund: &&Value| refund["status"] == "succeeded";
        let refunded: u64 =
            refunds.iter().filter(spent).map(|one| one["amount"].as_u64().unwrap()).sum();
        let charge = json!({
            "id": intent.replace("pi_", "ch_"), "object": "charge", "amount": captured,
            "amount_captured": captured, "amount_refunded": refunded, "currency": "usd",
            "status": "succeeded", "captured": true, "created": START, "payment_intent": intent,
            "refunds": { "object": "list", "has_more": false, "data": refunds },
        });
        let intent_object = json!({
            "id": intent, "object": "payment_intent", "status": "succeeded", "currency": "usd",
            "latest_charge": charge,
        });
        self.objects.insert(format!("/v1/payment_intents/{intent}"), intent_object);
        self.objects.insert(format!("/v1/charges/{}", charge["id"].as_str().unwrap()), charge);
    }

    pub(crate) fn noted(&mut self, notes: Vec<Value>) {
        self.invoice()["post_payment_credit_notes_amount"] = json!(1);
        self.lists.insert("/v1/credit_notes".into(), notes);
    }

    pub(crate) fn read(&mut self, request: &InvoiceRequest) -> Result<InvoiceFacts, CallError> {
        let connection = Connection::new(ConnectionInput::default()).unwrap();
        client::read_invoice(self, &connection, request)
    }

    pub(crate) fn facts(&mut self) -> InvoiceFacts {
        self.read(&usual_request()).unwrap()
    }

    pub(crate) fn paths(&self) -> Vec<&str> {
        let paths = self.urls.iter().map(|url| url.trim_start_matches(STRIPE));
        paths.map(|path| path.split('?').next().unwrap()).collect()
    }
}

impl Transport for Stripe {
    fn send(&mut self, request: &HttpRequest) -> Result<Answer, SendFailure> {
        self.urls.push(request.url.clone());
        let path = request.url.trim_start_matches(STRIPE);
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let query = |name: &str| {
            query.split('&').filter_map(|pair| pair.split_once('=')).find(|pair| pair.0 == name)
        };
        let answer = |status, body: &Value| {
            Ok(Answer { status, headers: Vec::new(), body: body.to_string().into_bytes() })
        };
        if let Some(object) = self.objects.get(path) {
            return answer(200, object);
        }
        let Some(all) = self.lists.get(path) else {
            let error = json!({ "error": { "type": "invalid_request_error", "code": "resource_missing", "message": "no such object" } });
            return answer(404, &error);
        };
        let limit: usize = query("limit").expect("pages are full").1.parse().unwrap();
        let start = query("starting_after")
            .map_or(0, |(_, id)| all.iter().position(|one| one["id"] == id).unwrap() + 1);
        let page = &all[start..(start + limit).min(all.len())];
        let more = start + page.len() < all.len();
        answer(200, &json!({ "object": "list", "data": page, "has_more": more }))
    }

    fn now(&self) -> u64 {
        START
    }

    fn sleep(&mut self, _: Duration) {}
}

pub(crate) fn usual_request() -> InvoiceRequest {
    InvoiceRequest { invoice: "in_1".into(), ..InvoiceRequest::default() }
}

pub(crate) fn as_operation(id: &str) -> InvoiceRequest {
    InvoiceRequest { operation_id: Some(id.into()), ..usual_request() }
}

pub(crate) fn of_line(line: &str) -> InvoiceRequest {
    InvoiceRequest { line: Some(line.into()), ..usual_request() }
}

pub(crate) fn line(id: &str, item: &str, amount: i64) -> Value {
    json!({
        "id": id, "object": "line_item", "amount": amount, "currency": "usd",
        "period": { "start": START, "end": START + MONTH },
        "discount_amounts": [], "pretax_credit_amounts": null, "taxes": [],
        "parent": {
            "type": "subscription_item_details", "invoice_item_details": null,
            "subscription_item_details": { "subscription_item": item, "proration": false },
        },
    })
}

pub(crate) fn by_intent(id: &str, intent: &str, amount: u64, created: u64) -> Value {
    json!({
        "id": id, "object": "invoice_payment", "amount_paid": amount, "currency": "usd",
        "created": created, "status": "paid", "status_transitions": { "paid_at": created },
        "payment": { "type": "payment_intent", "payment_intent": intent },
    })
}

pub(crate) fn refund(id: &str, amount: u64, status: &str, metadata: &Value) -> Value {
    json!({
        "id": id, "object": "refund", "amount": amount, "currency": "usd", "status": status,
        "created": START, "metadata": metadata,
    })
}

/// A credit note that credits these lines of the invoice by these amounts (an empty id stands for a line of its
/// own) and counts these refunds as its own.
pub(crate) fn note(id: &str, lines: &[(&str, u64)], refunds: &[(&str, u64)]) -> Value {
    let line = |(n, (line, amount)): (usize, &(&str, u64))| {
        let (kind, line) = match *line {
            "" => ("custom_line_item", Value::Null),
            line => ("invoice_line_item", json!(line)),
        };
        json!({
            "id": format!("cnli_{id}_{n}"), "object": "credit_note_line_item", "type": kind,
            "invoice_line_item": line, "amount": amount, "discount_amounts": [],
            "pretax_credit_amounts": [], "taxes": [],
        })
    };
    let linked = |(refund, amount): &(&str, u64)| json!({ "type": "refund", "refund": refund, "amount_refunded": amount });
    json!({
        "id": id, "object": "credit_note", "status": "issued", "shipping_cost": null,
        "amount": lines.iter().map(|line| line.1).sum::<u64>(),
        "lines": { "data": lines.iter().enumerate().map(line).collect::<Vec<_>>(), "has_more": false },
        "refunds": refunds.iter().map(linked).collect::<Vec<_>>(),
    })
}

/// Payment, paid, refunded.
pub(crate) fn shares(facts: &InvoiceFacts) -> Vec<(&str, u64, u64)> {
    facts.payments.iter().map(|one| (one.payment.as_str(), one.paid, one.refunded)).collect()
}

/// The quote when the period ends half way.
pub(crate) fn half(facts: &InvoiceFacts) -> Proration {
    let InvoiceFacts { price, period, payments, credited, .. } = facts.clone();
    prorate(&ProrateRequest {
        price: Price { amount: price.amount, currency: price.currency.to_string() },
        period,
        ends: START + MONTH / 2,
        payments,
        credited,
        kept: 0,
        rounding: None,
        order: Some(Order::Proportional),
    })
    .unwrap()
}

pub(crate) fn invalid(found: Result<InvoiceFacts, CallError>) -> (String, String) {
    match found {
        Err(CallError::Invalid { mut problems }) => {
            let problem = problems.remove(0);
            (problem.field.clone(), problem.to_string())
        }
        other => panic!("{other:?}"),
    }
}
