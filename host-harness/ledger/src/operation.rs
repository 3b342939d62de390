//! Operations: what is asked for, and what became of it.

use refund_core::metadata::Metadata;
use refund_core::money::Money;
use refund_core::request::Request;
use refund_core::wire::hex;
use refund_host::api::types;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::approval::Wish;
use crate::state::State;

/// Adds the rules of the merchant to the input of an operation: terms, or a document.
pub fn with_rules(input: &mut Value, rules: Value) {
    match rules {
        Value::Object(mut rules) if rules.contains_key("document") => {
            for field in ["document", "self_serve"] {
                if let Some(value) = rules.remove(field) {
                    input[field] = value;
                }
            }
        }
        terms => input["policy"] = terms,
    }
}

/// An operation to write down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOperation {
    pub(crate) id: String,
    pub(crate) payment: String,
    pub(crate) amount: Option<Money>,
    pub(crate) request: String,
    pub(crate) hash: String,
    pub(crate) policy: Option<String>,
    pub(crate) approval: Option<String>,
}

impl NewOperation {
    /// An operation without rules of the merchant.
    pub fn new(request: &Request) -> Self {
        let json = request.json();
        Self {
            id: request.operation.to_string(),
            payment: request.payment.to_string(),
            amount: request.amount,
            hash: hex(&Sha256::digest(&json)),
            request: json,
            policy: None,
            approval: None,
        }
    }

    /// The rules of the merchant: terms as `refunds.create` takes them, or a document as
    /// `{ "document": …, "self_serve": … }`. They are no part of the request: they may change between two
    /// tries.
    #[must_use]
    pub fn policy(self, policy: &Value) -> Self {
        Self { policy: Some(policy.to_string()), ..self }
    }

    /// The hash of the request that somebody approved.
    #[must_use]
    pub fn approval(self, approval: Option<String>) -> Self {
        Self { approval, ..self }
    }

    /// The operation id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// SHA-256 of the request: the same for the same request.
    pub fn request_hash(&self) -> &str {
        &self.hash
    }
}

/// A refund at Stripe, as far as the ledger keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// `re_…`.
    pub id: String,
    /// In the smallest unit of `currency`.
    pub amount: u64,
    /// Its currency.
    pub currency: String,
    /// Stripe's word for where it stands.
    pub status: Option<String>,
    /// What it was taken from.
    pub charge: Option<String>,
    /// What it was taken from.
    pub payment_intent: Option<String>,
    /// The operation in its metadata.
    pub operation: Option<String>,
    /// When Stripe made it, Unix seconds.
    pub created: u64,
    /// Why it failed, in Stripe's words.
    pub failure_reason: Option<String>,
    /// All metadata: customer and order may be in it.
    pub metadata: Metadata,
}

impl Kept {
    /// Reads a refund object, as the component gives it.
    pub fn of(refund: &Value) -> Option<Self> {
        let text = |name: &str| refund[name].as_str().map(str::to_owned);
        Some(Self {
            id: text("id")?,
            amount: refund["amount"].as_u64()?,
            currency: text("currency")?,
            status: text("status"),
            charge: text("charge"),
            payment_intent: text("payment_intent"),
            operation: refund["metadata"]["refund_node_operation"].as_str().map(str::to_owned),
            created: refund["created"].as_u64().unwrap_or_default(),
            failure_reason: text("failure_reason"),
            metadata: serde_json::from_value(refund["metadata"].clone()).unwrap_or_default(),
        })
    }

    /// Reads a refund of the contract.
    pub fn from_contract(refund: &types::Refund) -> Self {
        let status = match &refund.status {
            types::RefundStatus::Pending => Some("pending"),
            types::RefundStatus::RequiresAction => Some("requires_action"),
            types::RefundStatus::Succeeded => Some("succeeded"),
            types::RefundStatus::Failed => Some("failed"),
            types::RefundStatus::Canceled => Some("canceled"),
            types::RefundStatus::Absent => None,
            types::RefundStatus::Other(word) => Some(word.as_str()),
        };
        Self {
            id: refund.id.clone(),
            amount: refund.amount.amount,
            currency: refund.amount.currency.clone(),
            status: status.map(str::to_owned),
            charge: refund.charge.clone(),
            payment_intent: refund.payment_intent.clone(),
            operation: refund.operation_id.clone(),
            created: refund.created,
            failure_reason: refund.failure_reason.clone(),
            metadata: Metadata(refund.metadata.iter().cloned().collect()),
        }
    }

    /// The state of its operation.
    pub fn state(&self) -> State {
        State::of_refund(self.status.as_deref())
    }
}

/// How an operation moves on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Where to.
    pub state: State,
    /// The refund, where there is one.
    pub refund: Option<Kept>,
    /// One sentence: why it was refused, how it was found.
    pub detail: Option<String>,
    /// Stripe's id of the request.
    pub request_id: Option<String>,
    /// The share of the payment's fee that Stripe keeps: smallest unit and currency.
    pub fee: Option<(i64, String)>,
    /// When a request left whose end nobody knows, Unix seconds; for `outcome-unknown` alone.
    pub uncertain: Option<u64>,
    /// What somebody must agree to; for `needs-approval` alone.
    pub wish: Option<Wish>,
    /// A rule said no, not Stripe; for `refused` alone.
    pub denied: bool,
    /// What is left to refund of the payment, in the smallest unit, where it was read.
    pub left: Option<u64>,
}

impl Outcome {
    pub(crate) fn of(state: State) -> Self {
        Self {
            state,
            refund: None,
            detail: None,
            request_id: None,
            fee: None,
            uncertain: None,
            wish: None,
            denied: false,
            left: None,
        }
    }

    /// An outcome without a refund.
    pub fn without_refund(state: State, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..Self::of(state) }
    }
}

/// An operation as the ledger holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// The operation id.
    pub id: String,
    /// The payment as it was asked for.
    pub payment: String,
    /// What was asked for, in the smallest unit; everything when absent.
    pub amount: Option<u64>,
    /// The currency of the amount, or of the refund once it is known.
    pub currency: Option<String>,
    /// Where it stands.
    pub state: State,
    /// The refund.
    pub refund: Option<String>,
    /// What was refunded, in the smallest unit.
    pub refunded: Option<u64>,
    /// The charge it was taken from.
    pub charge: Option<String>,
    /// What was said last.
    pub detail: Option<String>,
    /// Stripe's id of the last request that told something.
    pub request_id: Option<String>,
    /// How often it was begun.
    pub attempts: u32,
    /// The share of the payment's fee that Stripe keeps: smallest unit and currency.
    pub fee: Option<(i64, String)>,
    /// When a request last left whose end nobody knows, Unix seconds.
    pub uncertain: Option<u64>,
    /// The last move, Unix seconds.
    pub updated: u64,
    pub(crate) request: String,
    pub(crate) hash: String,
    pub(crate) policy: Option<String>,
    pub(crate) approval: Option<String>,
}

impl Operation {
    /// Whether an approval goes with it when it is carried out.
    pub fn is_approved(&self) -> bool {
        self.approval.is_some()
    }

    /// The request is the one that was written down: its hash says so.
    pub(crate) fn is_intact(&self) -> bool {
        hex(&Sha256::digest(&self.request)) == self.hash
    }

    /// The input of `refunds.create` that makes it.
    pub(crate) fn input(&self) -> Value {
        let read = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
        let mut input = read(&self.request);
        if let Some(policy) = &self.policy {
            with_rules(&mut input, read(policy));
        }
        if let Some(approval) = &self.approval {
            input["approval"] = json!(approval);
        }
        input
    }
}

#[cfg(test)]
mod tests {
    use refund_core::id::{OperationId, PaymentRef};
    use refund_core::metadata::Metadata;

    use super::*;

    fn request() -> Request {
        Request::new(OperationId::parse("op-1").unwrap(), PaymentRef::parse("ch_1").unwrap())
    }

    #[test]
    fn what_decides_about_money_is_in_the_hash() {
        let hash = |request: &Request| NewOperation::new(request).hash;
        let base = request();
        assert_eq!(hash(&base), hash(&request()));
        let amount = |amount| Money {
            amount,
            currency: refund_core::money::Currency::parse("usd").unwrap(),
        };
        for other in [
            Request { payment: PaymentRef::parse("ch_2").unwrap(), ..request() },
            Request { amount: Some(amount(1)), ..request() },
            Request { reason: Some("duplicate".into()), ..request() },
            Request { reverse_transfer: true, ..request() },
            Request { metadata: Metadata([("k".into(), "v".into())].into()), ..request() },
        ] {
            assert_ne!(hash(&base), hash(&other), "{other:?}");
        }
        let approved = NewOperation::new(&base).approval(Some("x".into())).policy(&json!({}));
        assert_eq!(approved.hash, hash(&base));
    }
}
