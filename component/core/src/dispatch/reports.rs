//! The operations that read for a report.

use serde::Deserialize;

use super::failure::InvokeError;
use super::invoke::{connect, read, write};
use crate::client::{self, ConnectionInput, RowRange, TakenRange, Transport};

/// `reports.rows`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(super) struct Rows {
    /// Which Stripe to talk to.
    #[serde(default)]
    connection: ConnectionInput,
    /// Which refunds to read.
    range: RowRange,
}

/// `reports.charges-taken`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(super) struct Taken {
    /// Which Stripe to talk to.
    #[serde(default)]
    connection: ConnectionInput,
    /// Which charges to sum up.
    range: TakenRange,
}

pub(super) fn rows(transport: &mut impl Transport, input: &str) -> Result<String, InvokeError> {
    let input: Rows = read(input)?;
    let connection = connect(input.connection)?;
    write(&client::refund_rows(transport, &connection, &input.range)?)
}

pub(super) fn taken(transport: &mut impl Transport, input: &str) -> Result<String, InvokeError> {
    let input: Taken = read(input)?;
    let connection = connect(input.connection)?;
    write(&client::charges_taken(transport, &connection, &input.range)?)
}
