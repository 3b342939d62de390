//! Which refund has which id, and what a failure does to the rest.

use pipeline_shared::batch::settle;
use pipeline_shared::schema::{Title, compare, manifest};
use pipeline_shared::script::{Script, unknown, usd};
use refund_core::client::CreateError;
use refund_core::eligibility::{Amount, Verdict};
use refund_core::face::{self, FailureKind};
use serde_json::{Value, json};

use super::*;

fn share(payment: &str, amount: u64) -> RefundShare {
    let Ok(payment) = PaymentRef::parse(payment) else { panic!("{payment}") };
    RefundShare { payment, amount }
}

fn script(shares: Vec<RefundShare>) -> Script {
    let quote = Proration {
        refund: usd(shares.iter().map(|share| share.amount).sum()),
        shares,
        unused: 3000,
        subtracted: 0,
        left_over: 0,
        seconds_unused: 300,
        seconds: 1000,
    };
    Script { proration: Some(quote), ..Script::default() }
}

fn prorate(node: &mut Script, changes: Value) -> Result<Output, InvokeError> {
    let mut input = json!({
        "operation_id": "cancel-7",
        "price": { "amount": 10_000, "currency": "usd" },
        "period": { "start": 0, "end": 1000 },
        "ends": 700,
        "payments": [
            { "payment": "ch_a", "paid": 4000 },
            { "payment": "pi_b", "paid": 4000, "refunded": 10 },
            { "payment": "ch_c", "paid": 2000 },
        ],
        "dry_run": false,
    });
    if let (Some(input), Value::Object(changes)) = (input.as_object_mut(), changes) {
        input.extend(changes);
    }
    Prorate::run(face::read(&input.to_string())?, node)
}

fn three() -> Script {
    script(vec![share("ch_a", 1200), share("pi_b", 1197), share("ch_c", 603)])
}

fn asked(node: &Script) -> Vec<(&str, &str, Amount)> {
    node.asked
        .iter()
        .map(|one| (one.operation_id.as_str(), one.payment.as_str(), one.amount))
        .collect()
}

#[test]
fn one_refund_a_payment_numbered_as_in_the_input() {
    let mut node = three();
    let report = prorate(&mut node, json!({})).unwrap().report;
    let exactly = |amount| Amount::Exactly(usd(amount));
    let expected = [
        ("cancel-7-1", "ch_a", exactly(1200)),
        ("cancel-7-2", "pi_b", exactly(1197)),
        ("cancel-7-3", "ch_c", exactly(603)),
    ];
    assert_eq!(asked(&node), expected);
    assert_eq!(report.refunds.len(), 3);
    let payments = node.prorate_request.unwrap().payments;
    assert_eq!(payments.iter().map(|one| one.refunded).collect::<Vec<_>>(), [0, 10, 0]);
}

#[test]
fn the_number_stays_whatever_the_quote() {
    let mut node = script(vec![share("ch_c", 603), share("pi_b", 1197)]);
    prorate(&mut node, json!({})).unwrap();
    let operations: Vec<_> = asked(&node).into_iter().map(|(id, ..)| id).collect();
    assert_eq!(operations, ["cancel-7-3", "cancel-7-2"]);
}

#[test]
fn unless_told_otherwise_it_only_shows() {
    let mut node = three();
    let mut input = json!({});
    input["dry_run"] = json!(true);
    let report = prorate(&mut node, input).unwrap().report;
    assert!(report.dry_run && node.asked.is_empty());
    assert_eq!((report.planned.len(), node.checks), (3, 3));
    let input = r#"{"operation_id":"a","price":{"amount":1,"currency":"usd"},"period":{"start":0,"end":1},"ends":0,"payments":[]}"#;
    assert!(face::read::<Input>(input).unwrap().dry_run);
}

#[test]
fn after_an_unknown_outcome_the_same_call_completes_it() {
    for lost in 0..3 {
        let mut node = three();
        node.troubles = (0..lost).map(|_| None).collect();
        node.troubles.push_back(Some(unknown(&format!("cancel-7-{}", lost + 1))));
        let output = prorate(&mut node, json!({})).unwrap();
        let Err(InvokeError::Failed(failure)) = settle(output) else { panic!("{lost}") };
        assert_eq!((failure.kind, failure.retryable), (FailureKind::OutcomeUnknown, true));
        let details: Value = serde_json::from_str(&failure.details).unwrap();
        let count = |list: &str| details[list].as_array().map(Vec::len);
        assert_eq!(count("refunds"), Some(lost));
        assert_eq!(count("failures"), Some(1));
        assert_eq!(count("not_tried"), Some(2 - lost));
        assert_eq!(details["failures"][0]["error"]["type"], "outcome_unknown");
        let again = settle(prorate(&mut node, json!({})).unwrap()).unwrap();
        assert_eq!((again.report.refunds.len(), node.made.len()), (3, 3));
    }
}

#[test]
fn one_that_is_denied_is_told_beside_the_others() {
    let mut node = three();
    let verdict = Verdict::not_succeeded("failed", usd(0).currency, &Amount::Everything);
    node.troubles.extend([None, Some(CreateError::Denied { verdict })]);
    let report = settle(prorate(&mut node, json!({})).unwrap()).unwrap().report;
    assert_eq!((report.refunds.len(), report.failures.len(), report.not_tried.len()), (2, 1, 0));
    let failed = &report.failures[0];
    assert_eq!((failed.operation_id.as_str(), failed.amount), ("cancel-7-2", usd(1197)));
    assert!(failed.message.contains("denied"), "{}", failed.message);
}

#[test]
fn approvals_go_to_their_operations() {
    let mut node = three();
    prorate(&mut node, json!({ "approvals": { "cancel-7-2": "hash" } })).unwrap();
    let approvals: Vec<_> = node.asked.iter().map(|one| one.approval.as_deref()).collect();
    assert_eq!(approvals, [None, Some("hash"), None]);
}

#[test]
fn problems_name_their_fields() {
    for (changes, field) in [
        (json!({ "operation_id": " " }), "operation_id"),
        (json!({ "operation_id": "x".repeat(199) }), "operation_id"),
        (json!({ "payments": [{ "payment": "ch_x", "paid": 1 }] }), "payments"),
        (json!({ "order": "random" }), "order"),
    ] {
        let mut node = three();
        let Err(InvokeError::InvalidInput(problems)) = prorate(&mut node, changes) else {
            panic!("{field}")
        };
        assert_eq!(problems[0].field, field, "{problems:?}");
        assert!(node.asked.is_empty());
    }
    let Err(InvokeError::InvalidInput(problems)) = prorate(&mut Script::default(), json!({}))
    else {
        panic!("quote")
    };
    assert_eq!(problems[0].field, "ends");
}

#[test]
fn the_manifest_is_current() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/manifest.json");
    let title = Title {
        title: "Refund an unused period",
        description: "Computes what is fair when a period ends early, and refunds it payment by payment. A dry run unless you say otherwise. What is denied or needs approval is among the failures; an outcome that nobody knows is a failure of the whole, to be completed by calling again with the same input.",
        icon: "M4 5h16v15H4zM4 9h16M8 3v4M16 3v4M9 14h6",
    };
    compare(&file, &manifest::<Prorate>(title));
}
