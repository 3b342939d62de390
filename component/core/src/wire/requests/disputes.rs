//! The requests about disputes (reference 2.5).
//!
//! None of them carries an idempotency key. Stripe repeats the first answer to a key for a day, a failure
//! too, and a day later the due date may be past. What keeps a submission and a closing from being made
//! twice is the dispute itself: its state is read before each, and again when an answer was lost. A file
//! that is uploaded twice does no harm: it is evidence only once its id is staged.

use super::{Form, Method, Request};
use crate::disputes::{Evidence, EvidenceFile};
use crate::id::{DisputeId, PaymentRef};
use crate::wire::{Body, Multipart};

/// Reads a dispute.
pub fn retrieve(id: &DisputeId) -> Request {
    Request::get(&format!("/v1/disputes/{id}"), &Form::new())
}

/// Which disputes to list.
#[derive(Clone, Debug, Default)]
pub struct DisputeQuery<'a> {
    /// Only those of this payment.
    pub payment: Option<&'a PaymentRef>,
    /// Created at or after.
    pub created_from: Option<u64>,
    /// Created at or before.
    pub created_to: Option<u64>,
    /// Page size.
    pub limit: u8,
    /// The last id of the page before.
    pub starting_after: Option<&'a str>,
}

/// Reads a page of disputes.
pub fn list(query: &DisputeQuery<'_>) -> Request {
    let mut form = Form::new();
    if let Some(payment) = query.payment {
        form = form.with(payment.param(), payment);
    }
    let form = form
        .with_some("created[gte]", query.created_from)
        .with_some("created[lte]", query.created_to)
        .with("limit", query.limit)
        .with_some("starting_after", query.starting_after);
    Request::get("/v1/disputes", &form)
}

/// Sets evidence. `submit` is always named: left out, Stripe sends the evidence to the bank at once.
pub fn update(id: &DisputeId, evidence: &Evidence, submit: bool) -> Request {
    let mut form = Form::new();
    for (field, value) in evidence.iter() {
        form = form.with(&format!("evidence[{field}]"), value);
    }
    Request::post(&format!("/v1/disputes/{id}"), &form.with("submit", submit))
}

/// Accepts the loss. Nothing takes it back.
pub fn close(id: &DisputeId) -> Request {
    Request::post(&format!("/v1/disputes/{id}/close"), &Form::new())
}

/// Uploads a file of evidence.
pub fn upload(file: &EvidenceFile<'_>) -> Request {
    let kind = file.kind().content_type();
    let parts = Multipart::file("dispute_evidence", file.name(), kind, file.content());
    Request {
        method: Method::Post,
        path: "/v1/files".to_owned(),
        body: Some(Body::Multipart(parts)),
        idempotency_key: None,
    }
}
