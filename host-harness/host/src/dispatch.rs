//! The generic interface: `describe` and `invoke`.

use crate::api::node::InvokeError;
use crate::egress::Hook;
use crate::error::CallError;
use crate::instance::Instance;
use crate::node::{Answer, Node};
use crate::session::Session;

/// What came of an operation, and whether a request that changes something left for it.
#[derive(Debug)]
pub struct Invoked {
    /// The output, a JSON object; or why there is none.
    pub answer: Answer<String, InvokeError>,
    /// How many requests that change something left, or may have. With none, nothing was changed at Stripe.
    pub changes_sent: u32,
}

impl Node {
    /// The manifest, a JSON object.
    pub async fn describe(&self) -> Result<String, CallError> {
        let node = &self.exports.node;
        self.once(node, async |wit, store| wit.call_describe(store).await).await
    }

    /// Runs one operation: JSON object in, JSON object out.
    pub async fn invoke(&self, operation: &str, input: &str) -> Answer<String, InvokeError> {
        self.call(operation, input).await.answer
    }

    /// The same, and how many requests that change something left for it.
    pub async fn call(&self, operation: &str, input: &str) -> Invoked {
        let hook = self.linked.runtime.egress.open();
        let changes = hook.changes().clone();
        let answer = self.invoked(hook, operation, input).await;
        Invoked { answer, changes_sent: changes.count() }
    }

    /// Runs one operation that may only read: a request that changes something is denied, whatever the component is.
    pub async fn invoke_reading(
        &self,
        operation: &str,
        input: &str,
    ) -> Answer<String, InvokeError> {
        self.invoked(self.linked.runtime.egress.reads(), operation, input).await
    }

    async fn invoked(
        &self,
        hook: Hook,
        operation: &str,
        input: &str,
    ) -> Answer<String, InvokeError> {
        let node = &self.exports.node;
        Instance::once(&self.linked, hook, node, async |wit, store| {
            wit.call_invoke(store, operation, input).await
        })
        .await
    }
}

impl Session {
    /// As [`Node::invoke`].
    pub async fn invoke(&mut self, operation: &str, input: &str) -> Answer<String, InvokeError> {
        let node = self.node.get(&mut self.instance, &self.exports.node)?;
        self.instance
            .call(node, async |wit, store| wit.call_invoke(store, operation, input).await)
            .await
    }
}
