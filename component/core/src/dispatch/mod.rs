//! The generic interface: `describe` and `invoke`, JSON in and JSON out. With these two functions a platform shows a form
//! and runs a node.
//!
//! Each area has a file with a table of its operations, their inputs and their handlers. `invoke`, the list of known names
//! and the manifest follow from the tables.

mod billing;
mod create_input;
mod credits;
mod disputes;
mod duplicates;
mod eligibility;
mod failure;
mod follow_ups;
mod inputs;
#[cfg(feature = "schema")]
pub mod manifest;
mod operation;
mod payments;
mod refunds;
mod reports;
mod text;
mod webhooks;

pub use create_input::CreateInput;
pub use failure::{Failure, FailureKind, InvokeError};
pub use inputs::connect;
pub use text::{read, write};

use self::operation::{Handler, Operation};
use crate::client::Transport;

/// The manifest of the component with HTTP.
pub const MANIFEST: &str = include_str!("manifest.json");
/// The manifest of the component without any import.
pub const PURE_MANIFEST: &str = include_str!("manifest.pure.json");

/// The table of each area.
const AREAS: [&[Operation]; 10] = [
    refunds::OPERATIONS,
    payments::OPERATIONS,
    eligibility::OPERATIONS,
    duplicates::OPERATIONS,
    credits::OPERATIONS,
    billing::OPERATIONS,
    reports::OPERATIONS,
    webhooks::OPERATIONS,
    follow_ups::OPERATIONS,
    disputes::OPERATIONS,
];

/// All operations.
static ALL: [Operation; count(false)] = collect(false);

/// The operations that need no HTTP. The compiler copies them out of the tables, so a component that calls `invoke_pure`
/// alone refers to no other handler and holds none of their code.
static PURE: [Operation; count(true)] = collect(true);

const fn count(pure_only: bool) -> usize {
    let (mut found, mut area) = (0, 0);
    while area < AREAS.len() {
        let mut at = 0;
        while at < AREAS[area].len() {
            if !(pure_only && AREAS[area][at].needs_http()) {
                found += 1;
            }
            at += 1;
        }
        area += 1;
    }
    found
}

const fn collect<const N: usize>(pure_only: bool) -> [Operation; N] {
    let mut all = [AREAS[0][0]; N];
    let (mut found, mut area) = (0, 0);
    while area < AREAS.len() {
        let mut at = 0;
        while at < AREAS[area].len() {
            if !(pure_only && AREAS[area][at].needs_http()) {
                all[found] = AREAS[area][at];
                found += 1;
            }
            at += 1;
        }
        area += 1;
    }
    all
}

/// Runs one operation: JSON object in, JSON object out.
pub fn invoke(
    transport: &mut dyn Transport,
    operation: &str,
    input: &str,
) -> Result<String, InvokeError> {
    match find(&ALL, operation)? {
        Handler::Pure(run) => run(input),
        Handler::Timed(run) => run(Some(transport.now()), input),
        Handler::Reads(run) | Handler::Writes(run) | Handler::MovesMoney(run) => {
            run(transport, input)
        }
    }
}

/// Runs one operation that needs no HTTP, without a clock; it knows no others.
pub fn invoke_pure(operation: &str, input: &str) -> Result<String, InvokeError> {
    match find(&PURE, operation)? {
        Handler::Pure(run) => run(input),
        Handler::Timed(run) => run(None, input),
        // None of these is in the table.
        Handler::Reads(_) | Handler::Writes(_) | Handler::MovesMoney(_) => Err(unknown(&PURE)),
    }
}

fn find(operations: &[Operation], name: &str) -> Result<Handler, InvokeError> {
    let found = operations.iter().find(|operation| operation.name == name);
    found.map(|operation| operation.handler).ok_or_else(|| unknown(operations))
}

fn unknown(operations: &[Operation]) -> InvokeError {
    let names = operations.iter().map(|operation| operation.name.to_owned());
    InvokeError::UnknownOperation(names.collect())
}
