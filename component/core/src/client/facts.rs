//! Facts, fresh from Stripe: never from a ledger, because refunds are made in the Dashboard too.

use serde::{Deserialize, Serialize};

use super::call::call;
use super::connection::Connection;
use super::error::CallError;
use super::pages::all;
use super::transport::Transport;
use crate::eligibility::{Amount, Facts, Verdict};
use crate::id::PaymentRef;
use crate::model::{Charge, LatestCharge, PaymentIntent};
use crate::policy::{Ask, Rules};
use crate::wire::requests;

/// A verdict and what it rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Checked {
    /// The answer.
    pub verdict: Verdict,
    /// The facts, as Stripe gave them a moment ago; absent when the payment never had a charge.
    pub facts: Option<Facts>,
}

/// What is known about a payment.
pub(super) enum Known {
    /// It has a charge.
    Charged(Box<Facts>),
    /// It is a `PaymentIntent` that was never paid.
    Unpaid(PaymentIntent),
}

/// Fetches charge, refunds and disputes, then decides.
pub fn check_live(
    transport: &mut dyn Transport,
    connection: &Connection,
    payment: &PaymentRef,
    ask: &Ask,
    rules: &Rules,
) -> Result<Checked, CallError> {
    ask.amount.check_input()?;
    match gather(transport, connection, payment)? {
        Known::Unpaid(intent) => Ok(Checked { verdict: unpaid(&intent, &ask.amount), facts: None }),
        Known::Charged(facts) => {
            let verdict = rules.check(ask, &facts, transport.now())?;
            Ok(Checked { verdict, facts: Some(*facts) })
        }
    }
}

/// The verdict on a payment without a charge.
pub(super) fn unpaid(intent: &PaymentIntent, amount: &Amount) -> Verdict {
    Verdict::not_succeeded(&intent.status, intent.currency, amount)
}

/// Reads the payment with its refunds, and the disputes of a charge that ever had one.
pub(super) fn gather(
    transport: &mut dyn Transport,
    connection: &Connection,
    payment: &PaymentRef,
) -> Result<Known, CallError> {
    let mut known = charged(transport, connection, payment)?;
    if let Known::Charged(facts) = &mut known
        && facts.charge.disputed
    {
        let charge = &facts.charge.id;
        facts.disputes = all(transport, connection, charge.as_str(), |after| {
            requests::disputes_of(charge, after)
        })?;
    }
    Ok(known)
}

/// Reads the payment with its refunds, and no disputes. The charge comes first, so that a refund made in
/// between is seen.
pub(super) fn charged(
    transport: &mut dyn Transport,
    connection: &Connection,
    payment: &PaymentRef,
) -> Result<Known, CallError> {
    let mut charge: Charge = match payment {
        PaymentRef::Charge(id) => call(transport, connection, &requests::retrieve_charge(id))?,
        PaymentRef::PaymentIntent(id) => {
            let request = requests::retrieve_payment_intent(id);
            let mut intent: PaymentIntent = call(transport, connection, &request)?;
            match intent.latest_charge.take() {
                Some(LatestCharge::Object(charge)) => *charge,
                Some(LatestCharge::Id(id)) => {
                    call(transport, connection, &requests::retrieve_charge(&id))?
                }
                None => return Ok(Known::Unpaid(intent)),
            }
        }
    };
    let refunds = match charge.refunds.take() {
        Some(page) if !page.has_more => page.data,
        _ => {
            let id = &charge.id;
            all(transport, connection, id.as_str(), |after| requests::refunds_of(id, after))?
        }
    };
    Ok(Known::Charged(Box::new(Facts { charge, refunds, disputes: Vec::new() })))
}
