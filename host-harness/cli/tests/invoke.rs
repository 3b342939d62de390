//! `invoke`: one input, or every line of a file; the node's operations and a pipeline's.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod desk;

use desk::Desk;
use refund_pipelines::SLA_CREDIT;
use serde_json::{Value, json};

/// An outage of seven hours in a month, refunded for real.
fn outage(operation: &str, payment: &str, dry_run: bool) -> Value {
    json!({
        "operation_id": operation, "payment": payment, "dry_run": dry_run,
        "sla": {
            "period": { "start": 1_793_491_200, "end": 1_796_083_200 },
            "downtime": { "seconds": 25_200 },
            "scale": { "tiers": [
                { "below": 999_000, "credit": 100_000 }, { "below": 990_000, "credit": 250_000 },
            ] },
        },
    })
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_pipeline_runs_under_invoke_and_refunds_once() {
    let desk = Desk::new();
    desk.write("sla.wasm", SLA_CREDIT.composed);
    let charge = desk.paid(2500);
    let invoke = |dry_run: bool| {
        let input = outage("outage-1", &charge, dry_run).to_string();
        desk.run(&["--component", "sla.wasm", "invoke", "sla-credit.run", "--input", &input])
    };
    let dry = invoke(true);
    assert_eq!((dry.code, dry.json()["planned"][0]["amount"]["amount"].as_u64()), (0, Some(250)));
    assert_eq!(desk.refunds().0, 0);
    for _ in 0..2 {
        let done = invoke(false);
        assert_eq!(done.code, 0, "{done:?}");
        assert_eq!(done.json()["refunds"][0]["refund"]["amount"], 250);
    }
    assert_eq!(desk.refunds(), (1, 1));
}

#[test]
fn every_line_of_a_file_is_run_in_order_and_bad_ones_are_told() {
    let desk = Desk::new();
    desk.write("sla.wasm", SLA_CREDIT.composed);
    let charges: Vec<_> = (0..12).map(|_| desk.paid(2500)).collect();
    let mut text: Vec<_> = charges
        .iter()
        .enumerate()
        .map(|(n, charge)| outage(&format!("outage-{n}"), charge, false).to_string())
        .collect();
    text.insert(3, "[1, 2".to_owned());
    text.insert(7, outage("outage-x", "in_7", false).to_string());
    text.insert(9, String::new());
    desk.write("outages.jsonl", text.join("\n").as_bytes());
    let run = || {
        desk.run(&[
            "--component",
            "sla.wasm",
            "invoke",
            "sla-credit.run",
            "--lines",
            "outages.jsonl",
            "--no-pace",
            "--in-flight",
            "4",
        ])
    };
    let first = run();
    assert_eq!(first.code, 2, "{first:?}");
    let told = lines(&first.out);
    let numbers: Vec<_> = told.iter().map(|one| one["line"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15]);
    assert!(told[3]["unreadable"].as_str().unwrap().contains("not a JSON object"), "{}", told[3]);
    assert_eq!(told[3]["text"], "[1, 2");
    assert_eq!(told[7]["error"]["kind"], "invalid-input");
    assert_eq!(told[7]["error"]["problems"][0]["field"], "payment");
    let good = told.iter().filter(|one| one["output"]["refunds"][0]["refund"]["amount"] == 250);
    assert_eq!(good.count(), 12);
    assert_eq!(desk.refunds(), (12, 1));
    // The same file again finds what is there.
    let again = run();
    assert_eq!((again.code, lines(&again.out).len()), (2, 14));
    assert_eq!(desk.refunds(), (12, 1));
}

/// The case that was found: "done" for a refund that the bank had sent back.
#[test]
fn a_refund_that_failed_is_not_done() {
    for ledger in [&[][..], &["--ledger", "shop.ledger"]] {
        let desk = Desk::new();
        desk.write("sla.wasm", SLA_CREDIT.composed);
        let charge = desk.paid(2500);
        let sla = outage("outage-1", &charge, false).to_string();
        let create = json!({ "operation_id": "outage-1", "payment": charge, "amount": 250, "currency": "usd" });
        let (sla, create) = (["sla-credit.run", &sla], ["refunds.create", &create.to_string()]);
        let invoke = |[operation, input]: [&str; 2]| {
            let arguments =
                ["--json", "--component", "sla.wasm", "invoke", operation, "--input", input];
            desk.run(&[&arguments[..], ledger].concat())
        };
        assert_eq!(invoke(sla).code, 0);
        let refund = desk.stripe.refunds_of(&charge)[0]["id"].as_str().unwrap().to_owned();
        desk.stripe.end_refund(&refund, "failed", Some("declined"));
        let ended = [invoke(sla), invoke(create)];
        assert_eq!([ended[0].code, ended[1].code], [5, 5], "{ledger:?} {ended:?}");
        assert_eq!(desk.refunds(), (1, 1));
    }
}

#[test]
fn what_needs_no_stripe_needs_no_key() {
    let desk = Desk::new();
    let line = json!({ "paid": { "amount": 100, "currency": "usd" } });
    desk.write("in.jsonl", format!("{line}\n").as_bytes());
    let mut command = desk.command(&["invoke", "credits.sla-quote", "--lines", "in.jsonl"]);
    let ended = desk::Ended::of(&command.env_remove("STRIPE_SECRET_KEY").output().unwrap());
    let told = lines(&ended.out);
    assert_eq!((ended.code, told[0]["error"]["kind"].as_str()), (2, Some("invalid-input")));
    let none = desk.run(&["invoke", "credits.sla-quote", "--lines", "missing.jsonl"]);
    assert!(none.code == 2 && none.err.contains("missing.jsonl cannot be read"), "{none:?}");
    desk.write("empty.jsonl", b"\n");
    let empty = desk.run(&["invoke", "credits.sla-quote", "--lines", "empty.jsonl"]);
    assert_eq!(empty.code, 2, "{empty:?}");
}
