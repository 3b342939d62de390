//! The generic interface: `describe` and `invoke`, JSON in and JSON out. With these two functions a platform shows a form
//! and runs a node.
//!
//! Each area has a file with a table of its operations, their inputs and their handlers. `invoke`, the list of known names
//! and the manifest follow from the tables.

#[cfg(feature = "schema")]
mod about;
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

/// The operations that need no HTTP. The compiler copies them out of the tables, so a component that calls `invoke_pure`
/// alone refers to no other handler and holds none of their code.
static PURE: [Operation; pure::<1>().1] = pure().0;

/// The first operations that need no HTTP, as many as there is room for, and how many there are.
const fn pure<const ROOM: usize>() -> ([Operation; ROOM], usize) {
    let (mut found, mut count) = ([AREAS[0][0]; ROOM], 0);
    let mut area = 0;
    while area < AREAS.len() {
        let mut at = 0;
        while at < AREAS[area].len() {
            let operation = AREAS[area][at];
            if !operation.needs_http() {
                if count < ROOM {
                    found[count] = operation;
                }
                count += 1;
            }
            at += 1;
        }
        area += 1;
    }
    (found, count)
}

/// Runs one operation: JSON object in, JSON object out.
pub fn invoke(
    transport: &mut dyn Transport,
    operation: &str,
    input: &str,
) -> Result<String, InvokeError> {
    match find(&AREAS, operation)? {
        Handler::Pure(run) => run(input),
        Handler::Timed(run) => run(Some(transport.now()), input),
        Handler::Reads(run) | Handler::Writes(run) | Handler::MovesMoney(run) => {
            run(transport, input)
        }
    }
}

/// Runs one operation that needs no HTTP, without a clock; it knows no others.
pub fn invoke_pure(operation: &str, input: &str) -> Result<String, InvokeError> {
    match find(&[&PURE], operation)? {
        Handler::Pure(run) => run(input),
        Handler::Timed(run) => run(None, input),
        // The table has none of these.
        Handler::Reads(_) | Handler::Writes(_) | Handler::MovesMoney(_) => Err(unknown(&[&PURE])),
    }
}

fn find(areas: &[&[Operation]], name: &str) -> Result<Handler, InvokeError> {
    let found = areas.iter().copied().flatten().find(|operation| operation.name == name);
    found.map(|operation| operation.handler).ok_or_else(|| unknown(areas))
}

fn unknown(areas: &[&[Operation]]) -> InvokeError {
    let names = areas.iter().copied().flatten().map(|operation| operation.name.to_owned());
    InvokeError::UnknownOperation(names.collect())
}
