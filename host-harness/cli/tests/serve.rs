//! The HTTP API over the command as it is shipped. Refunds are counted at the simulator.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod desk;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};

use desk::Desk;
use refund_simulator::{DisputeOrder, Fault, FaultKind, NewCharge};
use serde_json::{Value, json};

const POLICY: &str = r#"
name = "Web shop"
version = "1"
[defaults]
approve_up_to = { usd = "20.00" }
second_approval_above = { usd = "40.00" }
never_above = { usd = "80.00" }
"#;

/// A server with four people, ended when dropped.
struct Office {
    desk: Desk,
    child: Child,
    url: String,
    alice: String,
    bob: String,
    carol: String,
    portal: String,
    dave: String,
}

impl Drop for Office {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts a server; where it listens.
fn start(desk: &Desk) -> (Child, String) {
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
        .env("RUST_LOG", "debug")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stderr.as_mut().unwrap()).lines().map_while(Result::ok);
    let line = lines.into_iter().find(|line| line.starts_with("Serving")).unwrap();
    let url = line.split_whitespace().nth(1).unwrap();
    let url = url.trim_end_matches(';').to_owned();
    (child, url)
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
        let portal = token("portal", &["self_serve"]);
        let dave = token("Dave", &["requester", "approver"]);
        // As earlier versions wrote it.
        let entries = entries.replace("\"dave\"", "\"Dave \"");
        assert!(entries.contains("\"Dave \""));
        desk.write("tokens.toml", entries.as_bytes());
        let (child, url) = start(&desk);
        Self { desk, child, url, alice, bob, carol, portal, dave }
    }

    /// Ends the server, and starts it again under another policy.
    fn restart(&mut self, policy: &str) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.desk.write("shop.toml", policy.as_bytes());
        (self.child, self.url) = start(&self.desk);
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

/// The policy offers no self-serve, so a self-serve request needs approval.
#[test]
fn a_token_for_self_serve_cannot_choose_the_limits_of_staff() {
    let office = Office::new();
    let charge = office.desk.paid(10_000);
    for (n, said) in [json!(null), json!(false), json!(true)].into_iter().enumerate() {
        let mut body = json!({ "operation_id": format!("op-{n}"), "payment": charge, "amount": 100, "currency": "usd" });
        if !said.is_null() {
            body["self_serve"] = said;
        }
        let (status, asked) = office.send("POST", "/v1/refunds", &office.portal, Some(&body));
        assert_eq!(status, 202, "{body}: {asked}");
        body.as_object_mut().unwrap().remove("operation_id");
        let (_, answer) = office.send("POST", "/v1/eligibility", &office.portal, Some(&body));
        assert_eq!(answer["verdict"]["failed"][0]["cause"], "self_serve_not_offered", "{answer}");
    }
    assert_eq!(office.desk.refunds().0, 0);
    assert_eq!(office.ask(&office.alice, "staff", &charge, 100).0, 201);
    let approved =
        office.send("POST", "/v1/approvals/ap_1/approve", &office.portal, Some(&json!({})));
    assert_eq!(approved.0, 403, "{approved:?}");
    let both = ["serve", "--new-token", "x", "--role", "requester", "--role", "self_serve"];
    let both = office.desk.run(&both);
    office.desk.write("both.toml", both.out.as_bytes());
    let ended =
        office.desk.run(&["--ledger", "l", "serve", "--port", "0", "--tokens", "both.toml"]);
    assert!(ended.code == 2 && ended.err.contains("tokens[0].roles has both"), "{ended:?}");
}

/// A variable that was empty must not become "everything", nor "whatever I saw".
#[test]
fn null_and_empty_are_no_amount() {
    let office = Office::new();
    let charge = office.desk.paid(1_000);
    for (field, value) in [
        ("amount", Value::Null),
        ("amount", json!("")),
        ("currency", Value::Null),
        ("currency", json!("")),
        ("self_serve", Value::Null),
    ] {
        for path in ["/v1/refunds", "/v1/eligibility"] {
            let mut body = json!({ "payment": charge, field: value });
            if path == "/v1/refunds" {
                body["operation_id"] = json!("null");
            }
            let (status, problem) = office.send("POST", path, &office.alice, Some(&body));
            assert_eq!(
                (status, &problem["code"]),
                (400, &json!("invalid")),
                "{path} {body}: {problem}"
            );
            assert!(problem["detail"].as_str().unwrap().contains(field), "{problem}");
        }
    }
    let (status, problem) = office.send(
        "POST",
        "/v1/approvals/ap_1/approve",
        &office.bob,
        Some(&json!({ "request_hash": null })),
    );
    assert_eq!((status, &problem["code"]), (400, &json!("invalid")), "{problem}");
    assert_eq!(office.desk.refunds().0, 0);
    let left = json!({ "payment": charge });
    let (status, answer) = office.send("POST", "/v1/eligibility", &office.alice, Some(&left));
    assert_eq!((status, &answer["verdict"]["amount"]["amount"]), (200, &json!(1_000)), "{answer}");
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

fn waiting_for(asked: &Value) -> String {
    asked["approval"]["id"].as_str().unwrap_or_else(|| panic!("{asked}")).to_owned()
}

/// Whoever asked first never approves it, also when it was filed anew by what another person did.
#[test]
fn the_requester_never_approves() {
    let office = Office::new();
    let charge = office.desk.paid(4_000);
    let everything = json!({ "operation_id": "all", "payment": charge });
    let (status, asked) = office.send("POST", "/v1/refunds", &office.dave, Some(&everything));
    assert_eq!((status, &asked["approval"]["requester"]), (202, &json!("dave")), "{asked}");
    let first = waiting_for(&asked);
    assert_eq!(office.approve(&office.dave, &first).0, 403);
    // A small refund of the same payment, so that "everything" is less when bob approves.
    assert_eq!(office.ask(&office.dave, "small", &charge, 100).0, 201);
    let (status, asked) = office.approve(&office.bob, &first);
    assert_eq!(status, 202, "{asked}");
    let second = waiting_for(&asked);
    assert_eq!(asked["approval"]["requester"], "dave", "{asked}");
    assert_ne!(first, second);
    let (status, own) = office.approve(&office.dave, &second);
    assert_eq!((status, &own["code"]), (403, &json!("forbidden")), "{own}");
    assert_eq!(office.desk.refunds().0, 1);
    assert_eq!(office.approve(&office.bob, &second).0, 201);
    assert_eq!(office.desk.refunds(), (2, 1));
}

/// The amount grew between the vote and the refund: bob agreed to 30.00, and nobody but another approver agrees to more.
#[test]
fn an_amount_that_grew_is_approved_anew_by_another_person() {
    let office = Office::new();
    let charge = office.desk.paid(20_000);
    let dashboard = office.desk.stripe.dashboard_refund(&charge, 17_000);
    let everything = json!({ "operation_id": "rest", "payment": charge });
    let (_, asked) = office.send("POST", "/v1/refunds", &office.dave, Some(&everything));
    let first = waiting_for(&asked);
    assert_eq!(asked["approval"]["amount"], 3_000, "{asked}");
    office.desk.stripe.end_refund(dashboard["id"].as_str().unwrap(), "failed", Some("declined"));
    let (status, denied) = office.approve(&office.bob, &first);
    // 200.00 are above what is refunded at all.
    assert_eq!((status, &denied["code"]), (422, &json!("denied")), "{denied}");
    assert_eq!(denied["operation"]["state"], "refused", "{denied}");
    assert_eq!((office.approve(&office.dave, &first).0, office.desk.refunds().0), (409, 1));
}

/// The policy in force when it is approved decides.
#[test]
fn a_stricter_policy_wants_more_approvers_or_denies() {
    let mut office = Office::new();
    let (fifty, thirty) = (office.desk.paid(10_000), office.desk.paid(10_000));
    let (_, asked) = office.ask(&office.alice, "fifty", &fifty, 3_900);
    let (high, needed) = (waiting_for(&asked), asked["approval"]["needed"].clone());
    assert_eq!(needed, 1);
    let (_, asked) = office.ask(&office.alice, "thirty", &thirty, 3_000);
    let low = waiting_for(&asked);
    office.restart(
        &POLICY
            .replace("\"20.00\"", "\"5.00\"")
            .replace("\"40.00\"", "\"10.00\"")
            .replace("\"80.00\"", "\"35.00\""),
    );
    let (status, denied) = office.approve(&office.bob, &high);
    assert_eq!((status, &denied["code"]), (422, &json!("denied")), "{denied}");
    let (status, waits) = office.approve(&office.bob, &low);
    assert_eq!((status, &waits["approval"]["id"]), (202, &json!(low)), "{waits}");
    assert_eq!(
        (&waits["approval"]["needed"], &waits["approval"]["state"]),
        (&json!(2), &json!("open"))
    );
    assert_eq!(
        (office.approve(&office.bob, &low).0, office.desk.refunds().0),
        (409, 0),
        "one vote"
    );
    assert_eq!((office.approve(&office.carol, &low).0, office.desk.refunds()), (201, (1, 1)));
}

/// An operation for which nothing was sent is asked for again with corrected values.
#[test]
fn what_never_left_is_corrected() {
    let office = Office::new();
    let charge = office.desk.paid(10_000);
    let with = |operation: &str, amount: u64, key: &str| {
        let wanted = json!({
            "operation_id": operation, "payment": charge, "amount": amount, "currency": "usd",
            "metadata": { key: "other" },
        });
        office.send("POST", "/v1/refunds", &office.alice, Some(&wanted))
    };
    let (status, invalid) = with("op-1", 500, "refund_node_operation");
    assert_eq!((status, &invalid["code"]), (400, &json!("invalid")), "{invalid}");
    assert_eq!(with("op-1", 500, "ticket").0, 201);
    let (status, conflict) = with("op-1", 600, "ticket");
    assert_eq!((status, &conflict["code"]), (409, &json!("conflict")), "{conflict}");
    assert_eq!(with("op-2", 9_000, "ticket").0, 422);
    let (status, waits) = with("op-2", 3_000, "ticket");
    assert_eq!(status, 202, "{waits}");
    let (status, conflict) = with("op-2", 3_100, "ticket");
    assert_eq!(status, 409, "{conflict}");
    assert!(conflict["detail"].as_str().unwrap().contains("ap_1"), "{conflict}");
    assert_eq!(office.desk.refunds(), (1, 1));
    let (_, audit) = office.send("GET", "/v1/refunds/op-2/audit", &office.carol, None);
    assert!(audit.to_string().contains("asked again with corrected values"), "{audit}");
}

/// The status is that of what is held, not of the last answer.
#[test]
fn an_unknown_outcome_stays_unknown() {
    let office = Office::new();
    let charge = office.desk.paid(4_000);
    let lost = FaultKind::Reset { after_commit: false };
    office.desk.stripe.order_fault(Fault::on_create(lost.clone()).times(9));
    office.desk.stripe.order_fault(Fault {
        method: Some("GET".into()),
        path: Some("/v1/refunds".into()),
        skip: 0,
        times: 9,
        kind: lost,
    });
    let (status, unknown) = office.ask(&office.alice, "op-1", &charge, 1_000);
    assert_eq!((status, &unknown["code"]), (504, &json!("outcome-unknown")), "{unknown}");
    assert_eq!(unknown["operation"]["state"], "outcome-unknown");
    assert!(
        unknown.get("error").is_none(),
        "no typed error says that there is no refund: {unknown}"
    );
    // Its refunds cannot be listed yet: the next one on the payment waits.
    let (status, blocked) = office.ask(&office.alice, "op-2", &charge, 1_000);
    assert_eq!((status, &blocked["code"]), (504, &json!("blocked")), "{blocked}");
    office.desk.stripe.clear_faults();
    let (status, made) = office.ask(&office.alice, "op-2", &charge, 1_000);
    assert_eq!((status, &made["also_settled"][0]["id"]), (201, &json!("op-1")), "{made}");
    assert_eq!(office.desk.refunds(), (1, 1));
}

/// Token names that only look different are one user, and names that only look alike are refused.
#[test]
fn names_of_tokens() {
    let office = Office::new();
    let desk = &office.desk;
    let charge = desk.paid(10_000);
    let (_, asked) = office.ask(&office.dave, "op", &charge, 3_000);
    assert_eq!(asked["operation"]["requester"], "dave", "{asked}");
    // The same person with another token.
    let mut tokens = std::fs::read_to_string(desk.path("tokens.toml")).unwrap();
    let made = desk.run(&["serve", "--new-token", " dave", "--role", "approver"]);
    assert_eq!(made.code, 0, "{made:?}");
    tokens.push_str(&made.out);
    desk.write("tokens.toml", tokens.as_bytes());
    let token = made.err.lines().next().unwrap().to_owned();
    let mut office = office;
    office.restart(POLICY);
    let (status, own) = office.approve(&token, &waiting_for(&asked));
    assert_eq!((status, &own["code"]), (403, &json!("forbidden")), "{own}");
    for name in ["d\u{430}ve", "da\u{200b}ve", "\u{1b}[31mdave", " "] {
        let refused = office.desk.run(&["serve", "--new-token", name, "--role", "approver"]);
        assert!(refused.code == 2 && refused.err.is_ascii(), "{refused:?}");
        let file = tokens.replace("\"Dave \"", &json!(name).to_string());
        assert_ne!(file, tokens);
        office.desk.write("lookalike.toml", file.as_bytes());
        let refused = office.desk.run(&["serve", "--port", "0", "--tokens", "lookalike.toml"]);
        assert!(refused.code == 2 && refused.err.contains("name"), "{refused:?}");
    }
}

/// The pipe that takes the log ends: requests are answered all the same.
#[test]
fn a_log_that_nobody_reads_any_more_cuts_no_request() {
    let mut office = Office::new();
    drop(office.child.stderr.take());
    for n in 0..5 {
        let charge = office.desk.paid(10_000);
        let (status, made) = office.ask(&office.alice, &format!("op-{n}"), &charge, 100);
        assert_eq!(status, 201, "{made}");
        // A forged delivery is logged.
        assert_eq!(office.forge("/webhooks/stripe", &json!({ "id": "evt_1" })).0, 400);
    }
    assert_eq!(office.desk.refunds(), (5, 1));
}
