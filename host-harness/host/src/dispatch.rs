//! The generic interface: `describe` and `invoke`.

use crate::api::node::InvokeError;
use crate::error::CallError;
use crate::node::{Answer, Node};
use crate::session::{Session, loaded};

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
        let node = &self.exports().node;
        self.once(async |store, exports| {
            node.load(&mut *store, exports)?.call_describe(store).await
        })
        .await
    }

    /// Runs one operation: JSON object in, JSON object out.
    pub async fn invoke(&self, operation: &str, input: &str) -> Answer<String, InvokeError> {
        self.call(operation, input).await.answer
    }

    /// The same, and how many requests that change something left for it.
    pub async fn call(&self, operation: &str, input: &str) -> Invoked {
        let node = &self.exports().node;
        let (answer, changes_sent) = self
            .counted(async |store, exports| {
                node.load(&mut *store, exports)?.call_invoke(store, operation, input).await
            })
            .await;
        Invoked { answer, changes_sent }
    }

    /// Runs one operation that may only read: a request that changes something is denied, whatever the component is.
    pub async fn invoke_reading(
        &self,
        operation: &str,
        input: &str,
    ) -> Answer<String, InvokeError> {
        let node = &self.exports().node;
        self.reading(async |store, exports| {
            node.load(&mut *store, exports)?.call_invoke(store, operation, input).await
        })
        .await
    }
}

impl Session {
    /// As [`Node::invoke`].
    pub async fn invoke(&mut self, operation: &str, input: &str) -> Answer<String, InvokeError> {
        let Self { exports: indices, instance, node, .. } = self;
        instance
            .call(async |store, exports| {
                let node = loaded(node, || indices.node.load(&mut *store, exports))?;
                node.call_invoke(store, operation, input).await
            })
            .await
    }
}
