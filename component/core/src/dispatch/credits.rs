//! What is fair to give back.

use super::failure::InvokeError;
#[cfg(feature = "schema")]
use super::manifest::{About, icon, schema};
use super::operation::{Handler, Operation};
use super::text::{read, write};
use crate::credits;

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        name: "credits.sla-quote",
        handler: Handler::Pure(sla_quote),
        #[cfg(feature = "schema")]
        about: About {
            title: "Credit for an outage",
            description: "Computes what a service level grants for a period: incidents merged so that overlap counts once, tiers or the time down, a cap, earlier credits subtracted.",
            icon: icon::CREDIT,
            input: schema::<credits::SlaRequest>,
            output: schema::<credits::Quote>,
        },
    },
    Operation {
        name: "credits.prorate",
        handler: Handler::Pure(prorate),
        #[cfg(feature = "schema")]
        about: About {
            title: "Refund for an unused period",
            description: "Computes what to refund when a period ends early, to the second as Stripe prorates, and of which payments: earlier credits and refunds subtracted, never more than the payments can still give.",
            icon: icon::CREDIT,
            input: schema::<credits::ProrateRequest>,
            output: schema::<credits::Proration>,
        },
    },
];

fn sla_quote(input: &str) -> Result<String, InvokeError> {
    write(&credits::sla_quote(&read(input)?)?)
}

fn prorate(input: &str) -> Result<String, InvokeError> {
    write(&credits::prorate(&read(input)?)?)
}
