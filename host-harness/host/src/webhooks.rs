//! Typed calls of `webhooks`.

use crate::api::webhooks::{Action, Event, ParseError, Verified, VerifyError, VerifyOptions};
use crate::error::CallError;
use crate::node::{Answer, Node};
use crate::session::Session;

impl Node {
    /// Checks a webhook's signature.
    pub async fn verify(
        &self,
        payload: &[u8],
        header: Option<&str>,
        secrets: &[String],
        options: VerifyOptions,
        now: u64,
    ) -> Answer<Verified, VerifyError> {
        let webhooks = &self.exports.webhooks;
        self.once(webhooks, async |wit, store| {
            wit.call_verify(store, payload, header, secrets, options, now).await
        })
        .await
    }

    /// Reads a webhook event.
    pub async fn parse(&self, payload: &[u8]) -> Answer<Event, ParseError> {
        let webhooks = &self.exports.webhooks;
        self.once(webhooks, async |wit, store| wit.call_parse(store, payload).await).await
    }

    /// Says what follows from an event.
    pub async fn interpret(&self, event: &Event) -> Result<Action, CallError> {
        let webhooks = &self.exports.webhooks;
        self.once(webhooks, async |wit, store| wit.call_interpret(store, event).await).await
    }
}

impl Session {
    /// As [`Node::verify`].
    pub async fn verify(
        &mut self,
        payload: &[u8],
        header: Option<&str>,
        secrets: &[String],
        options: VerifyOptions,
        now: u64,
    ) -> Answer<Verified, VerifyError> {
        let webhooks = self.webhooks.get(&mut self.instance, &self.exports.webhooks)?;
        self.instance
            .call(webhooks, async |wit, store| {
                wit.call_verify(store, payload, header, secrets, options, now).await
            })
            .await
    }

    /// As [`Node::parse`].
    pub async fn parse(&mut self, payload: &[u8]) -> Answer<Event, ParseError> {
        let webhooks = self.webhooks.get(&mut self.instance, &self.exports.webhooks)?;
        self.instance.call(webhooks, async |wit, store| wit.call_parse(store, payload).await).await
    }
}
