//! The node behind `wasi:http/incoming-handler`, served by plain wasmtime. Refunds are counted at the simulator.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod wrapped;

use std::sync::LazyLock;

use bytes::Bytes;
use http::request::Builder;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use refund_host::inspect;
use refund_platforms::{HTTP, HTTP_SIMULATOR, Wrapper};
use refund_simulator::{Fault, FaultKind, NewCharge, Simulator, TEST_KEY};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use wasmtime_wasi_http::WasiHttpView;
use wasmtime_wasi_http::p2::bindings::ProxyPre;
use wasmtime_wasi_http::p2::bindings::http::types::Scheme;
use wrapped::{Host, State, Way};

static PLAIN: LazyLock<Served> = LazyLock::new(|| Served::new(HTTP));
static SIMULATOR: LazyLock<Served> = LazyLock::new(|| Served::new(HTTP_SIMULATOR));

/// A component that is served.
struct Served {
    host: Host,
    proxy: ProxyPre<State>,
}

impl Served {
    fn new(wrapper: Wrapper) -> Self {
        let host = Host::new(wrapper.composed);
        let proxy = ProxyPre::new(host.pre()).unwrap();
        Self { host, proxy }
    }

    /// Hands one request to a fresh instance.
    async fn handle(&self, way: &Way, request: Request<Bytes>) -> Answer {
        let mut store = self.host.store(way.clone(), &[]);
        let (sender, receiver) = oneshot::channel();
        let request = request.map(Full::new);
        let request = store.data_mut().http().new_incoming_request(Scheme::Http, request).unwrap();
        let out = store.data_mut().http().new_response_outparam(sender).unwrap();
        let proxy = self.proxy.clone();
        let call = tokio::spawn(async move {
            let proxy = proxy.instantiate_async(&mut store).await.unwrap();
            proxy.wasi_http_incoming_handler().call_handle(&mut store, request, out).await.unwrap();
        });
        let (parts, body) = receiver.await.unwrap().unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        call.await.unwrap();
        let json = serde_json::from_slice(&body).unwrap();
        Answer { status: parts.status, headers: parts.headers, length: body.len(), json }
    }
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    length: usize,
    json: Value,
}

impl Answer {
    /// Status, and the error's kind, or its code where the wrapper itself says no.
    fn error(&self) -> (u16, &str) {
        let error = &self.json["error"];
        let word = if error["kind"] == "host" { &error["code"] } else { &error["kind"] };
        (self.status.as_u16(), word.as_str().unwrap_or_default())
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

struct Stage {
    stripe: Simulator,
    way: Way,
}

impl Stage {
    async fn new() -> Self {
        let stripe = Simulator::builder().seed(7).start().await.unwrap();
        let way = Way::to(&stripe);
        Self { stripe, way }
    }

    fn charge(&self) -> String {
        self.stripe.charge(&NewCharge::default())["id"].as_str().unwrap().to_owned()
    }

    /// As a caller with a key would.
    async fn post(&self, operation: &str, input: &Value) -> Answer {
        let request = post(operation).header("authorization", format!("Bearer {TEST_KEY}"));
        self.send(request, input.to_string()).await
    }

    async fn send(&self, request: Builder, body: impl Into<Bytes>) -> Answer {
        PLAIN.handle(&self.way, request.body(body.into()).unwrap()).await
    }
}

fn post(operation: &str) -> Builder {
    request(Method::POST, &format!("/{operation}")).header("content-type", "application/json")
}

fn request(method: Method, path: &str) -> Builder {
    Request::builder().method(method).uri(path).header("host", "refunds.example")
}

#[test]
fn it_reaches_no_further_than_the_node_and_offers_one_thing() {
    let node = inspect(refund_artifact::NODE).unwrap();
    for wrapper in [HTTP, HTTP_SIMULATOR] {
        let seen = inspect(wrapper.composed).unwrap();
        assert_eq!(seen.imports, node.imports, "{}", wrapper.name);
        assert_eq!(seen.exports, ["wasi:http/incoming-handler@0.2.2"]);
    }
}

#[test]
fn the_node_inside_is_the_node_byte_for_byte() {
    for wrapper in refund_platforms::ALL {
        let node = refund_artifact::NODE;
        let found = wrapper.composed.windows(node.len()).any(|window| window == node);
        assert!(found, "{}", wrapper.name);
    }
}

#[tokio::test]
async fn the_manifest_and_health_need_no_key() {
    let stage = Stage::new().await;
    let manifest = stage.send(request(Method::GET, "/?x=1"), "").await;
    assert_eq!(manifest.status, 200);
    assert_eq!(manifest.header("content-type"), "application/json");
    assert_eq!(manifest.header("content-length"), manifest.length.to_string());
    assert_eq!(manifest.json["operations"][0]["name"], "refunds.create");
    let health = stage.send(request(Method::GET, "/health"), "").await;
    assert_eq!((health.status.as_u16(), health.json), (200, json!({ "status": "ok" })));
}

#[tokio::test]
async fn one_operation_id_is_one_refund() {
    let stage = Stage::new().await;
    let charge = stage.charge();
    let input =
        json!({ "operation_id": "op-1", "payment": charge, "amount": 1000, "currency": "usd" });
    for origin in ["made", "found"] {
        let made = stage.post("refunds.create", &input).await;
        assert_eq!((made.status.as_u16(), &made.json["origin"]), (200, &json!(origin)));
        assert_eq!(made.json["refund"]["status"], "succeeded");
    }
    assert_eq!(stage.stripe.refunds_of(&charge).len(), 1);
    let (bearer, seen) = (format!("Bearer {TEST_KEY}"), stage.way.seen());
    let expected = ("https://api.stripe.com".to_owned(), bearer);
    assert!(!seen.is_empty() && seen.iter().all(|one| *one == expected), "{seen:?}");
}

#[tokio::test]
async fn the_operation_id_is_for_one_refund_only() {
    let stage = Stage::new().await;
    let charge = stage.charge();
    let input = |amount| json!({ "operation_id": "op-1", "payment": charge, "amount": amount, "currency": "usd" });
    stage.post("refunds.create", &input(1000)).await;
    let other = stage.post("refunds.create", &input(1500)).await;
    assert_eq!(other.error(), (409, "conflict"));
    assert_eq!(stage.stripe.refunds_of(&charge).len(), 1);
}

#[tokio::test]
async fn a_lost_answer_is_worth_the_same_request_again() {
    let stage = Stage::new().await;
    let charge = stage.charge();
    let input = json!({ "operation_id": "op-1", "payment": charge });
    stage.stripe.order_fault(Fault::on_create(FaultKind::Reset { after_commit: false }).times(3));
    let lost = stage.post("refunds.create", &input).await;
    assert_eq!(lost.error(), (504, "outcome-unknown"));
    assert_eq!(lost.json["error"]["retryable"], true);
    assert!(!lost.header("retry-after").is_empty());
    let message = lost.json["error"]["message"].as_str().unwrap();
    assert!(message.contains("call again with operation id `op-1`"), "{message}");
    assert_eq!(stage.post("refunds.create", &input).await.status, 200);
    assert_eq!(stage.stripe.refunds_of(&charge).len(), 1);
}

#[tokio::test]
async fn what_is_said_no_to_and_what_may_be_tried_again_are_told_apart() {
    let stage = Stage::new().await;
    let charge = stage.charge();
    let input =
        json!({ "operation_id": "op-1", "payment": charge, "amount": 9999, "currency": "usd" });
    let denied = stage.post("refunds.create", &input).await;
    assert_eq!(denied.error(), (422, "denied"));
    assert_eq!(denied.json["error"]["details"]["type"], "denied");
    let mut asks = json!({ "operation_id": "op-2", "payment": charge });
    asks["policy"] = json!({ "approve_up_to": { "usd": "1.00" } });
    assert_eq!(stage.post("refunds.create", &asks).await.error(), (422, "needs-approval"));
    let unknown = stage.post("refunds.retrieve", &json!({ "refund": "re_none" })).await;
    assert_eq!(unknown.error(), (422, "refused"));
    let busy = FaultKind::Status {
        status: 429,
        code: None,
        html: false,
        retry_after: Some("7".into()),
        should_retry: Some(false),
        after_commit: false,
    };
    stage.stripe.order_fault(Fault { method: Some("GET".into()), ..Fault::on_create(busy) });
    let busy = stage.post("refunds.list", &json!({})).await;
    assert_eq!((busy.error(), busy.header("retry-after")), ((503, "refused"), "7"));
    assert!(stage.stripe.refunds_of(&charge).is_empty());
}

#[tokio::test]
async fn nobody_refunds_without_a_key_of_their_own() {
    let stage = Stage::new().await;
    let input = json!({ "operation_id": "op-1", "payment": stage.charge() }).to_string();
    let basic = format!("Basic {TEST_KEY}");
    for (authorization, expected) in [
        ("", (401, "missing-key")),
        ("Bearer ", (401, "missing-key")),
        (basic.as_str(), (401, "missing-key")),
        ("Bearer pk_test_simulator", (401, "wrong-key")),
        ("Bearer whsec_simulator", (401, "wrong-key")),
        ("Bearer sk_test_a b", (401, "wrong-key")),
        ("Bearer sk_live_simulator", (403, "live-key")),
        (concat!("Bearer rk_", "live_simulator"), (403, "live-key")),
    ] {
        let mut request = post("refunds.create");
        if !authorization.is_empty() {
            request = request.header("authorization", authorization);
        }
        let answer = stage.send(request, input.clone()).await;
        assert_eq!(answer.error(), expected, "{authorization}");
        let challenge = if expected.0 == 401 { "Bearer" } else { "" };
        assert_eq!(answer.header("www-authenticate"), challenge);
        assert!(!answer.json.to_string().contains("simulator"), "{}", answer.json);
    }
    let twice = post("refunds.create").header("authorization", format!("Bearer {TEST_KEY}"));
    let twice = twice.header("authorization", "Bearer sk_test_other");
    assert_eq!(stage.send(twice, input).await.error(), (400, "invalid-input"));
    assert!(stage.way.seen().is_empty(), "nothing was sent");
}

#[tokio::test]
async fn a_live_key_goes_out_for_those_who_say_so() {
    let stage = Stage::new().await;
    for (value, sent) in [("yes", 0), ("false", 0), ("true", 1)] {
        let request = post("refunds.balance")
            .header("authorization", "Bearer sk_live_simulator")
            .header("x-refund-node-live", value);
        stage.send(request, "{}").await;
        assert_eq!(stage.way.seen().len(), sent, "{value}");
    }
}

#[tokio::test]
async fn the_account_comes_in_stripes_own_header() {
    let stage = Stage::new().await;
    let request = |account| {
        let bearer = format!("Bearer {TEST_KEY}");
        post("refunds.balance").header("authorization", bearer).header("stripe-account", account)
    };
    stage.send(request("acct_1"), "{}").await;
    assert_eq!(stage.stripe.requests()[0].headers["stripe-account"], "acct_1");
    let bad = stage.send(request("ch_1"), "{}").await;
    assert_eq!(bad.error(), (400, "invalid-input"));
    assert_eq!(bad.json["error"]["problems"][0]["field"], "connection.account");
}

#[tokio::test]
async fn a_request_that_does_not_fit_says_what_to_change() {
    let stage = Stage::new().await;
    let bearer = format!("Bearer {TEST_KEY}");
    let with_key = |request: Builder| request.header("authorization", &bearer);
    let form = request(Method::POST, "/refunds.create").header("content-type", "text/plain");
    let large = post("refunds.create").header("content-length", "8388609");
    let get = request(Method::GET, "/refunds.create");
    let named = r#"{"connection":{"base_url":"https://evil.example"}}"#;
    let own = r#"{"connection":{"api_key":"sk_test_secret"}}"#;
    for (request, body, status, field) in [
        (post("refunds.create"), "{", 400, "input"),
        (post("refunds.create"), "[]", 400, "input"),
        (post("refunds.create"), r#"{"operation_id":" ","payment":"ch_1"}"#, 400, "operation_id"),
        (post("refunds.create"), named, 400, "connection"),
        (post("refunds.create"), own, 400, "connection"),
        (form, "{}", 415, "content-type"),
        (large, "{}", 413, "body"),
        (get, "", 405, "method"),
        (request(Method::DELETE, "/"), "", 405, "method"),
    ] {
        let answer = stage.send(with_key(request), body).await;
        assert_eq!(answer.error(), (status, "invalid-input"), "{body}");
        let problem = &answer.json["error"]["problems"][0];
        assert!(problem["field"].as_str().unwrap().contains(field), "{problem}");
        assert!(!problem["fix"].as_str().unwrap().is_empty(), "{problem}");
        assert!(!answer.json.to_string().contains("secret"), "{}", answer.json);
    }
    let not_text = stage.send(with_key(post("refunds.create")), &b"\xff"[..]).await;
    assert_eq!(not_text.error(), (400, "invalid-input"));
    let unknown = stage.send(with_key(post("refunds.make")), "{}").await;
    assert_eq!(unknown.error(), (404, "unknown-operation"));
    assert!(unknown.json["error"]["known"].as_array().unwrap().contains(&json!("refunds.create")));
    assert!(stage.way.seen().is_empty(), "nothing was sent");
}

#[tokio::test]
async fn a_body_is_read_up_to_the_cap_and_no_further() {
    let stage = Stage::new().await;
    let of_length = |length: usize| format!("{{}}{}", " ".repeat(length - 2));
    let most = stage.send(post("policies.describe"), of_length(8 << 20)).await;
    assert_eq!(most.error(), (400, "invalid-input"));
    let more = stage.send(post("policies.describe"), of_length((8 << 20) + 1)).await;
    assert_eq!(more.error(), (413, "invalid-input"));
}

#[tokio::test]
async fn a_forged_webhook_is_rejected_and_a_signed_one_is_not() {
    let stage = Stage::new().await;
    let payload = r#"{"id":"evt_1","object":"event"}"#;
    let verify = |header: String| {
        let input = json!({ "payload": payload, "header": header, "secrets": ["whsec_1"],
            "now": stage.stripe.now() });
        let stage = &stage;
        async move { stage.send(post("webhooks.verify"), input.to_string()).await }
    };
    assert_eq!(verify(stage.stripe.sign(payload, "whsec_1")).await.status, 200);
    let forged = verify(stage.stripe.sign(payload, "whsec_2")).await;
    assert_eq!(forged.error(), (422, "rejected"));
}

#[tokio::test]
async fn only_the_edition_for_trying_out_lets_a_caller_say_where() {
    let stage = Stage::new().await;
    let url = stage.stripe.base_url();
    let to = |url: &str, key: &str| {
        let request = post("refunds.balance").header("authorization", format!("Bearer {key}"));
        let request = request.header("x-refund-node-live", "true");
        request.header("x-refund-node-base-url", url).body(Bytes::from("{}")).unwrap()
    };
    let tried = SIMULATOR.handle(&stage.way, to(&url, TEST_KEY)).await;
    assert_eq!((tried.status.as_u16(), stage.way.seen()[0].0.as_str()), (200, url.as_str()));
    for elsewhere in ["https://api.stripe.com", "http://10.0.0.1:80", "https://evil.example", ""] {
        let refused = SIMULATOR.handle(&stage.way, to(elsewhere, TEST_KEY)).await;
        assert_eq!(refused.error(), (400, "invalid-input"), "{elsewhere}");
    }
    let live = SIMULATOR.handle(&stage.way, to(&url, "sk_live_simulator")).await;
    assert_eq!((live.error(), stage.way.seen().len()), ((403, "live-key"), 1));
    PLAIN.handle(&stage.way, to("http://127.0.0.1:1", TEST_KEY)).await;
    assert_eq!(stage.way.seen()[1].0, "https://api.stripe.com");
}
