//! Customers who paid twice.

use serde::{Deserialize, Serialize};

use super::failure::InvokeError;
use super::inputs::connect;
use super::operation::{Operation, operations};
use super::text::{read, write};
use crate::client::{self, ConnectionInput, ScanRange, Transport};
use crate::duplicates::{self, Group};
use crate::model::Charge;

pub(super) const OPERATIONS: &[Operation] = operations![
    "duplicates.detect": Pure(detect), Detect => Detected;
    DUPLICATES, "Find duplicates in given charges",
    "Finds customers who paid twice: same customer or card, amount and currency within a short time.";

    "duplicates.scan-live": Reads(scan_live), ScanLive => client::Scanned;
    DUPLICATES, "Find duplicates",
    "Reads the charges of a time range from Stripe and finds customers who paid twice.";
];

/// `duplicates.detect`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Detect {
    /// Charges, as Stripe gives them, in any order.
    charges: Vec<Charge>,
    /// How to look.
    #[serde(default)]
    options: duplicates::Options,
}

/// `duplicates.scan-live`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct ScanLive {
    /// Which Stripe to talk to.
    #[serde(default)]
    connection: ConnectionInput,
    /// Which charges to look at.
    range: ScanRange,
    /// How to look.
    #[serde(default)]
    options: duplicates::Options,
}

/// What `duplicates.detect` gives.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Detected {
    /// The groups, ordered by first charge.
    groups: Vec<Group>,
}

fn detect(input: &str) -> Result<String, InvokeError> {
    let input: Detect = read(input)?;
    write(&Detected { groups: duplicates::detect(&input.charges, &input.options)? })
}

fn scan_live(transport: &mut dyn Transport, input: &str) -> Result<String, InvokeError> {
    let input: ScanLive = read(input)?;
    let connection = connect(input.connection)?;
    write(&client::scan_live(transport, &connection, &input.range, &input.options)?)
}
