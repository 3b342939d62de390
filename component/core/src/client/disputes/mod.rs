//! Disputes: read, answer, accept.
//!
//! Two of these calls can never be taken back. Evidence is submitted once, and a dispute that is closed is
//! lost. So each of the two reads the dispute first and sends only what still makes sense, is sent once, and
//! when its answer is lost the dispute is read again instead.

mod answer;
mod close;
mod error;
mod list;
mod upload;

use serde::{Deserialize, Serialize};

pub use answer::{stage, submit};
pub use close::{CloseConfirmation, close};
pub use error::{
    AlreadySubmitted, ConfirmationMismatch, DisputeAction, DisputeError, DisputeOutcomeUnknown,
    NotOpen, PastDue,
};
pub use list::{DisputeFilter, DisputePage, ListedDispute, list};
pub use upload::upload;

use super::call::{Exchange, call};
use super::connection::Connection;
use super::error::CallError;
use super::transport::Transport;
use crate::disputes::Standing;
use crate::id::DisputeId;
use crate::model::DisputeCase;
use crate::wire::requests::disputes as requests;

/// A dispute, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DisputeReport {
    /// As Stripe holds it.
    pub dispute: DisputeCase,
    /// Whether it can be answered, and until when.
    pub standing: Standing,
}

/// A dispute that was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DisputeChanged {
    /// As Stripe holds it now.
    pub dispute: DisputeCase,
    /// Where it stands now.
    pub standing: Standing,
    /// The answer was lost; the dispute was read again, and shows the change.
    pub reconciled: bool,
    /// How often the request was sent.
    pub attempts: u32,
}

/// Reads a dispute.
pub fn retrieve(
    transport: &mut dyn Transport,
    connection: &Connection,
    id: &str,
) -> Result<DisputeReport, CallError> {
    let dispute = read(transport, connection, &DisputeId::parse(id)?)?;
    let standing = standing(&dispute, transport);
    Ok(DisputeReport { dispute, standing })
}

fn read(
    transport: &mut dyn Transport,
    connection: &Connection,
    id: &DisputeId,
) -> Result<DisputeCase, CallError> {
    call(transport, connection, &requests::retrieve(id))
}

fn standing(dispute: &DisputeCase, transport: &dyn Transport) -> Standing {
    Standing::of(&dispute.status, dispute.evidence_details.as_ref(), transport.now())
}

/// What a change came to. `shows` tells whether a dispute that was read again shows the change.
fn settle(
    action: DisputeAction,
    id: &DisputeId,
    sent: Exchange<DisputeCase>,
    transport: &mut dyn Transport,
    connection: &Connection,
    shows: impl Fn(&DisputeCase) -> bool,
) -> Result<DisputeChanged, DisputeError> {
    let attempts = sent.attempts;
    let changed = |dispute: DisputeCase, standing, reconciled| DisputeChanged {
        dispute,
        standing,
        reconciled,
        attempts,
    };
    let failure = match sent.outcome {
        Ok(replied) => {
            let standing = standing(&replied.object, transport);
            return Ok(changed(replied.object, standing, false));
        }
        Err(failure) if !sent.ambiguous => return Err(CallError::from(failure).into()),
        Err(failure) => failure,
    };
    // A change that is not there proves nothing: the request may still be on its way.
    let now = read(transport, connection, id).ok();
    match now {
        Some(dispute) if shows(&dispute) => {
            let standing = standing(&dispute, transport);
            Ok(changed(dispute, standing, true))
        }
        other => Err(DisputeError::OutcomeUnknown(DisputeOutcomeUnknown {
            action,
            dispute: id.to_string(),
            status: other.map(|dispute| dispute.status),
            attempts,
            detail: failure.brief(),
        })),
    }
}
