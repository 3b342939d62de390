//! From a policy file to an approved refund, as people use it. Refunds are counted at the simulator.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod desk;

use desk::{Desk, Ended};
use refund_simulator::NewCharge;
use serde_json::{Value, json};

const POLICY: &str = r#"
name = "Web shop"
version = "2026-11"

[defaults]
window_days = 30
approve_up_to = { usd = "20.00" }
second_approval_above = { usd = "40.00" }
never_above = { usd = "200.00" }

[[rules]]
id = "gift-cards"
when.product = ["gift-card"]
then.decision = "deny"
"#;

const CASES: &str = r#"
[[cases]]
name = "small ones pass"
payment = { amount = "50.00", currency = "usd", age_days = 30, metadata = { product = "shirt" } }
ask = { amount = "20.00" }
expect = { decision = "approve", rule = "defaults", approvals = 0, amount = "20.00", because = [] }

[[cases]]
name = "a gift card stays sold"
payment = { amount = "50.00", currency = "usd", metadata = { product = "gift-card" } }
expect = { decision = "deny", rule = "gift-cards" }

[[cases]]
name = "a month and a day is too late, and two people would not change it"
payment = { amount = "50.00", currency = "usd", age_days = 31, refunded = "5.00", dispute = "inquiry", fraud = "stripe" }
expect = { decision = "deny", amount = "45.00", because = ["approve_up_to", "outside_window", "second_approval"] }
"#;

/// A desk with the policy in it.
fn desk() -> Desk {
    let desk = Desk::new();
    desk.write("shop.toml", POLICY.as_bytes());
    desk
}

/// A charge of so many cents for a product that no rule matches.
fn paid(desk: &Desk, amount: u64) -> String {
    let metadata = std::iter::once(("product".to_owned(), "shirt".to_owned())).collect();
    let charge = desk.stripe.charge(&NewCharge { amount, metadata, ..NewCharge::default() });
    charge["id"].as_str().unwrap().to_owned()
}

/// Asks for a refund under the policy, in alice's name.
fn ask(desk: &Desk, charge: &str, operation: &str, amount: &str) -> Ended {
    let more = ["--amount", amount, "--currency", "usd", "--policy", "shop.toml", "--as", "alice"];
    let mut arguments =
        vec!["--ledger", "shop.ledger", "refund", "create", charge, "--operation", operation];
    arguments.extend(more);
    desk.run(&arguments)
}

/// `approvals …` in somebody's name.
fn approvals(desk: &Desk, name: &str, arguments: &[&str]) -> Ended {
    let mut all = vec!["--json", "--ledger", "shop.ledger", "--as", name, "approvals"];
    all.extend(arguments);
    desk.run(&all)
}

#[test]
fn the_document_in_docs_passes_its_cases() {
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs");
    let (policy, cases) = (format!("{docs}/shop.toml"), format!("{docs}/shop-cases.toml"));
    let ended = desk().run(&["policy", "test", &policy, &cases]);
    assert!(ended.code == 0 && ended.out.contains(", 0 failed"), "{ended:?}");
}

#[test]
fn a_document_is_checked_explained_and_tested() {
    let desk = desk();
    let check = desk.run(&["policy", "check", "shop.toml"]);
    assert_eq!(check.code, 0, "{check:?}");
    assert!(
        check.out.starts_with("Web shop 2026-11: fine, 1 rules and the defaults, hash "),
        "{check:?}"
    );
    let explain = desk.run(&["policy", "explain", "shop.toml"]);
    assert!(
        explain.out.contains("Rule `gift-cards` (product is gift-card): never refunded."),
        "{explain:?}"
    );
    desk.write("cases.toml", CASES.as_bytes());
    let test = desk.run(&["policy", "test", "shop.toml", "cases.toml"]);
    assert_eq!(test.code, 0, "{test:?}");
    assert!(test.out.contains("3 cases, 0 failed"), "{test:?}");
    desk.write("wrong.toml", CASES.replacen("\"approve\"", "\"deny\"", 1).as_bytes());
    let test = desk.run(&["policy", "test", "shop.toml", "wrong.toml"]);
    assert_eq!(test.code, 1);
    assert!(
        test.out.contains("FAIL small ones pass")
            && test.out.contains("decision: expected deny, not approve")
    );
    let charge = paid(&desk, 10_000);
    let live = desk.run(&[
        "policy",
        "explain",
        "shop.toml",
        &charge,
        "--amount",
        "45.00",
        "--currency",
        "usd",
    ]);
    assert_eq!(live.code, 3, "{live:?}");
    assert!(live.out.contains("2 people must agree to 45.00 usd."), "{live:?}");
}

#[test]
fn a_document_that_makes_no_sense_is_refused_with_every_field() {
    let desk = Desk::new();
    let bad = POLICY
        .replace("\"20.00\"", "\"-20.00\"")
        .replace("then.decision", "then.verdict")
        .replace("version", "edition");
    let bad = desk.write("bad.toml", bad.as_bytes());
    let check = desk.run(&["policy", "check", bad.to_str().unwrap()]);
    assert_eq!(check.code, 2, "{check:?}");
    assert!(check.err.contains("edition"), "{check:?}");
    let contradictory = format!(
        "{POLICY}\n[[rules]]\nid = \"usd\"\npriority = 1\nwhen.currency = [\"usd\"]\nthen.approve_up_to = {{ eur = \"-1\" }}\n"
    );
    desk.write("contradictory.toml", contradictory.as_bytes());
    let check = desk.run(&["policy", "check", "contradictory.toml"]);
    assert_eq!(check.code, 2);
    for field in [
        "rules[1].priority",
        "rules[1].then.approve_up_to.eur",
        "rules[1].then.approve_up_to.usd",
        "defaults.never_above.eur",
    ] {
        assert!(check.err.contains(field), "{field}: {}", check.err);
    }
    let broken = desk.write("broken.toml", b"name = ");
    let check = desk.run(&["policy", "check", broken.to_str().unwrap()]);
    assert!(check.code == 2 && check.err.contains("line 1"), "{check:?}");
    let charge = paid(&desk, 10_000);
    let both = desk.run(&[
        "refund",
        "create",
        &charge,
        "--operation",
        "o",
        "--policy",
        "contradictory.toml",
        "--window-days",
        "3",
    ]);
    assert_eq!((both.code, desk.refunds().0), (2, 0), "{both:?}");
}

#[test]
fn from_a_policy_to_an_approved_refund() {
    let desk = desk();
    let charge = paid(&desk, 10_000);
    let small = ask(&desk, &charge, "small", "20.00");
    assert_eq!((small.code, desk.refunds().0), (0, 1), "{small:?}");
    let charge = paid(&desk, 10_000);
    let asked = ask(&desk, &charge, "large", "45.00");
    assert_eq!((asked.code, desk.refunds().0), (3, 1), "{asked:?}");
    assert!(asked.err.contains("ap_1"), "{asked:?}");
    let early = approvals(&desk, "bob", &["execute", "ap_1"]);
    assert_eq!((early.code, desk.refunds().0), (3, 1), "{early:?}");
    assert_eq!(approvals(&desk, "alice", &["approve", "ap_1"]).code, 4, "who asked does not agree");
    let first = approvals(&desk, "bob", &["approve", "ap_1", "--note", "spoke to them"]);
    assert_eq!((first.code, &first.json()["state"]), (0, &json!("open")), "{first:?}");
    assert_eq!(approvals(&desk, "bob", &["approve", "ap_1"]).code, 4, "nobody votes twice");
    let hash = first.json()["request_hash"].as_str().unwrap().to_owned();
    assert_eq!(approvals(&desk, "carol", &["approve", "ap_1", "--hash", "other"]).code, 4);
    let second = approvals(&desk, "carol", &["approve", "ap_1", "--hash", &hash]);
    assert_eq!(second.json()["state"], "approved", "{second:?}");
    assert_eq!(desk.refunds().0, 1, "approving sends nothing");
    let done = approvals(&desk, "dora", &["execute"]);
    assert_eq!((done.code, desk.refunds()), (0, (2, 1)), "{done:?}");
    assert_eq!(done.json()["executed"][0]["state"], "succeeded");
    let again = approvals(&desk, "dora", &["execute", "ap_1"]);
    assert_eq!((again.code, desk.refunds()), (0, (2, 1)), "its refund is found: {again:?}");
    let list = approvals(&desk, "dora", &["list", "--state", "executed"]).json();
    assert_eq!(list["approvals"].as_array().map(Vec::len), Some(1));
    let history = desk.run(&["--json", "--ledger", "shop.ledger", "audit", "show", "large"]);
    for text in
        ["carol approved ap_1 (2 of 2)", "spoke to them", "by the defaults of Web shop 2026-11 ("]
    {
        assert!(history.out.contains(text), "{text}: {}", history.out);
    }
    assert_eq!(desk.run(&["--ledger", "shop.ledger", "audit", "verify"]).code, 0);
}

#[test]
fn one_that_cannot_be_carried_out_does_not_hold_up_the_others() {
    let desk = desk();
    for (operation, id) in [("stale", "ap_1"), ("good", "ap_2")] {
        assert_eq!(ask(&desk, &paid(&desk, 10_000), operation, "25.00").code, 3);
        assert_eq!(approvals(&desk, "bob", &["approve", id]).code, 0);
    }
    assert_eq!(approvals(&desk, "bob", &["expire", "ap_1"]).code, 0);
    let done = approvals(&desk, "bob", &["execute", "ap_1", "ap_2", "ap_9"]);
    assert_eq!((done.code, desk.refunds().0), (4, 1), "{done:?}");
    let told = done.json();
    assert!(told["executed"][0]["error"].as_str().unwrap().contains("expired"), "{told}");
    assert_eq!(told["executed"][1]["state"], "succeeded");
    assert!(told["executed"][2]["error"].as_str().unwrap().contains("ap_9"), "{told}");
}

#[test]
fn what_changes_after_the_approval_is_not_carried_out() {
    let desk = desk();
    // The request itself, by a hand in the file.
    let charge = paid(&desk, 10_000);
    assert_eq!(ask(&desk, &charge, "altered", "25.00").code, 3);
    assert_eq!(approvals(&desk, "bob", &["approve", "ap_1"]).code, 0);
    let file = rusqlite::Connection::open(desk.path("shop.ledger")).unwrap();
    file.execute_batch("UPDATE operations SET request = replace(request, '2500', '4900')").unwrap();
    let refused = approvals(&desk, "bob", &["execute", "ap_1"]);
    assert_eq!((refused.code, desk.refunds().0), (1, 0), "{refused:?}");
    assert!(refused.err.contains("the file was edited"), "{refused:?}");
    assert_eq!(desk.run(&["--ledger", "shop.ledger", "audit", "verify"]).code, 8);
    // And if the hand covers some of its track.
    file.execute_batch(
        "UPDATE operations SET request_hash = 'x'; UPDATE approvals SET operation_hash = 'x'",
    )
    .unwrap();
    assert_ne!(approvals(&desk, "bob", &["execute", "ap_1"]).code, 0);
    assert_eq!(desk.refunds().0, 0);
    // The payment: refunded in the Dashboard in between.
    let charge = paid(&desk, 10_000);
    assert_eq!(ask(&desk, &charge, "spent", "30.00").code, 3);
    assert_eq!(approvals(&desk, "bob", &["approve", "ap_2"]).code, 0);
    desk.run(&[
        "refund",
        "create",
        &charge,
        "--operation",
        "dashboard",
        "--amount",
        "75.00",
        "--currency",
        "usd",
    ]);
    let denied = approvals(&desk, "bob", &["execute", "ap_2"]);
    assert_eq!((denied.code, desk.refunds().0), (4, 1), "{denied:?}");
    // The policy: two must agree where one did.
    let charge = paid(&desk, 10_000);
    assert_eq!(ask(&desk, &charge, "stricter", "30.00").code, 3);
    assert_eq!(approvals(&desk, "bob", &["approve", "ap_3"]).code, 0);
    desk.write("shop.toml", POLICY.replace("\"40.00\"", "\"25.00\"").as_bytes());
    let again = ask(&desk, &charge, "stricter", "30.00");
    assert_eq!((again.code, desk.refunds().0), (3, 1), "{again:?}");
    let newest: Value = approvals(&desk, "bob", &["list", "--state", "open"]).json();
    // The approval stays, with its vote, and waits for another one.
    let newest = &newest["approvals"][0];
    assert_eq!((&newest["id"], &newest["needed"]), (&json!("ap_3"), &json!(2)));
    assert_eq!(newest["votes"][0]["voter"], "bob");
    assert_eq!(approvals(&desk, "carol", &["approve", "ap_3"]).json()["state"], "approved");
    assert_eq!(approvals(&desk, "carol", &["execute", "ap_3"]).code, 0);
    assert_eq!(desk.refunds(), (2, 1));
}

#[test]
fn a_file_of_refunds_follows_the_policy_line_by_line() {
    let desk = desk();
    let (small, large, late) = (paid(&desk, 10_000), paid(&desk, 10_000), paid(&desk, 30_000));
    let lines =
        format!("{}{small},5.00,usd,a\n{large},30.00,usd,b\n{late},250.00,usd,c\n", desk::HEADER);
    let input = desk.write("input.csv", lines.as_bytes());
    let run = desk.run(&[
        "--ledger",
        "shop.ledger",
        "bulk",
        "run",
        input.to_str().unwrap(),
        "--policy",
        "shop.toml",
        "--as",
        "alice",
    ]);
    assert_ne!(run.code, 0, "two lines were not refunded");
    assert_eq!(desk.refunds(), (1, 1), "{run:?}");
    let open = approvals(&desk, "bob", &["list", "--state", "open"]).json();
    assert_eq!(open["approvals"][0]["operation"], "b");
    assert_eq!(approvals(&desk, "bob", &["approve", "ap_1"]).code, 0);
    assert_eq!(approvals(&desk, "bob", &["execute"]).code, 0);
    assert_eq!(desk.refunds(), (2, 1));
}

/// The policy in force when it is executed decides, not the one that it was asked for under.
#[test]
fn the_policy_in_force_decides() {
    let desk = desk();
    let execute = |approval: &str, policy: &str| {
        approvals(&desk, "bob", &["execute", approval, "--policy", policy])
    };
    for (operation, id) in [("fifty", "ap_1"), ("thirty", "ap_2"), ("broken", "ap_3")] {
        let amount = if operation == "fifty" { "39.00" } else { "30.00" };
        assert_eq!(ask(&desk, &desk.paid(10_000), operation, amount).code, 3);
        assert_eq!(approvals(&desk, "bob", &["approve", id]).json()["state"], "approved");
    }
    let strict = POLICY
        .replace("\"20.00\"", "\"5.00\"")
        .replace("\"40.00\"", "\"10.00\"")
        .replace("\"200.00\"", "\"35.00\"");
    desk.write("strict.toml", strict.as_bytes());
    // Above what is now refunded at all.
    let denied = execute("ap_1", "strict.toml");
    assert_eq!((denied.code, desk.refunds().0), (4, 0), "{denied:?}");
    let denied = &denied.json()["executed"][0];
    assert_eq!(denied["outcome"], "denied");
    assert!(denied["message"].as_str().unwrap().contains("35.00 usd"), "{denied}");
    // Two must agree now.
    let waiting = execute("ap_2", "strict.toml");
    assert_eq!((waiting.code, desk.refunds().0), (3, 0), "{waiting:?}");
    let shown = approvals(&desk, "bob", &["show", "ap_2"]).json();
    assert_eq!((&shown["state"], &shown["needed"]), (&json!("open"), &json!(2)), "{shown}");
    assert_eq!(approvals(&desk, "carol", &["approve", "ap_2"]).json()["state"], "approved");
    assert_eq!((execute("ap_2", "strict.toml").code, desk.refunds().0), (0, 1));
    // A file that became invalid executes nothing, and the approval holds.
    desk.write(
        "strict.toml",
        strict.replace("second_approval_above", "second_aproval_above").as_bytes(),
    );
    let invalid = execute("ap_3", "strict.toml");
    assert_eq!((invalid.code, desk.refunds().0), (2, 1), "{invalid:?}");
    assert!(invalid.err.contains("second_aproval_above"), "{invalid:?}");
    desk.write("strict.toml", b"name = ");
    assert_eq!((execute("ap_3", "strict.toml").code, desk.refunds().0), (2, 1));
    assert_eq!((execute("ap_3", "missing.toml").code, desk.refunds().0), (2, 1));
    let shown = approvals(&desk, "bob", &["show", "ap_3"]).json();
    assert_eq!(shown["state"], "approved", "{shown}");
    assert_eq!((approvals(&desk, "bob", &["execute", "ap_3"]).code, desk.refunds()), (0, (2, 1)));
}

/// With a ledger only recorded votes approve.
#[test]
fn a_hash_approves_nothing_where_there_is_a_ledger() {
    let desk = desk();
    let charge = desk.paid(10_000);
    let asked = ask(&desk, &charge, "op", "30.00");
    assert_eq!(asked.code, 3, "{asked:?}");
    let hash = approvals(&desk, "alice", &["show", "ap_1"]).json()["request_hash"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(!asked.err.contains(&hash), "the message names the approval, not a way around it");
    let arguments =
        ["create", &charge, "--operation", "op", "--amount", "30.00", "--currency", "usd"];
    for command in [["refund", "create"], ["approvals", "request"]] {
        let mut all = vec!["--json", "--ledger", "shop.ledger", "--as", "alice"];
        all.extend(command);
        all.extend(&arguments[1..]);
        all.extend(["--policy", "shop.toml", "--approval", &hash]);
        let refused = desk.run(&all);
        assert_eq!((refused.code, desk.refunds().0), (2, 0), "{refused:?}");
        assert!(
            refused.err.contains("--approval") && refused.err.contains("Nothing was sent"),
            "{refused:?}"
        );
    }
    let shown = approvals(&desk, "alice", &["show", "ap_1"]).json();
    assert_eq!((&shown["state"], &shown["votes"]), (&json!("open"), &json!([])));
    // Without a ledger the caller passes it on.
    let alone = [
        &["--as", "alice", "refund"],
        &arguments[..],
        &["--policy", "shop.toml", "--approval", &hash],
    ];
    assert_eq!((desk.run(&alone.concat()).code, desk.refunds().0), (0, 1));
}

/// A row that was edited: found, and not executed.
#[test]
fn a_forged_approval_is_not_executed() {
    let desk = desk();
    let charge = desk.paid(10_000);
    assert_eq!(ask(&desk, &charge, "op", "30.00").code, 3);
    let file = rusqlite::Connection::open(desk.path("shop.ledger")).unwrap();
    file.execute_batch("UPDATE approvals SET state = 'approved'").unwrap();
    let refused = approvals(&desk, "alice", &["execute"]);
    assert_eq!((refused.code, desk.refunds().0), (1, 0), "{refused:?}");
    assert!(refused.err.contains("the file was edited"), "{refused:?}");
    let verified = desk.run(&["--ledger", "shop.ledger", "audit", "verify"]);
    assert!(verified.code == 8 && verified.out.contains("operation `op`"), "{verified:?}");
    assert!(verified.out.contains("does NOT hold"), "{verified:?}");
}

/// An operation for which nothing was sent may be corrected; the same person under another spelling is the same person.
#[test]
fn corrections_and_spellings() {
    let desk = desk();
    let charge = desk.paid(10_000);
    let ask_as = |name: &str, amount: &str| {
        let arguments =
            ["--json", "--ledger", "shop.ledger", "--as", name, "refund", "create", &charge];
        let more =
            ["--operation", "op", "--amount", amount, "--currency", "usd", "--policy", "shop.toml"];
        desk.run(&[&arguments[..], &more].concat())
    };
    assert_eq!(ask_as("Dave ", "150.00").code, 4, "more than the charge");
    assert_eq!(ask_as("erin", "30.00").code, 3, "corrected");
    assert_eq!(ask_as("erin", "31.00").code, 4, "it waits as ap_1");
    for name in ["dave", "DAVE", "erin", " Erin"] {
        let own = approvals(&desk, name, &["approve", "ap_1"]);
        assert!(own.code == 4 && own.err.contains("four-eyes"), "{own:?}");
    }
    assert_eq!(approvals(&desk, "bob", &["approve", "ap_1"]).json()["requester"], "dave");
    assert_eq!((approvals(&desk, "bob", &["execute"]).code, desk.refunds()), (0, (1, 1)));
    assert_eq!(ask_as("dave", "31.00").code, 4, "it was sent");
    assert_eq!(desk.run(&["--ledger", "shop.ledger", "audit", "verify"]).code, 0);
}
