//! The operations that read for a prorated refund.

use schemars::SchemaGenerator;

use super::{Effect, ICON_CREDIT, Operation};
use crate::billing::{InvoiceFacts, SubscriptionPeriod};
use crate::dispatch::billing as inputs;

pub(super) fn operations(schemas: &mut SchemaGenerator) -> Vec<Operation> {
    vec![
        Operation {
            name: "billing.invoice",
            title: "Read what was paid for a period",
            description: "Reads a paid invoice and gives what `credits.prorate` takes: price and period of a line, the payments with what was refunded of each, and what credit notes gave.",
            icon: ICON_CREDIT,
            effect: Effect::Reads,
            input: schemas.subschema_for::<inputs::OneInvoice>(),
            output: schemas.subschema_for::<InvoiceFacts>(),
        },
        Operation {
            name: "billing.subscription",
            title: "Read a subscription's period",
            description: "Reads the period of a subscription, or of one of its items, and its newest invoice.",
            icon: ICON_CREDIT,
            effect: Effect::Reads,
            input: schemas.subschema_for::<inputs::OneSubscription>(),
            output: schemas.subschema_for::<SubscriptionPeriod>(),
        },
    ]
}
