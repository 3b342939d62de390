//! An instance that is kept between calls.

use crate::api;
use crate::api::eligibility::{Ask, Facts, Rules, Verdict};
use crate::api::node::InvokeError;
use crate::api::types::FieldProblem;
use crate::api::webhooks::{Event, ParseError, Verified, VerifyError, VerifyOptions};
use crate::node::{Answer, Node, Opened};

/// One instance for many calls, one after the other, without the cost of a fresh one each time. It reaches nothing:
/// every request is denied. What a call leaves in the instance's memory is there for the next, so let no two
/// customers share one. Until it is dropped it takes one of the places of [`crate::Limits::concurrency`]. After an
/// error of the host's ([`crate::CallError`]) open another.
pub struct Session {
    node: Node,
    opened: Opened,
    // Loading an interface compares all its types, which takes longer than many a call.
    generic: Option<api::node::Guest>,
    eligibility: Option<api::eligibility::Guest>,
    webhooks: Option<api::webhooks::Guest>,
}

/// Calls one function in the kept instance, within the time of a call.
macro_rules! call {
    ($session:expr, $kept:ident, $face:ident, $function:ident ( $($argument:expr),* )) => {{
        let Session { node, opened, $kept, .. } = $session;
        node.start_clock(&mut opened.store);
        node.within(async {
            let face = match $kept {
                Some(face) => face,
                None => $kept.insert(
                    node.faces()
                        .$face
                        .load(&mut opened.store, &opened.instance)
                        .map_err(|error| node.failure(&error))?,
                ),
            };
            let answer = face.$function(&mut opened.store, $($argument),*).await;
            opened.within_limits()?;
            answer.map_err(|error| node.ended(&error, &mut opened.store))
        })
        .await
        .map_err(crate::error::CallError::from)
    }};
}

impl Session {
    pub(crate) fn new(node: Node, opened: Opened) -> Self {
        Self { node, opened, generic: None, eligibility: None, webhooks: None }
    }

    /// As [`Node::invoke`].
    pub async fn invoke(&mut self, operation: &str, input: &str) -> Answer<String, InvokeError> {
        call!(self, generic, node, call_invoke(operation, input))
    }

    /// As [`Node::check`].
    pub async fn check(
        &mut self,
        ask: &Ask,
        facts: &Facts,
        rules: &Rules,
        now: u64,
    ) -> Answer<Verdict, Vec<FieldProblem>> {
        call!(self, eligibility, eligibility, call_check(ask, facts, rules, now))
    }

    /// As [`Node::verify`].
    pub async fn verify(
        &mut self,
        payload: &[u8],
        header: Option<&str>,
        secrets: &[String],
        options: VerifyOptions,
        now: u64,
    ) -> Answer<Verified, VerifyError> {
        call!(self, webhooks, webhooks, call_verify(payload, header, secrets, options, now))
    }

    /// As [`Node::parse`].
    pub async fn parse(&mut self, payload: &[u8]) -> Answer<Event, ParseError> {
        call!(self, webhooks, webhooks, call_parse(payload))
    }
}
