//! A period that ends early, with everything read from Stripe.

use std::collections::BTreeMap;

use refund_host::api::node::{FailureKind, InvokeError};
use refund_pipelines::PRORATION;
use refund_simulator::{
    Fault, FaultKind, NewCharge, NewCreditNote, NewInvoice, NewItem, NewLine, NewPayment,
    NewSubscription, TEST_KEY,
};
use refund_tests::Stage;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{count, invoke, refunded, stage};

const MONTH: u64 = 30 * 86_400;

/// A subscription of 60.00 dollars a month, whose invoice two payments paid.
struct Sold {
    stage: Stage,
    subscription: String,
    invoice: String,
    /// The payments' charges: 40.00 and 20.00 dollars.
    charges: [String; 2],
    /// Half of the month.
    ends: u64,
}

fn id(object: &Value) -> String {
    object["id"].as_str().unwrap().to_owned()
}

fn paid_by(charge: &str) -> NewPayment {
    NewPayment { charge: Some(charge.to_owned()), ..NewPayment::default() }
}

async fn sold() -> Sold {
    let stage = stage(PRORATION).await;
    let items = vec![NewItem { amount: 6000, ..NewItem::default() }];
    let order = NewSubscription { items, ..NewSubscription::default() };
    let subscription = id(&stage.stripe.subscription(&order).unwrap());
    let charges =
        [4000, 2000].map(|amount| stage.charge_with(&NewCharge { amount, ..NewCharge::default() }));
    let order = NewInvoice {
        subscription: Some(subscription.clone()),
        payments: Some(charges.iter().map(|charge| paid_by(charge)).collect()),
        ..NewInvoice::default()
    };
    let invoice = id(&stage.stripe.invoice(&order).unwrap());
    let ends = stage.stripe.now() + MONTH / 2;
    Sold { stage, subscription, invoice, charges, ends }
}

impl Sold {
    /// Half a month later the customer leaves. 4.00 were refunded by then, and 3.00 credited.
    async fn cancelled() -> Self {
        let sold = sold().await;
        let stripe = &sold.stage.stripe;
        stripe.advance(MONTH / 2);
        delete(&stripe.base_url(), &sold.subscription).await;
        stripe.dashboard_refund(&sold.charges[0], 400);
        let note = NewCreditNote { invoice: sold.invoice.clone(), amount: 300 };
        stripe.credit_note(&note).unwrap();
        sold
    }

    fn input(&self, operation: &str) -> Value {
        json!({
            "operation_id": operation, "subscription": self.subscription, "ends": self.ends,
            "dry_run": false,
        })
    }

    async fn run(&self, input: Value) -> Result<Value, InvokeError> {
        invoke(&self.stage, "proration.run", input).await
    }

    /// The second refund is not made, or its answer is lost; so are all reads after it.
    fn trouble(&self, after_commit: bool) {
        let stripe = &self.stage.stripe;
        let lost = FaultKind::Reset { after_commit };
        stripe.order_fault(Fault { skip: 1, ..Fault::on_create(lost).times(3) });
        stripe.order_fault(Fault {
            method: Some("GET".into()),
            path: Some("/v1/refunds*".into()),
            skip: 0,
            times: 20,
            kind: FaultKind::Reset { after_commit: false },
        });
    }

    fn given_back(&self) -> u64 {
        let refunds = self.charges.iter().flat_map(|charge| self.stage.stripe.refunds_of(charge));
        refunds.map(|refund| refund["amount"].as_u64().unwrap()).sum()
    }

    /// Half of 60.00, less 4.00 and 3.00, in proportion to the 36.00 and 20.00 that are left.
    fn fair(&self) -> ByCharge {
        self.charges.iter().cloned().zip([1479, 821]).collect()
    }

    /// Each payment was refunded once.
    fn once(&self) -> Vec<(String, u64)> {
        let operation = |charge: &String| (format!("cancel-7-{charge}"), 1);
        let once: BTreeMap<_, _> = self.charges.iter().map(operation).collect();
        once.into_iter().collect()
    }

    /// Refunds of each operation, counted at the simulator.
    fn by_operation(&self) -> Vec<(String, u64)> {
        let stats = self.stage.stripe.stats();
        let by = stats["refunds_by_operation"].as_object().unwrap();
        by.iter().map(|(name, count)| (name.clone(), count.as_u64().unwrap())).collect()
    }
}

/// Cancels a subscription, as a shop does.
async fn delete(base_url: &str, subscription: &str) {
    let mut socket = TcpStream::connect(base_url.trim_start_matches("http://")).await.unwrap();
    let request = format!(
        "DELETE /v1/subscriptions/{subscription} HTTP/1.1\r\nhost: stripe\r\n\
         authorization: Bearer {TEST_KEY}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

fn amounts(list: &Value, of: fn(&Value) -> &Value) -> Vec<u64> {
    list.as_array().unwrap().iter().map(|one| of(one).as_u64().unwrap()).collect()
}

/// Charge and amount of each refund.
type ByCharge = BTreeMap<String, u64>;

fn planned(output: &Value) -> ByCharge {
    let planned = output["planned"].as_array().unwrap().iter();
    planned.map(|one| (text(&one["payment"]), one["amount"]["amount"].as_u64().unwrap())).collect()
}

fn made(output: &Value) -> ByCharge {
    let refunds = output["refunds"].as_array().unwrap().iter().map(|one| &one["refund"]);
    refunds.map(|one| (text(&one["charge"]), one["amount"].as_u64().unwrap())).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_cancelled_subscription_gives_back_what_is_left() {
    let sold = Sold::cancelled().await;
    let mut dry = sold.input("cancel-7");
    dry["dry_run"] = json!(true);
    let shown = sold.run(dry).await.unwrap();
    let read = &shown["invoice"];
    assert_eq!((&read["invoice"], &read["credited"]), (&json!(sold.invoice), &json!(300)));
    assert_eq!(read["price"], json!({ "amount": 6000, "currency": "usd" }));
    assert_eq!(amounts(&read["payments"], |one| &one["refunded"]).iter().sum::<u64>(), 400);
    assert_eq!(planned(&shown), sold.fair());
    let mark = &shown["planned"][0]["metadata"]["refund_node_period"];
    assert!(text(mark).starts_with(&sold.invoice), "{mark}");
    assert_eq!((count(&shown, "refunds"), sold.given_back()), (0, 400));
    for origin in ["made", "found"] {
        let done = sold.run(sold.input("cancel-7")).await.unwrap();
        assert_eq!(done["quote"], shown["quote"]);
        assert_eq!(made(&done), sold.fair());
        assert_eq!(done["refunds"][1]["origin"], origin);
        assert_eq!(done["invoice"]["payments"], read["payments"]);
    }
    assert_eq!(sold.given_back(), 400 + 2300);
    assert_eq!(sold.by_operation(), sold.once());
}

#[tokio::test]
async fn reading_takes_a_request_for_each_thing() {
    let sold = Sold::cancelled().await;
    let before = sold.stage.stripe.requests().len();
    let mut input = sold.input("cancel-7");
    input["dry_run"] = json!(true);
    input["kept"] = json!(6000);
    // Nothing is due. The payments are read for the quote, and again for refunds that this operation made.
    assert_eq!(count(&sold.run(input).await.unwrap(), "planned"), 0);
    let requests = sold.stage.stripe.requests();
    let paths: Vec<_> = requests[before..].iter().map(|one| one.path.as_str()).collect();
    let starts = [
        "/v1/subscriptions/",
        "/v1/invoices/",
        "/v1/credit_notes",
        "/v1/payment_intents/",
        "/v1/payment_intents/",
        "/v1/payment_intents/",
        "/v1/payment_intents/",
    ];
    assert_eq!(paths.len(), starts.len(), "{paths:?}");
    assert!(paths.iter().zip(starts).all(|(path, start)| path.starts_with(start)), "{paths:?}");
}

#[tokio::test]
async fn after_the_first_of_two_the_same_call_makes_the_second() {
    for after_commit in [false, true] {
        let sold = Sold::cancelled().await;
        sold.trouble(after_commit);
        let Err(InvokeError::Failed(failure)) = sold.run(sold.input("cancel-7")).await else {
            panic!("unknown")
        };
        assert_eq!((failure.kind, failure.retryable), (FailureKind::OutcomeUnknown, true));
        let details: Value = serde_json::from_str(&failure.details).unwrap();
        assert_eq!((count(&details, "refunds"), count(&details, "failures")), (1, 1));
        sold.stage.stripe.clear_faults();
        for _ in 0..2 {
            let done = sold.run(sold.input("cancel-7")).await.unwrap();
            assert_eq!(done["quote"], details["quote"]);
            assert_eq!(made(&done), sold.fair());
        }
        assert_eq!(sold.given_back(), 400 + 2300);
        assert_eq!(sold.by_operation(), sold.once());
    }
}

#[tokio::test]
async fn a_refund_made_in_between_is_never_paid_on_top() {
    let sold = Sold::cancelled().await;
    sold.trouble(false);
    assert!(sold.run(sold.input("cancel-7")).await.is_err());
    sold.stage.stripe.clear_faults();
    sold.stage.stripe.dashboard_refund(&sold.charges[1], 100);
    let so_far = sold.given_back();
    let Err(InvokeError::Failed(failure)) = sold.run(sold.input("cancel-7")).await else {
        panic!("conflict")
    };
    assert_eq!(failure.kind, FailureKind::Conflict);
    assert_eq!(sold.given_back(), so_far);
    // Under a name of its own comes what is left.
    let rest = sold.run(sold.input("cancel-8")).await.unwrap();
    assert_eq!(rest["quote"]["left_over"], 0);
    assert_eq!(sold.given_back(), 3000 - 300);
}

#[tokio::test]
async fn each_item_of_a_subscription_has_a_share_of_its_own() {
    let stage = stage(PRORATION).await;
    let item = |amount| NewItem { amount, ..NewItem::default() };
    let items = vec![item(3000), item(1000)];
    let order = NewSubscription { items, ..NewSubscription::default() };
    let made = stage.stripe.subscription(&order).unwrap();
    let charge = stage.charge_with(&NewCharge { amount: 4000, ..NewCharge::default() });
    let order = NewInvoice {
        subscription: Some(id(&made)),
        payments: Some(vec![paid_by(&charge)]),
        ..NewInvoice::default()
    };
    let invoice = id(&stage.stripe.invoice(&order).unwrap());
    let ends = stage.stripe.now() + MONTH / 2;
    let items = made["items"]["data"].as_array().unwrap();
    let run = |operation: &str, way: Value| {
        let mut input = json!({ "operation_id": operation, "ends": ends, "dry_run": false });
        input.as_object_mut().unwrap().extend(way.as_object().unwrap().clone());
        invoke(&stage, "proration.run", input)
    };
    for (way, field) in
        [(json!({ "subscription": made["id"] }), "item"), (json!({ "invoice": invoice }), "line")]
    {
        let Err(InvokeError::InvalidInput(problems)) = run("cancel-0", way).await else {
            panic!("{field}")
        };
        assert_eq!(problems[0].field, field);
        for item in items {
            assert!(problems[0].problem.contains(item["id"].as_str().unwrap()));
        }
    }
    let first = json!({ "subscription": made["id"], "item": items[0]["id"] });
    let second = json!({ "invoice": invoice, "line": items[1]["id"] });
    for (operation, way, amount) in [("cancel-1", first, 1500), ("cancel-2", second, 500)] {
        let done = run(operation, way).await.unwrap();
        assert_eq!(done["quote"]["refund"]["amount"], amount, "{done}");
    }
    assert_eq!(refunded(&stage, &charge).len(), 2);
    let mark = &stage.stripe.refunds_of(&charge)[0]["metadata"]["refund_node_period"];
    assert!(mark.as_str().unwrap().starts_with(&format!("{invoice}/si_")), "{mark}");
}

#[tokio::test]
async fn what_makes_no_sense_is_told_before_anything_is_refunded() {
    let sold = sold().await;
    let stripe = &sold.stage.stripe;
    let period = |status: Option<&str>, payments| {
        let lines = vec![NewLine { period_end: Some(stripe.now() + MONTH), ..NewLine::default() }];
        let status = status.map(str::to_owned);
        let order = NewInvoice { lines, payments, status, ..NewInvoice::default() };
        json!({ "invoice": id(&stripe.invoice(&order).unwrap()) })
    };
    let ok = json!({ "invoice": sold.invoice });
    let with = |mut input: Value, field: &str, value: Value| {
        input[field] = value;
        input
    };
    let span = |start: u64, end: u64| json!({ "start": start, "end": end });
    let given = json!({
        "price": { "amount": 6000, "currency": "usd" }, "period": span(5, 5), "ends": 5,
        "payments": [{ "payment": "ch_1", "paid": 6000 }],
    });
    for (input, field) in [
        (period(Some("void"), None), "invoice"),
        (period(Some("draft"), Some(vec![])), "invoice"),
        (period(None, Some(vec![])), "invoice"),
        // A one-off item has no period that could end early.
        (period(None, None), "invoice"),
        (with(ok.clone(), "line", json!("il_none")), "line"),
        (with(ok.clone(), "ends", json!(sold.ends + MONTH)), "ends"),
        (with(ok.clone(), "ends", json!(0)), "ends"),
        (with(ok.clone(), "price", json!({ "amount": 1, "currency": "usd" })), "price"),
        (with(ok.clone(), "subscription", json!(sold.subscription)), "subscription"),
        (json!({ "subscription": sold.subscription, "item": "si_none" }), "item"),
        (json!({ "subscription": sold.invoice }), "subscription"),
        (json!({}), "invoice"),
        (given, "period.end"),
    ] {
        let mut whole = sold.input("cancel-7");
        let whole = whole.as_object_mut().unwrap();
        whole.remove("subscription");
        whole.extend(input.as_object().unwrap().clone());
        let run = sold.run(json!(whole)).await;
        let Err(InvokeError::InvalidInput(problems)) = run else { panic!("{input}: {run:?}") };
        assert_eq!(problems[0].field, field, "{problems:?}");
    }
    assert_eq!(sold.stage.stripe.stats()["refunds"], 0);
}
