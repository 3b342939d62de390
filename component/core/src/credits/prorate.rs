//! What to refund when a period ends early (reference 8.1).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::MAX_PAYMENTS;
use super::input::{Price, check_amount, check_length};
use super::span::{Span, check_instant};
use super::split::{Order, split};
use crate::id::{ChargeId, PaymentIntentId, PaymentRef};
use crate::money::Money;
use crate::problem::{FieldProblem, Problems};
use crate::rounding::Rounding;

/// One payment of an invoice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PaymentShare {
    /// What paid: a charge (`ch_…`) or PaymentIntent (`pi_…`).
    #[serde(serialize_with = "as_id", deserialize_with = "by_prefix")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub payment: PaymentRef,
    /// How much of it was for this invoice.
    pub paid: u64,
    /// How much of that was given back already, pending refunds included; at most `paid`.
    #[serde(default)]
    pub refunded: u64,
}

/// A period that ends early.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProrateRequest {
    /// What the whole period costs: what was billed for it, with its tax and after its discount, not the list
    /// price.
    pub price: Price,
    /// The period, as on the subscription item or the invoice line.
    pub period: Span,
    /// When it ends instead, Unix seconds; inside the period, its two ends included.
    pub ends: u64,
    /// What paid for it: 1 to 1,000, none twice.
    pub payments: Vec<PaymentShare>,
    /// Given in another way: credit notes, credit balance. Subtracted first.
    #[serde(default)]
    pub credited: u64,
    /// A fee that is kept in any case, such as for set-up.
    #[serde(default)]
    pub kept: u64,
    /// `half_up` when absent.
    #[serde(
        default,
        deserialize_with = "crate::optional::value",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub rounding: Option<Rounding>,
    /// `proportional` when absent.
    #[serde(default)]
    pub order: Option<Order>,
}

/// What to refund of one payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RefundShare {
    /// The payment, as `refunds.create` takes it.
    #[serde(serialize_with = "as_id", deserialize_with = "by_prefix")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub payment: PaymentRef,
    /// How much, never nothing.
    pub amount: u64,
}

/// What is fair, and how it came about: `unused` = `subtracted` + the refund + `left_over`, always.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Proration {
    /// What to refund; the sum of the shares, never more than the payments can still give.
    pub refund: Money,
    /// Of which payments.
    pub shares: Vec<RefundShare>,
    /// The unused part of the price, to the second, rounded.
    pub unused: u64,
    /// What was subtracted of it: earlier credits, earlier refunds, the fee that is kept; at most all.
    pub subtracted: u64,
    /// What cannot be refunded, since the payments hold less or Stripe takes only multiples in this currency:
    /// give it in another way.
    pub left_over: u64,
    /// Seconds of the period that were not used.
    pub seconds_unused: u64,
    /// Seconds of the period.
    pub seconds: u64,
}

/// What to refund when a period ends early, to the second as Stripe prorates. A later end never refunds more.
pub fn prorate(request: &ProrateRequest) -> Result<Proration, Vec<FieldProblem>> {
    let price = check(request)?;
    let seconds = request.period.seconds();
    let seconds_unused = request.period.end - request.ends;
    let rounding = request.rounding.unwrap_or_default();
    let unused = rounding.part(price.amount, seconds_unused.into(), seconds.into());
    let refunded = request.payments.iter().map(|payment| payment.refunded);
    let given = refunded.fold(request.credited, u64::saturating_add);
    let subtracted = unused.min(given.saturating_add(request.kept));
    let due = unused - subtracted;
    let shares = shares(due, &request.payments, price.currency.step(), request.order);
    let refund = shares.iter().map(|share| share.amount).sum();
    Ok(Proration {
        refund: Money { amount: refund, currency: price.currency },
        shares,
        unused,
        subtracted,
        left_over: due - refund,
        seconds_unused,
        seconds,
    })
}

/// Splits in steps of the currency, so that each share is an amount that Stripe takes.
fn shares(
    due: u64,
    payments: &[PaymentShare],
    step: u64,
    order: Option<Order>,
) -> Vec<RefundShare> {
    let left = |payment: &PaymentShare| payment.paid.saturating_sub(payment.refunded);
    let room: Vec<u64> = payments.iter().map(|payment| left(payment) / step).collect();
    let parts = split(due / step, &room, order.unwrap_or_default());
    let share = |(payment, steps): (&PaymentShare, u64)| RefundShare {
        payment: payment.payment.clone(),
        amount: steps * step,
    };
    payments.iter().zip(parts).filter(|(_, steps)| *steps > 0).map(share).collect()
}

fn check(request: &ProrateRequest) -> Result<Money, Vec<FieldProblem>> {
    let mut problems = Problems::default();
    let price = problems.keep_all(request.price.check("price"));
    let period = problems.keep_all(request.period.check("period"));
    problems.keep(check_instant(request.ends, "ends"));
    let Span { start, end } = request.period;
    if period.is_some() && !(start..=end).contains(&request.ends) {
        let problem = if request.ends < start {
            format!("is before the period, which starts at {start}")
        } else {
            format!("is after the period, which ends at {end}")
        };
        let fix = "give an instant of the period, its two ends included";
        problems.push(FieldProblem::new("ends", request.ends, problem, fix));
    }
    check_payments(&request.payments, &mut problems);
    problems.into_result()?;
    // Where it is absent a problem was noted.
    price.ok_or_else(Vec::new)
}

fn check_payments(payments: &[PaymentShare], problems: &mut Problems) {
    if payments.is_empty() {
        problems.push(FieldProblem::missing("payments", "give what paid for it, at least one"));
    }
    if problems.keep(check_length(payments.len(), MAX_PAYMENTS, "payments")).is_none() {
        return;
    }
    let mut known = BTreeSet::new();
    for (index, payment) in payments.iter().enumerate() {
        let at = |field: &str| format!("payments[{index}].{field}");
        let id = payment.payment.as_str();
        problems.keep(check_id(&payment.payment).map_err(|found| found.at(at("payment"))));
        // Bounded, so that the sum of all of them cannot overflow.
        problems.keep(check_amount(payment.paid, &at("paid")));
        if payment.refunded > payment.paid {
            problems.push(FieldProblem::new(
                at("refunded"),
                payment.refunded,
                format!("is more than was paid, {}", payment.paid),
                "give what was given back of the part that paid for this invoice",
            ));
        }
        if !known.insert(id) {
            problems.push(FieldProblem::new(
                at("payment"),
                id,
                "is there twice",
                "add its two entries up to one",
            ));
        }
    }
}

/// What a caller names is looked at strictly, unlike what comes from Stripe.
fn check_id(payment: &PaymentRef) -> Result<(), FieldProblem> {
    match payment {
        PaymentRef::PaymentIntent(id) => PaymentIntentId::parse(id.as_str()).map(drop),
        PaymentRef::Charge(id) if id.as_str().starts_with("pi_") => {
            ChargeId::parse(id.as_str()).map(drop)
        }
        PaymentRef::Charge(id) => PaymentRef::parse(id.as_str()).map(drop),
    }
}

/// As the prefix says; whether it is an id at all is looked at with everything else.
pub(crate) fn by_prefix<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<PaymentRef, D::Error> {
    String::deserialize(deserializer).map(PaymentRef::by_prefix)
}

/// A payment as its id alone: the prefix says what it is.
pub(crate) fn as_id<S: serde::Serializer>(
    payment: &PaymentRef,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(payment.as_str())
}
