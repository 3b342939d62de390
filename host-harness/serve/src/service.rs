//! What the routes work with.

use std::time::Duration;

use refund_host::Node;
use refund_ledger::{Ledger, Refunder};
use serde_json::{Value, json};

use crate::auth::Tokens;
use crate::metrics::Metrics;
use crate::receiver::Receiver;

/// A refund desk: component, ledger, policy, tokens.
pub struct Service {
    pub(crate) node: Node,
    pub(crate) connection: Value,
    pub(crate) ledger: Ledger,
    pub(crate) tokens: Tokens,
    pub(crate) metrics: Metrics,
    /// The policy document; without one only what Stripe enforces holds.
    pub(crate) document: Option<Value>,
    pub(crate) own_requests: bool,
    pub(crate) receiver: Option<Receiver>,
    grace: Duration,
}

impl Service {
    /// `connection` is the field of that name in every operation's input.
    pub fn new(node: Node, connection: Value, ledger: Ledger, tokens: Tokens) -> Self {
        Self {
            node,
            connection,
            ledger,
            tokens,
            metrics: Metrics::new(),
            document: None,
            own_requests: false,
            receiver: None,
            grace: Duration::from_secs(90),
        }
    }

    /// Every refund follows this document.
    #[must_use]
    pub fn policy(self, document: Option<Value>) -> Self {
        Self { document, ..self }
    }

    /// Who asked may agree as well.
    #[must_use]
    pub fn own_requests(self, allowed: bool) -> Self {
        Self { own_requests: allowed, ..self }
    }

    /// Takes webhooks.
    #[must_use]
    pub fn receiver(self, receiver: Option<Receiver>) -> Self {
        Self { receiver, ..self }
    }

    /// For how long after a lost answer "there is no such refund" is not believed.
    #[must_use]
    pub fn grace(self, grace: Duration) -> Self {
        Self { grace, ..self }
    }

    /// Takes what follows from refunds and events to the sinks of the ledger, until told to stop. Run it beside the
    /// routes; any number of processes may. Deliveries under way are let finish.
    pub async fn deliver_until(&self, shutdown: impl Future<Output = ()>) {
        self.ledger.dispatcher().run_until(shutdown).await;
    }

    /// Refunds in somebody's name.
    pub(crate) fn refunder(&self, name: &str) -> Refunder<Ledger> {
        let ledger = self.ledger.in_the_name_of(name);
        Refunder::new(self.node.clone(), self.connection.clone(), ledger).grace(self.grace)
    }

    /// The rules of the merchant, as the ledger keeps them beside an operation.
    pub(crate) fn rules(&self, self_serve: bool) -> Value {
        match &self.document {
            Some(document) => json!({ "document": document, "self_serve": self_serve }),
            None => json!({}),
        }
    }
}
