//! The composed pipelines, through wasmtime, over real HTTP. Refunds are counted at the simulator.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use refund_app::{Application, Ask, Caller, Connection, Settings, Tokio, WasmComponent};
use refund_core::id::{OperationId, PaymentRef};
use refund_host::api::node::{FailureKind, InvokeError};
use refund_host::inspect;
use refund_ledger::{Ledger, MerchantRules, Request, Scope, State, UserName};
use refund_pipelines::{ALL, DUPLICATE_SWEEP, PRORATION, Pipeline, SLA_CREDIT};
use refund_simulator::{Fault, FaultKind, NewCharge};
use refund_tests::{Stage, request};
use serde_json::{Value, json};

#[path = "pipelines/billing.rs"]
mod billing;

async fn stage(pipeline: Pipeline) -> Stage {
    Stage::of(pipeline.composed, |host| host).await
}

async fn invoke(stage: &Stage, operation: &str, mut input: Value) -> Result<Value, InvokeError> {
    input["connection"] = json!({ "base_url": stage.stripe.base_url() });
    let output = stage.node.invoke(operation, &input.to_string()).await.unwrap()?;
    Ok(serde_json::from_str(&output).unwrap())
}

/// Operation ids of the refunds that the simulator holds of a charge.
fn refunded(stage: &Stage, charge: &str) -> Vec<String> {
    let operation =
        |one: &Value| one["metadata"]["refund_node_operation"].as_str().map(str::to_owned);
    stage.stripe.refunds_of(charge).iter().filter_map(operation).collect()
}

fn count(output: &Value, list: &str) -> usize {
    output[list].as_array().map_or(usize::MAX, Vec::len)
}

#[tokio::test]
async fn the_manifest_is_the_nodes_and_one_operation_more() {
    let plain = Stage::new().await;
    let node: Value = serde_json::from_str(&plain.node.describe().await.unwrap()).unwrap();
    for pipeline in ALL {
        let stage = stage(pipeline).await;
        let manifest: Value = serde_json::from_str(&stage.node.describe().await.unwrap()).unwrap();
        let operations = manifest["operations"].as_array().unwrap();
        let (own, others) = operations.split_last().unwrap();
        assert_eq!(others, node["operations"].as_array().unwrap());
        assert_eq!(own["name"], pipeline.operation);
        assert_eq!(own["effect"], "moves-money");
        for schema in ["input_schema", "output_schema"] {
            let reference = own[schema]["$ref"].as_str().unwrap();
            assert!(manifest.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
        }
        let known = others.len() + 1;
        let unknown = stage.node.invoke("refunds.make", "{}").await.unwrap();
        assert!(
            matches!(&unknown, Err(InvokeError::UnknownOperation(names)) if names.len() == known
                && names.iter().any(|name| name == pipeline.operation)),
            "{unknown:?}"
        );
    }
}

#[test]
fn a_composed_one_takes_the_place_of_the_node() {
    let node = inspect(refund_artifact::NODE).unwrap();
    for pipeline in ALL {
        let seen = inspect(pipeline.composed).unwrap();
        assert_eq!((&seen.imports, &seen.exports), (&node.imports, &node.exports));
    }
}

/// As `wit/pipelines.wit` says.
#[test]
fn alone_it_imports_the_nodes_generic_interface_and_nothing_else() {
    let node = "refund-node:refunds/node@0.1.0";
    let types = "refund-node:refunds/types@0.1.0";
    for pipeline in ALL {
        let seen = inspect(pipeline.alone).unwrap();
        assert_eq!(seen.imports, [node, types], "{}", pipeline.name);
        assert_eq!(seen.exports, [node], "{}", pipeline.name);
    }
}

#[tokio::test]
async fn everything_of_the_node_is_there() {
    let stage = stage(SLA_CREDIT).await;
    let (by_type, by_name) = (stage.charge(), stage.charge());
    let typed = request("op-typed", &by_type, Some(1000));
    stage.node.create(&stage.connection, &typed).await.unwrap().unwrap();
    let input = json!({ "operation_id": "op-json", "payment": by_name });
    let made = invoke(&stage, "refunds.create", input).await.unwrap();
    assert_eq!(made["refund"]["amount"], 2500);
    assert_eq!(refunded(&stage, &by_type), ["op-typed"]);
    assert_eq!(refunded(&stage, &by_name), ["op-json"]);
}

/// Bulk runs refund through the application layer, line by line.
#[tokio::test]
async fn a_ledger_refunds_through_it() {
    let stage = stage(DUPLICATE_SWEEP).await;
    let folder = tempfile::tempdir().unwrap();
    let scope = Scope { base_url: stage.stripe.base_url(), live: false, account: None };
    let ledger = Ledger::open(&folder.path().join("ledger.db"), &scope).unwrap();
    let connection = Connection { base_url: Some(stage.stripe.base_url()), account: None };
    let component = WasmComponent::new(stage.node.clone(), connection);
    let application = Application::new(component, ledger, Tokio, Settings::default());
    let caller = Caller::new(UserName::parse("alice").unwrap(), "test");
    let charge = stage.charge();
    for _ in 0..2 {
        let request = Request::new(
            OperationId::parse("line-1").unwrap(),
            PaymentRef::parse(&charge).unwrap(),
        );
        let ask = Ask { request, rules: MerchantRules::default() };
        let done = application.ask(ask, &caller).await.unwrap();
        assert_eq!(done.operation.state, State::Succeeded);
    }
    assert_eq!(refunded(&stage, &charge), ["line-1"]);
}

#[tokio::test]
async fn a_sweep_refunds_each_duplicate_once() {
    let stage = stage(DUPLICATE_SWEEP).await;
    let order = |age: u64, customer: &str| NewCharge {
        age,
        customer: Some(customer.into()),
        ..NewCharge::default()
    };
    let kept = stage.charge_with(&order(500, "cus_twice"));
    let second = stage.charge_with(&order(400, "cus_twice"));
    let third = stage.charge_with(&order(350, "cus_twice"));
    let other = stage.charge_with(&order(300, "cus_once"));
    let input = || json!({ "range": { "created_from": stage.stripe.now() - 5000 }, "prefix": "s" });
    let shown = invoke(&stage, "duplicate-sweep.run", input()).await.unwrap();
    assert_eq!((shown["dry_run"].as_bool(), count(&shown, "planned")), (Some(true), 2));
    assert_eq!(shown["planned"][0]["verdict"]["decision"], "approve");
    assert!(refunded(&stage, &second).is_empty());
    for (most, more) in [(1, 1), (1, 1), (100, 0)] {
        let mut input = input();
        input["dry_run"] = json!(false);
        input["most"] = json!(most);
        let swept = invoke(&stage, "duplicate-sweep.run", input).await.unwrap();
        assert_eq!(count(&swept, "refunds"), more, "{swept}");
    }
    assert_eq!(refunded(&stage, &second), [format!("s-{second}")]);
    assert_eq!(refunded(&stage, &third), [format!("s-{third}")]);
    assert_eq!(stage.stripe.refunds_of(&second)[0]["reason"], "duplicate");
    assert!(refunded(&stage, &kept).is_empty() && refunded(&stage, &other).is_empty());
}

fn outage(charge: &str) -> Value {
    // Two hours of a month of thirty days: 99.72 %.
    json!({
        "operation_id": "outage-7",
        "payment": charge,
        "sla": {
            "period": { "start": 1_760_000_000_u64, "end": 1_762_592_000_u64 },
            "downtime": { "incidents": [
                { "start": 1_760_100_000_u64, "end": 1_760_105_400_u64 },
                { "start": 1_760_103_600_u64, "end": 1_760_107_200_u64 },
            ] },
            "scale": { "tiers": [
                { "below": 999_000, "credit": 100_000 },
                { "below": 990_000, "credit": 250_000 },
            ] },
        },
        "dry_run": false,
    })
}

#[tokio::test]
async fn an_outage_is_credited_once() {
    let stage = stage(SLA_CREDIT).await;
    let charge = stage.charge();
    let mut dry = outage(&charge);
    dry["dry_run"] = json!(true);
    let shown = invoke(&stage, "sla-credit.run", dry).await.unwrap();
    assert_eq!(shown["planned"][0]["amount"], json!({ "amount": 250, "currency": "usd" }));
    assert!(refunded(&stage, &charge).is_empty());
    let expected = json!({
        "operation_id": "outage-7", "payment": charge, "all": false, "reason": null,
        "amount": { "amount": 250, "currency": "usd" }, "metadata": {}, "approval": null,
        "verdict": shown["planned"][0]["verdict"],
    });
    assert_eq!(shown["planned"], json!([expected]));
    for origin in ["made", "found"] {
        let done = invoke(&stage, "sla-credit.run", outage(&charge)).await.unwrap();
        assert_eq!(done["quote"]["seconds_down"], 7200);
        assert_eq!(done["refunds"][0]["origin"], origin);
        assert_eq!(done["refunds"][0]["refund"]["amount"], 250);
    }
    assert_eq!(refunded(&stage, &charge), ["outage-7"]);
}

#[tokio::test]
async fn an_approval_goes_through_the_pipeline() {
    let stage = stage(SLA_CREDIT).await;
    let charge = stage.charge();
    let mut input = outage(&charge);
    input["policy"] = json!({ "approve_up_to": { "usd": "1.00" } });
    let Err(InvokeError::Failed(failure)) = invoke(&stage, "sla-credit.run", input.clone()).await
    else {
        panic!("needs approval")
    };
    assert_eq!(failure.kind, FailureKind::NeedsApproval);
    let details: Value = serde_json::from_str(&failure.details).unwrap();
    input["approval"] = details["request_hash"].clone();
    invoke(&stage, "sla-credit.run", input).await.unwrap();
    assert_eq!(refunded(&stage, &charge), ["outage-7"]);
}

#[tokio::test]
async fn bad_input_is_told_before_anything_is_sent() {
    let stage = stage(SLA_CREDIT).await;
    for (field, value, named) in [
        ("operation_id", json!(" "), "operation_id"),
        ("payment", json!("in_1"), "payment"),
        ("sla", json!({}), "sla"),
        ("dry_run", json!("no"), "dry_run"),
        ("dryrun", json!(true), "dryrun"),
    ] {
        let mut input = outage("ch_1");
        input[field] = value;
        let Err(InvokeError::InvalidInput(problems)) =
            invoke(&stage, "sla-credit.run", input).await
        else {
            panic!("{field}")
        };
        assert_eq!(problems[0].field, named);
    }
    assert!(stage.stripe.requests().is_empty());
}

fn cancellation(payments: &[&str]) -> Value {
    let payment = |id: &&str| json!({ "payment": id, "paid": 2500 });
    json!({
        "operation_id": "cancel-7",
        "price": { "amount": 7500, "currency": "usd" },
        "period": { "start": 1_760_000_000_u64, "end": 1_762_592_000_u64 },
        "ends": 1_761_296_000_u64,
        "payments": payments.iter().map(payment).collect::<Vec<_>>(),
        "dry_run": false,
    })
}

#[tokio::test]
async fn half_a_period_comes_back_from_every_payment() {
    let stage = stage(PRORATION).await;
    let charges = [stage.charge(), stage.charge(), stage.charge()];
    let ids: Vec<&str> = charges.iter().map(String::as_str).collect();
    for origin in ["made", "found"] {
        let done = invoke(&stage, "proration.run", cancellation(&ids)).await.unwrap();
        assert_eq!(done["quote"]["refund"]["amount"], 3750);
        assert_eq!(count(&done, "refunds"), 3);
        assert_eq!(done["refunds"][2]["origin"], origin);
    }
    for charge in &charges {
        assert_eq!(refunded(&stage, charge), [format!("cancel-7-{charge}")]);
        assert_eq!(stage.stripe.refunds_of(charge)[0]["amount"], 1250);
    }
}

/// Stripe has forgotten the idempotency keys by then, so the refunds must be found.
#[tokio::test]
async fn a_day_later_another_order_refunds_nothing_more() {
    let stage = stage(PRORATION).await;
    let charges = [stage.charge(), stage.charge(), stage.charge()];
    let mut ids: Vec<&str> = charges.iter().map(String::as_str).collect();
    invoke(&stage, "proration.run", cancellation(&ids)).await.unwrap();
    stage.stripe.advance(25 * 3600);
    ids.reverse();
    let again = invoke(&stage, "proration.run", cancellation(&ids)).await.unwrap();
    assert!(again["refunds"].as_array().unwrap().iter().all(|one| one["origin"] == "found"));
    assert_eq!(count(&again, "refunds"), 3);
    let inserted = stage.charge();
    ids.insert(0, &inserted);
    let Err(InvokeError::Failed(failure)) =
        invoke(&stage, "proration.run", cancellation(&ids)).await
    else {
        panic!("conflict")
    };
    assert_eq!((failure.kind, failure.retryable), (FailureKind::Conflict, false));
    let details: Value = serde_json::from_str(&failure.details).unwrap();
    assert_eq!(
        (count(&details, "made"), details["type"].as_str()),
        (3, Some("operation_conflict"))
    );
    assert!(refunded(&stage, &inserted).is_empty());
    for charge in &charges {
        assert_eq!(refunded(&stage, charge), [format!("cancel-7-{charge}")]);
    }
}

/// What a host does that has a ledger: a dry run, and a refund of its own for each that is planned.
#[tokio::test]
async fn what_is_planned_can_be_made_one_by_one() {
    let stage = stage(PRORATION).await;
    let charges = [stage.charge(), stage.charge(), stage.charge()];
    let ids: Vec<&str> = charges.iter().map(String::as_str).collect();
    let mut input = cancellation(&ids);
    input["dry_run"] = json!(true);
    input["reason"] = json!("requested_by_customer");
    input["metadata"] = json!({ "ticket": "7" });
    for (planned, made) in [(3, 0), (2, 1), (1, 2), (0, 3)] {
        let shown = invoke(&stage, "proration.run", input.clone()).await.unwrap();
        assert_eq!((count(&shown, "planned"), count(&shown, "refunds")), (planned, made));
        let Some(first) = shown["planned"].as_array().unwrap().first() else { continue };
        assert_eq!(first["all"], false);
        let mut refund = json!({
            "amount": first["amount"]["amount"], "currency": first["amount"]["currency"],
        });
        for field in ["operation_id", "payment", "reason", "metadata"] {
            refund[field] = first[field].clone();
        }
        invoke(&stage, "refunds.create", refund).await.unwrap();
    }
    input["dry_run"] = json!(false);
    let done = invoke(&stage, "proration.run", input).await.unwrap();
    assert!(done["refunds"].as_array().unwrap().iter().all(|one| one["origin"] == "found"));
    let refund = &stage.stripe.refunds_of(&charges[0])[0];
    assert_eq!(
        (&refund["reason"], &refund["metadata"]["ticket"]),
        (&json!("requested_by_customer"), &json!("7"))
    );
}

/// Every answer to the second refund is lost, whether it was made or not; so are all reads after it.
#[tokio::test]
async fn an_unknown_outcome_is_completed_by_the_same_call() {
    for after_commit in [false, true] {
        let stage = stage(PRORATION).await;
        let charges = [stage.charge(), stage.charge(), stage.charge()];
        let ids: Vec<&str> = charges.iter().map(String::as_str).collect();
        let lost = FaultKind::Reset { after_commit };
        stage.stripe.order_fault(Fault { skip: 1, ..Fault::on_create(lost).times(3) });
        stage.stripe.order_fault(Fault {
            method: Some("GET".into()),
            path: Some("/v1/refunds*".into()),
            skip: 0,
            times: 20,
            kind: FaultKind::Reset { after_commit: false },
        });
        let Err(InvokeError::Failed(failure)) =
            invoke(&stage, "proration.run", cancellation(&ids)).await
        else {
            panic!("unknown")
        };
        assert_eq!((failure.kind, failure.retryable), (FailureKind::OutcomeUnknown, true));
        let details: Value = serde_json::from_str(&failure.details).unwrap();
        let lists = ["refunds", "failures", "not_tried"].map(|list| count(&details, list));
        assert_eq!(lists, [1, 1, 1], "{details}");
        stage.stripe.clear_faults();
        let done = invoke(&stage, "proration.run", cancellation(&ids)).await.unwrap();
        assert_eq!(count(&done, "refunds"), 3);
        for charge in &charges {
            assert_eq!(refunded(&stage, charge), [format!("cancel-7-{charge}")]);
        }
    }
}
