//! One credit, one refund; what was paid is read from Stripe.

mod sums;

use pipeline_shared::schema::{About, compare, manifest, refuses_null};
use pipeline_shared::script::{PAID, Script, unknown, usd};
use refund_core::client::{CallError, NeedsApproval};
use refund_core::dispatch::{self, FailureKind};
use refund_core::eligibility::Decision;
use serde_json::{Value, json};

use super::*;

fn quote(credit: u64) -> Quote {
    Quote {
        credit: usd(credit),
        earned: credit,
        uptime: 990_000,
        seconds_down: 7200,
        seconds_counted: 720_000,
        tier: None,
        capped: false,
        merged: Vec::new(),
    }
}

fn script(credit: u64) -> Script {
    Script { sla_quote: Some(quote(credit)), ..Script::default() }
}

fn credit(node: &mut Script, changes: Value) -> Result<Output, InvokeError> {
    let mut input = json!({
        "operation_id": "outage-7",
        "payment": "ch_1",
        "sla": {
            "period": { "start": 0, "end": 720_000 },
            "downtime": { "incidents": [{ "start": 10, "end": 7210 }] },
            "scale": { "tiers": [{ "below": 999_000, "credit": 100_000 }] },
        },
    });
    if let (Some(input), Value::Object(changes)) = (input.as_object_mut(), changes) {
        input.extend(changes);
    }
    SlaCredit::run(dispatch::read(&input.to_string())?, node)
}

#[test]
fn unless_told_otherwise_it_only_shows() {
    let mut node = script(1000);
    let report = credit(&mut node, json!({})).unwrap().report;
    assert!(report.dry_run && node.creates.is_empty());
    let planned = &report.planned[0];
    assert_eq!((planned.operation_id.as_str(), planned.amount), ("outage-7", usd(1000)));
    let decision = planned.verdict.as_ref().map(|verdict| verdict.decision);
    assert_eq!(decision, Some(Decision::Approve));
}

#[test]
fn what_was_paid_comes_from_stripe() {
    let mut node = script(1000);
    credit(&mut node, json!({})).unwrap();
    let asked = node.sla_request.unwrap();
    assert_eq!((asked.paid.amount, asked.paid.currency.as_str()), (PAID, "usd"));
    let Err(InvokeError::InvalidInput(problems)) =
        credit(&mut script(1000), json!({ "sla": { "paid": { "amount": 1, "currency": "usd" } } }))
    else {
        panic!("paid")
    };
    assert_eq!(problems[0].field, "sla.paid");
}

#[test]
fn twice_is_once() {
    let mut node = script(1000);
    for _ in 0..2 {
        let report = credit(&mut node, json!({ "dry_run": false })).unwrap().report;
        assert_eq!(report.refunds[0].refund.money(), usd(1000));
    }
    assert_eq!((node.creates.len(), node.made.len()), (2, 1));
}

#[test]
fn no_credit_no_refund() {
    let mut node = script(0);
    let output = credit(&mut node, json!({ "dry_run": false })).unwrap();
    assert_eq!((output.quote.earned, node.creates.len()), (0, 0));
    assert!(output.report.refunds.is_empty() && output.report.failures.is_empty());
}

/// Another credit than the one that was refunded, and no credit at all.
#[test]
fn a_refund_of_another_amount_is_a_conflict() {
    for dry_run in [true, false] {
        for now in [0, 900] {
            let mut node = script(1000);
            credit(&mut node, json!({ "dry_run": false })).unwrap();
            node.sla_quote = Some(quote(now));
            let input = json!({ "dry_run": dry_run });
            let Err(InvokeError::Failed(failure)) = credit(&mut node, input) else {
                panic!("{now}")
            };
            assert_eq!((failure.kind, node.creates.len()), (FailureKind::Conflict, 1));
            assert!(failure.details.contains("re_outage-7"), "{}", failure.details);
        }
    }
}

#[test]
fn a_dry_run_shows_the_refund_that_exists() {
    let mut node = script(1000);
    credit(&mut node, json!({ "dry_run": false })).unwrap();
    let report = credit(&mut node, json!({})).unwrap().report;
    assert_eq!((report.planned.len(), report.refunds.len(), node.creates.len()), (0, 1, 1));
}

#[test]
fn the_one_failure_is_that_of_the_call() {
    let verdict = pipeline_shared::script::approved(usd(1000));
    let need = NeedsApproval { verdict, request_hash: "hash-1".into() };
    for (error, kind, word) in [
        (CreateError::NeedsApproval(need), FailureKind::NeedsApproval, "hash-1"),
        (unknown("outage-7"), FailureKind::OutcomeUnknown, "outage-7"),
    ] {
        let mut node = script(1000);
        node.troubles.push_back(Some(error));
        let Err(InvokeError::Failed(failure)) = credit(&mut node, json!({ "dry_run": false }))
        else {
            panic!("{kind:?}")
        };
        assert_eq!(failure.kind, kind);
        assert!(failure.details.contains(word), "{}", failure.details);
        credit(&mut node, json!({ "dry_run": false, "approval": "hash-1" })).unwrap();
        assert_eq!((node.creates[1].approval.as_deref(), node.made.len()), (Some("hash-1"), 1));
    }
}

#[test]
fn a_payment_that_never_was() {
    let mut node = script(1000);
    node.unpaid.push(PaymentRef::parse("ch_1").unwrap());
    let Err(InvokeError::Failed(failure)) = credit(&mut node, json!({ "dry_run": false })) else {
        panic!("unpaid")
    };
    assert_eq!((failure.kind, node.creates.len()), (FailureKind::Denied, 0));
    let failed = CallError::Invalid { problems: Vec::new() };
    let mut node = Script { check_fails: Some(failed), ..script(1000) };
    assert!(credit(&mut node, json!({ "dry_run": false })).is_err());
    assert!(node.creates.is_empty());
}

#[test]
fn a_policy_document_goes_to_the_node_whole() {
    let document = json!({ "name": "shop", "version": "1" });
    let mut node = script(1000);
    let input = json!({ "dry_run": false, "document": document });
    credit(&mut node, input).unwrap();
    let sent = node.creates[0].document.as_ref().unwrap();
    assert_eq!((sent.name.as_str(), sent.version.as_str()), ("shop", "1"));
    let both = json!({ "document": document, "policy": { "window_days": 3 } });
    let Err(InvokeError::InvalidInput(problems)) = credit(&mut script(1000), both) else {
        panic!("both")
    };
    assert_eq!(problems[0].field, "policy");
}

#[test]
fn problems_are_named_as_the_input_has_them() {
    for (changes, fields) in [
        (json!({ "operation_id": "", "payment": "in_1" }), vec!["operation_id", "payment"]),
        (json!({ "sla": {} }), vec!["sla"]),
        (json!({ "rules": {} }), vec!["rules"]),
        // The script without a quote.
        (json!({}), vec!["sla.period.end"]),
    ] {
        let mut node = Script::default();
        let Err(InvokeError::InvalidInput(problems)) = credit(&mut node, changes) else {
            panic!("{fields:?}")
        };
        let found: Vec<_> = problems.iter().map(|problem| problem.field.as_str()).collect();
        assert_eq!(found, fields);
    }
}

#[test]
fn the_manifest_is_current() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/manifest.json");
    let about = About {
        title: "Refund an outage",
        description: "Reads what was paid, computes what the service level grants for an outage, and refunds it. A dry run unless `dry_run` is false: it plans the refund in full and changes nothing. One operation id makes at most one refund; where it refunded another amount before, the call fails with a conflict.",
        icon: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M12 7v5l4 2",
    };
    compare(&file, &manifest::<SlaCredit>(about));
}

#[test]
fn null_is_no_default() {
    refuses_null::<SlaCredit>(&[
        "connection.max_retries",
        "policy.fee_rate",
        "approval",
        "reason",
        "metadata",
    ]);
}
