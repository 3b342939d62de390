//! The interfaces of the node, as this component imports them.

use refund_core::billing::{InvoiceFacts, SubscriptionPeriod};
use refund_core::client::{
    CallError, ConnectionInput, CreateError, Created, InvoiceRequest, OutcomeUnknown, ScanRange,
    Scanned,
};
use refund_core::credits::{ProrateRequest, Proration, Quote, SlaRequest};
use refund_core::duplicates::Options;
use refund_core::eligibility::Amount;
use refund_core::id::PaymentRef;
use refund_core::model::Reason;
use refund_core::problem::FieldProblem;

use crate::bindings::refund_node::refunds::{billing, credits, live, refunds, types};
use crate::imports::{Billing, Checked, Credits, Live, Refunds, Request, Rules};
use crate::{inward, outward};

/// The node, and the Stripe it is to talk to.
pub struct Imported {
    connection: types::Connection,
}

impl Imported {
    pub(crate) fn new(connection: &ConnectionInput) -> Self {
        Self { connection: outward::connection(connection) }
    }
}

impl Live for Imported {
    fn check(
        &mut self,
        payment: &PaymentRef,
        amount: &Amount,
        reason: Option<&Reason>,
        rules: &Rules,
    ) -> Result<Checked, CallError> {
        let (to, payment) = (&self.connection, outward::payment(payment));
        live::check_live(to, &payment, &outward::ask(amount, reason), &outward::rules(rules))
            .map_err(inward::call_error)
            .and_then(|checked| inward::checked(checked).map_err(CallError::from))
    }

    fn scan(&mut self, range: &ScanRange, options: &Options) -> Result<Scanned, CallError> {
        live::scan_live(&self.connection, &outward::range(range), &outward::options(options))
            .map_err(inward::call_error)
            .and_then(|scanned| inward::scanned(scanned).map_err(CallError::from))
    }
}

impl Refunds for Imported {
    fn create(&mut self, request: &Request<'_>) -> Result<Created, CreateError> {
        let unreadable = |problem: FieldProblem| unreadable(request, &problem);
        match refunds::create(&self.connection, &outward::create(request)) {
            Ok(created) => inward::created(created).map_err(unreadable),
            Err(error) => Err(inward::create_error(error).unwrap_or_else(unreadable)),
        }
    }
}

impl Credits for Imported {
    fn sla_quote(&mut self, request: &SlaRequest) -> Result<Quote, Vec<FieldProblem>> {
        credits::sla_quote(&outward::sla(request))
            .map_err(inward::problems)
            .and_then(|quote| inward::quote(quote).map_err(|problem| vec![problem]))
    }

    fn prorate(&mut self, request: &ProrateRequest) -> Result<Proration, Vec<FieldProblem>> {
        credits::prorate(&outward::prorate(request))
            .map_err(inward::problems)
            .and_then(|quote| inward::proration(quote).map_err(|problem| vec![problem]))
    }
}

impl Billing for Imported {
    fn read_invoice(&mut self, request: &InvoiceRequest) -> Result<InvoiceFacts, CallError> {
        billing::read_invoice(&self.connection, &outward::invoice_request(request))
            .map_err(inward::call_error)
            .and_then(|facts| inward::facts(facts).map_err(CallError::from))
    }

    fn read_subscription(
        &mut self,
        subscription: &str,
        item: Option<&str>,
    ) -> Result<SubscriptionPeriod, CallError> {
        billing::read_subscription(&self.connection, subscription, item)
            .map(inward::subscription)
            .map_err(inward::call_error)
    }
}

/// An answer that cannot be read may tell of a refund that was made.
fn unreadable(request: &Request<'_>, problem: &FieldProblem) -> CreateError {
    CreateError::OutcomeUnknown(OutcomeUnknown {
        operation_id: request.operation_id.to_string(),
        idempotency_key: String::new(),
        attempts: 1,
        detail: format!("the node's answer cannot be read: {problem}"),
    })
}
