//! Records of the interface, and the JSON of the node.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::bindings::exports::refund_node::obelisk::activity::{
    Error, Money, Refund, RefundRequest, Verdict,
};
use crate::error::invalid;

/// Input of `refunds.create` and `eligibility.check-live`, as far as the interface has it.
#[derive(Serialize)]
struct Input {
    #[serde(skip_serializing_if = "Option::is_none")]
    operation_id: Option<String>,
    payment: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval: Option<String>,
}

pub(crate) fn create(request: RefundRequest) -> Result<String, Error> {
    let (amount, currency) = parts(request.amount);
    write(&Input {
        operation_id: Some(request.operation_id),
        payment: request.payment,
        amount,
        currency,
        reason: request.reason,
        metadata: metadata(request.metadata)?,
        document: document(request.document)?,
        approval: request.approval,
    })
}

pub(crate) fn check(
    payment: &str,
    amount: Option<Money>,
    policy: Option<String>,
) -> Result<String, Error> {
    let (amount, currency) = parts(amount);
    write(&Input {
        operation_id: None,
        payment: payment.to_owned(),
        amount,
        currency,
        reason: None,
        metadata: BTreeMap::new(),
        document: document(policy)?,
        approval: None,
    })
}

pub(crate) fn retrieve(id: &str) -> Result<String, Error> {
    write(&BTreeMap::from([("refund", id)]))
}

fn parts(money: Option<Money>) -> (Option<u64>, Option<String>) {
    money.map(|Money { amount, currency }| (amount, currency)).unzip()
}

/// A policy document stays as it was written: its hash is part of the decision.
fn document(text: Option<String>) -> Result<Option<Box<RawValue>>, Error> {
    let bad = |error: serde_json::Error| {
        invalid("document", format!("is no JSON: {error}"), "give a policy document as JSON")
    };
    text.map(RawValue::from_string).transpose().map_err(bad)
}

/// Of two values for one key nobody knows which was meant.
fn metadata(pairs: Vec<(String, String)>) -> Result<BTreeMap<String, String>, Error> {
    let count = pairs.len();
    let metadata: BTreeMap<_, _> = pairs.into_iter().collect();
    if metadata.len() == count {
        return Ok(metadata);
    }
    Err(invalid("metadata", "has a key twice".to_owned(), "give every key once"))
}

fn write(input: &impl Serialize) -> Result<String, Error> {
    // Never: all names are text.
    serde_json::to_string(input)
        .map_err(|error| invalid("input", error.to_string(), "leave the odd field out"))
}

/// The part of a refund that the interface has.
#[derive(Deserialize)]
struct TheirRefund {
    id: String,
    amount: u64,
    currency: String,
    status: Option<String>,
}

#[derive(Deserialize)]
struct Created {
    refund: TheirRefund,
}

#[derive(Deserialize)]
struct Checked {
    verdict: TheirVerdict,
}

#[derive(Deserialize)]
struct TheirVerdict {
    decision: String,
    refundable: TheirMoney,
}

#[derive(Deserialize)]
struct TheirMoney {
    amount: u64,
    currency: String,
}

pub(crate) fn created(output: String) -> serde_json::Result<Refund> {
    let created: Created = serde_json::from_str(&output)?;
    Ok(created.refund.with(output))
}

pub(crate) fn retrieved(output: String) -> serde_json::Result<Refund> {
    let refund: TheirRefund = serde_json::from_str(&output)?;
    Ok(refund.with(output))
}

pub(crate) fn checked(output: String) -> serde_json::Result<Verdict> {
    let Checked { verdict } = serde_json::from_str(&output)?;
    let TheirMoney { amount, currency } = verdict.refundable;
    Ok(Verdict { decision: verdict.decision, refundable: Money { amount, currency }, output })
}

impl TheirRefund {
    fn with(self, output: String) -> Refund {
        let Self { id, amount, currency, status } = self;
        Refund { id, amount: Money { amount, currency }, status, output }
    }
}
