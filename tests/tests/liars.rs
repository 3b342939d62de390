//! A component that sends a request and then fails, or says that it sent nothing: the host saw it leave.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use refund_app::outcome::Unrecorded;
use refund_app::{
    Application, Ask, Caller, Component, Connection, OutcomeKind, Settings, Tokio, WasmComponent,
};
use refund_core::id::{OperationId, PaymentRef};
use refund_ledger::{Ledger, MerchantRules, Request, Scope, State, UserName};
use refund_tests::Stage;
use refund_tests::containment::files::HOSTILE;

/// What the guest does is its operation id.
const CASES: [(&str, OutcomeKind, State); 6] = [
    ("sends-and-traps", OutcomeKind::Unknown, State::OutcomeUnknown),
    ("sends-and-babbles", OutcomeKind::Unknown, State::OutcomeUnknown),
    ("sends-and-lies", OutcomeKind::Unknown, State::OutcomeUnknown),
    ("traps", OutcomeKind::NoAnswer, State::Planned),
    ("babbles", OutcomeKind::NoAnswer, State::Planned),
    ("lies", OutcomeKind::NoAnswer, State::Planned),
];

fn component(stage: &Stage) -> WasmComponent {
    let connection = Connection { base_url: Some(stage.stripe.base_url()), account: None };
    WasmComponent::new(stage.node.clone(), connection)
}

fn request(operation: &str) -> Request {
    Request::new(OperationId::parse(operation).unwrap(), PaymentRef::parse("ch_1").unwrap())
}

#[tokio::test]
async fn whether_a_request_left_decides() {
    for (operation, kind, state) in CASES {
        let stage = Stage::of(HOSTILE, |host| host).await;
        let folder = tempfile::tempdir().unwrap();
        let scope = Scope { base_url: stage.stripe.base_url(), live: false, account: None };
        let ledger = Ledger::open(&folder.path().join("ledger"), &scope).unwrap();
        let application = Application::new(component(&stage), ledger, Tokio, Settings::default());
        let caller = Caller::new(UserName::parse("alice").unwrap(), "test");
        let ask = Ask { request: request(operation), rules: MerchantRules::default() };
        let outcome = application.ask(ask, &caller).await.unwrap();
        assert_eq!((outcome.kind(), outcome.operation.state), (kind, state), "{operation}");
        let sent = stage.stripe.requests().len();
        assert_eq!(outcome.operation.changes_sent as usize, sent, "{operation}");
        assert_eq!(sent > 0, outcome.kind().row().exit == 6, "{operation}");
    }
}

#[tokio::test]
async fn without_a_ledger_as_well() {
    for (operation, kind, _) in CASES {
        let stage = Stage::of(HOSTILE, |host| host).await;
        let attempt = refund_app::component::Attempt {
            request: request(operation),
            rules: MerchantRules::default(),
            approval: None,
        };
        let called = component(&stage).create(&attempt).await;
        assert_eq!(Unrecorded::of(called, 1).kind(), kind, "{operation}");
    }
}

#[tokio::test]
async fn what_only_reads_sends_nothing_that_changes_something() {
    for (operation, ..) in CASES {
        let stage = Stage::of(HOSTILE, |host| host).await;
        let base_url = stage.stripe.base_url();
        let input = format!(r#"{{"operation_id":"{operation}","base_url":"{base_url}"}}"#);
        // What it says does not count: nothing has left.
        let _ = stage.node.invoke_reading("refunds.create", &input).await;
        assert!(stage.stripe.requests().is_empty(), "{operation}");
        let sends = operation.starts_with("sends");
        let called = stage.node.call("refunds.create", &input).await;
        assert_eq!(called.changes_sent > 0, sends, "{operation}");
    }
}
