//! The exports of a refund node. Only `invoke` does anything.

use crate::bindings::exports::refund_node::refunds::{
    duplicates, eligibility, node, types, webhooks,
};
use crate::{Hostile, attacks};

const NOTHING: &str = "a hostile guest is only invoked";

impl node::Guest for Hostile {
    fn describe() -> String {
        "{}".to_owned()
    }

    fn invoke(operation: String, input: String) -> Result<String, node::InvokeError> {
        if operation == "refunds.create" {
            return create(&input);
        }
        attacks::run(&operation, &input).ok_or_else(|| node::InvokeError::UnknownOperation(vec![]))
    }
}

/// Does what the operation id says: `sends-…` sends a request that makes a refund, and then it traps, babbles or lies.
fn create(input: &str) -> Result<String, node::InvokeError> {
    let between = |name: &str| {
        let (_, rest) = input.split_once(&format!("\"{name}\":\"")).unwrap_or_default();
        rest.split('"').next().unwrap_or_default()
    };
    let (operation, base_url) = (between("operation_id"), between("base_url"));
    if operation.starts_with("sends") {
        let sent = attacks::run("fetch", &format!("POST {base_url}/v1/refunds"));
        assert!(sent.is_some_and(|sent| sent.starts_with("status")), "the request did not leave");
    }
    assert!(!operation.ends_with("traps"), "trapped, as the operation id says");
    if operation.ends_with("babbles") {
        return Ok("no JSON at all".to_owned());
    }
    let nothing_left =
        r#"{"type":"transport","kind":"connect","detail":"never left","attempts":1}"#;
    Err(node::InvokeError::Failed(node::Failure {
        kind: node::FailureKind::Transport,
        message: "never left".to_owned(),
        retryable: true,
        retry_after: None,
        details: nothing_left.to_owned(),
    }))
}

impl eligibility::Guest for Hostile {
    fn check(
        _: eligibility::Ask,
        _: eligibility::Facts,
        _: eligibility::Rules,
        _: u64,
    ) -> Result<eligibility::Verdict, Vec<types::FieldProblem>> {
        unreachable!("{NOTHING}")
    }
}

/// Finds nothing.
pub(crate) struct Scanner;

impl duplicates::GuestScanner for Scanner {
    fn new(_: duplicates::Options, _: duplicates::Direction) -> Self {
        Self
    }

    fn push(&self, _: Vec<types::Charge>) -> Result<Vec<duplicates::Group>, duplicates::ScanError> {
        unreachable!("{NOTHING}")
    }

    fn finish(&self) -> Vec<duplicates::Group> {
        unreachable!("{NOTHING}")
    }

    fn tally(&self) -> duplicates::Tally {
        unreachable!("{NOTHING}")
    }
}

impl duplicates::Guest for Hostile {
    type Scanner = Scanner;

    fn detect(
        _: Vec<types::Charge>,
        _: duplicates::Options,
    ) -> Result<Vec<duplicates::Group>, Vec<types::FieldProblem>> {
        unreachable!("{NOTHING}")
    }
}

impl webhooks::Guest for Hostile {
    fn verify(
        _: Vec<u8>,
        _: Option<String>,
        _: Vec<String>,
        _: webhooks::VerifyOptions,
        _: u64,
    ) -> Result<webhooks::Verified, webhooks::VerifyError> {
        unreachable!("{NOTHING}")
    }

    fn parse(_: Vec<u8>) -> Result<webhooks::Event, webhooks::ParseError> {
        unreachable!("{NOTHING}")
    }

    fn interpret(_: webhooks::Event) -> webhooks::Action {
        unreachable!("{NOTHING}")
    }
}
