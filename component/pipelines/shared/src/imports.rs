//! What a pipeline asks of the node: a trait for each interface, in the words of `refund-core`.

use refund_core::client::{CallError, CreateError, CreateRequest, Created, ScanRange, Scanned};
use refund_core::credits::{ProrateRequest, Proration, Quote, SlaRequest};
use refund_core::duplicates::Options;
use refund_core::eligibility::{Amount, Policy, Verdict};
use refund_core::id::PaymentRef;
use refund_core::money::Money;
use refund_core::problem::FieldProblem;

/// A verdict on fresh facts.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The answer.
    pub verdict: Verdict,
    /// What was taken from the customer; absent when the payment never had a charge.
    pub captured: Option<Money>,
}

/// The interface `live`.
pub trait Live {
    /// Fetches the facts of a payment, then decides.
    fn check(
        &mut self,
        payment: &PaymentRef,
        amount: &Amount,
        policy: &Policy,
    ) -> Result<Checked, CallError>;

    /// Looks for duplicates among the charges of a time range.
    fn scan(&mut self, range: &ScanRange, options: &Options) -> Result<Scanned, CallError>;
}

/// The interface `refunds`, as far as pipelines use it: the one way in which they move money.
pub trait Refunds {
    /// Makes a refund, carefully.
    fn create(&mut self, request: &CreateRequest) -> Result<Created, CreateError>;
}

/// The interface `credits`.
pub trait Credits {
    /// The credit that a service level grants for a period.
    fn sla_quote(&mut self, request: &SlaRequest) -> Result<Quote, Vec<FieldProblem>>;

    /// What to refund when a period ends early.
    fn prorate(&mut self, request: &ProrateRequest) -> Result<Proration, Vec<FieldProblem>>;
}
