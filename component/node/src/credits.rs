//! Exports `credits`. Nothing is judged here: a wrong currency or id is reported by the core, beside all else.

use refund_core::credits::{
    self, Downtime, Order, PaymentShare, Price, ProrateRequest, Proration, Quote, Rounding, Scale,
    SlaRequest, Span, Tier,
};
use refund_core::id::{ChargeId, PaymentIntentId, PaymentRef};

use crate::Component;
use crate::bindings::exports::refund_node::refunds::credits as wit;
use crate::bindings::exports::refund_node::refunds::types;
use crate::types::{money, problems};

impl wit::Guest for Component {
    fn sla_quote(request: wit::SlaRequest) -> Result<wit::Quote, Vec<types::FieldProblem>> {
        credits::sla_quote(&read_sla(request)).map(quote).map_err(problems)
    }

    fn prorate(request: wit::ProrateRequest) -> Result<wit::Proration, Vec<types::FieldProblem>> {
        credits::prorate(&read_prorate(request)).map(proration).map_err(problems)
    }
}

fn read_price(money: types::Money) -> Price {
    Price { amount: money.amount, currency: money.currency }
}

pub(crate) fn read_span(span: wit::Span) -> Span {
    Span { start: span.start, end: span.end }
}

pub(crate) fn span(span: Span) -> wit::Span {
    wit::Span { start: span.start, end: span.end }
}

fn read_spans(spans: Vec<wit::Span>) -> Vec<Span> {
    spans.into_iter().map(read_span).collect()
}

pub(crate) fn read_rounding(rounding: wit::Rounding) -> Rounding {
    match rounding {
        wit::Rounding::Down => Rounding::Down,
        wit::Rounding::HalfUp => Rounding::HalfUp,
        wit::Rounding::HalfEven => Rounding::HalfEven,
        wit::Rounding::Up => Rounding::Up,
    }
}

fn read_sla(request: wit::SlaRequest) -> SlaRequest {
    let tier = |tier: wit::Tier| Tier { below: tier.below, credit: tier.credit };
    SlaRequest {
        paid: read_price(request.paid),
        period: read_span(request.period),
        downtime: match request.downtime {
            wit::Downtime::Incidents(spans) => Downtime::Incidents(read_spans(spans)),
            wit::Downtime::Seconds(seconds) => Downtime::Seconds(seconds),
        },
        excluded: read_spans(request.excluded),
        scale: match request.scale {
            wit::Scale::Tiers(tiers) => Scale::Tiers(tiers.into_iter().map(tier).collect()),
            wit::Scale::Proportional(factor) => Scale::Proportional(factor),
        },
        cap: request.cap,
        credited: request.credited,
        rounding: request.rounding.map(read_rounding),
    }
}

fn quote(quote: Quote) -> wit::Quote {
    wit::Quote {
        credit: money(quote.credit),
        earned: quote.earned,
        uptime: quote.uptime,
        seconds_down: quote.seconds_down,
        seconds_counted: quote.seconds_counted,
        tier: quote.tier.map(|tier| wit::Tier { below: tier.below, credit: tier.credit }),
        capped: quote.capped,
        merged: quote.merged.into_iter().map(span).collect(),
    }
}

fn read_payment(share: wit::PaymentShare) -> PaymentShare {
    PaymentShare {
        payment: match share.payment {
            types::PaymentRef::Charge(id) => PaymentRef::Charge(ChargeId::from_stripe(id)),
            types::PaymentRef::PaymentIntent(id) => {
                PaymentRef::PaymentIntent(PaymentIntentId::from_stripe(id))
            }
        },
        paid: share.paid,
        refunded: share.refunded,
    }
}

fn read_prorate(request: wit::ProrateRequest) -> ProrateRequest {
    ProrateRequest {
        price: read_price(request.price),
        period: read_span(request.period),
        ends: request.ends,
        payments: request.payments.into_iter().map(read_payment).collect(),
        credited: request.credited,
        kept: request.kept,
        rounding: request.rounding.map(read_rounding),
        order: request.order.map(|order| match order {
            wit::Order::Proportional => Order::Proportional,
            wit::Order::LastFirst => Order::LastFirst,
            wit::Order::FirstFirst => Order::FirstFirst,
        }),
    }
}

pub(crate) fn payment(payment: PaymentRef) -> types::PaymentRef {
    match payment {
        PaymentRef::Charge(id) => types::PaymentRef::Charge(id.to_string()),
        PaymentRef::PaymentIntent(id) => types::PaymentRef::PaymentIntent(id.to_string()),
    }
}

fn proration(proration: Proration) -> wit::Proration {
    let share = |share: credits::RefundShare| wit::RefundShare {
        payment: payment(share.payment),
        amount: share.amount,
    };
    wit::Proration {
        refund: money(proration.refund),
        shares: proration.shares.into_iter().map(share).collect(),
        unused: proration.unused,
        subtracted: proration.subtracted,
        left_over: proration.left_over,
        seconds_unused: proration.seconds_unused,
        seconds: proration.seconds,
    }
}
