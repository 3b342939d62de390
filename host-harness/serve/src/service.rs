//! What the routes work with.

use refund_app::{Application, Caller, Receiver, Tokio, WasmComponent};
use refund_core::policy::Document;
use refund_ledger::{HeldRules, Ledger, MerchantRules, UserName};

use crate::metrics::Metrics;
use crate::tokens::Tokens;

/// The name under which the API writes to the audit.
const COMMAND: &str = "serve";

/// The application layer, as the API serves it.
pub(crate) type App = Application<WasmComponent, Ledger, Tokio>;

/// The HTTP API: application layer, policy, tokens.
pub struct Service {
    pub(crate) application: App,
    pub(crate) tokens: Tokens,
    pub(crate) metrics: Metrics,
    /// The policy document in force; without one only what Stripe enforces holds.
    document: Option<Document>,
    pub(crate) own_requests: bool,
    pub(crate) receiver: Option<Receiver<WasmComponent, Ledger, Tokio>>,
}

impl Service {
    /// Serves an application layer to those who hold a token.
    pub fn new(application: App, tokens: Tokens) -> Self {
        Self {
            application,
            tokens,
            metrics: Metrics::new(),
            document: None,
            own_requests: false,
            receiver: None,
        }
    }

    /// Every refund follows this document.
    #[must_use]
    pub fn policy(self, document: Option<Document>) -> Self {
        Self { document, ..self }
    }

    /// Requesters may approve what they asked for.
    #[must_use]
    pub fn own_requests(self, allowed: bool) -> Self {
        Self { own_requests: allowed, ..self }
    }

    /// Takes webhooks.
    #[must_use]
    pub fn receiver(self, receiver: Option<Receiver<WasmComponent, Ledger, Tokio>>) -> Self {
        Self { receiver, ..self }
    }

    /// Delivers follow-ups to the sinks of the ledger until shutdown. Run it beside the routes; any number of processes
    /// may. Deliveries under way are finished.
    pub async fn deliver_until(&self, shutdown: impl Future<Output = ()>) {
        let finder = self.application.component().clone();
        self.ledger().dispatcher().finding(finder).run_until(shutdown).await;
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        self.application.store()
    }

    pub(crate) fn caller(name: &UserName) -> Caller {
        Caller::new(name.clone(), COMMAND)
    }

    /// The merchant's rules in force.
    pub(crate) fn rules(&self, self_serve: bool) -> MerchantRules {
        match &self.document {
            Some(document) => MerchantRules::document(document.clone(), self_serve),
            None => MerchantRules::default(),
        }
    }

    /// The rules in force for an operation that is executed: whether the customer asked directly stays as it was.
    pub(crate) fn rules_in_force(&self, asked_under: &HeldRules) -> Option<MerchantRules> {
        self.document.as_ref().map(|_| self.rules(asked_under.self_serve()))
    }
}
