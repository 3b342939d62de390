//! What is fair to give back, and the invoices that say what was paid.

use refund_core::billing::{InvoiceFacts, SubscriptionPeriod};
use refund_core::caller::SubscriptionCall;
use refund_core::client::{CallError, InvoiceRequest};
use refund_core::credits::{ProrateRequest, Proration, Quote, SlaRequest};

use super::{WasmComponent, connected};
use crate::component::OperationError;

impl WasmComponent {
    /// `credits.sla-quote`
    pub async fn sla_quote(&self, input: &SlaRequest) -> Result<Quote, OperationError<CallError>> {
        self.read("credits.sla-quote", input).await
    }

    /// `credits.prorate`
    pub async fn prorate(
        &self,
        input: &ProrateRequest,
    ) -> Result<Proration, OperationError<CallError>> {
        self.read("credits.prorate", input).await
    }

    /// `billing.invoice`
    pub async fn invoice(
        &self,
        request: &InvoiceRequest,
    ) -> Result<InvoiceFacts, OperationError<CallError>> {
        self.read("billing.invoice", &connected(&self.connection, request)).await
    }

    /// `billing.subscription`
    pub async fn subscription(
        &self,
        subscription: &str,
        item: Option<&str>,
    ) -> Result<SubscriptionPeriod, OperationError<CallError>> {
        let input = connected(&self.connection, SubscriptionCall { subscription, item });
        self.read("billing.subscription", &input).await
    }
}
