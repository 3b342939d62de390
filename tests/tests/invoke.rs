//! The generic interface and the pure ones, through wasmtime.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use refund_host::api::duplicates::{Confidence, Direction, Options, ScanError};
use refund_host::api::node::{FailureKind, InvokeError};
use refund_host::api::types::{Charge, ChargeStatus};
use refund_host::api::webhooks::{Action, VerifyError, VerifyOptions};
use refund_simulator::{DisputeOrder, NewCharge};
use refund_tests::{Stage, usd};
use serde_json::{Value, json};

async fn invoke(stage: &Stage, operation: &str, mut input: Value) -> Result<Value, InvokeError> {
    if input.get("payment").or(input.get("range")).or(input.get("refund")).is_some() {
        input["connection"] = json!({ "base_url": stage.stripe.base_url() });
    }
    let output = stage.node.invoke(operation, &input.to_string()).await.unwrap()?;
    Ok(serde_json::from_str(&output).unwrap())
}

#[tokio::test]
async fn the_manifest_describes_every_operation() {
    let stage = Stage::new().await;
    let manifest: Value = serde_json::from_str(&stage.node.describe().await.unwrap()).unwrap();
    let operations = manifest["operations"].as_array().unwrap();
    assert_eq!(operations.len(), 31);
    for operation in operations {
        for field in
            ["name", "title", "description", "icon", "effect", "input_schema", "output_schema"]
        {
            assert!(!operation[field].is_null(), "{field} of {}", operation["name"]);
        }
        let reference = operation["input_schema"]["$ref"].as_str().unwrap();
        let definition = manifest.pointer(reference.trim_start_matches('#')).unwrap();
        assert_eq!(definition["type"], "object", "{reference}");
    }
}

#[tokio::test]
async fn the_balance_by_currency() {
    let stage = Stage::new().await;
    stage.stripe.set_balance("usd", -250);
    stage.stripe.set_balance("eur", 1000);
    let input = json!({ "connection": { "base_url": stage.stripe.base_url() } });
    let output = invoke(&stage, "refunds.balance", input).await.unwrap();
    let funds =
        json!([{ "amount": 1000, "currency": "eur" }, { "amount": -250, "currency": "usd" }]);
    assert_eq!(output["available"], funds);
}

#[tokio::test]
async fn all_input_problems_come_at_once_and_name_their_fields() {
    let stage = Stage::new().await;
    let bad = json!({
        "operation_id": " ", "payment": "in_1", "amount": 5, "currency": "dollars",
    });
    let Err(InvokeError::InvalidInput(problems)) = invoke(&stage, "refunds.create", bad).await
    else {
        panic!("invalid")
    };
    let fields: Vec<_> = problems.iter().map(|problem| problem.field.as_str()).collect();
    assert_eq!(fields, ["operation_id", "payment", "currency"]);
    assert!(stage.stripe.requests().is_empty());
    for (input, field) in [
        (json!({ "payment": "ch_1" }), "input"),
        (json!({ "operation_id": "a", "payment": "ch_1", "colour": "red" }), "colour"),
        (
            json!({ "operation_id": "a", "payment": "ch_1", "amount": -5, "currency": "usd" }),
            "amount",
        ),
        (json!({ "operation_id": "a", "payment": "ch_1", "amount": "5" }), "amount"),
        (json!({ "operation_id": "a", "payment": "ch_1", "amount": 5 }), "currency"),
        (
            json!({ "operation_id": "a", "payment": "ch_1", "amount_decimal": "1.234", "currency": "usd" }),
            "amount_decimal",
        ),
        (
            json!({ "operation_id": "a", "payment": "ch_1", "policy": { "window": 3 } }),
            "policy.window",
        ),
        (json!({ "operation_id": "a", "payment": "sk_live_oops" }), "payment"),
    ] {
        let Err(InvokeError::InvalidInput(problems)) =
            invoke(&stage, "refunds.create", input.clone()).await
        else {
            panic!("{input}")
        };
        assert_eq!(problems[0].field, field, "{problems:?}");
        assert!(!format!("{problems:?}").contains("oops"));
    }
    let nonsense = stage.node.invoke("refunds.create", "{").await.unwrap();
    assert!(matches!(nonsense, Err(InvokeError::InvalidInput(_))));
    let unknown = stage.node.invoke("refunds.make", "{}").await.unwrap();
    assert!(matches!(unknown, Err(InvokeError::UnknownOperation(known)) if known.len() == 31));
}

#[tokio::test]
async fn failures_have_a_kind_and_their_details() {
    let stage = Stage::new().await;
    let charge = stage.charge();
    let ask = |amount: u64, policy: Value| json!({ "operation_id": "op-1", "payment": charge, "amount": amount, "currency": "usd", "policy": policy });
    for (input, kind, word) in [
        (ask(9999, json!({})), FailureKind::Denied, "exceeds_refundable"),
        (
            ask(2000, json!({ "approve_up_to": { "usd": "0.01" } })),
            FailureKind::NeedsApproval,
            "request_hash",
        ),
        (
            json!({ "operation_id": "op-1", "payment": "ch_none" }),
            FailureKind::Refused,
            "resource_missing",
        ),
    ] {
        let Err(InvokeError::Failed(failure)) = invoke(&stage, "refunds.create", input).await
        else {
            panic!("{word}")
        };
        assert_eq!(failure.kind, kind);
        assert!(failure.details.contains(word), "{}", failure.details);
    }
}

#[tokio::test]
async fn a_live_check_gives_verdict_and_facts() {
    let stage = Stage::new().await;
    let charge = stage.charge_with(&NewCharge { age: 40 * 86_400, ..NewCharge::default() });
    stage.stripe.dispute(&DisputeOrder {
        charge: charge.clone(),
        status: "needs_response".into(),
        reason: "general".into(),
        refundable: None,
    });
    let checked = invoke(
        &stage,
        "eligibility.check-live",
        json!({ "payment": charge, "policy": { "window_days": 30 } }),
    )
    .await
    .unwrap();
    assert_eq!(checked["verdict"]["decision"], "deny");
    let rules: Vec<_> = checked["verdict"]["failed"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| rule["rule"].clone())
        .collect();
    assert_eq!(rules, ["disputed", "outside_window"]);
    assert_eq!(checked["verdict"]["fee_kept"]["total"]["amount"], 102);
    assert!(
        checked["verdict"]["fee_kept"]["source"]["balance_transaction"]
            .as_str()
            .unwrap()
            .starts_with("txn_")
    );
    // What a live check gives, the pure check takes.
    let facts = &checked["facts"];
    let again = json!({ "charge": facts["charge"], "refunds": facts["refunds"], "disputes": facts["disputes"], "policy": { "window_days": 30 } });
    let pure = invoke(&stage, "eligibility.check", again).await.unwrap();
    assert_eq!(pure["failed"], checked["verdict"]["failed"]);
}

#[tokio::test]
async fn duplicates_at_stripe() {
    let stage = Stage::new().await;
    let order = |age: u64, customer: &str| NewCharge {
        age,
        customer: Some(customer.into()),
        ..NewCharge::default()
    };
    for n in 0..150 {
        stage.charge_with(&order(1000 + n, &format!("cus_{n}")));
    }
    let first = stage.charge_with(&order(500, "cus_twice"));
    let second = stage.charge_with(&order(400, "cus_twice"));
    let refunded = stage.charge_with(&order(300, "cus_twice"));
    stage.stripe.dashboard_refund(&refunded, 2500);
    let from = stage.stripe.now() - 5000;
    let found =
        invoke(&stage, "duplicates.scan-live", json!({ "range": { "created_from": from } }))
            .await
            .unwrap();
    assert_eq!(found["complete"], true);
    assert_eq!(found["tally"]["seen"], 153);
    assert_eq!(found["groups"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&found["groups"][0]["keep"], &found["groups"][0]["refund"]),
        (&json!(first), &json!([second]))
    );
}

fn charge(id: &str, created: u64) -> Charge {
    Charge {
        id: id.into(),
        amount: usd(2500),
        amount_captured: 2500,
        amount_refunded: 0,
        status: ChargeStatus::Succeeded,
        captured: true,
        refunded: false,
        disputed: false,
        created,
        customer: Some("cus_1".into()),
        payment_intent: Some(format!("pi_{id}")),
        payment_method_type: Some("card".into()),
        card_fingerprint: Some("fp".into()),
        fraud_user_report: None,
        fraud_stripe_report: None,
        balance_transaction: None,
        livemode: false,
        metadata: Vec::new(),
    }
}

#[tokio::test]
async fn a_scanner_lives_over_several_pages() {
    let stage = Stage::new().await;
    let options = Options { window_seconds: None, reference_keys: Vec::new() };
    let mut scanner = stage.node.scanner(&options, Direction::OldestFirst).await.unwrap();
    assert!(scanner.push(&[charge("ch_a", 1000)]).await.unwrap().unwrap().is_empty());
    assert!(scanner.push(&[charge("ch_b", 1300)]).await.unwrap().unwrap().is_empty());
    let wrong = scanner.push(&[charge("ch_c", 1)]).await.unwrap();
    assert!(
        matches!(wrong, Err(ScanError::OutOfOrder(at)) if at.charge == "ch_c" && at.reached == 1300)
    );
    let groups = scanner.finish().await.unwrap();
    assert_eq!((groups[0].keep.as_str(), groups[0].confidence), ("ch_a", Confidence::High));
    assert_eq!(scanner.tally().await.unwrap().seen, 2);
    let detected = stage.node.detect(&[charge("ch_b", 1300), charge("ch_a", 1000)], &options).await;
    assert_eq!(detected.unwrap().unwrap(), groups);
}

#[tokio::test]
async fn webhooks_of_the_simulator() {
    let stage = Stage::new().await;
    let charge = stage.charge();
    let refund = stage.stripe.dashboard_refund(&charge, 1000);
    stage.stripe.end_refund(refund["id"].as_str().unwrap(), "failed", Some("declined"));
    let payload = stage.stripe.newest_event("refund.failed").to_string();
    let secret = "whsec_test".to_owned();
    let header = stage.stripe.sign(&payload, &secret);
    let options = || VerifyOptions { tolerance: None, future_tolerance: None };
    let now = stage.stripe.now();
    let old_and_new = ["whsec_old".to_owned(), secret.clone()];
    let verified =
        stage.node.verify(payload.as_bytes(), Some(&header), &old_and_new, options(), now).await;
    assert_eq!(verified.unwrap().unwrap().secret_index, 1);
    let forged = payload.replace("1000", "9000");
    let verdict =
        stage.node.verify(forged.as_bytes(), Some(&header), &[secret], options(), now).await;
    assert_eq!(verdict.unwrap(), Err(VerifyError::Mismatch));
    let event = stage.node.parse(payload.as_bytes()).await.unwrap().unwrap();
    let action = stage.node.interpret(&event).await.unwrap();
    let Action::RefundFailed(failed) = action else { panic!("{action:?}") };
    assert_eq!(failed.failure_reason.as_deref(), Some("declined"));
}
