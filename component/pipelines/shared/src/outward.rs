//! From the words of the core to those of the contract. Nothing can fail.

use refund_core::client::{ConnectionInput, InvoiceRequest, ScanRange};
use refund_core::credits::{
    Downtime, Order, PaymentShare, Price, ProrateRequest, Rounding, Scale, SlaRequest, Span, Tier,
};
use refund_core::duplicates::Options;
use refund_core::eligibility::{Amount, FeeRate};
use refund_core::id::PaymentRef;
use refund_core::model::Reason;
use refund_core::money::Money;
use refund_core::policy::{FixedDecision, Handling, Limits, Terms};
use refund_core::problem::FieldProblem;

use crate::bindings::refund_node::refunds::{
    billing, credits as wit_credits, duplicates, eligibility, live, refunds, types as wit,
};
use crate::imports::{Request, Rules};

pub(crate) fn problems(problems: Vec<FieldProblem>) -> Vec<wit::FieldProblem> {
    let problem = |FieldProblem { field, value, problem, fix }| wit::FieldProblem {
        field,
        value,
        problem,
        fix,
    };
    problems.into_iter().map(problem).collect()
}

pub(crate) fn connection(to: &ConnectionInput) -> wit::Connection {
    wit::Connection {
        base_url: to.base_url.clone(),
        account: to.account.clone(),
        api_key: to.api_key.as_ref().map(|key| key.reveal().to_owned()),
        max_retries: to.max_retries,
    }
}

pub(crate) fn payment(payment: &PaymentRef) -> wit::PaymentRef {
    match payment {
        PaymentRef::Charge(id) => wit::PaymentRef::Charge(id.to_string()),
        PaymentRef::PaymentIntent(id) => wit::PaymentRef::PaymentIntent(id.to_string()),
    }
}

fn money(money: &Money) -> wit::Money {
    wit::Money { amount: money.amount, currency: money.currency.to_string() }
}

fn price(price: &Price) -> wit::Money {
    wit::Money { amount: price.amount, currency: price.currency.clone() }
}

fn amount(amount: &Amount) -> eligibility::Amount {
    match amount {
        Amount::Everything => eligibility::Amount::Everything,
        Amount::Exactly(exactly) => eligibility::Amount::Exactly(money(exactly)),
    }
}

pub(crate) fn rules(rules: &Rules) -> eligibility::Rules {
    match rules {
        Rules::None => eligibility::Rules::None,
        Rules::Terms(given) => eligibility::Rules::Terms(terms(given)),
        Rules::Document(text) => eligibility::Rules::Document(text.clone()),
    }
}

fn terms(terms: &Terms) -> eligibility::Terms {
    let rate =
        |rate: FeeRate| eligibility::FeeRate { basis_points: rate.basis_points, fixed: rate.fixed };
    eligibility::Terms {
        decision: terms.decision.map(|decision| match decision {
            FixedDecision::Ask => eligibility::FixedDecision::Ask,
            FixedDecision::Deny => eligibility::FixedDecision::Deny,
        }),
        window_days: terms.window_days,
        reasons: terms.reasons.as_deref().map(reasons),
        minimum: terms.minimum.as_ref().map(limits),
        approve_up_to: terms.approve_up_to.as_ref().map(limits),
        second_approval_above: terms.second_approval_above.as_ref().map(limits),
        approvals: terms.approvals,
        never_above: terms.never_above.as_ref().map(limits),
        max_attempts: terms.max_attempts,
        payment_methods: terms.payment_methods.clone(),
        required_metadata: terms.required_metadata.clone().map(|keys| keys.into_iter().collect()),
        fraud: terms.fraud.map(handling),
        disputes: terms.disputes.map(handling),
        self_serve: terms.self_serve.as_ref().map(|serve| eligibility::SelfServeTerms {
            up_to: serve.up_to.as_ref().map(limits),
            within_days: serve.within_days,
            reasons: serve.reasons.as_deref().map(reasons),
            first_only: serve.first_only,
        }),
        deduct: terms.deduct.as_ref().map(|deduct| eligibility::Deduction {
            restocking_basis_points: deduct.restocking_basis_points,
            restocking_fee: deduct.restocking_fee.as_ref().map(limits),
            used_up_in_days: deduct.used_up_in_days,
            rounding: rounding(deduct.rounding),
        }),
        fee_rate: terms.fee_rate.map(rate),
    }
}

/// Amounts that cannot be read were refused by [`Rules::either`].
fn limits(limits: &Limits) -> Vec<wit::Money> {
    limits.read("").unwrap_or_default().iter().map(money).collect()
}

fn handling(handling: Handling) -> eligibility::Handling {
    match handling {
        Handling::Allow => eligibility::Handling::Allow,
        Handling::Ask => eligibility::Handling::Ask,
        Handling::Deny => eligibility::Handling::Deny,
    }
}

fn reasons(given: &[Reason]) -> Vec<wit::Reason> {
    given.iter().map(reason).collect()
}

fn reason(reason: &Reason) -> wit::Reason {
    match reason {
        Reason::Duplicate => wit::Reason::Duplicate,
        Reason::Fraudulent => wit::Reason::Fraudulent,
        Reason::RequestedByCustomer => wit::Reason::RequestedByCustomer,
        Reason::ExpiredUncapturedCharge => wit::Reason::ExpiredUncapturedCharge,
        Reason::Other(text) => wit::Reason::Other(text.clone()),
    }
}

pub(crate) fn ask(asked: &Amount, why: Option<&Reason>) -> eligibility::Ask {
    eligibility::Ask { amount: amount(asked), reason: why.map(reason), self_serve: false }
}

pub(crate) fn create(request: &Request<'_>) -> refunds::CreateRequest {
    refunds::CreateRequest {
        operation_id: request.operation_id.to_string(),
        payment: payment(request.payment),
        amount: amount(&request.amount),
        reason: request.reason.map(reason),
        metadata: request.metadata.0.clone().into_iter().collect(),
        refund_application_fee: None,
        reverse_transfer: None,
        instructions_email: None,
        rules: rules(request.rules),
        self_serve: false,
        approval: request.approval.map(str::to_owned),
    }
}

pub(crate) fn range(range: &ScanRange) -> live::ScanRange {
    live::ScanRange {
        created_from: range.created_from,
        created_to: range.created_to,
        customer: range.customer.clone(),
        max_charges: range.max_charges,
    }
}

pub(crate) fn options(options: &Options) -> duplicates::Options {
    duplicates::Options {
        window_seconds: options.window_seconds,
        reference_keys: options.reference_keys.clone(),
    }
}

fn span(span: &Span) -> wit_credits::Span {
    wit_credits::Span { start: span.start, end: span.end }
}

fn rounding(rounding: Rounding) -> wit::Rounding {
    match rounding {
        Rounding::Down => wit::Rounding::Down,
        Rounding::HalfUp => wit::Rounding::HalfUp,
        Rounding::HalfEven => wit::Rounding::HalfEven,
        Rounding::Up => wit::Rounding::Up,
    }
}

pub(crate) fn sla(request: &SlaRequest) -> wit_credits::SlaRequest {
    let spans = |spans: &[Span]| spans.iter().map(span).collect();
    let tier = |tier: &Tier| wit_credits::Tier { below: tier.below, credit: tier.credit };
    wit_credits::SlaRequest {
        paid: price(&request.paid),
        period: span(&request.period),
        downtime: match &request.downtime {
            Downtime::Incidents(incidents) => wit_credits::Downtime::Incidents(spans(incidents)),
            Downtime::Seconds(seconds) => wit_credits::Downtime::Seconds(*seconds),
        },
        excluded: spans(&request.excluded),
        scale: match &request.scale {
            Scale::Tiers(tiers) => wit_credits::Scale::Tiers(tiers.iter().map(tier).collect()),
            Scale::Proportional(factor) => wit_credits::Scale::Proportional(*factor),
        },
        cap: request.cap,
        credited: request.credited,
        rounding: request.rounding.map(rounding),
    }
}

pub(crate) fn prorate(request: &ProrateRequest) -> wit_credits::ProrateRequest {
    let share = |share: &PaymentShare| wit_credits::PaymentShare {
        payment: payment(&share.payment),
        paid: share.paid,
        refunded: share.refunded,
    };
    let order = |order| match order {
        Order::Proportional => wit_credits::Order::Proportional,
        Order::LastFirst => wit_credits::Order::LastFirst,
        Order::FirstFirst => wit_credits::Order::FirstFirst,
    };
    wit_credits::ProrateRequest {
        price: price(&request.price),
        period: span(&request.period),
        ends: request.ends,
        payments: request.payments.iter().map(share).collect(),
        credited: request.credited,
        kept: request.kept,
        rounding: request.rounding.map(rounding),
        order: request.order.map(order),
    }
}

pub(crate) fn invoice_request(request: &InvoiceRequest) -> billing::InvoiceRequest {
    billing::InvoiceRequest {
        invoice: request.invoice.clone(),
        line: request.line.clone(),
        period: request.period.as_ref().map(span),
        operation_id: request.operation_id.clone(),
    }
}
