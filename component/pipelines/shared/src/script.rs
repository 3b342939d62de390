//! A node for tests: it remembers every refund it made, and fails as it is told.

use std::collections::{BTreeMap, VecDeque};

use refund_core::billing::{InvoiceFacts, SubscriptionPeriod};
use refund_core::client::{
    CallError, Checked, CreateError, Created, InvoiceRequest, Origin, OutcomeUnknown, ScanRange,
    Scanned,
};
use refund_core::credits::{ProrateRequest, Proration, Quote, SlaRequest};
use refund_core::duplicates::Options;
use refund_core::eligibility::{Amount, Decision, Facts, Verdict};
use refund_core::id::{ChargeId, OperationId, PaymentRef};
use refund_core::metadata::Metadata;
use refund_core::model::{Charge, Reason, Refund};
use refund_core::money::{Currency, Money};
use refund_core::policy::Document;
use refund_core::problem::FieldProblem;

use crate::node::{Node, Request, Rules};

/// A node that follows a script. Every payment it is asked about was paid with [`PAID`] dollars' worth of cents.
#[derive(Debug, Default)]
pub struct Script {
    /// What the next calls of `create` meet: `None` is success. After the last, all succeed.
    pub troubles: VecDeque<Option<CreateError>>,
    /// What the next call of `check` meets.
    pub check_fails: Option<CallError>,
    /// Payments that never had a charge.
    pub unpaid: Vec<PaymentRef>,
    /// What a scan finds.
    pub scanned: Option<Scanned>,
    /// What a service level grants.
    pub sla_quote: Option<Quote>,
    /// What is left of a period.
    pub proration: Option<Proration>,
    /// What was paid for a period.
    pub facts: Option<InvoiceFacts>,
    /// What is subscribed to.
    pub subscription: Option<SubscriptionPeriod>,
    /// What `billing` was asked.
    pub invoice_request: Option<InvoiceRequest>,
    /// Every call of `refunds.create`, in order.
    pub creates: Vec<CreateCall>,
    /// Refunds that exist, by operation.
    pub made: BTreeMap<String, Refund>,
    /// How often facts were fetched.
    pub checks: usize,
    /// What `credits` was asked.
    pub sla_request: Option<SlaRequest>,
    /// What `credits` was asked.
    pub prorate_request: Option<ProrateRequest>,
}

/// A call of `refunds.create`.
#[derive(Clone, Debug)]
pub struct CreateCall {
    /// Its name.
    pub operation_id: OperationId,
    /// What it is taken from.
    pub payment: PaymentRef,
    /// How much.
    pub amount: Amount,
    /// Why.
    pub reason: Option<Reason>,
    /// The caller's own keys.
    pub metadata: Metadata,
    /// The policy document.
    pub document: Option<Document>,
    /// The approval.
    pub approval: Option<String>,
}

/// What was paid with every payment of a script, in cents.
pub const PAID: u64 = 10_000;

/// Dollars, in cents.
///
/// # Panics
/// Never: dollars are a currency.
pub fn usd(amount: u64) -> Money {
    let Ok(currency) = Currency::parse("usd") else { panic!("usd") };
    Money { amount, currency }
}

/// Nobody knows what became of it.
pub fn unknown(operation: &str) -> CreateError {
    CreateError::OutcomeUnknown(OutcomeUnknown {
        operation_id: operation.to_owned(),
        idempotency_key: "key".to_owned(),
        attempts: 3,
        detail: "the connection broke".to_owned(),
    })
}

/// A verdict that lets a refund go on.
pub fn approved(amount: Money) -> Verdict {
    Verdict {
        decision: Decision::Approve,
        failed: Vec::new(),
        amount,
        refundable: usd(PAID),
        fee_kept: None,
        ruling: None,
    }
}

/// The charge of `pi_x` is `ch_x`.
fn charge_of(payment: &PaymentRef) -> ChargeId {
    ChargeId::from_stripe(payment.as_str().replace("pi_", "ch_"))
}

/// A charge that was paid with [`PAID`].
fn paid(id: &ChargeId) -> Charge {
    let charge = serde_json::json!({
        "id": id, "amount": PAID, "amount_captured": PAID, "currency": "usd", "status": "succeeded",
        "captured": true, "created": 1,
    });
    let Ok(charge) = serde_json::from_value(charge) else { panic!("a charge") };
    charge
}

fn resolved(amount: &Amount) -> Money {
    match amount {
        Amount::Everything => usd(PAID),
        Amount::Exactly(money) => *money,
    }
}

impl Script {
    /// Adds a refund that an earlier call made.
    pub fn add_made(&mut self, operation: &OperationId, payment: &PaymentRef, amount: u64) {
        let refund = refund(operation, payment, usd(amount), None, Metadata::default());
        self.made.insert(operation.to_string(), refund);
    }
}

fn refund(
    operation: &OperationId,
    payment: &PaymentRef,
    money: Money,
    reason: Option<&Reason>,
    metadata: Metadata,
) -> Refund {
    Refund {
        charge: Some(charge_of(payment)),
        reason: reason.cloned(),
        created: 1,
        metadata: metadata.with_operation(operation),
        ..Refund::assumed(format!("re_{operation}"), money)
    }
}

impl Node for Script {
    fn check(
        &mut self,
        payment: &PaymentRef,
        amount: &Amount,
        _: Option<&Reason>,
        _: &Rules,
    ) -> Result<Checked, CallError> {
        self.checks += 1;
        if let Some(error) = self.check_fails.take() {
            return Err(error);
        }
        if self.unpaid.contains(payment) {
            let verdict = Verdict::not_succeeded("canceled", usd(0).currency, amount);
            return Ok(Checked { verdict, facts: None });
        }
        let id = charge_of(payment);
        let own = |refund: &&Refund| refund.charge.as_ref() == Some(&id);
        let refunds = self.made.values().filter(own).cloned().collect();
        let facts = Facts { charge: paid(&id), refunds, disputes: Vec::new() };
        Ok(Checked { verdict: approved(resolved(amount)), facts: Some(facts) })
    }

    fn scan(&mut self, _: &ScanRange, _: &Options) -> Result<Scanned, CallError> {
        let unscripted = || CallError::Invalid { problems: Vec::new() };
        self.scanned.clone().ok_or_else(unscripted)
    }

    fn create(&mut self, request: &Request<'_>) -> Result<Created, CreateError> {
        self.creates.push(CreateCall {
            operation_id: request.operation_id.clone(),
            payment: request.payment.clone(),
            amount: request.amount,
            reason: request.reason.cloned(),
            metadata: request.metadata.clone(),
            document: request.rules.document.clone(),
            approval: request.approval.map(str::to_owned),
        });
        let operation = request.operation_id.to_string();
        let answer = |refund: &Refund, origin| Created {
            refund: refund.clone(),
            origin,
            attempts: 1,
            request_id: None,
            verdict: None,
        };
        if let Some(refund) = self.made.get(&operation) {
            return Ok(answer(refund, Origin::Found));
        }
        if let Some(Some(error)) = self.troubles.pop_front() {
            return Err(error);
        }
        let refund = refund(
            request.operation_id,
            request.payment,
            resolved(&request.amount),
            request.reason,
            request.metadata.clone(),
        );
        self.made.insert(operation, refund.clone());
        Ok(answer(&refund, Origin::Made))
    }

    fn sla_quote(&mut self, request: &SlaRequest) -> Result<Quote, CallError> {
        self.sla_request = Some(request.clone());
        self.sla_quote.clone().ok_or_else(|| FieldProblem::missing("period.end", "give it").into())
    }

    fn prorate(&mut self, request: &ProrateRequest) -> Result<Proration, CallError> {
        self.prorate_request = Some(request.clone());
        self.proration.clone().ok_or_else(|| FieldProblem::missing("ends", "give it").into())
    }

    fn read_invoice(&mut self, request: &InvoiceRequest) -> Result<InvoiceFacts, CallError> {
        self.invoice_request = Some(request.clone());
        let missing = || FieldProblem::missing("line", "name one of these lines").into();
        self.facts.clone().ok_or_else(missing)
    }

    fn read_subscription(
        &mut self,
        _: &str,
        _: Option<&str>,
    ) -> Result<SubscriptionPeriod, CallError> {
        let missing = || FieldProblem::missing("item", "name one of these").into();
        self.subscription.clone().ok_or_else(missing)
    }
}
