//! Typed calls of `credits`, what is fair, and of `billing`, what was paid: what pipelines import.

use crate::api::billing::{InvoiceFacts, InvoiceRequest, SubscriptionPeriod};
use crate::api::credits::{ProrateRequest, Proration, Quote, SlaRequest};
use crate::api::types::{CallError, Connection, FieldProblem};
use crate::node::{Answer, Node};

impl Node {
    /// The credit that a service level grants for a period.
    pub async fn sla_quote(&self, request: &SlaRequest) -> Answer<Quote, Vec<FieldProblem>> {
        let credits = self.exports.credits.get()?;
        self.once(credits, async |wit, store| wit.call_sla_quote(store, request).await).await
    }

    /// What to refund when a period ends early.
    pub async fn prorate(&self, request: &ProrateRequest) -> Answer<Proration, Vec<FieldProblem>> {
        let credits = self.exports.credits.get()?;
        self.once(credits, async |wit, store| wit.call_prorate(store, request).await).await
    }

    /// Reads what was paid for a billed period, by which payments, and what was given back of it.
    pub async fn read_invoice(
        &self,
        connection: &Connection,
        request: &InvoiceRequest,
    ) -> Answer<InvoiceFacts, CallError> {
        let billing = self.exports.billing.get()?;
        self.once(billing, async |wit, store| {
            wit.call_read_invoice(store, connection, request).await
        })
        .await
    }

    /// Reads the period of a subscription, or of one of its items.
    pub async fn read_subscription(
        &self,
        connection: &Connection,
        subscription: &str,
        item: Option<&str>,
    ) -> Answer<SubscriptionPeriod, CallError> {
        let billing = self.exports.billing.get()?;
        self.once(billing, async |wit, store| {
            wit.call_read_subscription(store, connection, subscription, item).await
        })
        .await
    }
}
