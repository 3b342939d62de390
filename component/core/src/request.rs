//! What is asked for in one refund, as files and commands name it.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::id::{OperationId, PaymentRef};
use crate::metadata::Metadata;
use crate::money::{Currency, Money};
use crate::problem::FieldProblem;

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
    /// Where Stripe sends instructions, for payment methods that cannot be refunded directly.
    pub instructions_email: Option<String>,
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
            instructions_email: None,
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
        if let Some(email) = &self.instructions_email {
            set("instructions_email", json!(email));
        }
        Value::Object(input).to_string()
    }

    /// Reads what [`Request::json`] wrote.
    ///
    /// # Errors
    /// Names the field that cannot be read.
    pub fn parse(json: &str) -> Result<Self, FieldProblem> {
        let unreadable = |error: serde_json::Error| {
            FieldProblem::new("request", "", format!("cannot be read: {error}"), "report this")
        };
        let read: Stored = serde_json::from_str(json).map_err(unreadable)?;
        let currency = read.currency.as_deref().map(Currency::parse).transpose()?;
        Ok(Self {
            operation: OperationId::parse(&read.operation_id)?,
            payment: PaymentRef::parse(&read.payment)?,
            amount: read.amount.zip(currency).map(|(amount, currency)| Money { amount, currency }),
            reason: read.reason,
            metadata: read.metadata,
            refund_application_fee: read.refund_application_fee,
            reverse_transfer: read.reverse_transfer,
            instructions_email: read.instructions_email,
        })
    }
}

/// A request as it is stored.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    operation_id: String,
    payment: String,
    #[serde(default)]
    amount: Option<u64>,
    #[serde(default)]
    currency: Option<String>,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    refund_application_fee: bool,
    #[serde(default)]
    reverse_transfer: bool,
    #[serde(default)]
    instructions_email: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let plain =
            Request::new(OperationId::parse("op 1").unwrap(), PaymentRef::parse("pi_1").unwrap());
        let full = Request {
            amount: Some(Money { amount: 5, currency: Currency::parse("usd").unwrap() }),
            reason: Some("duplicate".into()),
            metadata: Metadata([("k".into(), "v \"w\"".into())].into()),
            refund_application_fee: true,
            reverse_transfer: true,
            instructions_email: Some("ann@example.com".into()),
            ..plain.clone()
        };
        for request in [plain, full] {
            assert_eq!(Request::parse(&request.json()).unwrap(), request);
        }
        assert!(Request::parse(r#"{"operation_id":"a","payment":"ch_1","more":1}"#).is_err());
    }
}
