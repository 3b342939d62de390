//! The operations on reports: what they read, and the summary.

use serde::Deserialize;

use super::failure::InvokeError;
use super::inputs::connect;
#[cfg(feature = "schema")]
use super::manifest::{About, icon, schema};
use super::operation::{Handler, Operation};
use super::text::{read, write};
use crate::client::{self, ConnectionInput, RowRange, TakenRange, Transport};
use crate::reports;

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        name: "reports.rows",
        handler: Handler::Reads(rows),
        #[cfg(feature = "schema")]
        about: About {
            title: "Read refunds for a report",
            description: "Reads a page of the refunds of a time range, each with customer, product and lost fee from its charge, as `reports.summarize` takes them.",
            icon: icon::REPORT,
            input: schema::<Rows>,
            output: schema::<client::RowPage>,
        },
    },
    Operation {
        name: "reports.charges-taken",
        handler: Handler::Reads(taken),
        #[cfg(feature = "schema")]
        about: About {
            title: "Sum up charges for a report",
            description: "Sums up the charges of a time range by currency and month, which a refund rate is measured against.",
            icon: icon::REPORT,
            input: schema::<Taken>,
            output: schema::<client::TakenPage>,
        },
    },
    Operation {
        name: "reports.summarize",
        handler: Handler::Pure(summarize),
        #[cfg(feature = "schema")]
        about: About {
            title: "Report on refunds",
            description: "Sums up refunds by currency, status, reason, product and month: how many, how much, fees lost, the rate against charges, approval times, repeat customers.",
            icon: icon::REPORT,
            input: schema::<Summarize>,
            output: schema::<reports::Summary>,
        },
    },
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
