//! What a refund came to, as the exit code and the message say it, and text of others on the way to a terminal. Refunds
//! are counted at the simulator.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod desk;

use std::process::{Command, Stdio};

use desk::{BINARY, Desk, Ended};
use refund_simulator::{Fault, FaultKind, TEST_KEY};
use serde_json::json;

const LEDGER: &str = "shop.ledger";

/// `refund create` through the ledger, with the usual grace period.
fn create(desk: &Desk, charge: &str, operation: &str, amount: &str) -> Ended {
    create_within(desk, charge, operation, amount, "90")
}

fn create_within(desk: &Desk, charge: &str, operation: &str, amount: &str, grace: &str) -> Ended {
    let mut command = Command::new(BINARY);
    command
        .env("STRIPE_SECRET_KEY", TEST_KEY)
        .env("REFUND_NODE_CACHE", concat!(env!("CARGO_TARGET_TMPDIR"), "/compiled"))
        .env_remove("REFUND_NODE_POLICY")
        .current_dir(desk.folder.path())
        .args(["--json", "--base-url", &desk.stripe.base_url(), "--ledger", LEDGER])
        .args(["--timeout", "1", "--grace", grace, "refund", "create", charge])
        .args(["--operation", operation, "--amount", amount, "--currency", "usd"]);
    Ended::of(&command.output().unwrap())
}

/// Every request to make a refund is lost, and so is every look for it.
fn lose(desk: &Desk, after_commit: bool) {
    desk.stripe.order_fault(Fault::on_create(FaultKind::Reset { after_commit }).times(9));
    desk.stripe.order_fault(Fault {
        method: Some("GET".into()),
        path: Some("/v1/refunds".into()),
        skip: 0,
        times: 9,
        kind: FaultKind::Reset { after_commit: false },
    });
}

fn refunds(desk: &Desk, charge: &str, operation: &str) -> usize {
    let refunds = desk.stripe.refunds_of(charge);
    refunds.iter().filter(|one| one["metadata"]["refund_node_operation"] == operation).count()
}

/// The case that was found: an answer of "denied" was reported, while the ledger held "unknown".
#[test]
fn the_exit_code_is_that_of_what_is_held() {
    let desk = Desk::new();
    let charge = desk.paid(10_000);
    lose(&desk, false);
    let first = create(&desk, &charge, "op-a", "60.00");
    assert_eq!((first.code, &first.json()["outcome"]), (6, &json!("outcome-unknown")), "{first:?}");
    desk.stripe.clear_faults();
    let dashboard = desk.stripe.dashboard_refund(&charge, 5_000);
    let again = create(&desk, &charge, "op-a", "60.00");
    assert_eq!(again.code, 6, "{again:?}");
    assert_eq!(again.json()["operation"]["state"], "outcome-unknown");
    assert!(again.err.contains("may have been made") && again.err.contains("Never use a new id"));
    // An operator who refunds the payment under another id does not pay both.
    let dashboard = dashboard["id"].as_str().unwrap();
    desk.stripe.end_refund(dashboard, "failed", Some("declined"));
    let blocked = create(&desk, &charge, "op-b", "40.00");
    assert_eq!((blocked.code, &blocked.json()["outcome"]), (6, &json!("blocked")), "{blocked:?}");
    assert!(blocked.err.contains("`op-a`") && blocked.err.contains("Nothing was sent for this"));
    assert_eq!((refunds(&desk, &charge, "op-a"), refunds(&desk, &charge, "op-b")), (0, 0));
    // After the grace period the first one is looked up, and only the second one is sent.
    let made = create_within(&desk, &charge, "op-b", "40.00", "0");
    assert_eq!((made.code, &made.json()["outcome"]), (0, &json!("made")), "{made:?}");
    let settled = &made.json()["also_settled"][0];
    assert_eq!(
        (&settled["id"], &settled["state"]),
        (&json!("op-a"), &json!("planned")),
        "{made:?}"
    );
    assert_eq!((refunds(&desk, &charge, "op-a"), refunds(&desk, &charge, "op-b")), (0, 1));
}

#[test]
fn a_refund_whose_answer_was_lost_is_found_by_the_next_one() {
    let desk = Desk::new();
    let charge = desk.paid(10_000);
    lose(&desk, true);
    assert_eq!(create(&desk, &charge, "op-a", "60.00").code, 6);
    desk.stripe.clear_faults();
    let second = create(&desk, &charge, "op-b", "40.00");
    assert_eq!((second.code, &second.json()["also_settled"][0]["state"]), (0, &json!("succeeded")));
    let message = second.json()["message"].as_str().unwrap().to_owned();
    assert!(message.contains("its refund re_"), "{message}");
    assert_eq!((refunds(&desk, &charge, "op-a"), refunds(&desk, &charge, "op-b")), (1, 1));
    let found = create(&desk, &charge, "op-a", "60.00");
    assert_eq!((found.code, &found.json()["outcome"]), (0, &json!("found")), "{found:?}");
}

/// The refund is made, and the disk is full when that is to be recorded.
#[test]
fn an_outcome_that_cannot_be_recorded_is_unknown() {
    let desk = Desk::new();
    let charge = desk.paid(10_000);
    assert_eq!(create(&desk, &desk.paid(500), "first", "1.00").code, 0);
    let file = rusqlite::Connection::open(desk.path(LEDGER)).unwrap();
    file.execute_batch(
        "CREATE TRIGGER unwritable BEFORE UPDATE ON operations WHEN OLD.state = 'sent' AND NEW.state <> 'sent'
         BEGIN SELECT RAISE(ABORT, 'no space left'); END",
    )
    .unwrap();
    let lost = create(&desk, &charge, "op-a", "10.00");
    assert_eq!((lost.code, refunds(&desk, &charge, "op-a")), (6, 1), "{lost:?}");
    assert!(
        lost.err.contains("no space left") && lost.err.contains("may have been made"),
        "{lost:?}"
    );
    assert!(!lost.err.to_lowercase().contains("nothing was sent"), "{lost:?}");
    // A denial sends nothing, and says so.
    let denied = create(&desk, &desk.paid(500), "op-b", "10.00");
    assert_eq!(denied.code, 1, "{denied:?}");
    assert!(denied.err.contains("Nothing was sent by this call"), "{denied:?}");
    file.execute_batch("DROP TRIGGER unwritable").unwrap();
    let found = create(&desk, &charge, "op-a", "10.00");
    assert_eq!((found.code, refunds(&desk, &charge, "op-a")), (0, 1), "{found:?}");
}

#[test]
fn a_refund_that_failed_is_no_success() {
    let desk = Desk::new();
    let charge = desk.paid(10_000);
    let made = create(&desk, &charge, "op-a", "10.00");
    let refund = made.json()["refund"]["id"].as_str().unwrap().to_owned();
    desk.stripe.end_refund(&refund, "failed", Some("declined"));
    let failed = create(&desk, &charge, "op-a", "10.00");
    assert_eq!((failed.code, &failed.json()["outcome"]), (5, &json!("failed")), "{failed:?}");
    assert!(failed.err.contains("the customer does not have it"), "{failed:?}");
}

/// Without a ledger the same table holds.
#[test]
fn outcomes_without_a_ledger() {
    let desk = Desk::new();
    let charge = desk.paid(10_000);
    let run = |operation: &str, amount: &str| {
        let arguments =
            ["--json", "--timeout", "1", "refund", "create", &charge, "--operation", operation];
        desk.run(&[&arguments[..], &["--amount", amount, "--currency", "usd"]].concat())
    };
    let made = run("op-a", "10.00");
    assert_eq!((made.code, &made.json()["outcome"]), (0, &json!("made")));
    let found = run("op-a", "10.00");
    assert_eq!((found.code, &found.json()["outcome"]), (0, &json!("found")));
    let denied = run("op-b", "100.00");
    assert_eq!((denied.code, &denied.json()["outcome"]), (4, &json!("denied")));
    lose(&desk, false);
    let unknown = run("op-c", "10.00");
    assert_eq!((unknown.code, &unknown.json()["outcome"]), (6, &json!("outcome-unknown")));
    assert_eq!(desk.refunds(), (1, 1));
}

/// A text that would change the colour of a terminal and its title.
const ESCAPES: &str = "\u{1b}[31m\u{1b}]0;title\u{7}\u{9b}2J";

fn is_clean(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() && c != '\n')
}

#[test]
fn text_of_others_does_not_reach_the_terminal_raw() {
    let desk = Desk::new();
    let charge = desk.paid(10_000);
    // Stripe's error code.
    desk.stripe.order_fault(Fault::on_create(FaultKind::Status {
        status: 400,
        code: Some(format!("code{ESCAPES}")),
        html: false,
        retry_after: None,
        should_retry: None,
        after_commit: false,
    }));
    let refused = create(&desk, &charge, "op-a", "10.00");
    assert!(refused.code == 5 && refused.err.contains("code\\u{1b}[31m"), "{refused:?}");
    assert!(is_clean(&refused.err) && is_clean(&refused.out), "{refused:?}");
    let shown = desk.run(&["--ledger", LEDGER, "audit", "show", "op-a"]);
    assert!(shown.code == 0 && is_clean(&shown.out), "{shown:?}");
    // A note of an approver.
    let rules = ["--approve-up-to", "1.00", "--currency", "usd", "--amount", "20.00"];
    let asked = [
        &["--ledger", LEDGER, "--as", "alice", "refund", "create", &charge],
        &["--operation", "op-b"][..],
        &rules,
    ];
    assert_eq!(desk.run(&asked.concat()).code, 3);
    let vote =
        ["--ledger", LEDGER, "--as", "bob", "approvals", "approve", "ap_1", "--note", ESCAPES];
    let approved = desk.run(&vote);
    assert!(approved.code == 0 && is_clean(&approved.out), "{approved:?}");
    for json in [false, true] {
        let format = if json { &["--json"][..] } else { &[] };
        for what in [&["approvals", "show", "ap_1"][..], &["audit", "show", "op-b"]] {
            let shown = desk.run(&[format, &["--ledger", LEDGER], what].concat());
            assert!(shown.code == 0 && is_clean(&shown.out), "{shown:?}");
        }
    }
    let note = desk.run(&["--json", "--ledger", LEDGER, "approvals", "show", "ap_1"]);
    assert_eq!(note.json()["votes"][0]["note"], ESCAPES, "it is kept as it was given");
    // A name.
    for name in [ESCAPES, "d\u{430}ve", "da\u{202e}ve"] {
        let refused = desk.run(&["--ledger", LEDGER, "--as", name, "approvals", "approve", "ap_1"]);
        assert!(refused.code == 2 && is_clean(&refused.err), "{refused:?}");
        assert!(refused.err.contains("--as") && refused.err.is_ascii(), "{refused:?}");
    }
}

/// What reads the output went away: a command ends quietly.
#[test]
fn a_closed_output_is_no_panic() {
    let desk = Desk::new();
    let lines = "not a charge\n".repeat(5_000);
    let input = desk.write("charges.jsonl", lines.as_bytes());
    for closes in ["2>&1 | head -n 1", "| head -n 0", "2>&-", ">&-"] {
        let script = format!("set -o pipefail; \"$0\" duplicates --input \"$1\" {closes}; exit $?");
        let mut command = Command::new("bash");
        command.args(["-c", &script, BINARY]).arg(&input).current_dir(desk.folder.path());
        let ended = Ended::of(&command.stdin(Stdio::null()).output().unwrap());
        assert_ne!(ended.code, 101, "{closes}: {ended:?}");
        assert!(
            !ended.err.contains("panicked") && !ended.out.contains("panicked"),
            "{closes}: {ended:?}"
        );
    }
}
