//! What a pipeline asks of the node: a trait for each interface, in the words of `refund-core`.

use refund_core::billing::{InvoiceFacts, SubscriptionPeriod};
use refund_core::client::{CallError, CreateError, Created, InvoiceRequest, ScanRange, Scanned};
use refund_core::credits::{ProrateRequest, Proration, Quote, SlaRequest};
use refund_core::duplicates::Options;
use refund_core::eligibility::{Amount, Verdict};
use refund_core::id::{ChargeId, OperationId, PaymentRef};
use refund_core::metadata::Metadata;
use refund_core::model::{Reason, Refund};
use refund_core::money::Money;
use refund_core::policy::{Document, Terms};
use refund_core::problem::{FieldProblem, Problems};

/// Rules of the merchant.
#[derive(Clone, Debug)]
pub enum Rules {
    /// None: only what Stripe itself enforces holds.
    None,
    /// Terms given with the call; their amounts can be read. The node judges them.
    Terms(Box<Terms>),
    /// A document, as JSON text: the node reads it, and judges it.
    Document(String),
}

impl Rules {
    /// Terms or a document: one of the two, so that terms cannot weaken a document.
    ///
    /// # Errors
    /// Both are given, or an amount of the terms cannot be read.
    pub fn either(terms: Terms, document: Option<&Document>) -> Result<Self, Vec<FieldProblem>> {
        let Some(document) = document else { return Self::terms(terms) };
        if terms != Terms::default() {
            let problem = "is given beside `document`";
            return Err(vec![FieldProblem::new("policy", "", problem, "give one of the two")]);
        }
        serde_json::to_string(document).map(Self::Document).map_err(|error| {
            let problem = format!("cannot be written: {error}");
            vec![FieldProblem::new("document", "", problem, "report this")]
        })
    }

    fn terms(terms: Terms) -> Result<Self, Vec<FieldProblem>> {
        if terms == Terms::default() {
            return Ok(Self::None);
        }
        let mut problems = Problems::default();
        for (name, limits) in terms.tables() {
            problems.keep_all(limits.read(&format!("policy.{name}")));
        }
        problems.into_result().map(|()| Self::Terms(Box::new(terms)))
    }
}

/// What to refund, and under which name.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The name.
    pub operation_id: &'a OperationId,
    /// What to take it from.
    pub payment: &'a PaymentRef,
    /// How much.
    pub amount: Amount,
    /// Why.
    pub reason: Option<&'a Reason>,
    /// The caller's own keys.
    pub metadata: &'a Metadata,
    /// Rules of the merchant.
    pub rules: &'a Rules,
    /// The hash of the request that was approved.
    pub approval: Option<&'a str>,
}

/// A verdict and what it rests on.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The verdict.
    pub verdict: Verdict,
    /// The charge of the payment; absent when the payment never had one.
    pub charged: Option<Charged>,
}

/// A charge as Stripe held it a moment ago.
#[derive(Clone, Debug)]
pub struct Charged {
    /// Its id.
    pub charge: ChargeId,
    /// What the customer paid.
    pub captured: Money,
    /// Its refunds, whoever made them.
    pub refunds: Vec<Refund>,
}

/// The interface `live`.
pub trait Live {
    /// Fetches the facts of a payment, then decides.
    fn check(
        &mut self,
        payment: &PaymentRef,
        amount: &Amount,
        reason: Option<&Reason>,
        rules: &Rules,
    ) -> Result<Checked, CallError>;

    /// Looks for duplicates among the charges of a time range.
    fn scan(&mut self, range: &ScanRange, options: &Options) -> Result<Scanned, CallError>;
}

/// The interface `refunds`, as far as pipelines use it: the one way in which they move money.
pub trait Refunds {
    /// Makes a refund, carefully.
    fn create(&mut self, request: &Request<'_>) -> Result<Created, CreateError>;
}

/// The interface `credits`.
pub trait Credits {
    /// The credit that a service level grants for a period.
    fn sla_quote(&mut self, request: &SlaRequest) -> Result<Quote, Vec<FieldProblem>>;

    /// What to refund when a period ends early.
    fn prorate(&mut self, request: &ProrateRequest) -> Result<Proration, Vec<FieldProblem>>;
}

/// The interface `billing`.
pub trait Billing {
    /// What was paid for a period, by which payments, and what was given back of it.
    fn read_invoice(&mut self, request: &InvoiceRequest) -> Result<InvoiceFacts, CallError>;

    /// The period of a subscription, or of one of its items.
    fn read_subscription(
        &mut self,
        subscription: &str,
        item: Option<&str>,
    ) -> Result<SubscriptionPeriod, CallError>;
}
