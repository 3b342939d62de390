//! The command as programs use it: exit codes, JSON on stdout, messages on stderr.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

fn refund_node() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_refund-node"));
    command.env_remove("STRIPE_SECRET_KEY").env_remove("RUST_LOG").stdin(Stdio::null());
    command.env("REFUND_NODE_CACHE", concat!(env!("CARGO_TARGET_TMPDIR"), "/compiled"));
    command
}

fn run(arguments: &[&str]) -> Output {
    refund_node().args(arguments).output().unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A running `simulate`, ended when dropped.
struct Simulator {
    child: Child,
    url: String,
    charges: Vec<String>,
}

impl Simulator {
    fn start() -> Self {
        let mut child = refund_node()
            .args(["simulate", "--port", "0", "--charges", "3"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let first = lines.next().unwrap();
        let url = first.split_whitespace().find(|word| word.starts_with("http://")).unwrap();
        let url = url.trim_end_matches(';').to_owned();
        let words = lines.take_while(|line| !line.starts_with("Try")).collect::<Vec<_>>().join(" ");
        let charges = words.split_whitespace().filter(|word| word.starts_with("ch_"));
        Self { charges: charges.map(str::to_owned).collect(), child, url }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = refund_node();
        command.env("STRIPE_SECRET_KEY", "sk_test_simulator").args(["--base-url", &self.url]);
        command.args(arguments).output().unwrap()
    }
}

impl Simulator {
    /// Orders something of the simulator.
    fn control(&self, name: &str, order: &str) {
        let address = self.url.trim_start_matches("http://");
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        let length = order.len();
        write!(
            stream,
            "POST /_control/{name} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{order}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_demo_ends_well() {
    let output = run(&["demo"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{output:?}");
    assert!(!text.contains("WRONG"), "{text}");
    let report = json(&run(&["demo", "--json"]));
    let steps = report["steps"].as_array().unwrap();
    assert!(steps.len() >= 12 && steps.iter().all(|step| step["ok"] == true), "{report}");
}

#[test]
fn checks_and_refunds_with_exit_codes() {
    let stripe = Simulator::start();
    let charge = stripe.charges[0].as_str();
    let check = |more: &[&str]| stripe.run(&[&["check", charge, "--json"], more].concat());
    let eligible = check(&["--amount", "10.00", "--currency", "usd"]);
    assert_eq!(eligible.status.code(), Some(0), "{}", stderr(&eligible));
    assert_eq!(json(&eligible)["verdict"]["decision"], "approve");
    let person = check(&["--amount", "10.00", "--currency", "usd", "--approve-up-to", "5"]);
    assert_eq!(person.status.code(), Some(3));
    let denied = check(&["--amount", "9999.00", "--currency", "usd"]);
    assert_eq!(denied.status.code(), Some(4));
    assert_eq!(check(&["--amount", "1.234", "--currency", "usd"]).status.code(), Some(2));
    assert_eq!(check(&["--amount", "1.00"]).status.code(), Some(2));
    let forgotten = check(&["--currency", "usd"]);
    assert_eq!(forgotten.status.code(), Some(2));
    assert!(stderr(&forgotten).contains("without an amount"), "{}", stderr(&forgotten));
    let limit = check(&["--currency", "usd", "--approve-up-to", "5"]);
    assert_eq!(limit.status.code(), Some(3), "a limit needs the currency too");
    for (old, new) in [
        (&["--maximum", "5"][..], "--never-above"),
        (&["--approval-above", "5"], "--approve-up-to"),
        (&["--payment-method", "card"], "--payment-methods"),
        (&["--require-metadata", "plan"], "--required-metadata"),
        (&["--block-fraud"], "--fraud"),
        (&["--fee-basis-points", "290"], "--fee-rate"),
    ] {
        let refused = check(&[&["--currency", "usd", "--amount", "1.00"], old].concat());
        assert_eq!(refused.status.code(), Some(2), "{old:?}");
        assert!(stderr(&refused).contains(&format!("'{new}'")), "{}", stderr(&refused));
    }
    assert_eq!(stripe.run(&["check", "ch_none"]).status.code(), Some(5));

    let create = |more: &[&str]| {
        stripe.run(&[&["refund", "create", charge, "--json", "--operation", "op-1"], more].concat())
    };
    let made = create(&["--amount", "10.00", "--currency", "usd", "--metadata", "ticket=7"]);
    assert_eq!(made.status.code(), Some(0), "{}", stderr(&made));
    assert_eq!(json(&made)["origin"], "made");
    let again = create(&["--minor", "1000", "--currency", "usd"]);
    assert_eq!(json(&again)["origin"], "found");
    assert_eq!(json(&again)["refund"]["id"], json(&made)["refund"]["id"]);
    assert_eq!(
        create(&["--minor", "900", "--currency", "usd"]).status.code(),
        Some(4),
        "a conflict"
    );
    assert_eq!(create(&["--minor", "-5", "--currency", "usd"]).status.code(), Some(2));
    assert_eq!(create(&["--currency", "usd"]).status.code(), Some(2));
    let id = json(&made)["refund"]["id"].as_str().unwrap().to_owned();
    assert_eq!(json(&stripe.run(&["refund", "get", &id, "--json"]))["metadata"]["ticket"], "7");
    let updated = stripe.run(&["refund", "update", &id, "--metadata", "ticket=8", "--json"]);
    assert_eq!(json(&updated)["metadata"]["ticket"], "8");
    assert_eq!(stripe.run(&["refund", "cancel", &id]).status.code(), Some(5));
    let list = json(&stripe.run(&["refund", "list", "--payment", charge, "--json"]));
    assert_eq!(list["refunds"].as_array().unwrap().len(), 1);
}

#[test]
fn keys_are_asked_for_and_never_shown() {
    let none = run(&["check", "ch_1"]);
    assert_eq!(none.status.code(), Some(2));
    assert!(stderr(&none).contains("STRIPE_SECRET_KEY is not set"), "{}", stderr(&none));
    for (key, live, word) in [
        ("sk_live_hidden", false, "--live"),
        ("sk_test_hidden", true, "test key"),
        ("pk_test_hidden", false, "publishable"),
        ("hidden", false, "no Stripe key"),
    ] {
        let mut command = refund_node();
        command.env("STRIPE_SECRET_KEY", key).args(["check", "ch_1", "-vvv"]);
        if live {
            command.arg("--live");
        }
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{key}");
        assert!(stderr(&output).contains(word), "{}", stderr(&output));
        assert!(!stderr(&output).contains("hidden"), "{}", stderr(&output));
    }
}

#[test]
fn the_key_may_come_from_a_file_or_a_command() {
    let stripe = Simulator::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, "sk_test_simulator\n").unwrap();
    let check = |arguments: &[&str]| {
        let mut command = refund_node();
        command.args(["--base-url", &stripe.url]).args(arguments);
        command.args(["check", &stripe.charges[0]]).output().unwrap()
    };
    let file = file.to_str().unwrap();
    for arguments in
        [&["--key-file", file][..], &["--key-command", "echo sk_test_simulator; echo more"]]
    {
        let output = check(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?} {}", stderr(&output));
    }
    for (arguments, word) in [
        (&["--key-file", "nowhere"][..], "nowhere cannot be read"),
        (&["--key-command", "exit 3"], "--key-command failed (exit status: 3)"),
        (&["--key-command", "true"], "--key-command prints: the key is blank"),
        (&["--key-command", "echo hidden"], "no Stripe key"),
        (&["--key-command", "true", "--key-file", file], "give --key-command or --key-file"),
    ] {
        let output = check(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains(word), "{}", stderr(&output));
        assert!(!stderr(&output).contains("hidden"), "{}", stderr(&output));
    }
}

#[test]
fn the_doctor_says_what_is_wrong() {
    let stripe = Simulator::start();
    let well = stripe.run(&["doctor", "--json"]);
    assert_eq!(well.status.code(), Some(0), "{well:?}");
    let states = |output: &Output| {
        let checks = json(output)["checks"].as_array().unwrap().clone();
        let pair = |check: Value| {
            (
                check["check"].as_str().unwrap().to_owned(),
                check["state"].as_str().unwrap().to_owned(),
            )
        };
        checks.into_iter().map(pair).collect::<std::collections::BTreeMap<_, _>>()
    };
    let seen = states(&well);
    for check in ["component", "key", "refunds: read", "refunds: write", "balance: read", "clock"] {
        assert_eq!(seen[check], "ok", "{check}");
    }
    assert_eq!(seen["disputes: read"], "not checked");

    stripe.control("faults", r#"{"path":"/v1/balance","times":9,"kind":"status","status":403}"#);
    let lacking = stripe.run(&["doctor", "--json"]);
    assert_eq!(lacking.status.code(), Some(1));
    let seen = states(&lacking);
    assert_eq!((seen["balance: read"].as_str(), seen["charges: read"].as_str()), ("FAILED", "ok"));

    let mut nobody = refund_node();
    nobody.env("STRIPE_SECRET_KEY", "sk_test_x").args(["--base-url", "http://127.0.0.1:1"]);
    let nobody = nobody.args(["doctor", "--ledger", "/nowhere/else"]).output().unwrap();
    assert_eq!(nobody.status.code(), Some(1));
    let text = String::from_utf8_lossy(&nobody.stdout).into_owned();
    assert!(text.contains("connection") && text.contains("FAILED"), "{text}");
}

#[test]
fn only_the_pinned_component_runs() {
    let digest = json(&run(&["component", "inspect", "--json"]))["digest"].clone();
    let pinned = run(&["describe", "--digest", digest.as_str().unwrap()]);
    assert_eq!(pinned.status.code(), Some(0), "{}", stderr(&pinned));
    let other = run(&["describe", "--digest", "sha256:00"]);
    assert_eq!(other.status.code(), Some(2));
    assert!(stderr(&other).contains("only sha256:00 may run"), "{}", stderr(&other));

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("node.wasm");
    run(&["component", "extract", file.to_str().unwrap()]);
    let key = "RWQT7ZRZYeSjLrqNIjz+doWM7zi2kK+XnVPb/xUa1x13Sa2u9FKunOTs";
    let asked =
        |key: &str| run(&["describe", "--component", file.to_str().unwrap(), "--signed-by", key]);
    assert!(stderr(&asked(key)).contains("node.wasm.minisig cannot be read"));
    std::fs::write(folder.path().join("node.wasm.minisig"), "no signature").unwrap();
    let forged = asked(key);
    assert_eq!(forged.status.code(), Some(2));
    assert!(stderr(&forged).contains("signature is not good"), "{}", stderr(&forged));
    assert!(stderr(&asked("RW")).contains("no minisign public key"));
}

#[test]
fn bad_input_is_told_before_anything_is_sent() {
    let stripe = Simulator::start();
    for (arguments, word) in [
        (&["check", "in_1"][..], "in_1"),
        (&["check", "ch_1", "--amount", "0", "--currency", "usd"], "is zero"),
        (&["check", "ch_1", "--amount", "1,000.00", "--currency", "usd"], "is not an amount"),
        (&["check", "ch_1", "--amount", "5.5", "--currency", "jpy"], "more decimals"),
        (&["refund", "create", "ch_1", "--operation", ""], "--operation is empty"),
        (
            &["refund", "create", "ch_1", "--operation", "a", "--reason", "boredom"],
            "is not a reason",
        ),
        (&["refund", "create", "ch_1", "--operation", "a", "--metadata", "x"], "is not KEY=VALUE"),
        (&["refund", "get", "ch_1"], "but a charge id"),
        (&["invoke", "refunds.nonsense", "--input", "{}"], "no such operation"),
        (&["invoke", "refunds.list", "--input", "{"], "is not a JSON object"),
        (&["duplicates", "--since", "soon"], "is not a time"),
    ] {
        let output = stripe.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?} {}", stderr(&output));
        assert!(stderr(&output).contains(word), "{arguments:?} {}", stderr(&output));
    }
}

fn write(name: &str, text: &[u8]) -> std::path::PathBuf {
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&file, text).unwrap();
    file
}

#[test]
fn duplicates_in_a_file_with_bad_lines() {
    let charge = |id: &str, created: u64, more: &str| {
        format!(
            r#"{{"id":"{id}","amount":2500,"currency":"usd","status":"succeeded","captured":true,"created":{created},"customer":"cus_1","payment_intent":"pi_{id}"{more}}}"#
        )
    };
    let lines = [
        charge("ch_b", 1100, ""),
        "not json".to_owned(),
        charge("ch_a", 1000, r#","metadata":{"order_id":"7"}"#),
        r#"{"id":"ch_x"}"#.to_owned(),
        charge("ch_far", 9000, ""),
    ];
    let file = write("charges.jsonl", format!("\u{feff}{}\r\n", lines.join("\r\n")).as_bytes());
    let output =
        run(&["duplicates", "--input", file.to_str().unwrap(), "--window", "5m", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let group = json(&output);
    assert_eq!((&group["keep"], &group["refund"][0]), (&Value::from("ch_a"), &Value::from("ch_b")));
    assert_eq!(group["confidence"], "high");
    assert!(group["reasons"].as_array().unwrap().contains(&Value::from("same customer")));
    let told = stderr(&output);
    assert!(
        told.contains("line 2: ") && told.contains("line 4: ") && told.contains("2 unreadable"),
        "{told}"
    );
    let bad_first = ["cut off\"}".to_owned(), charge("ch_a", 1000, ""), charge("ch_b", 1001, "")];
    let file = write("bad-first.jsonl", bad_first.join("\n").as_bytes());
    let output = run(&["duplicates", "--input", file.to_str().unwrap(), "--json"]);
    assert_eq!(json(&output)["refund"][0], "ch_b");
    let csv = "id,amount,currency,status,created,customer,payment_intent\n\
               ch_a,2500,usd,succeeded,1000,cus_1,pi_a\n\
               ch_b,\"2,500\",usd,succeeded,1001,cus_1,pi_b\n\
               ch_c,2500,usd,succeeded,1300,cus_1,pi_c\n";
    let file = write("charges.csv", csv.as_bytes());
    let output = run(&["duplicates", "--input", file.to_str().unwrap(), "--json"]);
    assert_eq!(json(&output)["refund"][0], "ch_c");
    assert!(stderr(&output).contains("line 3: amount"), "{}", stderr(&output));
    let empty = write("empty.jsonl", b"");
    let output = run(&["duplicates", "--input", empty.to_str().unwrap(), "--json"]);
    assert!(output.status.success() && output.stdout.is_empty());
}

#[test]
fn duplicates_in_any_order_are_the_same() {
    let header = "id,amount,currency,status,created,customer,payment_intent,metadata.order_id";
    // Two pages and a half; every hundredth charge is paid again 200 seconds later.
    let line = |n: u64| {
        let of = if n % 100 == 20 { n - 20 } else { n };
        format!("ch_{n},{},usd,succeeded,{},cus_{of},pi_{n},order-{of}", 500 + of, 1000 + n * 10)
    };
    let oldest: Vec<String> = (0..10_000).map(line).collect();
    let newest: Vec<String> = oldest.iter().rev().cloned().collect();
    // The disorder comes late, when groups were found already.
    let mut mixed = oldest.clone();
    mixed.swap(5000, 9000);
    mixed.insert(5, "ch_bad,much,usd,succeeded,1,cus_1,pi_1,x".to_owned());
    let found = |name: &str, lines: &[String]| {
        let text = format!("{header}\n{}\n", lines.join("\n"));
        let file = write(name, text.as_bytes());
        run(&["duplicates", "--input", file.to_str().unwrap(), "--json"])
    };
    let first = found("oldest.csv", &oldest);
    let text = String::from_utf8_lossy(&first.stdout).into_owned();
    assert_eq!(text.lines().count(), 100);
    assert!(text.lines().all(|group| group.contains("same order_id")), "{text}");
    assert_eq!(found("newest.csv", &newest).stdout, first.stdout);
    let mixed_text = format!("{header}\n{}\n", mixed.join("\n")).into_bytes();
    let mixed = found("mixed.csv", &mixed);
    assert_eq!(mixed.stdout, first.stdout);
    let told = stderr(&mixed);
    assert_eq!(told.matches("line 7: amount").count(), 1, "{told}");
    assert!(told.contains("10000 charges seen") && told.contains("1 unreadable"), "{told}");
    // What comes through a pipe can be read once.
    for name in ["-", "/dev/stdin"] {
        let mixed = std::fs::File::open(write("mixed.csv", &mixed_text)).unwrap();
        let mut cat = Command::new("cat").stdin(mixed).stdout(Stdio::piped()).spawn().unwrap();
        let pipe = cat.stdout.take().unwrap();
        let mut piped = refund_node();
        let piped = piped.args(["duplicates", "--input", name, "--json"]).stdin(pipe);
        assert_eq!(piped.output().unwrap().stdout, first.stdout, "{name}");
        cat.wait().unwrap();
    }
}

#[test]
fn webhook_verdicts_for_programs() {
    let vectors = include_str!("../../../tests/vectors/webhook-signatures.json");
    let vectors: Value = serde_json::from_str(vectors).unwrap();
    // All 103 run natively; through the command a few of each kind are enough.
    for id in ["shr-001", "shr-011", "shr-019", "shr-020", "shr-045", "shr-073", "shr-091"] {
        let cases = vectors["cases"].as_array().unwrap();
        let case = cases.iter().find(|case| case["id"] == id).unwrap();
        let payload = base64(case["payload_b64"].as_str().unwrap());
        let file = write(&format!("{id}.json"), &payload);
        let number = |name: &str| case[name].to_string();
        let output = run(&[
            "webhook",
            "verify",
            "--json",
            "--payload",
            file.to_str().unwrap(),
            "--header",
            case["header"].as_str().unwrap(),
            "--secret",
            case["secret"].as_str().unwrap(),
            "--now",
            &number("now"),
            "--tolerance",
            &number("tolerance"),
        ]);
        let accepted = case["consensus"] == "accept";
        let verdict = json(&output);
        assert_eq!(verdict["verdict"], if accepted { "accepted" } else { "rejected" }, "{id}");
        assert_eq!(verdict["reason"].is_null(), accepted, "{id}");
        assert_eq!(output.status.code(), Some(i32::from(!accepted)), "{id}");
    }
    let missing = run(&["webhook", "verify", "--payload", "/nonexistent", "--secret", "x"]);
    assert_eq!(missing.status.code(), Some(2));
}

fn base64(text: &str) -> Vec<u8> {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}

#[test]
fn a_listener_takes_good_deliveries_and_refuses_forged_ones() {
    let ledger = write("listen.ledger", b"");
    std::fs::remove_file(&ledger).unwrap();
    let mut child = refund_node()
        .args(["webhook", "listen", "--port", "0", "--secret", "whsec_x", "--json", "--ledger"])
        .arg(&ledger)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.as_mut().unwrap()).read_line(&mut line).unwrap();
    let address = line.split("http://").nth(1).unwrap().split('/').next().unwrap().to_owned();
    let post = |body: &str, header: &str| {
        let mut socket = std::net::TcpStream::connect(&address).unwrap();
        write!(socket, "POST /webhook HTTP/1.1\r\nhost: x\r\nstripe-signature: {header}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len()).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().to_owned()
    };
    assert_eq!(post("{}", "t=1,v1=00"), "400");
    assert_eq!(post("{}", &format!("t={},v1={}", 1_790_000_000, "0".repeat(64))), "400");
    let taken =
        run(&["webhook", "listen", "--secret", "x", "--port", address.split(':').nth(1).unwrap()]);
    assert_eq!(taken.status.code(), Some(2));
    assert!(stderr(&taken).contains("is in use"), "{}", stderr(&taken));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn components_are_inspected_and_damaged_ones_told() {
    let seen = json(&run(&["component", "inspect", "--json"]));
    for field in ["digest", "size", "imports", "exports", "api_version"] {
        assert!(!seen[field].is_null(), "{field}");
    }
    let file = write("node.wasm", b"");
    let extracted = run(&["component", "extract", file.to_str().unwrap()]);
    assert!(extracted.status.success());
    let other = run(&["component", "inspect", "--json", "--component", file.to_str().unwrap()]);
    assert_eq!(json(&other)["digest"], seen["digest"]);
    let whole = std::fs::read(&file).unwrap();
    let cut = write("cut.wasm", &whole[..whole.len() / 2]);
    let output = run(&["describe", "--component", cut.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("damaged or cut off"), "{}", stderr(&output));
}

#[test]
fn a_port_in_use_is_told() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = run(&["simulate", "--port", &port]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("is in use"), "{}", stderr(&output));
}

#[test]
fn help_teaches_and_completions_are_there() {
    for arguments in [
        &["--help"][..],
        &["refund", "create", "--help"],
        &["check", "--help"],
        &["duplicates", "--help"],
        &["webhook", "verify", "--help"],
    ] {
        let output = run(arguments);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && text.contains("refund-node"), "{arguments:?}");
    }
    assert!(!run(&["completions", "bash"]).stdout.is_empty());
}
