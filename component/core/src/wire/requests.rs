//! The requests, one function each: verb, path and parameters (reference 1.4 and 2).

pub mod billing;
pub mod disputes;

use super::{Body, Form, IdempotencyKey};
use crate::id::{ChargeId, CustomerId, PaymentIntentId, PaymentRef, RefundId};
use crate::metadata::Metadata;
use crate::model::Reason;

/// Objects on a page when everything is read: the most Stripe gives.
pub const FULL_PAGE: u8 = 100;

/// The endpoint that makes refunds, as it goes into the idempotency key.
pub const CREATE_REFUND: &str = "POST /v1/refunds";

/// A verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Writes.
    Post,
}

/// A request, still without host and headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The verb.
    pub method: Method,
    /// The path, with the query where there is one.
    pub path: String,
    /// The body of a POST.
    pub body: Option<Body>,
    /// Sent with requests that must not be carried out twice.
    pub idempotency_key: Option<IdempotencyKey>,
}

impl Request {
    fn get(path: &str, query: &Form) -> Self {
        let query = query.query();
        let path = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
        Self { method: Method::Get, path, body: None, idempotency_key: None }
    }

    fn post(path: &str, form: &Form) -> Self {
        Self {
            method: Method::Post,
            path: path.to_owned(),
            body: Some(Body::Form(form.body())),
            idempotency_key: None,
        }
    }
}

/// What a new refund is made of. The amount is always named, so that what was checked and what is sent
/// are the same even if the charge changes in between.
#[derive(Clone, Debug)]
pub struct NewRefund<'a> {
    /// Taken from.
    pub charge: &'a ChargeId,
    /// In the smallest unit of the charge's currency.
    pub amount: u64,
    /// Why.
    pub reason: Option<&'a Reason>,
    /// The operation id included.
    pub metadata: &'a Metadata,
    /// Connect: give the application fee back in proportion.
    pub refund_application_fee: Option<bool>,
    /// Connect: take the money back from the connected account in proportion.
    pub reverse_transfer: Option<bool>,
    /// Where to send instructions, for methods without native refunds.
    pub instructions_email: Option<&'a str>,
}

impl NewRefund<'_> {
    /// The parameters.
    pub fn form(&self) -> Form {
        Form::new()
            .with("charge", self.charge)
            .with("amount", self.amount)
            .with_some("reason", self.reason)
            .with_map("metadata", &self.metadata.0)
            .with_some("refund_application_fee", self.refund_application_fee)
            .with_some("reverse_transfer", self.reverse_transfer)
            .with_some("instructions_email", self.instructions_email)
    }
}

/// Makes a refund.
pub fn create_refund(refund: &NewRefund<'_>, key: IdempotencyKey) -> Request {
    Request { idempotency_key: Some(key), ..Request::post("/v1/refunds", &refund.form()) }
}

/// Reads a refund.
pub fn retrieve_refund(id: &RefundId) -> Request {
    Request::get(&format!("/v1/refunds/{id}"), &Form::new())
}

/// Sets metadata keys. Without an idempotency key: the same keys may rightly be set again later, and
/// a replayed answer would then hide that nothing was done. Setting them twice does no harm.
pub fn update_refund(id: &RefundId, metadata: &Metadata) -> Request {
    Request::post(&format!("/v1/refunds/{id}"), &Form::new().with_map("metadata", &metadata.0))
}

/// Cancels a refund. Without an idempotency key, for the same reason.
pub fn cancel_refund(id: &RefundId) -> Request {
    Request::post(&format!("/v1/refunds/{id}/cancel"), &Form::new())
}

/// Which refunds to list.
#[derive(Clone, Debug, Default)]
pub struct RefundQuery<'a> {
    /// Only those of this payment.
    pub payment: Option<&'a PaymentRef>,
    /// Created at or after.
    pub created_from: Option<u64>,
    /// Created at or before.
    pub created_to: Option<u64>,
    /// Page size.
    pub limit: Option<u8>,
    /// The last id of the page before.
    pub starting_after: Option<&'a str>,
}

/// Reads a page of refunds.
pub fn list_refunds(query: &RefundQuery<'_>) -> Request {
    let mut form = Form::new();
    if let Some(payment) = query.payment {
        form = form.with(payment.param(), payment);
    }
    let form = form
        .with_some("created[gte]", query.created_from)
        .with_some("created[lte]", query.created_to)
        .with_some("limit", query.limit)
        .with_some("starting_after", query.starting_after);
    Request::get("/v1/refunds", &form)
}

/// Reads a page of refunds of a time range, each with its charge, what the charge cost, and the newest refunds
/// of the charge.
pub fn list_refunds_with_charges(from: u64, to: u64, limit: u8, after: Option<&str>) -> Request {
    let form = Form::new()
        .with("created[gte]", from)
        .with("created[lte]", to)
        .with("limit", limit)
        .with_some("starting_after", after)
        .with_list("expand", ["data.charge.balance_transaction", "data.charge.refunds"]);
    Request::get("/v1/refunds", &form)
}

/// Reads a full page of a charge's refunds.
pub fn refunds_of(charge: &ChargeId, after: Option<&str>) -> Request {
    Request::get("/v1/refunds", &of_charge(charge, after))
}

/// Reads a full page of a charge's disputes.
pub fn disputes_of(charge: &ChargeId, after: Option<&str>) -> Request {
    Request::get("/v1/disputes", &of_charge(charge, after))
}

fn of_charge(charge: &ChargeId, after: Option<&str>) -> Form {
    Form::new().with("charge", charge).with("limit", FULL_PAGE).with_some("starting_after", after)
}

/// Reads a charge, its fee and its newest refunds.
pub fn retrieve_charge(id: &ChargeId) -> Request {
    let form = Form::new().with_list("expand", ["balance_transaction", "refunds"]);
    Request::get(&format!("/v1/charges/{id}"), &form)
}

/// Reads a `PaymentIntent` with its charge, the charge's fee and its newest refunds.
pub fn retrieve_payment_intent(id: &PaymentIntentId) -> Request {
    let expand = ["latest_charge.balance_transaction", "latest_charge.refunds"];
    let form = Form::new().with_list("expand", expand);
    Request::get(&format!("/v1/payment_intents/{id}"), &form)
}

/// Reads a charge, and nothing with it.
pub fn retrieve_charge_alone(id: &ChargeId) -> Request {
    Request::get(&format!("/v1/charges/{id}"), &Form::new())
}

/// Reads a `PaymentIntent`, and nothing with it.
pub fn retrieve_payment_intent_alone(id: &PaymentIntentId) -> Request {
    Request::get(&format!("/v1/payment_intents/{id}"), &Form::new())
}

/// Reads a `PaymentIntent` with its charge, and nothing with that.
pub fn retrieve_payment_intent_with_charge(id: &PaymentIntentId) -> Request {
    let form = Form::new().with_list("expand", ["latest_charge"]);
    Request::get(&format!("/v1/payment_intents/{id}"), &form)
}

/// Reads a customer. No other request expands one: a key without a right to customers must be able to refund.
pub fn retrieve_customer(id: &CustomerId) -> Request {
    Request::get(&format!("/v1/customers/{id}"), &Form::new())
}

/// Reads the balance.
pub fn balance() -> Request {
    Request::get("/v1/balance", &Form::new())
}

/// Reads a page of charges of a time range.
pub fn list_charges(
    from: u64,
    to: u64,
    customer: Option<&CustomerId>,
    limit: u8,
    after: Option<&str>,
) -> Request {
    let form = Form::new()
        .with_some("customer", customer)
        .with("created[gte]", from)
        .with("created[lte]", to)
        .with("limit", limit)
        .with_some("starting_after", after);
    Request::get("/v1/charges", &form)
}
