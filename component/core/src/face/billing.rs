//! The operations that read for a prorated refund.

use serde::Deserialize;

use super::failure::InvokeError;
use super::invoke::{connect, read, write};
use crate::client::{self, ConnectionInput, InvoiceRequest, Transport};
use crate::credits::Span;

/// `billing.invoice`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(super) struct OneInvoice {
    /// Which Stripe to talk to.
    #[serde(default)]
    connection: ConnectionInput,
    /// The invoice, `in_…`; it must be paid.
    invoice: String,
    /// The line, `il_…`, or the subscription item that it bills, `si_…`; needed where the invoice bills several
    /// periods.
    #[serde(default)]
    line: Option<String>,
    /// Only a line for exactly this period.
    #[serde(default)]
    period: Option<Span>,
    /// Refunds that this operation made, as `<operation_id>-<n>` of the n-th payment, are told apart and not
    /// counted.
    #[serde(default)]
    operation_id: Option<String>,
}

/// `billing.subscription`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(super) struct OneSubscription {
    /// Which Stripe to talk to.
    #[serde(default)]
    connection: ConnectionInput,
    /// The subscription, `sub_…`.
    subscription: String,
    /// The item, `si_…`; needed where the periods of its items differ.
    #[serde(default)]
    item: Option<String>,
}

pub(super) fn invoice(transport: &mut impl Transport, input: &str) -> Result<String, InvokeError> {
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

pub(super) fn subscription(
    transport: &mut impl Transport,
    input: &str,
) -> Result<String, InvokeError> {
    let input: OneSubscription = read(input)?;
    let connection = connect(input.connection)?;
    let (subscription, item) = (&input.subscription, input.item.as_deref());
    write(&client::read_subscription(transport, &connection, subscription, item)?)
}
