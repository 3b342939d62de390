//! Tables with figures worked out by hand, and what must hold for every outage and every cancellation.

mod bad_input;
mod properties;
mod prorate;
mod sla;

use super::*;
use crate::id::PaymentRef;

const DAY: u64 = 86_400;

fn price(amount: u64, currency: &str) -> Price {
    Price { amount, currency: currency.into() }
}

fn span(start: u64, end: u64) -> Span {
    Span { start, end }
}

/// 49.00 dollars for 30 days, nothing down, three tiers.
fn sla() -> SlaRequest {
    SlaRequest {
        paid: price(4_900, "usd"),
        period: span(0, 30 * DAY),
        downtime: Downtime::Incidents(vec![]),
        excluded: vec![],
        scale: Scale::Tiers(vec![
            Tier { below: 999_000, credit: 100_000 },
            Tier { below: 990_000, credit: 300_000 },
            Tier { below: 950_000, credit: WHOLE },
        ]),
        cap: None,
        credited: 0,
        rounding: None,
    }
}

fn share(payment: &str, paid: u64, refunded: u64) -> PaymentShare {
    PaymentShare { payment: PaymentRef::parse(payment).unwrap(), paid, refunded }
}

/// 30.00 dollars for 30 days, paid by one charge, ended after 10 days.
fn cancelled() -> ProrateRequest {
    ProrateRequest {
        price: price(3_000, "usd"),
        period: span(0, 30 * DAY),
        ends: 10 * DAY,
        payments: vec![share("ch_1", 3_000, 0)],
        credited: 0,
        kept: 0,
        rounding: None,
        order: None,
    }
}

fn amounts(proration: &Proration) -> Vec<(&str, u64)> {
    proration.shares.iter().map(|share| (share.payment.as_str(), share.amount)).collect()
}
