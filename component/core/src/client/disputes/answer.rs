//! Staging evidence, and submitting it.

use super::super::call::{Repeat, exchange, exchange_with};
use super::{
    AlreadySubmitted, DisputeAction, DisputeChanged, DisputeError, NotOpen, PastDue, read, settle,
    standing,
};
use crate::client::{Connection, Transport};
use crate::disputes::{Barrier, Evidence, Standing};
use crate::id::DisputeId;
use crate::model::DisputeCase;
use crate::problem::{FieldProblem, Problems};
use crate::wire::requests::disputes as requests;

/// Stages evidence: Stripe keeps it, the bank sees nothing. Fields that are not named stay, an empty value
/// clears one. May be repeated, until it is submitted.
pub fn stage(
    transport: &mut dyn Transport,
    connection: &Connection,
    id: &str,
    evidence: impl IntoIterator<Item = (String, String)>,
) -> Result<DisputeChanged, DisputeError> {
    let (id, evidence) = check_input(id, evidence)?;
    if evidence.is_empty() {
        return Err(nothing("give at least one field").into());
    }
    open(transport, connection, &id, &evidence)?;
    let sent = exchange(transport, connection, &requests::update(&id, &evidence, false));
    settle(DisputeAction::Stage, &id, sent, transport, connection, |now| {
        evidence.is_in(&now.evidence)
    })
}

/// Sends to the bank what is staged, together with the evidence given. It is sent once: what the bank has
/// cannot be changed or added to.
pub fn submit(
    transport: &mut dyn Transport,
    connection: &Connection,
    id: &str,
    evidence: impl IntoIterator<Item = (String, String)>,
) -> Result<DisputeChanged, DisputeError> {
    let (id, evidence) = check_input(id, evidence)?;
    let case = open(transport, connection, &id, &evidence)?;
    if !evidence.leaves_any(&case.evidence) {
        return Err(nothing("stage evidence first, or give some: an empty answer loses").into());
    }
    let request = requests::update(&id, &evidence, true);
    let sent = exchange_with(Repeat::WhileCertain, transport, connection, &request);
    settle(DisputeAction::Submit, &id, sent, transport, connection, |now| {
        crate::disputes::is_submitted(&now.status, now.evidence_details.as_ref())
    })
}

fn check_input(
    id: &str,
    evidence: impl IntoIterator<Item = (String, String)>,
) -> Result<(DisputeId, Evidence), Vec<FieldProblem>> {
    let mut problems = Problems::default();
    let id = problems.keep(DisputeId::parse(id));
    let evidence = problems.keep_all(Evidence::parse(evidence));
    problems.into_result()?;
    id.zip(evidence).ok_or_else(Vec::new)
}

fn nothing(fix: &str) -> Vec<FieldProblem> {
    vec![FieldProblem::missing("evidence", fix)]
}

/// Reads the dispute, and goes on only if it can be answered with this.
fn open(
    transport: &mut dyn Transport,
    connection: &Connection,
    id: &DisputeId,
    evidence: &Evidence,
) -> Result<DisputeCase, DisputeError> {
    let case = read(transport, connection, id)?;
    let standing = standing(&case, transport);
    if let Some(barrier) = standing.barrier {
        return Err(blocked(&case, &standing, barrier, transport.now()));
    }
    evidence.check_beside(&case.evidence).map_err(|problem| vec![problem])?;
    Ok(case)
}

fn blocked(case: &DisputeCase, standing: &Standing, barrier: Barrier, now: u64) -> DisputeError {
    let dispute = case.id.to_string();
    match barrier {
        Barrier::NotOpen => DisputeError::NotOpen(NotOpen { dispute, status: case.status.clone() }),
        Barrier::PastDue => {
            let due_by = standing.due_by.unwrap_or(0);
            DisputeError::PastDue(PastDue { dispute, due_by, now })
        }
        Barrier::AlreadySubmitted => DisputeError::AlreadySubmitted(AlreadySubmitted {
            dispute,
            status: case.status.clone(),
            submission_count: standing.submission_count,
        }),
    }
}
