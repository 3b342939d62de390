//! The operations that read for a prorated refund.

use serde::Deserialize;

use super::failure::InvokeError;
use super::inputs::connect;
use super::operation::{Operation, operations};
use super::text::{read, write};
use crate::client::{self, ConnectionInput, InvoiceRequest, Transport};
use crate::credits::Span;

pub(super) const OPERATIONS: &[Operation] = operations![
    "billing.invoice": Reads(invoice), OneInvoice => crate::billing::InvoiceFacts;
    CREDIT, "Read what was paid for a period",
    "Reads a paid invoice and gives what `credits.prorate` takes: price and period of a line, the payments with what was refunded of each, and what credit notes gave.";

    "billing.subscription": Reads(subscription), OneSubscription => crate::billing::SubscriptionPeriod;
    CREDIT, "Read a subscription's period",
    "Reads the period of a subscription, or of one of its items, and its newest invoice.";
];

/// `billing.invoice`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct OneInvoice {
    /// Which Stripe to talk to.
    #[serde(default)]
    connection: ConnectionInput,
    /// The invoice, `in_…`; it must be paid.
    invoice: String,
    /// The line, `il_…`, or the subscription item that it bills, `si_…`; needed where the invoice bills several
    /// periods.
    #[serde(default, deserialize_with = "crate::optional::value")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    line: Option<String>,
    /// Only a line for exactly this period.
    #[serde(default, deserialize_with = "crate::optional::filter")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    period: Option<Span>,
    /// Refunds that this operation made of the payments, each with the operation id `<operation_id>-<charge id>`,
    /// are listed in `made` and not counted in `refunded`.
    #[serde(default)]
    operation_id: Option<String>,
}

/// `billing.subscription`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct OneSubscription {
    /// Which Stripe to talk to.
    #[serde(default)]
    connection: ConnectionInput,
    /// The subscription, `sub_…`.
    subscription: String,
    /// The item, `si_…`; needed where the periods of its items differ.
    #[serde(default, deserialize_with = "crate::optional::value")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    item: Option<String>,
}

fn invoice(transport: &mut dyn Transport, input: &str) -> Result<String, InvokeError> {
    let input: OneInvoice = read(input)?;
    let connection = connect(input.connection)?;
    let request = InvoiceRequest {
        invoice: input.invoice,
        line: input.line,
        period: input.period,
        operation_id: input.operation_id,
    };
    write(&client::read_invoice(transport, &connection, &request)?)
}

fn subscription(transport: &mut dyn Transport, input: &str) -> Result<String, InvokeError> {
    let input: OneSubscription = read(input)?;
    let connection = connect(input.connection)?;
    let (subscription, item) = (&input.subscription, input.item.as_deref());
    write(&client::read_subscription(transport, &connection, subscription, item)?)
}
