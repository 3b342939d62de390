//! Invoices with several payments, subscriptions with several items, in the shape of 2026-10-28.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use refund_simulator::{
    NewCharge, NewCreditNote, NewInvoice, NewItem, NewLine, NewPayment, NewSubscription, Simulator,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use wire::{NOW, events, id, ids, ok, refused, send, start};

mod wire;

const MONTH: u64 = 30 * 86_400;

fn subscription(stripe: &Simulator) -> Value {
    let items = vec![
        NewItem { amount: 3000, quantity: 2, ..NewItem::default() },
        NewItem { amount: 1000, interval: "year".to_owned(), ..NewItem::default() },
    ];
    stripe.subscription(&NewSubscription { items, ..NewSubscription::default() }).unwrap()
}

fn pays(amount: u64) -> NewPayment {
    NewPayment { amount: Some(amount), ..NewPayment::default() }
}

#[tokio::test]
async fn an_invoice_paid_in_three_parts() {
    let stripe = start().await;
    let subscription = subscription(&stripe);
    let payments = Some(vec![pays(2500), pays(500), NewPayment::default()]);
    let order = NewInvoice {
        subscription: Some(id(&subscription).into()),
        payments,
        ..NewInvoice::default()
    };
    let made = stripe.invoice(&order).unwrap();
    let path = format!("/v1/invoices/{}", id(&made));
    let invoice = ok(&stripe, "GET", &path, "").await;
    for gone in ["payments", "charge", "payment_intent", "subscription", "paid"] {
        assert!(invoice.get(gone).is_none(), "{gone}");
    }
    assert_eq!(invoice["parent"]["subscription_details"]["subscription"], subscription["id"]);
    assert_eq!(
        [
            &invoice["status"],
            &invoice["total"],
            &invoice["amount_paid"],
            &invoice["amount_remaining"]
        ],
        [&json!("paid"), &json!(7000), &json!(7000), &json!(0)]
    );
    let line = &invoice["lines"]["data"][0];
    assert_eq!(line["amount"], 6000);
    assert_eq!(line["period"], json!({ "start": NOW, "end": NOW + MONTH }));
    let item = &line["parent"]["subscription_item_details"]["subscription_item"];
    assert_eq!(*item, subscription["items"]["data"][0]["id"]);

    let expanded =
        ok(&stripe, "GET", &format!("{path}?expand[]=payments.data.payment.payment_intent"), "")
            .await;
    let payments = expanded["payments"]["data"].as_array().unwrap();
    let received: Vec<_> =
        payments.iter().map(|one| &one["payment"]["payment_intent"]["amount_received"]).collect();
    assert_eq!(received, [4000, 500, 2500]);
    let intent = id(&payments[0]["payment"]["payment_intent"]);
    assert!(payments[0]["payment"].get("charge").is_none());

    let all = ok(&stripe, "GET", &format!("/v1/invoice_payments?invoice={}", id(&made)), "").await;
    assert_eq!(ids(&all).len(), 3);
    let by_payment = format!(
        "/v1/invoice_payments?payment[type]=payment_intent&payment[payment_intent]={intent}"
    );
    let found = ok(&stripe, "GET", &by_payment, "").await;
    assert_eq!(found["data"][0]["invoice"], made["id"]);
    assert_eq!(ids(&found), [id(&payments[0])]);
    let one = ok(&stripe, "GET", &format!("/v1/invoice_payments/{}", ids(&found)[0]), "").await;
    assert_eq!([&one["amount_paid"], &one["status"]], [&json!(4000), &json!("paid")]);
    let before = format!("/v1/invoice_payments?created[lt]={NOW}");
    assert!(ids(&ok(&stripe, "GET", &before, "").await).is_empty());
    let paid = stripe.newest_event("invoice_payment.paid");
    assert_eq!(paid["data"]["object"]["id"], payments[0]["id"]);
    let read = ok(&stripe, "GET", &format!("/v1/subscriptions/{}", id(&subscription)), "").await;
    assert_eq!(read["latest_invoice"], made["id"]);
}

#[tokio::test]
async fn what_was_not_paid_stays_open() {
    let stripe = start().await;
    let failed = NewPayment { status: "open".to_owned(), ..pays(1500) };
    let lines = vec![NewLine { amount: 2000, discount: 200, tax: 180, ..NewLine::default() }];
    let order =
        NewInvoice { lines, payments: Some(vec![pays(480), failed]), ..NewInvoice::default() };
    let invoice = stripe.invoice(&order).unwrap();
    assert_eq!(
        [
            &invoice["total"],
            &invoice["amount_paid"],
            &invoice["amount_remaining"],
            &invoice["status"]
        ],
        [&json!(1980), &json!(480), &json!(1500), &json!("open")]
    );
    let open = ok(&stripe, "GET", "/v1/invoice_payments?status=open", "").await;
    assert_eq!(open["data"][0]["amount_paid"], Value::Null);
    let intent = open["data"][0]["payment"]["payment_intent"].as_str().unwrap();
    assert_eq!(stripe.object(intent)["amount_received"], 0);
    let paid = ok(&stripe, "GET", "/v1/invoices?status=paid", "").await;
    assert!(ids(&paid).is_empty());
    assert_eq!(ids(&ok(&stripe, "GET", "/v1/invoices?status=open", "").await), [id(&invoice)]);
}

#[tokio::test]
async fn a_payment_by_a_charge_that_was_there() {
    let stripe = start().await;
    let charge = stripe.charge(&NewCharge { payment_intent: false, ..NewCharge::default() });
    let by = NewPayment { charge: Some(id(&charge).into()), ..NewPayment::default() };
    let lines = vec![NewLine { amount: 2500, ..NewLine::default() }];
    let order = NewInvoice { lines, payments: Some(vec![by]), ..NewInvoice::default() };
    assert_eq!(stripe.invoice(&order).unwrap()["status"], "paid");
    let all = ok(&stripe, "GET", "/v1/invoice_payments", "").await;
    assert_eq!(all["data"][0]["payment"], json!({ "type": "charge", "charge": charge["id"] }));
}

#[tokio::test]
async fn more_lines_than_an_invoice_carries() {
    let stripe = start().await;
    let line = |amount| NewLine { amount, ..NewLine::default() };
    let order = NewInvoice { lines: (1..=25).map(line).collect(), ..NewInvoice::default() };
    let invoice = stripe.invoice(&order).unwrap();
    assert_eq!([&invoice["lines"]["has_more"], &invoice["total"]], [&json!(true), &json!(325)]);
    let path = format!("/v1/invoices/{}/lines", id(&invoice));
    let mut amounts = Vec::new();
    let mut after = String::new();
    loop {
        let page = ok(&stripe, "GET", &format!("{path}?limit=10{after}"), "").await;
        let data = page["data"].as_array().unwrap();
        amounts.extend(data.iter().map(|line| line["amount"].as_i64().unwrap()));
        if page["has_more"] == false {
            break;
        }
        after = format!("&starting_after={}", id(data.last().unwrap()));
    }
    assert_eq!(amounts, (1..=25).collect::<Vec<i64>>());
    refused(&stripe, "GET", "/v1/invoices/in_none/lines", "").await;
}

#[tokio::test]
async fn a_subscription_is_read_and_ended_later() {
    let stripe = start().await;
    let made = subscription(&stripe);
    let path = format!("/v1/subscriptions/{}", id(&made));
    let items = &ok(&stripe, "GET", &path, "").await["items"]["data"];
    assert!(made.get("current_period_end").is_none());
    assert_eq!(items[0]["current_period_end"], NOW + MONTH);
    assert_eq!(items[1]["current_period_end"], NOW + 365 * 86_400);
    assert_eq!(
        ok(&stripe, "GET", &format!("{path}?expand[]=items.data.price.product"), "").await["items"]
            ["data"][0]["price"]["product"]["object"],
        "product"
    );
    let price = id(&items[0]["price"]).to_owned();
    assert_eq!(ok(&stripe, "GET", &format!("/v1/prices/{price}"), "").await["unit_amount"], 3000);

    let body = "cancel_at_period_end=true&cancellation_details[comment]=bye&metadata[a]=1";
    let ending = ok(&stripe, "POST", &path, body).await;
    assert_eq!(
        [&ending["cancel_at"], &ending["status"], &ending["metadata"]["a"]],
        [&json!(NOW + 365 * 86_400), &json!("active"), &json!("1")]
    );
    assert_eq!(ending["cancellation_details"]["comment"], "bye");
    let event = stripe.newest_event("customer.subscription.updated");
    assert_eq!(event["data"]["previous_attributes"]["cancel_at_period_end"], false);
    let kept = ok(&stripe, "POST", &path, "cancel_at_period_end=false").await;
    assert_eq!([&kept["cancel_at"], &kept["canceled_at"]], [&Value::Null, &Value::Null]);

    ok(&stripe, "POST", &path, "cancel_at=min_period_end").await;
    stripe.advance(MONTH);
    let over = ok(&stripe, "GET", &path, "").await;
    assert_eq!([&over["status"], &over["ended_at"]], [&json!("canceled"), &json!(NOW + MONTH)]);
    assert_eq!(
        stripe.newest_event("customer.subscription.deleted")["data"]["object"]["id"],
        made["id"]
    );
}

#[tokio::test]
async fn a_subscription_is_cancelled_at_once() {
    let stripe = start().await;
    let made = subscription(&stripe);
    stripe.advance(MONTH / 2);
    let path = format!("/v1/subscriptions/{}", id(&made));
    let with = "?prorate=true&invoice_now=true&cancellation_details[feedback]=too_expensive";
    let canceled = ok(&stripe, "DELETE", &format!("{path}{with}"), "").await;
    assert_eq!(
        [&canceled["status"], &canceled["ended_at"]],
        [&json!("canceled"), &json!(NOW + MONTH / 2)]
    );
    assert_eq!(
        canceled["cancellation_details"],
        json!({ "comment": null, "feedback": "too_expensive", "feedback_option": null, "reason": "cancellation_requested" })
    );
    // Half of 2 × 3000, and 350/365 of 1000: a credit on the customer, nobody is refunded.
    let invoice = ok(&stripe, "GET", "/v1/invoices", "").await["data"][0].clone();
    let credits: Vec<_> =
        invoice["lines"]["data"].as_array().unwrap().iter().map(|line| &line["amount"]).collect();
    assert_eq!(credits, [-3000, -959]);
    assert_eq!(
        invoice["lines"]["data"][0]["parent"]["subscription_item_details"]["proration"],
        true
    );
    assert_eq!([&invoice["amount_due"], &invoice["ending_balance"]], [&json!(0), &json!(-3959)]);
    assert_eq!(stripe.object(made["customer"].as_str().unwrap())["balance"], -3959);
    assert_eq!(stripe.stats()["refunds"], 0);

    let again = refused(&stripe, "DELETE", &path, "").await;
    assert_eq!(again["code"], "resource_missing");
    refused(&stripe, "POST", &path, "cancel_at_period_end=true").await;
    ok(&stripe, "POST", &path, "metadata[a]=1").await;
    assert!(ids(&ok(&stripe, "GET", "/v1/subscriptions", "").await).is_empty());
    for all in ["canceled", "all", "ended"] {
        let list = ok(&stripe, "GET", &format!("/v1/subscriptions?status={all}"), "").await;
        assert_eq!(ids(&list), [id(&made)], "{all}");
    }
}

#[tokio::test]
async fn a_credit_that_waits_and_none_at_all() {
    let stripe = start().await;
    let (waits, none) = (subscription(&stripe), subscription(&stripe));
    ok(&stripe, "DELETE", &format!("/v1/subscriptions/{}?prorate=true", id(&waits)), "").await;
    ok(&stripe, "DELETE", &format!("/v1/subscriptions/{}", id(&none)), "").await;
    let items = ok(&stripe, "GET", "/v1/invoiceitems?pending=true", "").await;
    let amounts: Vec<_> =
        items["data"].as_array().unwrap().iter().map(|item| &item["amount"]).collect();
    assert_eq!(amounts, [-1000, -6000]);
    assert!(ids(&ok(&stripe, "GET", "/v1/invoiceitems?pending=false", "").await).is_empty());
    assert!(ids(&ok(&stripe, "GET", "/v1/invoices", "").await).is_empty());
}

#[tokio::test]
async fn what_is_refused() {
    let stripe = start().await;
    let made = subscription(&stripe);
    let path = format!("/v1/subscriptions/{}", id(&made));
    for (body, param) in [
        ("cancel_at=1", "cancel_at"),
        ("cancel_at=1890000000&cancel_at_period_end=true", "cancel_at"),
        ("items[0][quantity]=3", "items"),
        ("colour=red", "colour"),
    ] {
        assert_eq!(refused(&stripe, "POST", &path, body).await["param"], param, "{body}");
    }
    for path in ["/v1/invoices/in_1", "/v1/invoice_payments/inpay_1", "/v1/subscriptions/sub_1"] {
        assert_eq!(refused(&stripe, "GET", path, "").await["code"], "resource_missing", "{path}");
    }
    refused(&stripe, "GET", "/v1/invoices?due_date=1", "").await;
}

#[tokio::test]
async fn credit_notes_leave_less_to_credit() {
    let stripe = start().await;
    let invoice =
        stripe.invoice(&NewInvoice { lines: vec![NewLine::default()], ..NewInvoice::default() });
    let invoice = id(&invoice.unwrap()).to_owned();
    let note = |amount| stripe.credit_note(&NewCreditNote { invoice: invoice.clone(), amount });
    note(1500).unwrap();
    assert!(note(501).unwrap_err().contains("500"));
    let read = ok(&stripe, "GET", &format!("/v1/invoices/{invoice}"), "").await;
    assert_eq!(read["post_payment_credit_notes_amount"], 1500);
    let list = ok(&stripe, "GET", &format!("/v1/credit_notes?invoice={invoice}"), "").await;
    assert_eq!(list["data"][0]["post_payment_amount"], 1500);
}

#[tokio::test]
async fn orders_over_http() {
    let stripe = start().await;
    let order =
        r#"{"items": [{"amount": 900, "period_start": 1789000000, "period_end": 1791592000}]}"#;
    let made = ok(&stripe, "POST", "/_control/subscriptions", order).await;
    assert_eq!(made["items"]["data"][0]["current_period_start"], 1_789_000_000);
    let order = format!(
        r#"{{"subscription": {}, "payments": [{{"amount": 400}}, {{"amount": 500}}]}}"#,
        made["id"]
    );
    let invoice = ok(&stripe, "POST", "/_control/invoices", &order).await;
    assert_eq!(invoice["amount_paid"], 900);
    assert!(events(&stripe).await.contains(&"invoice.paid".to_owned()));
    for (what, order, blamed) in [
        ("subscriptions", r#"{"items": []}"#, "items"),
        ("subscriptions", r#"{"items": [{"period_start": 9, "period_end": 9}]}"#, "period_end"),
        ("subscriptions", r#"{"items": [{"interval": "decade"}]}"#, "interval"),
        ("invoices", "{}", "lines"),
        ("invoices", r#"{"subscription": "sub_1"}"#, "subscription"),
        ("invoices", r#"{"lines": [{"subscription_item": "si_1"}]}"#, "subscription_item"),
        ("invoices", r#"{"lines": [{}], "payments": [{"charge": "ch_1"}]}"#, "charge"),
        ("invoices", r#"{"lines": [{}], "payments": [{"status": "late"}]}"#, "status"),
        ("invoices", r#"{"lines": [{}], "payments": [{}, {}]}"#, "amount"),
        ("credit_notes", r#"{"invoice": "in_1", "amount": 1}"#, "invoice"),
    ] {
        let answer = send(&stripe, "POST", &format!("/_control/{what}"), order, &[]).await.unwrap();
        let message = answer.body["error"]["message"].as_str().unwrap();
        assert!(answer.status == 400 && message.contains(blamed), "{order}: {message}");
    }
}

/// Takes `count` deliveries, and gives the kinds of their events.
async fn take(receiver: tokio::net::TcpListener, count: usize) -> Vec<String> {
    let mut kinds = Vec::new();
    while kinds.len() < count {
        let (mut socket, _) = receiver.accept().await.unwrap();
        let mut seen = Vec::new();
        let event: Value = loop {
            assert!(socket.read_buf(&mut seen).await.unwrap() > 0, "cut off");
            let body = seen.windows(4).position(|part| part == b"\r\n\r\n").map(|at| at + 4);
            if let Some(Ok(event)) = body.map(|at| serde_json::from_slice(&seen[at..])) {
                break event;
            }
        };
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        socket.write_all(answer).await.unwrap();
        kinds.push(event["type"].as_str().unwrap().to_owned());
    }
    kinds.sort();
    kinds
}

#[tokio::test]
async fn events_of_billing_are_delivered() {
    let stripe = start().await;
    let receiver = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let wanted = [
        "charge.dispute.closed",
        "customer.subscription.deleted",
        "customer.subscription.updated",
        "invoice_payment.paid",
    ];
    let kinds: Vec<_> = wanted.iter().map(|kind| format!("enabled_events[]={kind}")).collect();
    let body = format!("url=http://{}/&{}", receiver.local_addr().unwrap(), kinds.join("&"));
    ok(&stripe, "POST", "/v1/webhook_endpoints", &body).await;
    let made = subscription(&stripe);
    let of = Some(id(&made).to_owned());
    stripe.invoice(&NewInvoice { subscription: of, ..NewInvoice::default() }).unwrap();
    let path = format!("/v1/subscriptions/{}", id(&made));
    ok(&stripe, "POST", &path, "metadata[a]=1").await;
    ok(&stripe, "DELETE", &path, "").await;
    let order = format!(r#"{{"charge": {}}}"#, stripe.charge(&NewCharge::default())["id"]);
    let dispute = ok(&stripe, "POST", "/_control/disputes", &order).await;
    ok(&stripe, "POST", &format!("/v1/disputes/{}/close", id(&dispute)), "").await;
    let taken = tokio::time::timeout(std::time::Duration::from_secs(10), take(receiver, 4)).await;
    assert_eq!(taken.unwrap(), wanted);
}
