//! The judge, against a runner that lies as it is told: what must fail fails, and for its own reason.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use refund_conformance::{Case, Platform, Report, Terms, judge, load};
use serde_json::{Value, json};
use tempfile::TempDir;

/// SHA-256 of nothing, which is what the component file holds here.
const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// A folder with a component file, cases and scripts.
struct Desk(TempDir);

impl Desk {
    /// With one case: a refund of a dollar.
    fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        std::fs::create_dir(desk.path("cases")).unwrap();
        std::fs::write(desk.path("component"), "").unwrap();
        desk.case("refund", &refund());
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn case(&self, name: &str, case: &Value) {
        std::fs::write(self.path("cases").join(format!("{name}.json")), case.to_string()).unwrap();
    }

    fn cases(&self) -> Vec<Case> {
        load(&self.path("cases")).unwrap()
    }

    /// A platform that follows a script.
    fn platform(&self, name: &str, hello: &Value, acts: &Value) -> Platform {
        let script = self.path(name);
        std::fs::write(&script, json!({ "hello": hello, "acts": acts }).to_string()).unwrap();
        let command = [Path::new(env!("CARGO_BIN_EXE_scripted-runner")), &script];
        let command = command.iter().map(|word| word.to_str().unwrap().to_owned()).collect();
        Platform { name: name.to_owned(), command }
    }

    async fn judge(&self, platforms: &[Platform]) -> Report {
        let terms = Terms {
            component: self.path("component"),
            manifest: None,
            patience: Duration::from_secs(3),
        };
        judge(&self.cases(), platforms, &terms).await.unwrap()
    }

    /// What comes of one platform that greets well, and does these acts.
    async fn tried(&self, acts: Value) -> Report {
        self.judge(&[self.platform("liar", &hello(), &acts)]).await
    }
}

fn hello() -> Value {
    json!({ "platform": "liar", "version": "1", "digest": DIGEST, "manifest": "sha256:m" })
}

fn refund() -> Value {
    json!({
        "about": "A refund of a dollar",
        "given": [{ "order": "charges", "body": { "amount": 2500 }, "as": "charge" }],
        "steps": [{
            "invoke": "refunds.create",
            "input": { "operation_id": "op-1", "payment": "{charge.id}" },
            "output": { "refund": { "amount": 100 } },
            "requests": ["GET /v1/charges/{id}", "POST /v1/refunds"],
        }],
        "then": { "refunds": { "{charge.id}": 1 } },
    })
}

fn read() -> String {
    "GET /v1/charges/{payment}".to_owned()
}

fn make() -> String {
    "POST /v1/refunds".to_owned()
}

fn good_answer() -> Value {
    json!({ "output": { "refund": { "amount": 100, "more": true } } })
}

/// What the embedding of a good platform does about the case.
fn good() -> Value {
    json!({ "send": [read(), make()], "answer": good_answer() })
}

#[tokio::test]
async fn a_good_platform_has_a_full_column() {
    let report = Desk::new().tried(json!([good()])).await;
    assert!(report.is_full(), "{report}");
    assert!(report.to_string().contains("1 passed, 0 failed; 1 of 1 columns are full"), "{report}");
    assert_eq!(report.json()["platforms"][0]["cases"][0]["ok"], true);
}

#[tokio::test]
async fn what_must_fail_fails() {
    let denied = json!({
        "kind": "denied", "message": "m", "retryable": false, "retry_after": null, "details": {},
    });
    for (what, act, problem) in [
        (
            "a wrong output",
            json!({ "send": [read(), make()], "answer": { "output": { "refund": { "amount": 99 } } } }),
            "output.refund.amount is 99, expected 100",
        ),
        (
            "an output that lacks a field",
            json!({ "send": [read(), make()], "answer": { "output": {} } }),
            "output.refund is missing",
        ),
        (
            "an error in its place",
            json!({ "send": [read(), make()], "answer": { "error": denied } }),
            "an output was expected, and an error came",
        ),
        (
            "an error of no shape",
            json!({ "send": [read(), make()], "answer": { "error": { "kind": "denied" } } }),
            "no error is {\"kind\":\"denied\"}: missing field `message`",
        ),
        (
            "a request that is missing",
            json!({ "send": [make()], "answer": good_answer() }),
            "requests were [\"POST /v1/refunds\"], expected",
        ),
        (
            "one request too many",
            json!({ "send": [read(), read(), make()], "answer": good_answer() }),
            "/v1/charges/",
        ),
        (
            "two refunds",
            json!({ "send": [read(), make(), make()], "answer": good_answer() }),
            "has 2 refunds, expected 1",
        ),
        (
            "a refund that was only told",
            json!({ "send": [], "answer": good_answer() }),
            "has 0 refunds, expected 1",
        ),
        (
            "a key in the answer",
            json!({ "answer": { "output": { "key": "sk_test_simulator" } } }),
            "the answer holds a key",
        ),
        (
            "a key for people to see",
            json!({ "send": [read(), make()], "say": "using sk_test_simulator", "answer": good_answer() }),
            "a key was on the runner's stderr",
        ),
        (
            "a key that went missing",
            json!({ "send": [read(), make()], "headers": { "authorization": null }, "answer": good_answer() }),
            "came without the key",
        ),
        (
            "another version of the API",
            json!({ "send": [read(), make()], "headers": { "stripe-version": "2020-01-01" }, "answer": good_answer() }),
            "asks for API version 2020-01-01",
        ),
        (
            "a refund without an idempotency key",
            json!({ "send": [read(), make()], "headers": { "idempotency-key": null }, "answer": good_answer() }),
            "POST /v1/refunds came without the idempotency key of its operation",
        ),
        (
            "an idempotency key of another making",
            json!({ "send": [read(), make()], "headers": { "idempotency-key": "fresh" }, "answer": good_answer() }),
            "POST /v1/refunds came without the idempotency key of its operation",
        ),
        (
            "a repetition under another key",
            json!({ "send": [read(), make(), make()], "answer": good_answer() }),
            "POST /v1/refunds was repeated with another key or body",
        ),
        (
            "a request after the answer",
            json!({ "send": [read(), make()], "answer": good_answer(), "late": read() }),
            "requests came after the last answer",
        ),
        ("no answer at all", json!({ "answer": "ready" }), "no answer is `\"ready\"`"),
    ] {
        let report = Desk::new().tried(json!([act])).await;
        assert!(!report.is_full(), "{what} was not noticed");
        assert!(report.to_string().contains(problem), "{what}: {report}");
    }
}

/// Where a step names no operation, no key can be right.
#[tokio::test]
async fn a_refund_of_no_operation_fails() {
    let desk = Desk::new();
    let mut case = refund();
    case["steps"][0]["input"].as_object_mut().unwrap().remove("operation_id");
    desk.case("refund", &case);
    for headers in [json!({}), json!({ "idempotency-key": null })] {
        let act = json!({ "send": [read(), make()], "headers": headers, "answer": good_answer() });
        let report = desk.tried(json!([act])).await;
        assert!(report.to_string().contains("key of its operation"), "{report}");
    }
}

#[tokio::test]
async fn a_wrong_digest_or_manifest_leaves_no_column_full() {
    let mut wrong = hello();
    wrong["digest"] = json!("sha256:other");
    let desk = Desk::new();
    let report = desk.judge(&[desk.platform("liar", &wrong, &json!([good()]))]).await;
    assert!(!report.is_full() && report.to_string().contains("1 passed"), "{report}");
    assert!(
        report.to_string().contains("the component is sha256:other, expected sha256:e3b0"),
        "{report}"
    );

    let mut wrong = hello();
    wrong["manifest"] = json!("sha256:other");
    let good_one = desk.platform("one", &hello(), &json!([good()]));
    let other = desk.platform("other", &wrong, &json!([good()]));
    let report = desk.judge(&[good_one, other]).await;
    assert!(!report.is_full(), "{report}");
    assert!(
        report.to_string().contains("other: the manifest is sha256:other, expected sha256:m"),
        "{report}"
    );
}

#[tokio::test]
async fn a_dead_runner_fails_what_is_left_and_says_its_last_words() {
    let desk = Desk::new();
    desk.case("second", &refund());
    desk.case("third", &refund());
    let report = desk.tried(json!([good(), { "say": "no memory", "die": 3 }])).await;
    let told = report.to_string();
    assert!(told.contains("1 passed, 2 failed"), "{told}");
    assert!(
        told.contains("the runner ended (exit status: 3); last on stderr:\n  | no memory"),
        "{told}"
    );
    assert!(told.contains("liar / third: step 1 (refunds.create): the runner was lost"), "{told}");
}

#[tokio::test]
async fn a_runner_that_hangs_is_given_up() {
    let report = Desk::new().tried(json!([{ "hang": true }])).await;
    assert!(!report.is_full());
    assert!(report.to_string().contains("did not answer within 3s (killed)"), "{report}");
}

#[tokio::test]
async fn a_runner_that_does_not_start_fails_its_column_alone() {
    let desk = Desk::new();
    let good = desk.platform("good", &hello(), &json!([good()]));
    let nothing =
        Platform { name: "nothing".to_owned(), command: vec!["/nowhere/runner".to_owned()] };
    let mute = desk.platform("mute", &json!("hello"), &json!([]));
    let report = desk.judge(&[good, nothing, mute]).await;
    let told = report.to_string();
    assert!(told.contains("1 passed, 2 failed; 1 of 3 columns are full"), "{told}");
    assert!(told.contains("nothing: `/nowhere/runner` cannot be started"), "{told}");
    assert!(told.contains("mute: the runner's first line is `\"hello\"`"), "{told}");
}

/// Faults and charges of one case are nothing to the next; connections may be kept over both.
#[tokio::test]
async fn every_case_has_a_stripe_of_its_own() {
    let desk = Desk::new();
    let mut faulty = refund();
    faulty["given"] = json!([
        { "order": "charges", "body": {}, "as": "charge" },
        { "order": "faults", "body": { "kind": "reset", "times": 9 } },
    ]);
    faulty["then"] = json!({ "refunds": { "{charge.id}": 0 } });
    desk.case("before", &faulty);
    let report = desk.tried(json!([good(), good()])).await;
    assert!(report.is_full(), "{report}");
}

/// Numbers that a double cannot hold are the platforms' business: they get them as they stand in the case.
#[tokio::test]
async fn large_numbers_arrive_unchanged() {
    let desk = Desk::new();
    let text = r#"{"about": "x", "steps": [{"invoke": "a", "input": {"amount": 9007199254740993},
        "output": {"heard": "{\"operation\":\"a\",\"input\":{\"amount\":9007199254740993},\"credential\":\"good\"}"},
        "requests": []}]}"#;
    std::fs::write(desk.path("cases").join("refund.json"), text).unwrap();
    let report = desk.tried(json!([{}])).await;
    assert!(report.is_full(), "{report}");
}

#[tokio::test]
async fn a_case_may_say_what_is_never_sent() {
    let desk = Desk::new();
    let mut case = refund();
    let step = case["steps"][0].as_object_mut().unwrap();
    step.remove("requests");
    step.insert("never".to_owned(), json!(["POST /v1/refunds"]));
    desk.case("refund", &case);
    let report = desk.tried(json!([good()])).await;
    assert!(report.to_string().contains("POST /v1/refunds must never be sent"), "{report}");
}
