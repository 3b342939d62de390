//! What is fair to give back.

use super::failure::InvokeError;
use super::operation::{Operation, operations};
use super::text::{read, write};
use crate::credits;

pub(super) const OPERATIONS: &[Operation] = operations![
    "credits.sla-quote": Pure(sla_quote), credits::SlaRequest => credits::Quote;
    CREDIT, "Credit for an outage",
    "Computes what a service level grants for a period: incidents merged so that overlap counts once, tiers or the time down, a cap, earlier credits subtracted.";

    "credits.prorate": Pure(prorate), credits::ProrateRequest => credits::Proration;
    CREDIT, "Refund for an unused period",
    "Computes what to refund when a period ends early, to the second as Stripe prorates, and of which payments: earlier credits and refunds subtracted, never more than the payments can still give.";
];

fn sla_quote(input: &str) -> Result<String, InvokeError> {
    write(&credits::sla_quote(&read(input)?)?)
}

fn prorate(input: &str) -> Result<String, InvokeError> {
    write(&credits::prorate(&read(input)?)?)
}
