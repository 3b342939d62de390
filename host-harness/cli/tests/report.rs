//! `report`, over refunds that were made in every way.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod desk;

use desk::{Desk, Ended};
use refund_simulator::NewCharge;
use serde_json::{Value, json};

const POLICY: &str = r#"
name = "Web shop"
version = "2026-11"
[defaults]
approve_up_to = { usd = "5.00" }
"#;

fn report(desk: &Desk, arguments: &[&str]) -> Ended {
    let mut all = vec!["report"];
    all.extend(arguments);
    desk.run(&all)
}

/// So many charges of 25.00 with a product.
fn charges(desk: &Desk, count: usize, product: &str) -> Vec<String> {
    let order = NewCharge {
        customer: Some("cus_1".to_owned()),
        metadata: [("product".to_owned(), product.to_owned())].into(),
        ..NewCharge::default()
    };
    let id = |charge: Value| charge["id"].as_str().unwrap().to_owned();
    (0..count).map(|_| id(desk.stripe.charge(&order))).collect()
}

#[test]
fn refunds_of_the_dashboard_are_in_it_and_the_rate_is_against_what_was_taken() {
    let desk = Desk::new();
    let charges = charges(&desk, 10, "Tea");
    desk.stripe.charge(&NewCharge { status: "failed".to_owned(), ..NewCharge::default() });
    desk.stripe.dashboard_refund(&charges[0], 2_500);
    let partly = desk.run(&[
        "refund",
        "create",
        &charges[1],
        "--operation",
        "op-1",
        "--amount",
        "5.00",
        "--currency",
        "usd",
        "--reason",
        "duplicate",
    ]);
    assert_eq!(partly.code, 0, "{partly:?}");
    let lost = desk.stripe.dashboard_refund(&charges[2], 100);
    desk.stripe.end_refund(lost["id"].as_str().unwrap(), "failed", Some("lost_or_stolen_card"));
    let said = report(&desk, &["--since", "1d", "--json"]);
    assert_eq!(said.code, 0, "{said:?}");
    let said = said.json();
    assert_eq!(said["rows"], 3);
    let total = &said["totals"][0];
    assert_eq!(
        (&total["figures"]["count"], &total["figures"]["amount"]),
        (&json!(2), &json!(3_000))
    );
    // The fee of 25.00 is 1.02: all of it, and a fifth.
    assert_eq!(total["figures"]["fee_lost"], json!([{ "amount": 122, "currency": "usd" }]));
    assert_eq!(total["charges"], json!({ "count": 10, "amount": 25_000 }));
    assert_eq!(total["rate"], json!({ "by_count": 200_000, "by_amount": 120_000 }));
    assert_eq!(said["by_product"][0]["product"], "Tea");
    assert_eq!(said["repeat_customers"]["top"][0]["customer"], "cus_1");
    let stripe = desk.stripe.requests();
    let lists: Vec<_> = stripe.iter().filter(|one| one.path.starts_with("/v1/refunds?")).collect();
    assert!(lists.iter().any(|one| one.path.contains("data.charge")), "{lists:?}");
}

#[test]
fn many_pages_are_one_report() {
    let desk = Desk::new();
    for charge in charges(&desk, 130, "Tea") {
        desk.stripe.dashboard_refund(&charge, 100);
        desk.stripe.dashboard_refund(&charge, 100);
    }
    let said = report(&desk, &["--json"]).json();
    assert_eq!(
        (&said["rows"], &said["totals"][0]["figures"]["amount"]),
        (&json!(260), &json!(26_000))
    );
    assert_eq!(said["totals"][0]["charges"]["count"], 130);
}

#[test]
fn the_ledger_adds_how_long_approvals_took_and_no_refunds() {
    let desk = Desk::new();
    desk.write("shop.toml", POLICY.as_bytes());
    let charges = charges(&desk, 2, "Tea");
    let run = |arguments: &[&str]| {
        let mut all = vec!["--ledger", "shop.ledger"];
        all.extend(arguments);
        desk.run(&all)
    };
    for (charge, operation) in charges.iter().zip(["op-1", "op-2"]) {
        let create = [
            "--as",
            "alice",
            "refund",
            "create",
            charge,
            "--operation",
            operation,
            "--policy",
            "shop.toml",
        ];
        let asked = run(&create);
        assert_eq!(asked.code, 3, "{asked:?}");
    }
    assert_eq!(run(&["--as", "bob", "approvals", "approve", "ap_1"]).code, 0);
    assert_eq!(run(&["approvals", "execute", "ap_1"]).code, 0);
    let said = run(&["report", "--json"]).json();
    // The second one waits; nothing was refunded for it.
    assert_eq!(said["rows"], 1);
    assert_eq!(
        (&said["approvals"]["decided"], &said["approvals"]["waiting"]),
        (&json!(1), &json!(0))
    );
    let alone = report(&desk, &["--json"]).json();
    assert_eq!(alone["approvals"]["decided"], 0, "nobody else knows");
    let missing = desk.run(&["--ledger", "gone.ledger", "report"]);
    assert_eq!(missing.code, 1, "{missing:?}");
    assert!(!desk.path("gone.ledger").exists(), "looking makes no ledger");
}

#[test]
fn every_format_and_where_it_goes() {
    let desk = Desk::new();
    let charges = charges(&desk, 1, "<b>Tea</b>");
    desk.stripe.dashboard_refund(&charges[0], 500);
    let table = report(&desk, &["--title", "Autumn"]);
    assert!(table.out.contains("Autumn") && table.out.contains("By product"), "{table:?}");
    let csv = report(&desk, &["--format", "csv"]);
    assert!(csv.out.starts_with("section,key,currency,count,amount"), "{csv:?}");
    let page = report(&desk, &["--output", "q4.html"]);
    assert_eq!((page.code, page.out.as_str()), (0, ""), "{page:?}");
    let page = std::fs::read_to_string(desk.path("q4.html")).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && !page.contains("<b>Tea"), "{page}");
    let wrong = report(&desk, &["--format", "pdf"]);
    assert_eq!(wrong.code, 2, "{wrong:?}");
    assert!(wrong.err.contains("table, csv, json, html"), "{wrong:?}");
}

#[test]
fn a_range_ends_where_it_says_and_no_rate_reads_no_charges() {
    let desk = Desk::new();
    let charges = charges(&desk, 1, "Tea");
    desk.stripe.dashboard_refund(&charges[0], 500);
    let now = desk.stripe.now();
    let before = report(
        &desk,
        &["--from", &(now - 7_200).to_string(), "--to", &(now - 3_600).to_string(), "--json"],
    );
    assert_eq!(before.json()["rows"], 0, "{before:?}");
    let seen = desk.stripe.requests().len();
    let without = report(&desk, &["--no-rate", "--json"]).json();
    assert_eq!((&without["rows"], &without["totals"][0]["rate"]), (&json!(1), &Value::Null));
    let requests = desk.stripe.requests();
    assert!(requests[seen..].iter().all(|one| !one.path.starts_with("/v1/charges")));
    let reversed = report(&desk, &["--from", "2026-02-01", "--to", "2026-01-01"]);
    assert_eq!(reversed.code, 2, "{reversed:?}");
    let quoted = report(&desk, &["--product-key", "sku", "--by-offset", "-05:30", "--json"]).json();
    assert_eq!(quoted["utc_offset_minutes"], -330);
    assert_eq!(quoted["by_product"][0]["product"], Value::Null);
}
