//! What the component can reach, and what it never sees.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use refund_host::api::refunds::CreateError;
use refund_host::api::types::TransportKind;
use refund_host::{Allow, Host, Limits, StripeKey, inspect};
use refund_simulator::{Fault, FaultKind, TEST_KEY};
use refund_tests::{Stage, request};

/// To the letter. A new line here is a new power of the component.
const IMPORTS: [&str; 7] = [
    "wasi:clocks/monotonic-clock@0.2.2",
    "wasi:clocks/wall-clock@0.2.2",
    "wasi:http/outgoing-handler@0.2.2",
    "wasi:http/types@0.2.2",
    "wasi:io/error@0.2.2",
    "wasi:io/poll@0.2.2",
    "wasi:io/streams@0.2.2",
];

#[test]
fn the_import_list_is_exactly_this() {
    let seen = inspect(refund_artifact::NODE).unwrap();
    assert_eq!(seen.imports, IMPORTS);
    let interfaces =
        ["duplicates", "eligibility", "live", "node", "policies", "refunds", "types", "webhooks"];
    let exports = interfaces.map(|name| format!("refund-node:refunds/{name}@0.1.0"));
    assert_eq!(seen.exports, exports);
}

#[test]
fn the_pure_component_imports_nothing() {
    let seen = inspect(refund_artifact::PURE).unwrap();
    assert!(seen.imports.is_empty(), "{:?}", seen.imports);
    let interfaces = ["duplicates", "eligibility", "node", "policies", "types", "webhooks"];
    let exports = interfaces.map(|name| format!("refund-node:refunds/{name}@0.1.0"));
    assert_eq!(seen.exports, exports);
}

#[tokio::test]
async fn the_pure_component_runs_and_says_what_it_lacks() {
    let node = Host::builder().build().unwrap().load(refund_artifact::PURE).unwrap();
    assert!(node.describe().await.unwrap().contains("eligibility.check"));
    let stage = Stage::new().await;
    let error = node.create(&stage.connection, &request("op-1", "ch_1", None)).await.unwrap_err();
    assert!(error.to_string().contains("does not export the interface refunds"), "{error}");
    let unknown = node.invoke("refunds.create", "{}").await.unwrap().unwrap_err();
    assert!(format!("{unknown:?}").contains("webhooks.verify"), "{unknown:?}");
}

#[tokio::test]
async fn an_empty_list_denies_everything() {
    let stage = Stage::with(|host| host.allow(Allow::default())).await;
    let charge = stage.charge();
    let outcome = stage.node.create(&stage.connection, &request("op-1", &charge, None)).await;
    let Err(CreateError::Transport(failure)) = outcome.unwrap() else { panic!("denied") };
    assert_eq!((failure.kind, failure.attempts), (TransportKind::Denied, 1));
    assert!(stage.stripe.requests().is_empty());
}

#[tokio::test]
async fn the_host_adds_the_key_and_the_component_may_not() {
    let stage = Stage::new().await;
    let charge = stage.charge();
    stage.node.create(&stage.connection, &request("op-1", &charge, None)).await.unwrap().unwrap();
    let seen = stage.stripe.requests();
    assert!(seen.iter().all(|request| request.headers["authorization"].starts_with("sk_test_")));
    let mut own = stage.connection.clone();
    own.api_key = Some("sk_test_smuggled".into());
    let before = stage.stripe.requests().len();
    let outcome = stage.node.create(&own, &request("op-2", &charge, None)).await.unwrap();
    assert!(matches!(outcome, Err(CreateError::Transport(_))), "{outcome:?}");
    assert_eq!(stage.stripe.requests().len(), before, "nothing was sent");
}

#[tokio::test]
async fn a_platform_without_a_hook_may_pass_the_key() {
    let stage = Stage::new().await;
    let allow = Allow::stripe_at(&stage.stripe.base_url()).unwrap();
    let host = Host::builder().allow(allow).allow_guest_key(true).build().unwrap();
    let node = host.load(refund_artifact::NODE).unwrap();
    let mut own = stage.connection.clone();
    own.api_key = Some(TEST_KEY.into());
    let charge = stage.charge();
    node.create(&own, &request("op-1", &charge, None)).await.unwrap().unwrap();
    assert_eq!(stage.stripe.refunds_of(&charge).len(), 1);
}

#[tokio::test]
async fn no_answer_of_the_component_holds_the_key() {
    let key = "sk_test_51HiddenHiddenHidden";
    let stage = Stage::with(|host| host.key(StripeKey::parse(key).unwrap())).await;
    let charge = stage.charge();
    let base = stage.stripe.base_url();
    for kind in [FaultKind::Reset { after_commit: false }, FaultKind::BrokenJson] {
        stage.stripe.order_fault(Fault { method: None, path: None, skip: 0, times: 9, kind });
        let input = format!(
            r#"{{"connection":{{"base_url":"{base}","max_retries":0}},"operation_id":"op","payment":"{charge}"}}"#
        );
        let outcome = stage.node.invoke("refunds.create", &input).await.unwrap();
        assert!(!format!("{outcome:?}").contains("Hidden"));
    }
    assert!(!format!("{:?}", stage.stripe.requests()).contains("HiddenHidden"));
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_stopped_and_the_host_goes_on() {
    let limits = Limits { call: std::time::Duration::from_millis(300), ..Limits::default() };
    let stage = Stage::with(|host| host.limits(limits)).await;
    let charge = stage.charge();
    let hang = FaultKind::Hang { after_commit: false };
    stage.stripe.order_fault(Fault { method: None, path: None, skip: 0, times: 1, kind: hang });
    let error = stage.node.retrieve(&stage.connection, "re_1").await.unwrap_err();
    assert!(error.to_string().contains("limit of time of a call"), "{error}");
    stage.node.create(&stage.connection, &request("op-1", &charge, None)).await.unwrap().unwrap();
}

#[tokio::test]
async fn too_little_memory_is_a_named_limit() {
    let limits = Limits { memory: 1 << 20, ..Limits::default() };
    let host = Host::builder().limits(limits).build().unwrap();
    let outcome = match host.load(refund_artifact::NODE) {
        Ok(node) => node.describe().await.map(|_| ()).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    assert!(outcome.unwrap_err().contains("memory"));
}

#[test]
fn a_truncated_file_is_told() {
    let host = Host::builder().build().unwrap();
    let half = &refund_artifact::NODE[..refund_artifact::NODE.len() / 2];
    let error = host.load(half).err().unwrap().to_string();
    assert!(error.contains("damaged or cut off"), "{error}");
}

#[tokio::test]
async fn a_kept_instance_answers_for_ever_in_the_same_memory() {
    let limits = Limits { memory: 4 << 20, ..Limits::default() };
    let host = Host::builder().limits(limits).build().unwrap();
    let mut session = host.load(refund_artifact::NODE).unwrap().session().await.unwrap();
    let event = format!(
        r#"{{"id":"evt_1","object":"event","type":"charge.refunded","created":1,"livemode":false,"data":{{"object":{{"id":"ch_1","note":"{}"}}}}}}"#,
        "x".repeat(8000)
    );
    for call in 0..2000 {
        let parsed = session.parse(event.as_bytes()).await.unwrap();
        assert_eq!(parsed.unwrap().id, "evt_1", "call {call}");
        session.parse(b"no event").await.unwrap().unwrap_err();
    }
}

#[tokio::test]
async fn a_kept_instance_reaches_nothing() {
    let stage = Stage::new().await;
    let charge = stage.charge();
    let input = serde_json::json!({
        "operation_id": "op-1", "payment": charge, "connection": { "base_url": stage.stripe.base_url() },
    });
    let mut session = stage.node.session().await.unwrap();
    let refused = session.invoke("refunds.create", &input.to_string()).await.unwrap();
    assert!(format!("{refused:?}").contains("HttpRequestDenied"), "{refused:?}");
    assert!(stage.stripe.requests().is_empty());
}

#[tokio::test]
async fn more_kept_instances_than_there_are_places_is_a_named_limit() {
    let call = std::time::Duration::from_millis(300);
    let limits = Limits { concurrency: 1, call, ..Limits::default() };
    let stage = Stage::with(|host| host.limits(limits)).await;
    let kept = stage.node.session().await.unwrap();
    let error = stage.node.session().await.err().unwrap();
    assert!(error.to_string().contains("limit of time of a call"), "{error}");
    drop(kept);
    stage.node.session().await.unwrap();
}
