//! What is swept, in which order, and what a failure does to the rest.

mod sums;

use pipeline_shared::schema::{About, compare, manifest, refuses_null};
use pipeline_shared::script::{Script, unknown, usd};
use refund_core::client::{CallError, CreateError, TransportFailure, TransportKind};
use refund_core::dispatch;
use refund_core::duplicates::Basis;
use refund_core::eligibility::{Amount, Decision, Verdict};
use refund_core::id::CustomerId;
use serde_json::{Value, json};

use super::*;

fn group(keep: &str, refund: &[&str], confidence: Confidence) -> Group {
    Group {
        keep: ChargeId::from_stripe(keep),
        refund: refund.iter().map(|id| ChargeId::from_stripe(*id)).collect(),
        amount: 2500,
        currency: usd(0).currency,
        basis: Basis::Customer(CustomerId::from_stripe("cus_1")),
        first_created: 1000,
        last_created: 1100,
        confidence,
        observations: Vec::new(),
    }
}

fn script(groups: Vec<Group>) -> Script {
    let scanned = Scanned { groups, tally: Tally::default(), complete: true, reached: 1000 };
    Script { scanned: Some(scanned), ..Script::default() }
}

fn three() -> Script {
    script(vec![
        group("ch_a", &["ch_b", "ch_c"], Confidence::High),
        group("ch_d", &["ch_e"], Confidence::Medium),
        group("ch_f", &["ch_g"], Confidence::Low),
    ])
}

fn sweep(node: &mut Script, changes: Value) -> Result<Output, InvokeError> {
    let mut input = json!({ "range": { "created_from": 1000 }, "prefix": "sweep" });
    if let (Some(input), Value::Object(changes)) = (input.as_object_mut(), changes) {
        input.extend(changes);
    }
    DuplicateSweep::run(dispatch::read(&input.to_string())?, node)
}

fn operations(node: &Script) -> Vec<&str> {
    node.creates.iter().map(|request| request.operation_id.as_str()).collect()
}

#[test]
fn unless_told_otherwise_it_only_shows() {
    let mut node = three();
    let output = sweep(&mut node, json!({})).unwrap();
    assert!(output.report.dry_run && node.creates.is_empty());
    let planned: Vec<_> = output.report.planned.iter().map(|one| one.payment.as_str()).collect();
    assert_eq!(planned, ["ch_b", "ch_c"]);
    let decisions = output.report.planned.iter().filter_map(|one| one.verdict.as_ref());
    assert!(decisions.map(|one| one.decision).all(|one| one == Decision::Approve));
    assert_eq!((output.groups.len(), output.unsure), (1, 2));
}

#[test]
fn a_plan_has_everything_that_makes_the_refund() {
    let mut node = three();
    let input = json!({ "metadata": { "a": "b" } });
    let report = sweep(&mut node, input).unwrap().report;
    let planned = serde_json::to_value(&report.planned[0]).unwrap();
    let expected = json!({
        "operation_id": "sweep-ch_b", "payment": "ch_b",
        "amount": { "amount": 10_000, "currency": "usd" }, "all": true, "reason": "duplicate",
        "metadata": { "a": "b" }, "approval": null, "verdict": report.planned[0].verdict,
    });
    assert_eq!(planned, expected);
}

#[test]
fn a_dry_run_shows_what_was_made() {
    let mut node = three();
    sweep(&mut node, json!({ "dry_run": false, "most": 1 })).unwrap();
    let report = sweep(&mut node, json!({})).unwrap().report;
    assert_eq!((report.planned.len(), report.refunds.len()), (1, 1));
    assert_eq!(report.planned[0].payment, "ch_c");
}

#[test]
fn sure_enough_is_what_the_caller_says() {
    for (confidence, expected) in [
        ("high", vec!["sweep-ch_b", "sweep-ch_c"]),
        ("medium", vec!["sweep-ch_b", "sweep-ch_c", "sweep-ch_e"]),
        ("low", vec!["sweep-ch_b", "sweep-ch_c", "sweep-ch_e", "sweep-ch_g"]),
    ] {
        let mut node = three();
        sweep(&mut node, json!({ "confidence": confidence, "dry_run": false })).unwrap();
        assert_eq!(operations(&node), expected);
        let first = &node.creates[0];
        assert_eq!((&first.amount, &first.reason), (&Amount::Everything, &Some(Reason::Duplicate)));
    }
}

#[test]
fn a_second_sweep_refunds_nothing_more() {
    let mut node = three();
    for _ in 0..2 {
        let output = sweep(&mut node, json!({ "dry_run": false })).unwrap();
        assert_eq!(output.report.refunds.len(), 2);
    }
    assert_eq!(node.made.len(), 2);
}

#[test]
fn it_stops_after_the_most() {
    for (most, made, complete) in [(1, 1, false), (2, 2, true), (3, 2, true)] {
        let mut node = three();
        let output = sweep(&mut node, json!({ "dry_run": false, "most": most })).unwrap();
        assert_eq!((node.made.len(), output.complete), (made, complete), "{most}");
    }
}

#[test]
fn an_incomplete_scan_is_reported_with_the_way_to_go_on() {
    let cut = || {
        let mut node = three();
        let scanned = node.scanned.as_mut().unwrap();
        (scanned.complete, scanned.reached) = (false, 1500);
        node
    };
    for dry_run in [true, false] {
        let output = sweep(&mut cut(), json!({ "dry_run": dry_run })).unwrap();
        assert_eq!((output.complete, output.reached), (false, 1500));
        let told = serde_json::to_value(&output).unwrap();
        assert_eq!(
            (&told["complete"], &told["stopped_by"]),
            (&json!(false), &json!("max_charges"))
        );
        let output = sweep(&mut three(), json!({ "dry_run": dry_run })).unwrap();
        assert_eq!((output.complete, output.stopped_by), (true, None));
    }
    // To go on from `reached` now would leave out refunds of the scanned part.
    let output = sweep(&mut cut(), json!({ "dry_run": false, "most": 1 })).unwrap();
    assert_eq!((output.complete, output.stopped_by), (false, Some(StoppedBy::Most)));
    let mut node = cut();
    node.troubles.push_back(Some(unknown("sweep-ch_b")));
    let output = sweep(&mut node, json!({ "dry_run": false, "most": 1 })).unwrap();
    assert_eq!(output.stopped_by, Some(StoppedBy::Most));
    let mut node = cut();
    node.troubles.push_back(Some(unknown("sweep-ch_b")));
    let output = sweep(&mut node, json!({ "dry_run": false })).unwrap();
    assert_eq!((output.complete, output.stopped_by), (false, Some(StoppedBy::Failure)));
}

#[test]
fn one_that_is_denied_does_not_stop_the_others() {
    let mut node = three();
    let currency = usd(0).currency;
    let verdict = Verdict::not_succeeded("failed", currency, &Amount::Everything);
    node.troubles.push_back(Some(CreateError::Denied { verdict }));
    let report = sweep(&mut node, json!({ "dry_run": false })).unwrap().report;
    assert_eq!((report.refunds.len(), report.failures.len(), report.not_tried.len()), (1, 1, 0));
    assert_eq!(report.failures[0].payment, "ch_b");
}

#[test]
fn without_a_way_to_stripe_it_ends_and_nothing_is_forgotten() {
    let failure =
        TransportFailure { kind: TransportKind::Connect, detail: "refused".into(), attempts: 3 };
    let ways = [CreateError::Transport(failure), unknown("sweep-ch_b")];
    for error in ways {
        let mut node = three();
        node.troubles.push_back(Some(error));
        let report = sweep(&mut node, json!({ "dry_run": false })).unwrap().report;
        assert_eq!((report.refunds.len(), report.failures.len()), (0, 1));
        assert_eq!(report.not_tried[0].operation_id.as_str(), "sweep-ch_c");
        let again = sweep(&mut node, json!({ "dry_run": false })).unwrap().report;
        assert_eq!((again.refunds.len(), node.made.len()), (2, 2));
    }
}

#[test]
fn input_that_makes_no_sense() {
    for (changes, fields) in [
        (json!({ "prefix": " ", "most": 0 }), vec!["prefix", "most"]),
        (json!({ "prefix": "sweep ", "most": 1001 }), vec!["prefix", "most"]),
        (json!({ "prefix": "x".repeat(199), "dry_run": false }), vec!["prefix"]),
        (json!({ "confidence": "sure" }), vec!["confidence"]),
        (json!({ "dryrun": false }), vec!["dryrun"]),
    ] {
        let mut node = three();
        let Err(InvokeError::InvalidInput(problems)) = sweep(&mut node, changes) else {
            panic!("{fields:?}")
        };
        let found: Vec<_> = problems.iter().map(|problem| problem.field.as_str()).collect();
        assert_eq!(found, fields);
        assert!(node.creates.is_empty());
    }
}

#[test]
fn a_scan_that_fails_is_told() {
    let mut node = Script::default();
    assert!(matches!(sweep(&mut node, json!({})), Err(InvokeError::InvalidInput(_))));
    let failed = CallError::Invalid { problems: Vec::new() };
    let mut node = Script { check_fails: Some(failed), ..three() };
    let report = sweep(&mut node, json!({})).unwrap().report;
    assert_eq!((report.planned.len(), report.failures.len()), (1, 1));
}

#[test]
fn the_manifest_is_current() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/manifest.json");
    let about = About {
        title: "Refund duplicates",
        description: "Finds customers who paid twice and refunds the later payments. A dry run unless `dry_run` is false: it plans every refund in full and changes nothing. With one prefix a charge is refunded at most once. Refunds that are denied or need approval are among the failures; a refund whose outcome is unknown makes the whole call fail, and the same input completes it.",
        icon: "M8 8h12v12H8zM16 4H4v12M11 14h6",
    };
    compare(&file, &manifest::<DuplicateSweep>(about));
}

#[test]
fn null_is_no_default() {
    refuses_null::<DuplicateSweep>(&["connection.max_retries", "policy.fee_rate", "metadata"]);
}
