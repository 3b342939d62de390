//! What the application layer needs of the component: its operations, typed.

use refund_core::client::{CallError, Checked, CreateError, Created, Previewed, RefundPage};
use refund_core::eligibility::Amount;
use refund_core::followups::{FollowUp, Options};
use refund_core::id::{PaymentRef, RefundId};
use refund_core::model::{Reason, Refund};
use refund_core::request::Request;
use refund_core::secret::Secret;
use refund_core::webhook::{Action, Event, VerifyError};
use refund_ledger::MerchantRules;
use serde::Deserialize;

/// Why an operation gave no output.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum OperationError<E> {
    /// It ran and failed.
    #[error(transparent)]
    Failed(#[from] E),
    /// The component gave no answer: it was stopped, trapped, or answered something that is not in its contract.
    #[error("{0}")]
    NoAnswer(String),
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Called<T, E> {
    /// The output, or why there is none.
    pub result: Result<T, OperationError<E>>,
    /// How many requests that change something left, or may have. With none, nothing was changed at Stripe.
    pub changes_sent: u32,
}

/// One attempt to make a refund.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// What is asked for.
    pub request: Request,
    /// The merchant's rules in force.
    pub rules: MerchantRules,
    /// The hash of the request that the approvers agreed to.
    pub approval: Option<String>,
}

/// A question whether a payment may be refunded.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// The payment.
    pub payment: PaymentRef,
    /// How much.
    pub amount: Amount,
    /// Why.
    pub reason: Option<Reason>,
    /// The merchant's rules.
    pub rules: MerchantRules,
}

/// Which refunds to list, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Only those of this payment.
    pub payment: Option<PaymentRef>,
    /// Made at or after, Unix seconds.
    pub created_from: Option<u64>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}

/// The component.
pub trait Component: Clone + Send + Sync + 'static {
    /// `refunds.create`
    fn create(
        &self,
        attempt: &Attempt,
    ) -> impl Future<Output = Called<Created, CreateError>> + Send;
    /// `refunds.preview`, where these refunds of the same payment are assumed to be made before.
    fn preview(
        &self,
        attempt: &Attempt,
        earlier: &[u64],
    ) -> impl Future<Output = Called<Previewed, CreateError>> + Send;
    /// `eligibility.check-live`
    fn check(&self, question: &Question)
    -> impl Future<Output = Called<Checked, CallError>> + Send;
    /// `refunds.retrieve`
    fn retrieve(&self, refund: &RefundId)
    -> impl Future<Output = Called<Refund, CallError>> + Send;
    /// `refunds.list`
    fn list(&self, listing: &Listing)
    -> impl Future<Output = Called<RefundPage, CallError>> + Send;
}

/// A webhook delivery as it came.
#[derive(Clone, Copy, Debug)]
pub struct RawDelivery<'a> {
    /// The raw body.
    pub body: &'a [u8],
    /// The header `Stripe-Signature`.
    pub header: Option<&'a str>,
}

/// What an event means, and what follows from it.
#[derive(Clone, Debug, Deserialize)]
pub struct Interpreted {
    /// What it says about a refund, payment or dispute.
    pub action: Action,
    /// What is left to do.
    pub follow_ups: Vec<FollowUp>,
}

/// A body that is not an event known today.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub String);

/// The operations of the component that webhooks need. They reach nothing.
pub trait Webhooks: Clone + Send + Sync + 'static {
    /// `webhooks.verify`; `tolerance_secs` is the greatest age, 0 for any.
    fn verify(
        &self,
        delivery: RawDelivery<'_>,
        secrets: &[Secret],
        tolerance_secs: u32,
        now: u64,
    ) -> impl Future<Output = Result<(), OperationError<VerifyError>>> + Send;
    /// `webhooks.parse`
    fn parse(
        &self,
        payload: &str,
    ) -> impl Future<Output = Result<Event, OperationError<Unreadable>>> + Send;
    /// `webhooks.interpret`
    fn interpret(
        &self,
        event: &Event,
        options: &Options,
    ) -> impl Future<Output = Result<Interpreted, OperationError<Unreadable>>> + Send;
}
