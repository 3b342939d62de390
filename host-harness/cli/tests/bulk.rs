//! `bulk`, `reconcile` and `audit` as people use them. Refunds are counted at the
//! simulator.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod desk;

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use desk::{BINARY, Desk, Ended, HEADER};
use refund_simulator::{Fault, FaultKind, TEST_KEY};
use serde_json::Value;

#[test]
fn from_a_file_to_a_reconciled_refund() {
    let desk = Desk::new();
    let input = desk.input(12);
    let input = input.to_str().unwrap();
    let plan = desk.run(&["--json", "bulk", "plan", input]);
    assert_eq!(plan.code, 0, "{plan:?}");
    assert_eq!(plan.json()["refunds"]["usd"]["amount"], 30_000);
    assert_eq!(desk.refunds().0, 0, "a plan sends nothing");
    assert!(!desk.path("refund-node.ledger").exists(), "and writes nothing");
    let run = desk.run(&["bulk", "run", input]);
    assert_eq!((run.code, desk.refunds()), (0, (12, 1)), "{run:?}");
    assert!(run.out.contains("succeeded") && run.out.contains("300.00 usd"), "{run:?}");
    let again = desk.run(&["bulk", "run", input]);
    assert_eq!((again.code, desk.refunds()), (0, (12, 1)));
    let plan = desk.run(&["--json", "bulk", "plan", input]);
    assert_eq!(plan.json()["refunded_already"], 12);
    let export = desk.run(&["bulk", "export", "--output", "done.csv"]);
    assert_eq!(export.code, 0, "{export:?}");
    let mut done = csv::Reader::from_path(desk.path("done.csv")).unwrap();
    let rows: Vec<csv::StringRecord> = done.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 12);
    assert!(rows.iter().all(|row| &row[4] == "succeeded" && row[5].starts_with("re_")));
    assert!(rows.iter().all(|row| &row[6] == "25.00" && &row[9] == "1.02"), "{:?}", rows[0]);
    let reconcile = desk.run(&["reconcile", "--since", "1d"]);
    assert_eq!(reconcile.code, 0, "{reconcile:?}");
    assert!(reconcile.out.contains("agree"), "{reconcile:?}");
    let audit = desk.run(&["--json", "audit", "verify"]);
    assert_eq!(
        (audit.code, &audit.json()["rows"]),
        (0, &Value::from(37)),
        "and one row about the scope"
    );
}

#[test]
fn bad_lines_are_kept_aside_and_the_others_go_on() {
    let desk = Desk::new();
    let (a, b, c) = (desk.charge(), desk.charge(), desk.charge());
    let mut bytes = b"\xEF\xBB\xBF".to_vec();
    bytes.extend_from_slice(HEADER.replace('\n', "\r\n").as_bytes());
    for line in [
        &format!("{a},5.00,usd,op-1"),
        &format!("{a},\"1,000.00\",usd,op-2"),
        &format!("{b},5.00,usd,op-1"),
        &format!("{a},5.00,usd,op-1"),
        "re_1,5.00,usd,op-4",
        &format!("{b},all,,op-5"),
        &format!("{c},5.00,eur,op-6"),
        "\"never closed",
        &format!("{c},5.001,usd,op-7"),
        "ch_none,5.00,usd,op-8",
    ] {
        bytes.extend_from_slice(line.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"ch_x,5.00,usd,\xFF\n");
    let input = desk.write("input.csv", &bytes);
    let run = desk.bulk(&input, &[]);
    assert_eq!(run.code, 5, "Stripe refused one: {run:?}");
    assert_eq!(desk.refunds(), (2, 1), "op-1 and op-5");
    let rejected = std::fs::read_to_string(desk.path("input.csv.rejected.csv")).unwrap();
    for (line, word) in [
        (3, "1,000.00"),
        (4, "line 2 with other values"),
        (5, "asks for the same as line 2"),
        (6, "re_1"),
        (9, "not closed"),
        (10, "5.001"),
        (12, "UTF-8"),
    ] {
        let found =
            rejected.lines().any(|row| row.starts_with(&format!("{line},")) && row.contains(word));
        assert!(found, "line {line} with `{word}` in:\n{rejected}");
    }
    let totals = run.json()["totals"].clone();
    let count = |state: &str| {
        let all = totals.as_array().unwrap().iter().filter(|total| total["state"] == state);
        all.filter_map(|total| total["lines"].as_u64()).sum::<u64>()
    };
    assert_eq!((count("succeeded"), count("refused"), count("unreadable")), (2, 2, 7), "{totals}");
}

#[test]
fn an_input_that_makes_no_sense_sends_nothing() {
    let desk = Desk::new();
    let charge = desk.charge();
    for (text, word) in [
        (String::new(), "empty"),
        (format!("payment,ammount,currency,operation\n{charge},5,usd,a\n"), "ammount"),
        (format!("payment,currency,operation\n{charge},usd,a\n"), "amount"),
        (format!("payment,amount,currency\n{charge},5,usd\n"), "operation"),
    ] {
        let input = desk.write("bad.csv", text.as_bytes());
        let run = desk.bulk(&input, &[]);
        assert_eq!(run.code, 2, "{run:?}");
        assert!(run.err.contains(word), "`{word}` in {run:?}");
    }
    let missing = desk.bulk(&desk.path("missing.csv"), &[]);
    assert_eq!(missing.code, 2, "{missing:?}");
    let input = desk.input(1);
    for (more, word) in [
        (&["--stop-above", "10"][..], "stop-above"),
        (&["--spread", "soon"], "spread"),
        (&["--in-flight", "0"], "in-flight"),
        (&["--operation-template", "x"], "template"),
    ] {
        let run = desk.bulk(&input, more);
        assert_eq!(run.code, 2, "{run:?}");
        assert!(run.err.contains(word), "`{word}` in {run:?}");
    }
    assert_eq!(desk.refunds().0, 0);
}

#[test]
fn json_from_stdin_with_a_template() {
    let desk = Desk::new();
    let mut child = desk
        .command(&[
            "--json",
            "bulk",
            "run",
            "-",
            "--no-pace",
            "--operation-template",
            "r-{payment}",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    for _ in 0..3 {
        let charge = desk.charge();
        writeln!(input, r#"{{"payment":"{charge}","amount":"all","metadata":{{"ticket":7}}}}"#)
            .unwrap();
    }
    drop(input);
    let ended = Ended::of(&child.wait_with_output().unwrap());
    assert_eq!((ended.code, desk.refunds()), (0, (3, 1)), "{ended:?}");
    let refund = desk.stripe.newest_event("refund.created")["data"]["object"].clone();
    assert_eq!(refund["metadata"]["ticket"], "7");
}

fn interrupt(child: &Child) {
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
}

/// Waits until something is true; a machine under load may take its time.
fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_mins(1), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn ctrl_c_finishes_what_is_under_way_and_resume_goes_on() {
    let desk = Desk::new();
    let input = desk.input(30);
    let child = desk
        .command(&["--json", "bulk", "run", "--no-pace", "--spread", "30s"])
        .arg(&input)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    until("nothing was refunded", || desk.refunds().0 >= 2);
    interrupt(&child);
    let ended = Ended::of(&child.wait_with_output().unwrap());
    assert_eq!(ended.code, 7, "{ended:?}");
    assert_eq!(ended.json()["ended"], "interrupted");
    let (made, _) = desk.refunds();
    assert!((2..30).contains(&made), "{made}");
    assert_eq!(ended.json()["lines"], made, "what was under way was finished");
    let status = desk.run(&["--json", "bulk", "status"]);
    assert_eq!(status.json()["open"], 30 - made);
    let resumed = desk.run(&["--json", "bulk", "resume", "--no-pace"]);
    assert_eq!((resumed.code, desk.refunds()), (0, (30, 1)), "{resumed:?}");
}

#[test]
fn a_run_stops_itself() {
    let desk = Desk::new();
    let input = desk.input(30);
    let total = desk.bulk(&input, &["--stop-above", "usd=130.00"]);
    assert_eq!((total.code, desk.refunds()), (7, (5, 1)), "{total:?}");
    let higher = desk.bulk(&input, &["--stop-above", "usd=150.00"]);
    assert_eq!((higher.code, desk.refunds()), (7, (6, 1)), "the total is the run's: {higher:?}");
    desk.stripe.set_balance("usd", 5000);
    let short = desk.bulk(&input, &["--in-flight", "1"]);
    assert_eq!((short.code, desk.refunds().0), (7, 9), "two paid, the third waits: {short:?}");
    assert!(short.json()["reason"].as_str().unwrap().contains("balance"), "{short:?}");
    desk.stripe.set_balance("usd", 1_000_000);
    let refused = FaultKind::status(401);
    desk.stripe.order_fault(Fault {
        path: Some("/v1/charges/*".into()),
        method: None,
        skip: 0,
        times: 1,
        kind: refused,
    });
    let key = desk.bulk(&input, &["--in-flight", "1"]);
    assert_eq!((key.code, desk.refunds().0), (7, 9), "{key:?}");
    let all = desk.bulk(&input, &[]);
    assert_eq!(desk.refunds(), (30, 1), "{all:?}");
    let mut text = HEADER.to_owned();
    text.extend((0..60).map(|n| ["ch_none,25.00,usd,none-", &n.to_string(), "\n"].concat()));
    let input = desk.write("none.csv", text.as_bytes());
    let failures = desk.bulk(&input, &["--stop-failures", "50", "--in-flight", "1"]);
    assert_eq!(failures.code, 7, "{failures:?}");
    assert_eq!(failures.json()["lines"], 20);
}

#[test]
fn a_spread_run_looks_at_every_answer_before_the_next_refund() {
    let desk = Desk::new();
    let input = desk.input(20);
    desk.stripe.set_balance("usd", 0);
    let short = desk.bulk(&input, &["--spread", "40s"]);
    assert_eq!((short.code, desk.refunds().0), (7, 1), "{short:?}");
}

#[test]
fn two_processes_on_one_file_refund_once() {
    let desk = Desk::new();
    let input = desk.input(60);
    let start = || {
        let mut command = desk.command(&["--json", "bulk", "run", "--no-pace", "--in-flight", "4"]);
        command.arg(&input).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let both = [start(), start()];
    for child in both {
        let ended = Ended::of(&child.wait_with_output().unwrap());
        assert_eq!(ended.code, 0, "{ended:?}");
    }
    assert_eq!(desk.refunds(), (60, 1));
    assert_eq!(desk.run(&["audit", "verify"]).code, 0);
}

#[test]
fn a_person_approves_lines() {
    let desk = Desk::new();
    let (small, large) = (desk.charge(), desk.charge());
    let text = format!("{HEADER}{small},5.00,usd,op-1\n{large},20.00,usd,op-2\n");
    let input = desk.write("input.csv", text.as_bytes());
    let rules = ["--approve-up-to", "10.00", "--currency", "usd"];
    let plan =
        desk.run(&[&["--json", "bulk", "plan", input.to_str().unwrap()], &rules[..]].concat());
    assert_eq!((plan.code, &plan.json()["needs_approval"]["usd"]["lines"]), (3, &Value::from(1)));
    // A scheduled job without a user name: the line waits for an approver, who cannot be shown to be a different person.
    let mut unnamed = desk.command(&["bulk", "run", "--no-pace"]);
    for name in ["USER", "LOGNAME", "USERNAME", "REFUND_NODE_USER"] {
        unnamed.env_remove(name);
    }
    let unnamed = Ended::of(&unnamed.arg(&input).args(rules).output().unwrap());
    assert_eq!((unnamed.code, desk.refunds().0), (3, 1), "{unnamed:?}");
    let refused = desk.run(&["--as", "bob", "approvals", "approve", "ap_1"]);
    assert!(refused.code == 4 && refused.err.contains("--as"), "{refused:?}");
    // The same file again, with a name: the run is complete but for the approval.
    let run = desk.bulk(&input, &[&["--as", "alice"], &rules[..]].concat());
    assert_eq!((run.code, desk.refunds().0), (3, 1), "{run:?}");
    let asked = desk.run(&["--json", "--as", "bob", "approvals", "approve", "ap_1"]);
    assert_eq!((asked.code, &asked.json()["operation"]), (0, &Value::from("op-2")), "{asked:?}");
    let executed = desk.run(&["--as", "bob", "approvals", "execute"]);
    assert_eq!((executed.code, desk.refunds()), (0, (2, 1)), "{executed:?}");
    let again = desk.bulk(&input, &rules);
    assert_eq!((again.code, desk.refunds()), (0, (2, 1)), "{again:?}");
}

#[test]
fn a_run_that_is_called_off_sends_nothing_more() {
    let desk = Desk::new();
    let input = desk.input(10);
    desk.bulk(&input, &["--stop-above", "usd=50.00"]);
    assert_eq!(desk.refunds().0, 2);
    let id = desk.run(&["--json", "bulk", "status"]).json()["run"].as_str().unwrap().to_owned();
    let canceled = desk.run(&["--json", "bulk", "cancel", &id[..6]]);
    assert_eq!(canceled.json()["canceled"], 8, "{canceled:?}");
    for again in [desk.bulk(&input, &[]), desk.run(&["bulk", "resume", &id])] {
        assert_eq!(again.code, 2, "{again:?}");
        assert!(again.err.contains("was canceled"), "{again:?}");
    }
    assert_eq!(desk.refunds().0, 2);
}

#[test]
fn one_refund_through_the_ledger() {
    let desk = Desk::new();
    let charge = desk.charge();
    let create = |amount: &str| {
        desk.run(&[
            "--json",
            "--ledger",
            "l.db",
            "refund",
            "create",
            &charge,
            "--operation",
            "op-1",
            "--amount",
            amount,
            "--currency",
            "usd",
        ])
    };
    let made = create("5.00");
    assert_eq!((made.code, &made.json()["origin"]), (0, &Value::from("made")), "{made:?}");
    let again = create("5.00");
    assert_eq!((again.code, &again.json()["origin"]), (0, &Value::from("found")), "{again:?}");
    let other = create("6.00");
    assert_eq!(other.code, 4, "{other:?}");
    assert!(other.err.contains("op-1"), "{other:?}");
    assert_eq!(desk.refunds(), (1, 1));
    let live = Command::new(BINARY)
        .env("STRIPE_SECRET_KEY", "sk_live_simulator")
        .current_dir(desk.folder.path())
        .args(["--base-url", &desk.stripe.base_url(), "--live", "--ledger", "l.db"])
        .args(["refund", "create", &charge, "--operation", "op-2"])
        .output()
        .unwrap();
    let live = Ended::of(&live);
    assert!(live.code != 0 && live.err.contains("belongs to"), "{live:?}");
}

#[cfg(unix)]
#[test]
fn a_disk_that_fills_up_loses_nothing() {
    let desk = Desk::new();
    let input = desk.input(400);
    // No file may grow beyond this: writing fails as on a full disk, in the middle of the run.
    let limited = Command::new("bash")
        .args(["-c", "trap '' XFSZ; ulimit -f 400; exec \"$0\" \"$@\"", BINARY])
        .args(["--base-url", &desk.stripe.base_url(), "--grace", "0", "bulk", "run", "--no-pace"])
        .arg(&input)
        .env("STRIPE_SECRET_KEY", TEST_KEY)
        .current_dir(desk.folder.path())
        .output()
        .unwrap();
    let limited = Ended::of(&limited);
    // Whether requests had left that could not be recorded decides.
    assert!(matches!(limited.code, 1 | 6), "{limited:?}");
    assert!(limited.err.contains("ledger cannot be written"), "{limited:?}");
    let may_be_made = limited.err.contains("may have been made");
    assert_eq!(may_be_made, limited.code == 6, "{limited:?}");
    let (made, most) = desk.refunds();
    assert!(made < 400 && most <= 1, "{made}");
    let run = desk.bulk(&input, &[]);
    assert_eq!((run.code, desk.refunds()), (0, (400, 1)), "{run:?}");
    assert_eq!(desk.run(&["audit", "verify"]).code, 0);
    assert_eq!(desk.run(&["reconcile"]).code, 0);
}

#[cfg(unix)]
#[test]
fn a_ledger_that_cannot_be_used_stops_everything() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    let desk = Desk::new();
    let input = desk.input(3);
    let first = desk.bulk(&input, &["--stop-above", "usd=25.00"]);
    assert_eq!((first.code, desk.refunds().0), (7, 1), "{first:?}");
    let ledger = desk.path("refund-node.ledger");
    let permit =
        |mode| std::fs::set_permissions(&ledger, std::fs::Permissions::from_mode(mode)).unwrap();
    permit(0o444);
    // The administrator may write read-only files, so somebody else has to try.
    let binary = desk.path("refund-node");
    std::fs::copy(BINARY, &binary).unwrap();
    std::fs::set_permissions(desk.folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = desk.command_of(&binary);
    command.args(["bulk", "run", "--no-pace"]).arg(&input);
    if std::fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0)
    {
        command.uid(65_534).gid(65_534);
    }
    let read_only = Ended::of(&command.output().unwrap());
    assert_eq!(read_only.code, 1, "{read_only:?}");
    assert!(read_only.err.contains("ledger"), "{read_only:?}");
    permit(0o644);
    let mut bytes = std::fs::read(&ledger).unwrap();
    for byte in bytes.iter_mut().skip(4096).take(8192) {
        *byte = 0xA5;
    }
    std::fs::write(&ledger, &bytes).unwrap();
    let damaged = desk.bulk(&input, &[]);
    assert_eq!(damaged.code, 1, "{damaged:?}");
    assert!(
        damaged.err.contains("damaged") && damaged.err.contains("no refund is made without it"),
        "{damaged:?}"
    );
    assert_eq!(std::fs::read(&ledger).unwrap(), bytes, "it is left alone");
    assert_eq!(desk.refunds().0, 1);
}

/// Operation ids that were changed must not pay again what was paid under the old ones.
#[test]
fn a_file_with_other_operation_ids_stops_before_it_sends() {
    let desk = Desk::new();
    let charges = [desk.paid(2_500), desk.paid(2_500), desk.paid(1_000)];
    let file = |third: &str| {
        let mut text = "payment,amount,currency\n".to_owned();
        for (charge, amount) in charges.iter().zip(["10.00", "10.00", third]) {
            text.extend([charge, ",", amount, ",usd\n"]);
        }
        desk.write("recall.csv", text.as_bytes())
    };
    let input = file("20.00");
    let first = desk.bulk(&input, &["--operation-template", "a-{payment}"]);
    assert_eq!((first.code, desk.refunds()), (4, (2, 1)), "the third is denied: {first:?}");
    // The amount is corrected. Under new operation ids all three would be paid.
    let input = file("9.00");
    let other = ["--operation-template", "b-{payment}"];
    let path = input.to_str().unwrap();
    let plan = desk.run(&[&["--json", "bulk", "plan", path], &other[..]].concat());
    assert_eq!(plan.code, 7, "{plan:?}");
    let listed = plan.json()["refunded_before"].as_array().unwrap().clone();
    assert_eq!(listed.len(), 2, "{plan:?}");
    assert_eq!(
        (&listed[0]["line"], &listed[0]["state"]),
        (&Value::from(2), &Value::from("succeeded"))
    );
    let run = desk.bulk(&input, &other);
    assert_eq!((run.code, desk.refunds()), (7, (2, 1)), "{run:?}");
    assert_eq!(run.json()["refunded_before"], plan.json()["refunded_before"], "{run:?}");
    let reason = run.json()["reason"].as_str().unwrap().to_owned();
    for word in ["--allow-refunded-payments", charges[0].as_str(), "nothing was sent"] {
        assert!(reason.contains(word), "{word}: {reason}");
    }
    let resumed = desk.run(&["bulk", "resume"]);
    assert_eq!((resumed.code, desk.refunds()), (7, (2, 1)), "{resumed:?}");
    let id = run.json()["run"].as_str().unwrap().to_owned();
    assert_eq!(desk.run(&["bulk", "cancel", &id]).code, 0);
    // Under the ids that they had, the third is corrected and the others are done.
    let repaired = desk.bulk(&input, &["--operation-template", "a-{payment}"]);
    assert_eq!((repaired.code, desk.refunds()), (0, (3, 1)), "{repaired:?}");
    // On purpose, a payment may be refunded once more.
    let text = format!("{HEADER}{},5.00,usd,more\n", charges[0]);
    let more = desk.write("more.csv", text.as_bytes());
    assert_eq!((desk.bulk(&more, &[]).code, desk.refunds().0), (7, 3));
    let allowed = desk.bulk(&more, &["--allow-refunded-payments"]);
    assert_eq!((allowed.code, desk.refunds()), (0, (4, 1)), "{allowed:?}");
}

/// The plan is the run on a copy: the same policy, the same ids, the same options.
#[test]
fn the_plan_is_what_the_run_does() {
    let desk = Desk::new();
    let policy =
        "name = \"Shop\"\nversion = \"1\"\n[defaults]\ndeduct.restocking_basis_points = 1000\n";
    desk.write("shop.toml", policy.as_bytes());
    let (a, b) = (desk.paid(2_500), desk.paid(3_000));
    let text = format!("payment,amount,operation\n{a},all,op-1\n{b},all,op-2\n{b},all,op-3\n");
    let input = desk.write("input.csv", text.as_bytes());
    let path = input.to_str().unwrap();
    let rules = ["--policy", "shop.toml", "--spread", "1s"];
    let plan = desk.run(&[&["--json", "bulk", "plan", path], &rules[..]].concat());
    assert_eq!(plan.json()["refunds"]["usd"]["amount"], 4_950, "{plan:?}");
    assert_eq!((&plan.json()["refused"]["lines"], desk.refunds().0), (&Value::from(1), 0));
    assert!(!desk.path("refund-node.ledger").exists(), "a plan writes nothing");
    let run = desk.bulk(&input, &rules);
    let sum: u64 = [&a, &b]
        .iter()
        .flat_map(|charge| desk.stripe.refunds_of(charge))
        .filter_map(|refund| refund["amount"].as_u64())
        .sum();
    assert_eq!((sum, desk.refunds()), (4_950, (2, 1)), "{run:?}");
    // Operation ids that are in the ledger with other values are known to the plan.
    let text = format!("payment,amount,currency,operation\n{a},1.00,usd,op-1\n");
    let input = desk.write("other.csv", text.as_bytes());
    let plan = desk.run(&["--json", "bulk", "plan", input.to_str().unwrap()]);
    assert_eq!(plan.json()["refused"]["lines"], 1, "{plan:?}");
    assert!(plan.out.contains("op-1") && plan.out.contains("other values"), "{plan:?}");
    // Both refuse what makes no sense.
    for bad in [["--spread", "soon"], ["--in-flight", "0"]] {
        let plan = desk.run(&[&["bulk", "plan", path], &bad[..]].concat());
        assert_eq!((plan.code, desk.bulk(&input, &bad).code), (2, 2), "{bad:?}");
    }
}

/// A request of a line left, and what came of it cannot be recorded.
#[test]
fn a_run_whose_ledger_fails_after_a_request_left_says_that_a_refund_may_have_been_made() {
    let desk = Desk::new();
    let first = desk.bulk(&desk.input(1), &[]);
    assert_eq!(first.code, 0, "{first:?}");
    let file = rusqlite::Connection::open(desk.path("refund-node.ledger")).unwrap();
    file.execute_batch(
        "CREATE TRIGGER unwritable BEFORE UPDATE ON operations WHEN OLD.state = 'sent' AND NEW.state <> 'sent'
         BEGIN SELECT RAISE(ABORT, 'no space left'); END",
    )
    .unwrap();
    let text = format!("{HEADER}{},5.00,usd,a\n{},5.00,usd,b\n", desk.charge(), desk.charge());
    let input = desk.write("two.csv", text.as_bytes());
    let failed = desk.bulk(&input, &["--in-flight", "1"]);
    assert_eq!((failed.code, desk.refunds()), (6, (2, 1)), "{failed:?}");
    assert!(failed.err.contains("may have been made") && failed.err.contains("`a`"), "{failed:?}");
    file.execute_batch("DROP TRIGGER unwritable").unwrap();
    let resumed = desk.run(&["bulk", "resume", "--no-pace"]);
    assert_eq!((resumed.code, desk.refunds()), (0, (3, 1)), "{resumed:?}");
}

/// Lines whose operations an earlier run recorded without a policy are resumed under the policy of the run, and not at
/// all where that cannot be read any more.
#[test]
fn resume_keeps_to_the_policy_that_the_run_was_started_with() {
    let desk = Desk::new();
    let policy =
        "name = \"Shop\"\nversion = \"1\"\n[defaults]\ndeduct.restocking_basis_points = 1000\n";
    desk.write("shop.toml", policy.as_bytes());
    let (a, b) = (desk.paid(2_500), desk.paid(3_000));
    let text = format!("payment,amount,currency,operation\n{a},5.00,usd,op-1\n{b},all,,op-2\n");
    let input = desk.write("input.csv", text.as_bytes());
    let stop = ["--in-flight", "1", "--stop-above", "usd=1.00"];
    assert_eq!(desk.bulk(&input, &stop).code, 7);
    let run = desk.bulk(&input, &[&stop[..], &["--policy", "shop.toml"]].concat());
    assert_eq!((run.code, desk.refunds().0), (7, 0), "{run:?}");
    let file = rusqlite::Connection::open(desk.path("refund-node.ledger")).unwrap();
    let newest = "SELECT options FROM runs ORDER BY key DESC LIMIT 1";
    let options: String = file.query_row(newest, [], |row| row.get(0)).unwrap();
    file.execute("UPDATE runs SET options = '{}'", []).unwrap();
    let refused = desk.run(&["bulk", "resume", "--no-pace"]);
    assert_eq!((refused.code, desk.refunds().0), (2, 0), "{refused:?}");
    assert!(
        refused.err.contains("--policy") && refused.err.contains("Nothing was sent"),
        "{refused:?}"
    );
    file.execute("UPDATE runs SET options = ?", [options]).unwrap();
    let resumed = desk.run(&["--json", "bulk", "resume", "--no-pace"]);
    assert_eq!(resumed.code, 0, "{resumed:?}");
    assert_eq!(desk.stripe.refunds_of(&b)[0]["amount"], 2_700, "{resumed:?}");
}
