//! What a pipeline asks of the node, in the types of `refund-core`.

use refund_core::billing::{InvoiceFacts, SubscriptionPeriod};
use refund_core::caller::RulesFields;
use refund_core::client::{
    CallError, Checked, CreateError, Created, InvoiceRequest, ScanRange, Scanned,
};
use refund_core::credits::{ProrateRequest, Proration, Quote, SlaRequest};
use refund_core::duplicates::Options;
use refund_core::eligibility::Amount;
use refund_core::id::{OperationId, PaymentRef};
use refund_core::metadata::Metadata;
use refund_core::model::Reason;
use refund_core::policy::{Document, Terms};
use refund_core::problem::FieldProblem;

/// The merchant's policy: a few terms, or a document.
#[derive(Clone, Debug)]
pub struct Rules {
    pub(crate) terms: Terms,
    pub(crate) document: Option<Document>,
}

impl Rules {
    /// Exactly one of the two, so that terms cannot weaken a document.
    pub fn either(terms: Terms, document: Option<Document>) -> Result<Self, FieldProblem> {
        if document.is_some() && terms != Terms::default() {
            let problem = "is given beside `document`";
            return Err(FieldProblem::new("policy", "", problem, "give one of the two"));
        }
        Ok(Self { terms, document })
    }

    pub(crate) fn input(&self) -> RulesFields<'_> {
        let terms = Some(&self.terms).filter(|terms| **terms != Terms::default());
        RulesFields { policy: terms, document: self.document.as_ref(), self_serve: false }
    }
}

/// What to refund, and under which operation id.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The operation id.
    pub operation_id: &'a OperationId,
    /// The payment.
    pub payment: &'a PaymentRef,
    /// The amount.
    pub amount: Amount,
    /// The reason that Stripe records.
    pub reason: Option<&'a Reason>,
    /// The caller's own keys.
    pub metadata: &'a Metadata,
    /// The merchant's policy.
    pub rules: &'a Rules,
    /// The hash of the request that an approver approved.
    pub approval: Option<&'a str>,
}

/// The node. In the component it is what the pipeline was composed with ([`Imported`](crate::imported::Imported)); in
/// tests a script, or the core over a Stripe in memory.
pub trait Node {
    /// Reads the facts of a payment from Stripe, then decides.
    fn check(
        &mut self,
        payment: &PaymentRef,
        amount: &Amount,
        reason: Option<&Reason>,
        rules: &Rules,
    ) -> Result<Checked, CallError>;

    /// Looks for duplicates among the charges of a time range.
    fn scan(&mut self, range: &ScanRange, options: &Options) -> Result<Scanned, CallError>;

    /// Creates a refund: the only way in which a pipeline moves money.
    fn create(&mut self, request: &Request<'_>) -> Result<Created, CreateError>;

    /// The credit that a service level grants for a period.
    fn sla_quote(&mut self, request: &SlaRequest) -> Result<Quote, CallError>;

    /// What to refund when a period ends early.
    fn prorate(&mut self, request: &ProrateRequest) -> Result<Proration, CallError>;

    /// What was paid for a period, by which payments, and what was given back of it.
    fn read_invoice(&mut self, request: &InvoiceRequest) -> Result<InvoiceFacts, CallError>;

    /// The period of a subscription, or of one of its items.
    fn read_subscription(
        &mut self,
        subscription: &str,
        item: Option<&str>,
    ) -> Result<SubscriptionPeriod, CallError>;
}
