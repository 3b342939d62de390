//! Commands that are asked to stop, and what is counted when something did not go as planned. Refunds are counted at the
//! simulator.
#![cfg(unix)]
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod desk;

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use desk::{Desk, Ended, HEADER};
use refund_simulator::{Fault, FaultKind};
use serde_json::Value;

fn start(desk: &Desk, arguments: &[&str]) -> Child {
    let mut command = desk.command(arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn signal(child: &Child, name: &str) {
    let id = child.id().to_string();
    assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
}

/// Waits until refunds were made; a machine under load may take its time.
fn until_refunded(desk: &Desk, refunds: u64) {
    let start = Instant::now();
    while desk.refunds().0 < refunds {
        assert!(start.elapsed() < Duration::from_mins(1), "{refunds} refunds were not made");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn fault(desk: &Desk, times: u32, kind: FaultKind) {
    let (method, path) = (Some("POST".into()), Some("/v1/refunds".into()));
    desk.stripe.order_fault(Fault { method, path, skip: 0, times, kind });
}

/// The refund is made and its answer is on the way: the command still says what became of it.
#[test]
fn a_call_that_is_asked_to_stop_says_what_became_of_it() {
    for name in ["-INT", "-TERM"] {
        let desk = Desk::new();
        let charge = desk.paid(2_500);
        fault(&desk, 1, FaultKind::Slow { millis: 100 });
        let create = ["refund", "create", &charge, "--operation", "op-1"];
        let child = start(&desk, &[&["--json", "--ledger", "l"], &create[..]].concat());
        until_refunded(&desk, 1);
        signal(&child, name);
        let ended = Ended::of(&child.wait_with_output().unwrap());
        assert_eq!(ended.code, 0, "{name}: {ended:?}");
        assert_eq!(ended.json()["operation"]["state"], "succeeded", "{ended:?}");
        assert!(ended.err.contains("finishing what is under way"), "{ended:?}");
        assert_eq!(desk.refunds(), (1, 1));
    }
}

/// Lines that only wait for their turn at Stripe's rate are not under way.
#[test]
fn a_paced_run_that_is_asked_to_stop_sends_little_more() {
    let desk = Desk::new();
    let input = desk.input(40);
    let run = ["--json", "bulk", "run", input.to_str().unwrap(), "--rate", "4"];
    let child = start(&desk, &run);
    until_refunded(&desk, 2);
    signal(&child, "-INT");
    let ended = Ended::of(&child.wait_with_output().unwrap());
    let (made, most) = desk.refunds();
    assert!(ended.code == 7 && most == 1, "{ended:?}");
    assert!(made <= 20, "{made} of 40 were refunded: {ended:?}");
}

/// A fee that was in a lost answer is not zero.
#[test]
fn fees_that_are_not_known_are_counted() {
    let desk = Desk::new();
    fault(&desk, 1, FaultKind::Slow { millis: 100 });
    let input = desk.input(1);
    let mut child = start(&desk, &["bulk", "run", input.to_str().unwrap()]);
    until_refunded(&desk, 1);
    child.kill().unwrap();
    child.wait().unwrap();
    let run = desk.bulk(&input, &[]);
    let totals = run.json()["totals"].clone();
    assert_eq!((&totals[0]["state"], desk.refunds()), (&Value::from("succeeded"), (1, 1)));
    let fee = (&totals[0]["fee_kept"], &totals[0]["fee_unknown"]);
    assert_eq!(fee, (&Value::from(0), &Value::from(1)), "{totals}");
    let table = desk.run(&["bulk", "resume", "--no-pace"]);
    assert!(table.out.contains("not known for 1"), "{table:?}");
}

/// A line whose refund another command made is not open any more once its run is canceled.
#[test]
fn a_canceled_run_has_no_open_lines() {
    let desk = Desk::new();
    let (a, b) = (desk.paid(2_500), desk.paid(2_500));
    let text = format!("{HEADER}{a},5.00,usd,op-1\n{b},5.00,usd,op-2\n");
    let input = desk.write("input.csv", text.as_bytes());
    let stopped = desk.bulk(&input, &["--stop-above", "usd=1.00"]);
    assert_eq!((stopped.code, desk.refunds().0), (7, 0), "{stopped:?}");
    let id = stopped.json()["run"].as_str().unwrap().to_owned();
    let create = ["refund", "create", &a, "--operation", "op-1", "--amount", "5.00"];
    let ledger = ["--ledger", "refund-node.ledger"];
    let made = desk.run(&[&ledger[..], &create, &["--currency", "usd"]].concat());
    assert_eq!(made.code, 0, "{made:?}");
    let canceled = desk.run(&["--json", "bulk", "cancel", &id]);
    assert_eq!(canceled.json()["canceled"], 1, "{canceled:?}");
    assert_eq!(desk.run(&["--json", "bulk", "status", &id]).json()["open"], 0);
}

/// Without a policy nothing would limit what a customer or a bot refunds.
#[test]
fn a_server_for_self_serve_needs_a_policy() {
    let desk = Desk::new();
    let made = desk.run(&["serve", "--new-token", "portal", "--role", "self_serve"]);
    desk.write("tokens.toml", made.out.as_bytes());
    let serve = ["--ledger", "l", "serve", "--port", "0", "--tokens", "tokens.toml"];
    let refused = desk.run(&serve);
    assert!(refused.code == 2 && refused.err.contains("--policy"), "{refused:?}");
}

/// Of two amounts under one name, one would be dropped without a word.
#[test]
fn a_name_that_is_there_twice_refunds_nothing() {
    let desk = Desk::new();
    let input = format!(
        r#"{{"operation_id":"op-1","payment":"{}","amount":100,"amount":2500,"currency":"usd"}}"#,
        desk.paid(2_500)
    );
    let refused = desk.run(&["invoke", "refunds.create", "--input", &input]);
    assert!(refused.code == 2 && refused.err.contains("`amount` is there twice"), "{refused:?}");
    assert_eq!(desk.refunds().0, 0);
}
