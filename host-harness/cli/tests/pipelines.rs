//! Pipelines and `refunds.create` of `invoke`, through the ledger.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod desk;

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use desk::{Desk, Ended};
use refund_pipelines::{PRORATION, SLA_CREDIT};
use refund_simulator::{Fault, FaultKind, NewInvoice, NewItem, NewPayment, NewSubscription};
use serde_json::{Value, json};

/// An outage of seven hours in a month: a credit of 2.50 of 25.00.
fn outage(operation: &str, payment: &str) -> Value {
    json!({
        "operation_id": operation, "payment": payment, "dry_run": false,
        "sla": {
            "period": { "start": 1_793_491_200, "end": 1_796_083_200 },
            "downtime": { "seconds": 25_200 },
            "scale": { "tiers": [
                { "below": 999_000, "credit": 100_000 }, { "below": 990_000, "credit": 250_000 },
            ] },
        },
    })
}

/// Half of a period comes back, from payments of 25.00 each.
fn cancellation(operation: &str, payments: &[String]) -> Value {
    let payment = |id: &String| json!({ "payment": id, "paid": 2500 });
    json!({
        "operation_id": operation,
        "price": { "amount": 2500 * payments.len(), "currency": "usd" },
        "period": { "start": 1_760_000_000_u64, "end": 1_762_592_000_u64 },
        "ends": 1_761_296_000_u64,
        "payments": payments.iter().map(payment).collect::<Vec<_>>(),
        "dry_run": false,
    })
}

/// A desk with the pipelines in its folder.
fn desk() -> Desk {
    let desk = Desk::new();
    desk.write("sla.wasm", SLA_CREDIT.composed);
    desk.write("proration.wasm", PRORATION.composed);
    desk
}

fn arguments<'a>(pipeline: &'a str, operation: &'a str, input: &'a str) -> [&'a str; 9] {
    [
        "--as",
        "alice",
        "--ledger",
        "shop.ledger",
        "--component",
        pipeline,
        "invoke",
        operation,
        input,
    ]
}

fn start(desk: &Desk, pipeline: &str, operation: &str, input: &Value) -> Child {
    let input = format!("--input={input}");
    desk.command(&arguments(pipeline, operation, &input))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn run(desk: &Desk, pipeline: &str, operation: &str, input: &Value) -> Ended {
    Ended::of(&start(desk, pipeline, operation, input).wait_with_output().unwrap())
}

fn credit(desk: &Desk, input: &Value) -> Ended {
    run(desk, "sla.wasm", "sla-credit.run", input)
}

fn prorate(desk: &Desk, input: &Value) -> Ended {
    run(desk, "proration.wasm", "proration.run", input)
}

fn command(desk: &Desk, arguments: &[&str]) -> Ended {
    desk.run(&[&["--json", "--ledger", "shop.ledger"], arguments].concat())
}

/// The state that the audit shows last.
fn state(desk: &Desk, operation: &str) -> Value {
    let shown = command(desk, &["audit", "show", operation]).out;
    let last = shown.lines().last().map(|last| serde_json::from_str::<Value>(last).unwrap());
    last.unwrap_or_default()["after"].clone()
}

fn refunded(desk: &Desk, payments: &[String]) -> u64 {
    let of = |id: &String| desk.stripe.object(id)["amount_refunded"].as_u64().unwrap();
    payments.iter().map(of).sum()
}

#[test]
fn the_refunds_of_a_pipeline_are_in_the_ledger() {
    let desk = desk();
    let charge = desk.paid(2500);
    for _ in 0..2 {
        let done = credit(&desk, &outage("outage-1", &charge));
        assert_eq!(done.code, 0, "{done:?}");
        let shown = done.json();
        assert_eq!(shown["refunds"][0]["refund"]["amount"], 250, "{shown}");
        assert_eq!((&shown["dry_run"], &shown["planned"]), (&json!(false), &json!([])));
    }
    assert_eq!((desk.refunds(), state(&desk, "outage-1")), ((1, 1), json!("succeeded")));
    assert_eq!(command(&desk, &["audit", "verify"]).code, 0);
}

#[test]
fn approvers_decide_about_the_refund_of_a_pipeline() {
    let desk = desk();
    let charge = desk.paid(2500);
    let mut input = outage("outage-1", &charge);
    input["policy"] = json!({ "approve_up_to": { "usd": "1.00" } });
    let waits = credit(&desk, &input);
    assert_eq!(waits.code, 3, "{waits:?}");
    let failure = &waits.json()["failures"][0];
    assert_eq!((&failure["outcome"], desk.refunds().0), (&json!("needs-approval"), 0), "{failure}");
    // The hash that approves a call without a ledger approves nothing here.
    let mut approved = input.clone();
    approved["approval"] = failure["error"]["needs_approval"]["request_hash"].clone();
    let refused = credit(&desk, &approved);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.err.contains("approvals list"), "{refused:?}");
    let listed = command(&desk, &["approvals", "list"]).json();
    let id = listed["approvals"][0]["id"].as_str().unwrap();
    let own = command(&desk, &["--as", "alice", "approvals", "approve", id]);
    assert_ne!(own.code, 0, "{own:?}");
    assert_eq!(command(&desk, &["--as", "bob", "approvals", "approve", id]).code, 0);
    assert_eq!(desk.refunds().0, 0);
    let done = credit(&desk, &input);
    assert_eq!((done.code, desk.refunds()), (0, (1, 1)), "{done:?}");
    assert_eq!(state(&desk, "outage-1"), "succeeded");
}

#[test]
fn what_the_ledger_cannot_hold_back_is_refused() {
    let desk = desk();
    let charge = desk.paid(2500);
    let create =
        json!({ "operation_id": "op-1", "payment": charge, "amount": 100, "currency": "usd" });
    for (field, value) in [("connection", json!({})), ("approval", json!("a hash"))] {
        let mut input = create.clone();
        input[field] = value.clone();
        let refused = run(&desk, "sla.wasm", "refunds.create", &input);
        assert!(refused.code == 2 && refused.err.contains(field), "{refused:?}");
        let mut input = outage("outage-1", &charge);
        input[field] = value;
        let refused = credit(&desk, &input);
        assert!(refused.code == 2 && refused.err.contains(field), "{refused:?}");
    }
    let check = json!({ "payment": charge });
    let without_effect = run(&desk, "sla.wasm", "eligibility.check-live", &check);
    assert_eq!(without_effect.code, 2, "{without_effect:?}");
    assert!(without_effect.err.contains("--ledger has no effect"), "{without_effect:?}");
    assert_eq!(desk.refunds().0, 0);
    let done = run(&desk, "sla.wasm", "refunds.create", &create);
    assert_eq!((done.code, desk.refunds()), (0, (1, 1)), "{done:?}");
    assert_eq!(state(&desk, "op-1"), "succeeded");
    let other =
        json!({ "operation_id": "op-1", "payment": charge, "amount": 200, "currency": "usd" });
    let conflict = run(&desk, "sla.wasm", "refunds.create", &other);
    assert_eq!((conflict.code, desk.refunds()), (4, (1, 1)), "{conflict:?}");
}

/// A subscription of 60.00 a month that ends after half of it, paid by two payments: the input of its proration.
fn subscription(desk: &Desk) -> (Vec<String>, Value) {
    let payments = vec![desk.paid(4000), desk.paid(2000)];
    let text = |object: &Value| object["id"].as_str().unwrap().to_owned();
    let items = vec![NewItem { amount: 6000, ..NewItem::default() }];
    let order = NewSubscription { items, ..NewSubscription::default() };
    let subscription = text(&desk.stripe.subscription(&order).unwrap());
    let paid_by =
        |charge: &String| NewPayment { charge: Some(charge.clone()), ..NewPayment::default() };
    let order = NewInvoice {
        subscription: Some(subscription),
        payments: Some(payments.iter().map(paid_by).collect()),
        ..NewInvoice::default()
    };
    let invoice = text(&desk.stripe.invoice(&order).unwrap());
    let ends = desk.stripe.now() + 15 * 86_400;
    (payments, json!({ "invoice": invoice, "ends": ends, "dry_run": false }))
}

/// Each of them by itself would pay what is fair.
#[test]
fn two_pipelines_on_one_invoice_at_once_pay_what_is_fair_once() {
    let desk = desk();
    let (payments, input) = subscription(&desk);
    let both = ["cancel-a", "cancel-b"].map(|id| {
        let mut input = input.clone();
        input["operation_id"] = id.into();
        start(&desk, "proration.wasm", "proration.run", &input)
    });
    let codes = both.map(|one| Ended::of(&one.wait_with_output().unwrap()).code);
    assert_eq!((refunded(&desk, &payments), desk.refunds()), (3000, (2, 1)), "{codes:?}");
    assert!(codes.contains(&0), "{codes:?}");
    assert_eq!(command(&desk, &["audit", "verify"]).code, 0);
}

#[test]
fn one_cancellation_twice_at_once_in_another_order_pays_once() {
    let desk = desk();
    let mut payments = vec![desk.paid(2500), desk.paid(2500)];
    let one = cancellation("cancel-a", &payments);
    payments.reverse();
    let other = cancellation("cancel-a", &payments);
    let both = [one, other].map(|input| start(&desk, "proration.wasm", "proration.run", &input));
    for one in both {
        let ended = Ended::of(&one.wait_with_output().unwrap());
        assert_eq!(ended.code, 0, "{ended:?}");
    }
    assert_eq!((refunded(&desk, &payments), desk.refunds()), (2500, (2, 1)));
}

/// Whichever of its two names the payment was given by.
#[test]
fn a_refund_that_waits_for_its_approval_is_decided_first() {
    for by_intent in [false, true] {
        let desk = desk();
        let payments = [desk.paid(2500), desk.paid(2500)];
        let named = if by_intent { "payment_intent" } else { "id" };
        let named = desk.stripe.object(&payments[1])[named].as_str().unwrap().to_owned();
        waits_first(&desk, &payments, &named);
    }
}

fn waits_first(desk: &Desk, payments: &[String], named: &str) {
    let one = ["refund", "create", named, "--operation", "op-1", "--amount", "10.00"];
    let waits =
        command(desk, &[&one[..], &["--currency", "usd", "--approve-up-to", "5.00"]].concat());
    assert_eq!(waits.code, 3, "{waits:?}");
    let held_back = prorate(desk, &cancellation("cancel-a", payments));
    assert_eq!(held_back.code, 3, "{held_back:?}");
    assert!(held_back.err.contains("op-1") && held_back.err.contains("Nothing was sent"));
    assert_eq!(desk.refunds().0, 0);
    let listed = command(desk, &["approvals", "list"]).json();
    let id = listed["approvals"][0]["id"].as_str().unwrap();
    let rejected = command(desk, &["--as", "bob", "approvals", "deny", id, "--note", "no"]);
    assert_eq!(rejected.code, 0, "{rejected:?}");
    let done = prorate(desk, &cancellation("cancel-a", payments));
    assert_eq!((done.code, refunded(desk, payments)), (0, 2500), "{done:?}");
}

/// The process is killed while Stripe does not answer, after the first refund was made or before.
#[test]
fn a_pipeline_that_was_killed_goes_on_when_it_is_run_again() {
    for after_commit in [true, false] {
        let desk = desk();
        let payments = [desk.paid(2500), desk.paid(2500)];
        let input = cancellation("cancel-a", &payments);
        desk.stripe.order_fault(Fault {
            method: Some("POST".to_owned()),
            path: Some("/v1/refunds*".to_owned()),
            skip: 0,
            times: 1,
            kind: FaultKind::Hang { after_commit },
        });
        let is_sent = || desk.stripe.requests().iter().any(|request| request.method == "POST");
        let mut child = start(&desk, "proration.wasm", "proration.run", &input);
        let until = Instant::now() + Duration::from_mins(1);
        while !is_sent() {
            assert!(Instant::now() < until, "no request within a minute");
            std::thread::sleep(Duration::from_millis(20));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let sent = payments.iter().any(|id| state(&desk, &format!("cancel-a-{id}")) == "sent");
        assert!(sent, "one of them is on its way");
        let done = prorate(&desk, &input);
        assert_eq!(done.code, 0, "{done:?}");
        assert_eq!((refunded(&desk, &payments), desk.refunds()), (2500, (2, 1)));
    }
}
