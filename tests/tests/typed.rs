//! A typed call and `invoke` of the same operation give the same answer, and the same error.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use refund_host::api::duplicates::{Direction, Options};
use refund_host::api::eligibility::{Amount, Ask, Rules};
use refund_host::api::live::ScanRange;
use refund_host::api::node::InvokeError;
use refund_host::api::refunds::ListFilter;
use refund_host::api::types::{Money, PaymentRef, Reason};
use refund_host::api::webhooks::VerifyOptions;
use refund_simulator::{DisputeOrder, NewCharge};
use refund_tests::{Stage, request, usd};
use serde_json::{Value, json};

#[path = "typed/json.rs"]
mod json;
#[path = "typed/limits.rs"]
mod limits;

use json::{normalized, without};

/// Output and typed error, as JSON.
type Outcome = Result<Value, Value>;

const NOW: u64 = 1_790_000_000;
const DAY: u64 = 86_400;
const DOCUMENT: &str = r#"{
    "name": "shop", "version": "1",
    "defaults": { "window_days": 30, "approve_up_to": { "usd": "20.00" } }
}"#;

async fn invoked(stage: &Stage, operation: &str, input: Value) -> Outcome {
    match stage.node.invoke(operation, &input.to_string()).await.unwrap() {
        Ok(output) => Ok(serde_json::from_str(&output).unwrap()),
        Err(InvokeError::Failed(failure)) => Err(serde_json::from_str(&failure.details).unwrap()),
        Err(InvokeError::InvalidInput(found)) => Err(json::problems(found)),
        Err(error) => panic!("{operation}: {error:?}"),
    }
}

/// The same with a connection in the input.
async fn live(stage: &Stage, operation: &str, mut input: Value) -> Outcome {
    input["connection"] = json!({ "base_url": stage.stripe.base_url() });
    invoked(stage, operation, input).await
}

/// Compares a typed answer with the one of `invoke`, but for the id that Stripe gives each request.
fn same(typed: Outcome, invoked: Outcome) {
    same_but(&["request_id"], typed, invoked);
}

/// Compares the two without fields that differ from call to call.
fn same_but(names: &[&str], typed: Outcome, invoked: Outcome) {
    let comparable = |value| without(normalized(value), names);
    let typed = typed.map(comparable).map_err(comparable);
    let invoked = invoked.map(comparable).map_err(comparable);
    assert_eq!(typed, invoked);
}

fn id(object: &Value) -> String {
    object["id"].as_str().unwrap().to_owned()
}

fn options() -> Options {
    Options { window_seconds: None, reference_keys: Vec::new() }
}

fn ask(amount: Amount) -> Ask {
    Ask { amount, reason: None, self_serve: false }
}

#[tokio::test]
async fn refunds_are_made() {
    let stage = Stage::new().await;
    let (first, second) = (stage.charge(), stage.charge());
    let mut typed = request("op-1", &first, Some(1000));
    typed.reason = Some(Reason::RequestedByCustomer);
    typed.metadata = vec![("order_id".to_owned(), "6735".to_owned())];
    let input = |operation: &str, charge: &str| {
        json!({
            "operation_id": operation, "payment": charge, "amount": 1000, "currency": "usd",
            "reason": "requested_by_customer", "metadata": { "order_id": "6735" },
        })
    };
    let create = async |request| {
        let made = stage.node.create(&stage.connection, &request).await.unwrap();
        made.map(json::created).map_err(json::create_error)
    };
    let made = create(typed.clone()).await;
    let other = live(&stage, "refunds.create", input("op-2", &second)).await;
    // Two refunds differ in these.
    let names = [
        "id",
        "charge",
        "payment_intent",
        "balance_transaction",
        "reference",
        "created",
        "request_id",
        "receipt_number",
        "refund_node_operation",
    ];
    same_but(&names, made, other);
    let found = create(typed).await;
    assert_eq!(found.as_ref().unwrap()["origin"], "found");
    same(found, live(&stage, "refunds.create", input("op-1", &first)).await);
}

#[tokio::test]
async fn refunds_are_not_made() {
    let stage = Stage::new().await;
    let charge = stage.charge();
    let create = async |request| {
        let made = stage.node.create(&stage.connection, &request).await.unwrap();
        made.map(json::created).map_err(json::create_error)
    };
    let plain =
        |operation: &str, payment: &str| json!({ "operation_id": operation, "payment": payment });
    let amount = |amount: u64, more: Value| {
        let mut input = plain("op-1", &charge);
        input["amount"] = amount.into();
        input["currency"] = "usd".into();
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        input
    };
    let mut governed = request("op-1", &charge, Some(2500));
    governed.rules = Rules::Document(DOCUMENT.to_owned());
    let mut forged = governed.clone();
    forged.approval = Some("00".to_owned());
    let document: Value = serde_json::from_str(DOCUMENT).unwrap();
    for (kind, typed, input) in [
        ("invalid", request(" ", &charge, None), plain(" ", &charge)),
        ("denied", request("op-1", &charge, Some(9999)), amount(9999, json!({}))),
        ("refused", request("op-1", "ch_none", None), plain("op-1", "ch_none")),
        ("needs_approval", governed, amount(2500, json!({ "document": document }))),
        (
            "approval_mismatch",
            forged,
            amount(2500, json!({ "document": document, "approval": "00" })),
        ),
    ] {
        let typed = create(typed).await;
        assert_eq!(typed.as_ref().unwrap_err()["type"], kind);
        same(typed, live(&stage, "refunds.create", input).await);
    }
    let made = create(request("op-2", &charge, Some(1000))).await;
    assert!(made.is_ok());
    let conflict = create(request("op-2", &charge, Some(900))).await;
    assert_eq!(conflict.as_ref().unwrap_err()["type"], "operation_conflict");
    let input = json!({
        "operation_id": "op-2", "payment": charge, "amount": 900, "currency": "usd",
    });
    same(conflict, live(&stage, "refunds.create", input).await);
    assert_eq!(stage.stripe.refunds_of(&charge).len(), 1);
}

#[tokio::test]
async fn refunds_are_read() {
    let stage = Stage::new().await;
    let charge = stage.charge();
    let refund = id(&stage.stripe.dashboard_refund(&charge, 1000));
    stage.stripe.dashboard_refund(&charge, 500);
    for refund in [refund.as_str(), "re_none", charge.as_str()] {
        let read = stage.node.retrieve(&stage.connection, refund).await.unwrap();
        assert_eq!(read.is_ok(), refund.starts_with("re_") && refund != "re_none");
        let input = json!({ "refund": refund });
        let read = read.map(json::refund).map_err(json::call_error);
        same(read, live(&stage, "refunds.retrieve", input).await);
    }
    for (charge, limit) in [(charge.as_str(), 1), (charge.as_str(), 101), ("ch_none", 1)] {
        let filter = ListFilter {
            payment: Some(PaymentRef::Charge(charge.to_owned())),
            created_from: Some(1),
            created_to: None,
            limit: Some(limit),
            cursor: None,
        };
        let page = stage.node.list(&stage.connection, &filter).await.unwrap();
        assert_eq!(page.is_ok(), limit == 1, "{page:?}");
        let page = page.map(json::refunds).map_err(json::call_error);
        let input = json!({ "payment": charge, "created_from": 1, "limit": limit });
        same(page, live(&stage, "refunds.list", input).await);
    }
}

#[tokio::test]
async fn refunds_are_changed() {
    let stage = Stage::new().await;
    let order = NewCharge { refunds_need_action: true, ..NewCharge::default() };
    let charge = stage.charge_with(&order);
    let refund = id(&stage.stripe.dashboard_refund(&charge, 1000));
    for refund in [refund.as_str(), "re_none", charge.as_str()] {
        let keys = vec![("ticket".to_owned(), "7".to_owned())];
        let updated = stage.node.update_metadata(&stage.connection, refund, &keys).await.unwrap();
        assert_eq!(updated.is_ok(), refund.starts_with("re_") && refund != "re_none");
        let updated = updated.map(json::refund).map_err(json::change_error);
        let input = json!({ "refund": refund, "metadata": { "ticket": "7" } });
        same(updated, live(&stage, "refunds.update-metadata", input).await);
        let canceled = stage.node.cancel(&stage.connection, refund).await.unwrap();
        let canceled = canceled.map(json::refund).map_err(json::change_error);
        same(canceled, live(&stage, "refunds.cancel", json!({ "refund": refund })).await);
    }
    let read = stage.node.retrieve(&stage.connection, &refund).await.unwrap().unwrap();
    assert_eq!(json::refund(read)["status"], "canceled");
}

/// A charge that was refunded in part and is disputed.
fn troubled(stage: &Stage) -> String {
    let charge = stage.charge_with(&NewCharge { age: 40 * DAY, ..NewCharge::default() });
    stage.stripe.dashboard_refund(&charge, 500);
    stage.stripe.dispute(&DisputeOrder {
        charge: charge.clone(),
        status: "needs_response".into(),
        reason: "general".into(),
        refundable: None,
    });
    charge
}

/// What a typed dispute leaves out of the evidence.
const EVIDENCE: [&str; 4] = ["has_evidence", "past_due", "submission_count", "request_id"];

#[tokio::test]
async fn payments_are_checked() {
    let stage = Stage::new().await;
    for payment in [troubled(&stage), stage.charge(), "ch_none".to_owned()] {
        let of = PaymentRef::Charge(payment.clone());
        let asked = ask(Amount::Exactly(usd(2500)));
        let checked = stage.node.check_live(&stage.connection, &of, &asked, &Rules::None).await;
        let typed = checked.unwrap().map(json::checked).map_err(json::call_error);
        assert_eq!(typed.is_ok(), payment != "ch_none");
        let input = json!({ "payment": payment, "amount": 2500, "currency": "usd" });
        same_but(&EVIDENCE, typed, live(&stage, "eligibility.check-live", input.clone()).await);

        let rules = Rules::Document(DOCUMENT.to_owned());
        let checked = stage.node.check_live(&stage.connection, &of, &asked, &rules).await;
        let typed = checked.unwrap().map(json::checked).map_err(json::call_error);
        let mut input = input;
        input["document"] = serde_json::from_str(DOCUMENT).unwrap();
        same_but(&EVIDENCE, typed, live(&stage, "eligibility.check-live", input).await);
    }
}

#[tokio::test]
async fn given_facts_are_checked() {
    let stage = Stage::new().await;
    let of = PaymentRef::Charge(troubled(&stage));
    let all = ask(Amount::Everything);
    let read = stage.node.check_live(&stage.connection, &of, &all, &Rules::None).await;
    let facts = read.unwrap().unwrap().facts.unwrap();
    let now = facts.charge.created + 41 * DAY;
    let mut policy = stage.node.policy(DOCUMENT).await.unwrap().unwrap();
    for currency in ["usd", "dollars"] {
        let amount = || Amount::Exactly(Money { amount: 2200, currency: currency.to_owned() });
        let mut input = json::facts(facts.clone());
        input["amount"] = 2200.into();
        input["currency"] = currency.into();
        input["now"] = now.into();
        let checked = stage.node.check(&ask(amount()), &facts, &Rules::None, now).await.unwrap();
        assert_eq!(checked.is_ok(), currency == "usd");
        let checked = checked.map(json::verdict).map_err(json::problems);
        same(checked, invoked(&stage, "eligibility.check", input.clone()).await);

        let checked = policy.check(&ask(amount()), &facts, now).await.unwrap();
        let checked = checked.map(json::verdict).map_err(json::problems);
        input["document"] = serde_json::from_str(DOCUMENT).unwrap();
        same(checked, invoked(&stage, "eligibility.check", input).await);
    }
}

#[tokio::test]
async fn policies_are_read() {
    let stage = Stage::new().await;
    let mut policy = stage.node.policy(DOCUMENT).await.unwrap().unwrap();
    let described = json::described(policy.describe().await.unwrap());
    let input =
        |document: &str| json!({ "document": serde_json::from_str::<Value>(document).unwrap() });
    same(Ok(described), invoked(&stage, "policies.describe", input(DOCUMENT)).await);
    let nonsense = DOCUMENT.replace("\"20.00\"", "\"-1\"");
    let refused = json::problems(stage.node.policy(&nonsense).await.unwrap().err().unwrap());
    let invoked = invoked(&stage, "policies.describe", input(&nonsense)).await;
    // `invoke` names the field that the document is in.
    same_but(&["field"], Err(refused), invoked);
}

#[tokio::test]
async fn duplicates_are_found() {
    let stage = Stage::new().await;
    let order = |age: u64| NewCharge {
        age,
        customer: Some("cus_twice".to_owned()),
        ..NewCharge::default()
    };
    let charges = [500, 400, 390].map(|age| stage.charge_with(&order(age)));
    stage.stripe.dashboard_refund(&charges[2], 500);
    let created_from = stage.stripe.now() - 5000;
    for max_charges in [None, Some(0)] {
        let range = ScanRange { created_from, created_to: None, customer: None, max_charges };
        let scanned = stage.node.scan_live(&stage.connection, &range, &options()).await.unwrap();
        let typed = scanned.map(json::scanned).map_err(json::call_error);
        assert_eq!(typed.is_ok(), max_charges.is_none());
        let mut range = json!({ "created_from": created_from });
        if let Some(most) = max_charges {
            range["max_charges"] = most.into();
        }
        let range = json!({ "range": range });
        same(typed, live(&stage, "duplicates.scan-live", range).await);
    }
    let mut read = Vec::new();
    for charge in charges {
        let of = PaymentRef::Charge(charge);
        let all = ask(Amount::Everything);
        let checked = stage.node.check_live(&stage.connection, &of, &all, &Rules::None).await;
        read.push(checked.unwrap().unwrap().facts.unwrap().charge);
    }
    let input = |options: Value| {
        let charges: Vec<_> = read.iter().cloned().map(json::charge).collect();
        json!({ "charges": charges, "options": options })
    };
    let detected = stage.node.detect(&read, &options()).await.unwrap();
    let detected = detected.map(json::groups).map_err(json::problems);
    let by_name = invoked(&stage, "duplicates.detect", input(json!({}))).await;
    assert_eq!(detected.as_ref().unwrap()["groups"].as_array().unwrap().len(), 1);
    same(detected, by_name.clone());

    let mut scanner = stage.node.scanner(&options(), Direction::OldestFirst).await.unwrap();
    let mut groups = scanner.push(&read).await.unwrap().unwrap();
    groups.extend(scanner.finish().await.unwrap());
    assert_eq!(scanner.tally().await.unwrap().seen, 3);
    same(Ok(json::groups(groups)), by_name);

    let mut unreadable = read.clone();
    unreadable[1].amount.currency = "dollars".to_owned();
    let refused = stage.node.detect(&unreadable, &options()).await.unwrap();
    let refused = refused.map(json::groups).map_err(json::problems);
    let mut input = input(json!({}));
    input["charges"][1]["currency"] = "dollars".into();
    // The two read charges from different shapes, so only the field is the same.
    let field = |outcome: Outcome| outcome.unwrap_err()["problems"][0]["field"].clone();
    assert_eq!(field(refused), "charges[1].currency");
    assert_eq!(field(invoked(&stage, "duplicates.detect", input).await), "charges[1].currency");
}

#[tokio::test]
async fn webhooks_are_verified() {
    let stage = Stage::new().await;
    let refund = id(&stage.stripe.dashboard_refund(&stage.charge(), 1000));
    stage.stripe.end_refund(&refund, "failed", Some("declined"));
    let payload = stage.stripe.newest_event("refund.failed").to_string();
    let secrets = ["whsec_old".to_owned(), "whsec_test".to_owned()];
    let header = stage.stripe.sign(&payload, &secrets[1]);
    let forged = payload.replace("1000", "9000");
    let signed = stage.stripe.now();
    let mut session = stage.node.session().await.unwrap();
    for (payload, header, now) in [
        (&payload, Some(header.as_str()), signed),
        (&forged, Some(header.as_str()), signed),
        (&payload, Some(header.as_str()), signed + 301),
        (&payload, None, signed),
    ] {
        let options = || VerifyOptions { tolerance: None, future_tolerance: Some(60) };
        let bytes = payload.as_bytes();
        let verified = stage.node.verify(bytes, header, &secrets, options(), now).await.unwrap();
        let kept = session.verify(bytes, header, &secrets, options(), now).await.unwrap();
        assert_eq!(verified, kept);
        let input = json!({
            "payload": payload, "header": header, "secrets": secrets, "now": now,
            "future_tolerance": 60,
        });
        assert_eq!(verified.is_ok(), header.is_some() && *payload != forged && now < signed + 301);
        let verified = verified.map(json::verified).map_err(json::verify_error);
        same(verified, invoked(&stage, "webhooks.verify", input).await);
    }
}

#[tokio::test]
async fn webhooks_are_understood() {
    let stage = Stage::new().await;
    let charge = troubled(&stage);
    let refund = id(&stage.stripe.dashboard_refund(&stage.charge(), 1000));
    stage.stripe.end_refund(&refund, "failed", Some("declined"));
    assert!(charge.starts_with("ch_"));
    let mut session = stage.node.session().await.unwrap();
    let event = |kind: &str| stage.stripe.newest_event(kind).to_string();
    for payload in [
        event("refund.failed"),
        event("charge.refunded"),
        event("charge.dispute.created"),
        "no JSON".to_owned(),
        "{}".to_owned(),
    ] {
        let parsed = stage.node.parse(payload.as_bytes()).await.unwrap();
        assert_eq!(parsed, session.parse(payload.as_bytes()).await.unwrap());
        assert_eq!(parsed.is_ok(), payload.contains("evt_"), "{payload}");
        let input = json!({ "payload": payload });
        let by_name = invoked(&stage, "webhooks.parse", input).await;
        let outcome = parsed.clone().map(|event| json!({ "event": json::event(event) }));
        same_but(&EVIDENCE, outcome.map_err(json::parse_error), by_name.clone());
        if let Ok(event) = parsed {
            let action = json::action(stage.node.interpret(&event).await.unwrap());
            let interpreted = invoked(&stage, "webhooks.interpret", by_name.unwrap()).await;
            let named = interpreted.map(|output| output["action"].clone());
            same_but(&EVIDENCE, Ok(action), named);
        }
    }
}

#[tokio::test]
async fn a_kept_instance_answers_as_a_fresh_one() {
    let stage = Stage::new().await;
    let mut session = stage.node.session().await.unwrap();
    let input = json!({ "document": serde_json::from_str::<Value>(DOCUMENT).unwrap() }).to_string();
    for operation in ["policies.describe", "policies.none"] {
        let fresh = stage.node.invoke(operation, &input).await.unwrap();
        assert_eq!(session.invoke(operation, &input).await.unwrap(), fresh);
    }
}
