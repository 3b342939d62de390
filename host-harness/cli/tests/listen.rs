//! `webhook listen` as Stripe uses it: forged, repeated, late and missed events.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod desk;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use desk::{Desk, HEADER};
use serde_json::Value;

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
    fn start(desk: &Desk, secret: &str) -> Self {
        let mut child = desk
            .command(&[
                "webhook",
                "listen",
                "--port",
                "0",
                "--json",
                "--catch-up",
                "1d",
                "--secret",
                secret,
            ])
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

    fn send(&self, method: &str, path: &str, header: &str, body: &[u8]) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nstripe-signature: {header}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        // A refusal may come before the last byte was read.
        let _ = stream.write_all(body);
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        let status = answer.get(9..12).and_then(|code| code.parse().ok()).unwrap_or_default();
        (status, answer.split("\r\n\r\n").nth(1).unwrap_or_default().to_owned())
    }

    fn counters(&self) -> Value {
        serde_json::from_str(&self.send("GET", "/health", "", b"").1).unwrap()
    }
}

#[test]
fn events_move_operations_once_in_any_order() {
    let desk = Desk::new();
    let charge = desk.charge();
    let text = format!("{HEADER}{charge},5.00,usd,op-1\n");
    desk.bulk(&desk.write("input.csv", text.as_bytes()), &[]);
    // Missed: nobody listened when this one failed.
    let refund = desk.stripe.refunds_of(&charge)[0]["id"].as_str().unwrap().to_owned();
    desk.stripe.dashboard_refund(&charge, 100);
    let secret = "whsec_listen";
    let listener = Listener::start(&desk, secret);
    let deliver = |event: &Value| {
        let body = event.to_string();
        listener.send("POST", "/webhook", &desk.stripe.sign(&body, secret), body.as_bytes()).0
    };
    desk.stripe.end_refund(&refund, "failed", Some("declined"));
    let failed = desk.stripe.newest_event("refund.failed");
    let created = desk.stripe.newest_event("refund.created");
    for event in [&failed, &created, &failed, &created] {
        assert_eq!(deliver(event), 200);
    }
    let state = || {
        let rows = desk.run(&["--json", "audit", "show", "op-1"]).out;
        let last: Value = serde_json::from_str(rows.lines().last().unwrap()).unwrap();
        last["after"].as_str().unwrap().to_owned()
    };
    assert_eq!(state(), "failed");
    // An older event of the same refund, delivered a day late.
    let mut late = failed.clone();
    late["id"] = "evt_late".into();
    late["type"] = "refund.updated".into();
    late["data"]["object"]["status"] = "succeeded".into();
    assert_eq!(deliver(&late), 200);
    assert_eq!(state(), "failed");
    let body = failed.to_string();
    let forged = desk.stripe.sign(&body, "whsec_other");
    assert_eq!(listener.send("POST", "/webhook", &forged, body.as_bytes()).0, 400);
    let old = desk.stripe.sign(&body, secret);
    let old = old.replace(&format!("t={}", desk.stripe.now()), "t=1700000000");
    assert_eq!(listener.send("POST", "/webhook", &old, body.as_bytes()).0, 400);
    assert_eq!(listener.send("POST", "/webhook", &forged, &vec![b'x'; 3 << 20]).0, 413);
    let counters = listener.counters();
    for (name, count) in [("accepted", 3), ("repeated", 2), ("forged", 2), ("oversized", 1)] {
        assert_eq!(counters[name], count, "{name} in {counters}");
    }
}

#[test]
fn what_was_missed_is_caught_up() {
    let desk = Desk::new();
    let charge = desk.charge();
    let text = format!("{HEADER}{charge},5.00,usd,op-1\n");
    desk.bulk(&desk.write("input.csv", text.as_bytes()), &[]);
    let refund = desk.stripe.refunds_of(&charge)[0]["id"].as_str().unwrap().to_owned();
    desk.stripe.end_refund(&refund, "failed", Some("declined"));
    let differs = desk.run(&["reconcile", "--since", "1d"]);
    assert_eq!(differs.code, 8, "{differs:?}");
    assert!(differs.out.contains("op-1: the ledger says succeeded, Stripe failed"), "{differs:?}");
    drop(Listener::start(&desk, "whsec_x"));
    assert_eq!(desk.run(&["reconcile", "--since", "1d"]).code, 0);
    desk.stripe.dashboard_refund(&charge, 100);
    let elsewhere = desk.run(&["reconcile", "--json"]);
    assert_eq!(elsewhere.code, 8, "{elsewhere:?}");
    assert!(elsewhere.out.contains("refund-without-operation"), "{elsewhere:?}");
}
