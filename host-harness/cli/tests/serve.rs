//! The HTTP API over the command as it is shipped. Refunds are counted at the simulator.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod desk;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};

use desk::Desk;
use refund_simulator::{DisputeOrder, NewCharge};
use serde_json::{Value, json};

const POLICY: &str = r#"
name = "Web shop"
version = "1"
[defaults]
approve_up_to = { usd = "20.00" }
second_approval_above = { usd = "40.00" }
never_above = { usd = "80.00" }
"#;

/// A server with three people, ended when dropped.
struct Office {
    desk: Desk,
    child: Child,
    url: String,
    alice: String,
    bob: String,
    carol: String,
}

impl Drop for Office {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Office {
    fn new() -> Self {
        let desk = Desk::new();
        desk.write("shop.toml", POLICY.as_bytes());
        desk.write("secret", b"whsec_test");
        let mut entries = String::new();
        let mut token = |name: &str, roles: &[&str]| {
            let mut arguments = vec!["serve", "--new-token", name];
            for role in roles {
                arguments.extend(["--role", role]);
            }
            let made = desk.run(&arguments);
            assert_eq!(made.code, 0, "{made:?}");
            let token = made.err.lines().next().unwrap().to_owned();
            assert!(token.starts_with("rnt_") && !made.out.contains(&token), "{made:?}");
            entries.push_str(&made.out);
            token
        };
        let alice = token("alice", &["requester"]);
        let bob = token("bob", &["approver", "requester"]);
        let carol = token("carol", &["approver", "auditor"]);
        desk.write("tokens.toml", entries.as_bytes());
        let mut child = desk
            .command(&[
                "--ledger",
                "shop.ledger",
                "serve",
                "--port",
                "0",
                "--tokens",
                "tokens.toml",
                "--policy",
                "shop.toml",
                "--webhook-secret-file",
                "secret",
            ])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.as_mut().unwrap()).lines().map_while(Result::ok);
        let line = lines.into_iter().find(|line| line.starts_with("Serving")).unwrap();
        let url = line.split_whitespace().nth(1).unwrap();
        let url = url.trim_end_matches(';').to_owned();
        Self { desk, child, url, alice, bob, carol }
    }

    /// A request; its status and body.
    fn send(&self, method: &str, path: &str, token: &str, body: Option<&Value>) -> (u16, Value) {
        let (status, text) = self.raw(method, path, token, body);
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    fn raw(&self, method: &str, path: &str, token: &str, body: Option<&Value>) -> (u16, String) {
        self.signed(method, path, token, body, "whsec_test")
    }

    /// A delivery signed with another secret.
    fn forge(&self, path: &str, body: &Value) -> (u16, Value) {
        let (status, text) = self.signed("POST", path, "", Some(body), "whsec_other");
        (status, serde_json::from_str(&text).unwrap())
    }

    /// Every request is signed as Stripe signs: the routes that are not for Stripe must not mind.
    fn signed(
        &self,
        method: &str,
        path: &str,
        token: &str,
        body: Option<&Value>,
        secret: &str,
    ) -> (u16, String) {
        use std::io::Write;
        let address = self.url.trim_start_matches("http://");
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        let body = body.map(Value::to_string).unwrap_or_default();
        let signature = self.desk.stripe.sign(&body, secret);
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\nauthorization: Bearer {token}\r\nstripe-signature: {signature}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        let text =
            answer.split_once("\r\n\r\n").map(|(_, text)| text.to_owned()).unwrap_or_default();
        (status, text)
    }

    fn ask(&self, token: &str, operation: &str, payment: &str, amount: u64) -> (u16, Value) {
        let wanted = json!({ "operation_id": operation, "payment": payment, "amount": amount, "currency": "usd" });
        self.send("POST", "/v1/refunds", token, Some(&wanted))
    }

    fn approve(&self, token: &str, approval: &str) -> (u16, Value) {
        self.send(
            "POST",
            &format!("/v1/approvals/{approval}/approve"),
            token,
            Some(&json!({ "note": "fine" })),
        )
    }
}

#[test]
fn from_a_request_to_an_approved_refund() {
    let office = Office::new();
    let desk = &office.desk;
    let (status, made) = office.ask(&office.alice, "small", &desk.paid(10_000), 2_000);
    assert_eq!((status, &made["operation"]["state"]), (201, &json!("succeeded")), "{made}");
    let large = desk.paid(10_000);
    let (status, asked) = office.ask(&office.alice, "large", &large, 4_500);
    assert_eq!((status, &asked["approval"]["needed"]), (202, &json!(2)), "{asked}");
    assert_eq!(
        office.ask(&office.alice, "large", &large, 4_500).0,
        202,
        "asking again changes nothing"
    );
    assert_eq!(office.approve(&office.alice, "ap_1").0, 403, "no approver");
    assert_eq!(office.approve(&office.bob, "ap_1").0, 202);
    assert_eq!(office.approve(&office.bob, "ap_1").0, 409, "nobody votes twice");
    assert_eq!(desk.refunds().0, 1);
    let (status, done) = office.approve(&office.carol, "ap_1");
    assert_eq!((status, &done["operation"]["state"]), (201, &json!("succeeded")), "{done}");
    assert_eq!(desk.refunds(), (2, 1));
    let (status, again) = office.ask(&office.alice, "large", &large, 4_500);
    assert_eq!((status, &again["operation"]["refund"]), (200, &done["operation"]["refund"]));
    assert_eq!(desk.refunds(), (2, 1));
    assert_eq!(office.approve(&office.carol, "ap_1").0, 409);
    assert_eq!(office.approve(&office.carol, "ap_9").0, 404);
    let (status, audit) = office.send("GET", "/v1/refunds/large/audit", &office.carol, None);
    assert!(
        status == 200 && audit.to_string().contains("carol approved ap_1 (2 of 2): fine"),
        "{audit}"
    );
    assert_eq!(office.send("GET", "/v1/refunds/large/audit", &office.alice, None).0, 403);
}

#[test]
fn problems_say_what_to_do_and_nothing_is_sent() {
    let office = Office::new();
    let charge = office.desk.paid(10_000);
    for (token, body, status, code) in [
        ("rnt_wrong", json!({}), 401, "unauthorized"),
        (
            office.carol.as_str(),
            json!({ "operation_id": "o", "payment": charge }),
            403,
            "forbidden",
        ),
        (office.alice.as_str(), json!({ "operation_id": "o" }), 400, "invalid"),
        (office.alice.as_str(), json!({ "operation_id": "o", "payment": "re_1" }), 400, "invalid"),
        (
            office.alice.as_str(),
            json!({ "operation_id": "o", "payment": charge, "colour": 1 }),
            400,
            "invalid",
        ),
        (
            office.alice.as_str(),
            json!({ "operation_id": "o", "payment": charge, "amount": 0, "currency": "usd" }),
            400,
            "invalid",
        ),
        (
            office.alice.as_str(),
            json!({ "operation_id": "d", "payment": charge, "amount": 9_000, "currency": "usd" }),
            422,
            "denied",
        ),
    ] {
        let (found, problem) = office.send("POST", "/v1/refunds", token, Some(&body));
        assert_eq!((found, &problem["code"]), (status, &json!(code)), "{body}: {problem}");
        assert!(!problem["detail"].as_str().unwrap().is_empty());
    }
    let yen =
        office.desk.stripe.charge(&NewCharge { currency: "jpy".into(), ..NewCharge::default() });
    let yen = yen["id"].as_str().unwrap();
    let (status, asked) = office.send(
        "POST",
        "/v1/refunds",
        &office.alice,
        Some(&json!({ "operation_id": "y", "payment": yen })),
    );
    assert_eq!(status, 202, "a currency the policy does not name: {asked}");
    let (status, other) = office.ask(&office.alice, "y", &charge, 100);
    assert_eq!((status, &other["code"]), (409, &json!("conflict")));
    let (status, denied) =
        office.send("POST", "/v1/approvals/ap_1/deny", &office.bob, Some(&json!({})));
    assert_eq!((status, &denied["state"]), (200, &json!("denied")), "{denied}");
    assert_eq!(office.approve(&office.carol, "ap_1").0, 409);
    assert_eq!(office.desk.refunds().0, 0);
}

#[test]
fn what_is_there_can_be_looked_at() {
    let office = Office::new();
    for n in 0..3 {
        assert_eq!(
            office.ask(&office.alice, &format!("op-{n}"), &office.desk.paid(10_000), 100).0,
            201
        );
    }
    let (_, page) = office.send("GET", "/v1/refunds?limit=2", &office.carol, None);
    assert_eq!(page["operations"][0]["id"], "op-2");
    let next = page["next"].as_i64().unwrap();
    let (_, rest) =
        office.send("GET", &format!("/v1/refunds?limit=2&cursor={next}"), &office.carol, None);
    assert_eq!((rest["operations"].as_array().unwrap().len(), &rest["next"]), (1, &Value::Null));
    assert_eq!(office.send("GET", "/v1/refunds/op-1", &office.carol, None).1["state"], "succeeded");
    assert_eq!(office.send("GET", "/v1/refunds/none", &office.carol, None).0, 404);
    assert_eq!(office.send("GET", "/v1/refunds?state=odd", &office.carol, None).0, 400);
    let question =
        json!({ "payment": office.desk.paid(10_000), "amount": 4_500, "currency": "usd" });
    let (_, answer) = office.send("POST", "/v1/eligibility", &office.carol, Some(&question));
    assert!(answer["sentences"][0].as_str().unwrap().contains("2 people must agree"), "{answer}");
    let (status, health) = office.send("GET", "/health", "", None);
    assert_eq!((status, &health["ok"]), (200, &json!(true)));
    let (_, metrics) = office.raw("GET", "/metrics", "", None);
    for text in [
        "refund_node_operations{name=\"succeeded\"} 3",
        "path=\"/v1/refunds\",status=\"201\"} 3",
        "# EOF",
    ] {
        assert!(metrics.contains(text), "{text}: {metrics}");
    }
    assert!(!metrics.contains("op-1"), "ids are in no label");
}

#[test]
fn a_webhook_moves_the_operation_it_concerns() {
    let office = Office::new();
    let charge = office.desk.paid(10_000);
    assert_eq!(office.ask(&office.alice, "op", &charge, 100).0, 201);
    let refund = office.desk.stripe.refunds_of(&charge)[0]["id"].as_str().unwrap().to_owned();
    office.desk.stripe.end_refund(&refund, "failed", Some("declined"));
    let event = office.desk.stripe.newest_event("refund.failed");
    assert_eq!(office.send("POST", "/webhooks/stripe", "", Some(&event)).0, 200);
    assert_eq!(office.send("GET", "/v1/refunds/op", &office.bob, None).1["state"], "failed");
    let (status, problem) = office.forge("/webhooks/stripe", &event);
    assert_eq!((status, &problem["code"]), (400, &json!("invalid")), "{problem}");
    let (_, metrics) = office.raw("GET", "/metrics", "", None);
    for text in ["name=\"accepted\"} 1", "name=\"forged\"} 1"] {
        assert!(metrics.contains(&format!("refund_node_webhooks{{{text}")), "{text}: {metrics}");
    }
}

#[test]
fn disputes_are_answered_and_closed() {
    let office = Office::new();
    let charge = office.desk.paid(4_000);
    let order = DisputeOrder {
        charge,
        status: "needs_response".into(),
        reason: "fraudulent".into(),
        refundable: None,
    };
    let dispute = office.desk.stripe.dispute(&order);
    let id = dispute["id"].as_str().unwrap();
    let (status, list) = office.send("GET", "/v1/disputes", &office.carol, None);
    assert_eq!((status, &list["disputes"][0]["dispute"]["id"]), (200, &json!(id)), "{list}");
    let path = |what: &str| format!("/v1/disputes/{id}/{what}");
    let evidence = json!({ "evidence": { "customer_name": "Ann Lee" } });
    assert_eq!(office.send("POST", &path("evidence"), &office.alice, Some(&evidence)).0, 200);
    let unknown = json!({ "evidence": { "colour": "red" } });
    assert_eq!(office.send("POST", &path("evidence"), &office.alice, Some(&unknown)).0, 400);
    assert_eq!(office.send("POST", &path("submit"), &office.alice, Some(&json!({}))).0, 403);
    let wrong = json!({ "dispute": id, "amount": 1, "currency": "usd" });
    assert_eq!(office.send("POST", &path("close"), &office.carol, Some(&wrong)).0, 409);
    assert_eq!(office.send("POST", &path("submit"), &office.carol, Some(&json!({}))).0, 200);
    let (status, again) = office.send("POST", &path("submit"), &office.carol, Some(&json!({})));
    assert_eq!((status, &again["code"]), (422, &json!("denied")), "{again}");
}

/// The description is checked in, so that a change of the API is seen in review.
#[test]
fn the_description_is_current() {
    let desk = Desk::new();
    let described = desk.run(&["serve", "--openapi"]);
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../serve/openapi.json");
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(&file, &described.out).unwrap();
    }
    let checked_in = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        checked_in == described.out,
        "openapi.json is out of date: run this test with UPDATE_OPENAPI=1"
    );
    let read: Value = serde_json::from_str(&checked_in).unwrap();
    assert_eq!(read["paths"].as_object().unwrap().len(), 17);
}

/// So is the schema of a policy document.
#[test]
fn the_schema_of_a_policy_is_current() {
    let desk = Desk::new();
    let schema = desk.run(&["policy", "schema"]);
    let file =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/policy.schema.json");
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(&file, &schema.out).unwrap();
    }
    assert!(
        std::fs::read_to_string(&file).unwrap_or_default() == schema.out,
        "run this test with UPDATE_OPENAPI=1"
    );
}
