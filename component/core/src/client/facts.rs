//! Facts, fresh from Stripe: never from a ledger, because refunds are made in the Dashboard too.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::call::call;
use super::connection::Connection;
use super::error::{CallError, TransportFailure, TransportKind};
use super::transport::Transport;
use crate::eligibility::{Amount, Facts, Verdict};
use crate::id::{ChargeId, PaymentRef};
use crate::model::{Charge, LatestCharge, Page, PaymentIntent};
use crate::policy::{Ask, Rules};
use crate::wire::requests::{self, FULL_PAGE, Request};

/// Most pages of refunds or disputes of one charge. A charge with more than a thousand refunds is
/// nothing a verdict should be built on.
const MAX_PAGES: usize = 10;

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
    transport: &mut impl Transport,
    connection: &Connection,
    payment: &PaymentRef,
    ask: &Ask,
    rules: &Rules,
) -> Result<Checked, CallError> {
    rules.check_input(ask)?;
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

/// Reads the payment with its refunds, and the disputes of a charge that ever had one. The charge comes
/// first, so that a refund made in between is seen.
pub(super) fn gather(
    transport: &mut impl Transport,
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
        _ => all(transport, connection, &charge.id, requests::refunds_of)?,
    };
    let disputes = if charge.disputed {
        all(transport, connection, &charge.id, requests::disputes_of)?
    } else {
        Vec::new()
    };
    Ok(Known::Charged(Box::new(Facts { charge, refunds, disputes })))
}

/// Reads every page of what belongs to a charge.
pub(super) fn all<T: DeserializeOwned + HasId>(
    transport: &mut impl Transport,
    connection: &Connection,
    charge: &ChargeId,
    request: impl Fn(&ChargeId, Option<&str>) -> Request,
) -> Result<Vec<T>, CallError> {
    let mut objects: Vec<T> = Vec::new();
    for _ in 0..MAX_PAGES {
        let after = objects.last().map(HasId::id);
        let page: Page<T> = call(transport, connection, &request(charge, after))?;
        let more = page.has_more && !page.data.is_empty();
        objects.extend(page.data);
        if !more {
            return Ok(objects);
        }
    }
    let most = MAX_PAGES * usize::from(FULL_PAGE);
    Err(CallError::Transport(TransportFailure {
        kind: TransportKind::TooLarge,
        detail: format!("charge {charge} has more than {most} refunds or disputes"),
        attempts: u32::try_from(MAX_PAGES).unwrap_or(u32::MAX),
    }))
}

/// What a cursor is made of.
pub(super) trait HasId {
    /// The id.
    fn id(&self) -> &str;
}

impl HasId for crate::model::Refund {
    fn id(&self) -> &str {
        self.id.as_str()
    }
}

impl HasId for crate::model::Dispute {
    fn id(&self) -> &str {
        self.id.as_str()
    }
}
