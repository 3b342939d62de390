//! A wish for a refund, as files and commands name it.

use serde_json::{Map, Value, json};

use crate::id::{OperationId, PaymentRef};
use crate::metadata::Metadata;
use crate::money::Money;

/// What to refund, and under which name: the input of `refunds.create` without connection, policy and
/// approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The caller's own name for this refund.
    pub operation: OperationId,
    /// What to take it from.
    pub payment: PaymentRef,
    /// How much; everything that is left when absent.
    pub amount: Option<Money>,
    /// `duplicate`, `fraudulent` or `requested_by_customer`.
    pub reason: Option<String>,
    /// The caller's own keys.
    pub metadata: Metadata,
    /// Connect: give the application fee back in proportion.
    pub refund_application_fee: bool,
    /// Connect: take the money back from the connected account in proportion.
    pub reverse_transfer: bool,
}

impl Request {
    /// Refunds everything that is left of a payment.
    pub fn new(operation: OperationId, payment: PaymentRef) -> Self {
        Self {
            operation,
            payment,
            amount: None,
            reason: None,
            metadata: Metadata::default(),
            refund_application_fee: false,
            reverse_transfer: false,
        }
    }

    /// As `refunds.create` takes it. The same request gives the same text, always.
    pub fn json(&self) -> String {
        let mut input = Map::new();
        let mut set = |name: &str, value: Value| input.insert(name.to_owned(), value);
        set("operation_id", json!(self.operation.as_str()));
        set("payment", json!(self.payment.as_str()));
        if let Some(amount) = self.amount {
            set("amount", json!(amount.amount));
            set("currency", json!(amount.currency.as_str()));
        }
        if let Some(reason) = &self.reason {
            set("reason", json!(reason));
        }
        if !self.metadata.0.is_empty() {
            set("metadata", json!(self.metadata.0));
        }
        if self.refund_application_fee {
            set("refund_application_fee", json!(true));
        }
        if self.reverse_transfer {
            set("reverse_transfer", json!(true));
        }
        Value::Object(input).to_string()
    }
}
