//! Follow-ups from a refund to their receivers: signed, once, and not lost while a receiver is down.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod desk;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use desk::{Desk, Ended};
use refund_outbox::{SigningSecret, sign};
use refund_simulator::NewCharge;
use serde_json::{Value, json};

const SIGNING: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const STRIPES: &str = "whsec_listen";

/// What a receiver got: the headers, and the body as it came.
type Got = Arc<Mutex<Vec<(HeaderMap, String)>>>;

/// A receiver on loopback. It dies when it is dropped.
struct Receiver {
    address: SocketAddr,
    got: Got,
    _runtime: tokio::runtime::Runtime,
}

impl Receiver {
    fn start(address: SocketAddr) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let got = Got::default();
        let app = Router::new().route("/hooks", post(take)).with_state(Arc::clone(&got));
        let listener = runtime.block_on(tokio::net::TcpListener::bind(address)).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(async move { axum::serve(listener, app).await });
        Self { address, got, _runtime: runtime }
    }

    fn got(&self) -> Vec<(HeaderMap, String)> {
        self.got.lock().unwrap().clone()
    }

    /// Waits for so many deliveries.
    fn wait_for(&self, count: usize) {
        let until = Instant::now() + Duration::from_secs(30);
        while self.got().len() < count {
            assert!(Instant::now() < until, "{} of {count} deliveries", self.got().len());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

async fn take(State(got): State<Got>, headers: HeaderMap, body: String) -> StatusCode {
    got.lock().unwrap().push((headers, body));
    StatusCode::NO_CONTENT
}

/// Nobody listens there, and nobody else will for a while.
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A document with one sink over HTTP that wants to know what customers are told.
fn http_sink(desk: &Desk, address: SocketAddr) {
    desk.write("shop.secret", SIGNING.as_bytes());
    let document = format!(
        "[[sink]]\nname = \"shop\"\nkind = \"http\"\nurl = \"http://{address}/hooks\"\n\
         secret_file = \"shop.secret\"\nfollow_ups = [\"notify-customer\"]\ntimeout_seconds = 5\n"
    );
    desk.write("sinks.toml", document.as_bytes());
}

/// A command with the ledger and the sinks of the desk.
fn run(desk: &Desk, arguments: &[&str]) -> Ended {
    let mut all = vec!["--ledger", "shop.ledger", "--sinks", "sinks.toml"];
    all.extend(arguments);
    desk.run(&all)
}

fn refund(desk: &Desk, operation: &str) -> Value {
    let charge = desk.charge();
    let done = run(
        desk,
        &[
            "--json",
            "refund",
            "create",
            &charge,
            "--operation",
            operation,
            "--metadata",
            "customer_email=ann@example.com",
        ],
    );
    assert_eq!(done.code, 0, "{done:?}");
    done.json()["refund"].clone()
}

/// A running `webhook listen`, ended when dropped.
struct Listener {
    child: Child,
    address: String,
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Listener {
    fn start(desk: &Desk) -> Self {
        let listen = ["webhook", "listen", "--port", "0", "--secret", STRIPES];
        let mut child = desk
            .command(&["--ledger", "shop.ledger", "--sinks", "sinks.toml"])
            .args(listen)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let mut lines = lines.skip_while(|line| !line.contains("http://"));
        let line = lines.next().unwrap();
        let address = line.split("http://").nth(1).unwrap().split('/').next().unwrap().to_owned();
        // Somebody has to read what it says, or it stands still.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address }
    }

    /// Ends it politely: deliveries under way are finished.
    fn end(mut self) {
        let pid = self.child.id().to_string();
        assert!(
            std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success()
        );
        assert!(self.child.wait().unwrap().success());
    }

    fn deliver(&self, desk: &Desk, event: &Value) {
        let body = event.to_string();
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let head = format!(
            "POST /webhook HTTP/1.1\r\nhost: x\r\nconnection: close\r\nstripe-signature: {}\r\ncontent-length: {}\r\n\r\n{body}",
            desk.stripe.sign(&body, STRIPES),
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

#[test]
fn one_signed_delivery_although_the_events_arrive_as_well() {
    let desk = Desk::new();
    let receiver = Receiver::start(free_address());
    http_sink(&desk, receiver.address);
    let refund = refund(&desk, "op-1");
    let listener = Listener::start(&desk);
    receiver.wait_for(1);
    // Five events about one refund, and one about its charge.
    let created = desk.stripe.newest_event("refund.created");
    for number in 0..5 {
        let mut event = created.clone();
        event["id"] = json!(format!("evt_again_{number}"));
        listener.deliver(&desk, &event);
    }
    listener.deliver(&desk, &desk.stripe.newest_event("charge.refunded"));
    listener.end();
    let nothing = run(&desk, &["follow-ups", "deliver"]);
    assert_eq!((nothing.code, nothing.out.trim()), (0, "nothing waits"), "{nothing:?}");
    let got = receiver.got();
    assert_eq!(got.len(), 1, "{got:?}");
    let (headers, body) = &got[0];
    let header = |name: &str| headers.get(name).unwrap().to_str().unwrap();
    let timestamp = header("webhook-timestamp").parse().unwrap();
    let secret = SigningSecret::parse(SIGNING).unwrap();
    let signed = sign(header("webhook-id"), timestamp, body.as_bytes(), &[secret]);
    assert_eq!(header("webhook-signature"), signed.signature);
    let told: Value = serde_json::from_str(body).unwrap();
    assert_eq!(
        (&told["id"], &told["about"]["refund"]),
        (&json!(header("webhook-id")), &refund["id"])
    );
    assert_eq!(told["data"]["message"], "refund_succeeded");
    assert_eq!(told["data"]["customer"]["email"], "ann@example.com");
}

#[test]
fn an_address_that_the_refund_lacks_is_read_from_the_payment_at_delivery() {
    let desk = Desk::new();
    let receiver = Receiver::start(free_address());
    http_sink(&desk, receiver.address);
    let who = json!({ "name": "Pat Payer", "email": "payer@example.com" });
    let billing_details = serde_json::from_value(who.clone()).unwrap();
    let order = NewCharge { billing_details, ..NewCharge::default() };
    let charge = desk.stripe.charge(&order)["id"].as_str().unwrap().to_owned();
    let done = run(&desk, &["refund", "create", &charge, "--operation", "op-1"]);
    assert_eq!(done.code, 0, "{done:?}");
    let delivered = run(&desk, &["follow-ups", "deliver"]);
    assert_eq!(delivered.code, 0, "{delivered:?}");
    let body: Value = serde_json::from_str(&receiver.got()[0].1).unwrap();
    assert_eq!(body["data"]["customer"], who);
}

#[test]
fn a_failure_after_success_is_told_and_success_is_not_told_again() {
    let desk = Desk::new();
    let receiver = Receiver::start(free_address());
    http_sink(&desk, receiver.address);
    let refund = refund(&desk, "op-1");
    let listener = Listener::start(&desk);
    desk.stripe.end_refund(refund["id"].as_str().unwrap(), "failed", Some("declined"));
    listener.deliver(&desk, &desk.stripe.newest_event("refund.failed"));
    let mut late = desk.stripe.newest_event("refund.created");
    late["id"] = "evt_late".into();
    listener.deliver(&desk, &late);
    receiver.wait_for(2);
    listener.end();
    assert_eq!(run(&desk, &["follow-ups", "deliver"]).code, 0);
    let told = |(_, body): &(HeaderMap, String)| -> Value { serde_json::from_str(body).unwrap() };
    let told: Vec<_> = receiver.got().iter().map(|one| told(one)["data"].clone()).collect();
    let messages: Vec<_> = told.iter().map(|data| data["message"].as_str().unwrap()).collect();
    assert_eq!(messages, ["refund_succeeded", "refund_failed"]);
    assert_eq!(told[1]["detail"], "declined");
}

#[test]
fn a_receiver_that_was_down_gets_it_when_it_is_back() {
    let desk = Desk::new();
    let address = free_address();
    http_sink(&desk, address);
    refund(&desk, "op-1");
    let down = run(&desk, &["--json", "follow-ups", "deliver"]);
    assert_eq!(down.code, 7, "{down:?}");
    let lines: Vec<Value> =
        down.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["outcome"], &lines[1]["waiting"]), (&json!("failed"), &json!(1)));
    let receiver = Receiver::start(address);
    // Five seconds later it is due by itself; somebody need not wait for that.
    let id = lines[0]["id"].as_str().unwrap();
    let again = run(&desk, &["follow-ups", "resend", &id[..15]]);
    assert_eq!(again.code, 0, "{again:?}");
    let up = run(&desk, &["follow-ups", "deliver"]);
    assert_eq!(up.code, 0, "{up:?}");
    let got = receiver.got();
    assert_eq!((got.len(), got[0].0.get("webhook-id").unwrap().to_str().unwrap()), (1, id));
    let list = run(&desk, &["--json", "follow-ups", "list", "--state", "delivered"]).json();
    assert_eq!(list["follow_ups"][0]["id"], id);
    // Taken by everybody: only who is named gets it again.
    assert_eq!(run(&desk, &["follow-ups", "resend", id]).code, 2);
    assert_eq!(run(&desk, &["follow-ups", "resend", id, "--sink", "shop"]).code, 0);
    assert_eq!(run(&desk, &["follow-ups", "deliver"]).code, 0);
    assert_eq!(receiver.got().len(), 2, "the same id twice, for whoever asked for it");
}

#[cfg(unix)]
#[test]
fn a_command_takes_everything_in_order() {
    let desk = Desk::new();
    let document = "[[sink]]\nname = \"file\"\nkind = \"command\"\n\
         command = [\"sh\", \"-c\", \"cat >> \\\"$0\\\"; echo >> \\\"$0\\\"\", \"FILE\"]\n";
    let file = desk.path("taken.jsonl");
    let document = document.replace("FILE", file.to_str().unwrap());
    desk.write("sinks.toml", document.as_bytes());
    assert_eq!(run(&desk, &["follow-ups", "check", "sinks.toml"]).code, 0);
    refund(&desk, "op-1");
    let done = run(&desk, &["follow-ups", "deliver"]);
    assert_eq!(done.code, 0, "{done:?}");
    let taken = std::fs::read_to_string(&file).unwrap();
    let kinds: Vec<String> = taken
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["type"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(kinds, ["notify-customer", "revoke-access"], "{taken}");
}

#[test]
fn what_cannot_be_used_is_told_before_anything_is_sent() {
    let desk = Desk::new();
    desk.write("sinks.toml", b"[[sink]]\nname = \"a\"\nkind = \"pigeon\"\nretries = 3\n");
    let check = run(&desk, &["follow-ups", "check", "sinks.toml"]);
    assert_eq!(check.code, 2, "{check:?}");
    for field in ["sink[0].kind", "sink[0].retries"] {
        assert!(check.err.contains(field), "{field}: {check:?}");
    }
    let charge = desk.charge();
    let refused = run(&desk, &["refund", "create", &charge, "--operation", "op-1"]);
    assert_eq!((refused.code, desk.refunds().0), (2, 0), "{refused:?}");
    desk.write("sinks.toml", b"");
    assert_eq!(run(&desk, &["refund", "create", &charge, "--operation", "op-1"]).code, 0);
    let nobody = desk.run(&["--ledger", "shop.ledger", "follow-ups", "deliver"]);
    assert!(nobody.code == 2 && nobody.err.contains("--sinks"), "{nobody:?}");
    for arguments in [["follow-ups", "resend", "fu_0"], ["follow-ups", "resend", "fu_000000"]] {
        assert_eq!(run(&desk, &arguments).code, 2);
    }
}
