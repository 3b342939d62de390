//! A file of refunds that is run again. Refunds are counted at the simulator.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod desk;

use desk::{Desk, HEADER};
use serde_json::Value;

/// A rejected line names the way out of its rejection; after that, the same file is enough.
#[test]
fn a_rejected_line_is_read_again_when_its_reason_is_gone() {
    let desk = Desk::new();
    let (a, b) = (desk.paid(2_500), desk.paid(3_000));
    let rules = ["--approve-up-to", "8.00", "--currency", "usd"];
    let create = ["refund", "create", &a, "--operation", "op-1", "--amount", "9.00"];
    let waiting =
        desk.run(&[&["--ledger", "refund-node.ledger"], &create[..], &rules[..]].concat());
    assert_eq!(waiting.code, 3, "{waiting:?}");
    let text = format!("{HEADER}{a},5.00,usd,op-1\n{b},6.00,usd,op-2\n{b},6.00,usd,op-2\n");
    let input = desk.write("input.csv", text.as_bytes());
    for _ in 0..2 {
        let run = desk.bulk(&input, &[]);
        assert_eq!((run.code, desk.refunds()), (4, (1, 1)), "{run:?}");
        assert!(run.err.contains("2 lines cannot be used"), "{run:?}");
        let rejected = std::fs::read_to_string(desk.path("input.csv.rejected.csv")).unwrap();
        assert!(rejected.contains("approvals expire ap_1"), "{rejected}");
    }
    let expired = desk.run(&["--as", "bob", "approvals", "expire", "ap_1"]);
    assert_eq!(expired.code, 0, "{expired:?}");
    let path = input.to_str().unwrap();
    let plan = desk.run(&["--json", "bulk", "plan", path]);
    assert_eq!(plan.json()["refunds"]["usd"]["amount"], 500, "{plan:?}");
    let run = desk.bulk(&input, &[]);
    assert_eq!(desk.refunds(), (2, 1), "{run:?}");
    assert_eq!(desk.stripe.refunds_of(&a)[0]["amount"], 500, "{run:?}");
    let id = run.json()["run"].as_str().unwrap().to_owned();
    let status = desk.run(&["--json", "bulk", "status", &id]).json();
    assert_eq!((&status["lines"], &status["repeated"]), (&Value::from(2), &Value::from(1)));
}

/// A file that asks for something else than what was refunded under its ids says so, also when its run is there already.
#[test]
fn the_earlier_file_is_not_reported_as_refunded_after_a_correction() {
    let desk = Desk::new();
    let (a, b) = (desk.paid(2_500), desk.paid(3_000));
    let file = |name: &str, amount: &str| {
        let text = format!("{HEADER}{a},{amount},usd,op-1\n{b},6.00,usd,op-2\n");
        desk.write(name, text.as_bytes())
    };
    let (wrong, right) = (file("wrong.csv", "999.00"), file("right.csv", "5.00"));
    assert_eq!((desk.bulk(&wrong, &[]).code, desk.refunds()), (4, (1, 1)));
    assert_eq!((desk.bulk(&right, &[]).code, desk.refunds()), (0, (2, 1)));
    let again = desk.bulk(&wrong, &[]);
    assert_eq!((again.code, desk.refunds()), (4, (2, 1)), "{again:?}");
    let rejected = std::fs::read_to_string(desk.path("wrong.csv.rejected.csv")).unwrap();
    assert!(rejected.contains("op-1") && rejected.contains("other values"), "{rejected}");
    let plan = desk.run(&["--json", "bulk", "plan", wrong.to_str().unwrap()]);
    assert_eq!((plan.code, &plan.json()["refused"]["lines"]), (4, &Value::from(1)), "{plan:?}");
    // Nothing had been sent for it: then the file that is run last holds.
    let (c, d) = (desk.paid(2_500), desk.paid(3_000));
    let file = |name: &str, amount: &str| {
        let text = format!("{HEADER}{c},{amount},usd,op-3\n{d},6.00,usd,op-4\n");
        desk.write(name, text.as_bytes())
    };
    let (first, second) = (file("first.csv", "26.00"), file("second.csv", "27.00"));
    for input in [&first, &second, &first] {
        assert_eq!(desk.bulk(input, &[]).code, 4);
    }
    let held = desk.run(&["audit", "show", "op-3"]);
    assert!(held.out.contains("26.00"), "{held:?}");
    assert_eq!(desk.refunds(), (3, 1));
}
