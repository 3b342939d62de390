//! The operations on reports: what they read, and the summary.

use serde::Deserialize;

use super::failure::InvokeError;
use super::inputs::connect;
use super::operation::{Operation, operations};
use super::text::{read, write};
use crate::client::{self, ConnectionInput, RowRange, TakenRange, Transport};
use crate::reports;

pub(super) const OPERATIONS: &[Operation] = operations![
    "reports.rows": Reads(rows), Rows => client::RowPage;
    REPORT, "Read refunds for a report",
    "Reads a page of the refunds of a time range, each with customer, product and lost fee from its charge, as `reports.summarize` takes them.";

    "reports.charges-taken": Reads(taken), Taken => client::TakenPage;
    REPORT, "Sum up charges for a report",
    "Sums up the charges of a time range by currency and month, which a refund rate is measured against.";

    "reports.summarize": Pure(summarize), Summarize => reports::Summary;
    REPORT, "Report on refunds",
    "Sums up refunds by currency, status, reason, product and month: how many, how much, fees lost, the rate against charges, approval times, repeat customers.";
];

/// `reports.rows`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Rows {
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
struct Taken {
    /// Which Stripe to talk to.
    #[serde(default)]
    connection: ConnectionInput,
    /// Which charges to sum up.
    range: TakenRange,
}

fn rows(transport: &mut dyn Transport, input: &str) -> Result<String, InvokeError> {
    let input: Rows = read(input)?;
    let connection = connect(input.connection)?;
    write(&client::refund_rows(transport, &connection, &input.range)?)
}

fn taken(transport: &mut dyn Transport, input: &str) -> Result<String, InvokeError> {
    let input: Taken = read(input)?;
    let connection = connect(input.connection)?;
    write(&client::charges_taken(transport, &connection, &input.range)?)
}

/// `reports.summarize`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Summarize {
    /// Refunds, each once, in any order.
    rows: Vec<reports::Row>,
    /// How to report, and the charges to compare with.
    #[serde(default)]
    options: reports::Options,
}

fn summarize(input: &str) -> Result<String, InvokeError> {
    let input: Summarize = read(input)?;
    write(&reports::summarize(&input.rows, &input.options)?)
}
