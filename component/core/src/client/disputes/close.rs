//! Accepting the loss.

use serde::{Deserialize, Serialize};

use super::super::call::{Repeat, exchange_with};
use super::{
    ConfirmationMismatch, DisputeAction, DisputeChanged, DisputeError, NotOpen, read, settle,
    standing,
};
use crate::client::{Connection, Transport};
use crate::id::DisputeId;
use crate::money::Currency;
use crate::problem::{FieldProblem, Problems};
use crate::wire::requests::disputes as requests;

/// What is lost, said once more by whoever closes a dispute: the money, and every chance to get it back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CloseConfirmation {
    /// The dispute's id, typed again.
    pub dispute: String,
    /// What is disputed, in the smallest unit of `currency`.
    pub amount: u64,
    /// Its currency, for example `usd`.
    pub currency: String,
}

/// Accepts the loss of a dispute that the bank waits for. Nothing is sent unless the confirmation names what
/// Stripe holds.
pub fn close(
    transport: &mut dyn Transport,
    connection: &Connection,
    id: &str,
    confirmation: &CloseConfirmation,
) -> Result<DisputeChanged, DisputeError> {
    let (id, currency) = check_input(id, confirmation)?;
    let case = read(transport, connection, &id)?;
    if !standing(&case, transport).awaits_response {
        let (dispute, status) = (id.to_string(), case.status);
        return Err(DisputeError::NotOpen(NotOpen { dispute, status }));
    }
    let same = confirmation.dispute == id.as_str()
        && id == case.id
        && confirmation.amount == case.amount
        && currency == case.currency;
    if !same {
        return Err(DisputeError::ConfirmationMismatch(ConfirmationMismatch {
            dispute: id.to_string(),
            held: case.money(),
            given: confirmation.clone(),
        }));
    }
    let request = requests::close(&id);
    let sent = exchange_with(Repeat::WhileCertain, transport, connection, &request);
    settle(DisputeAction::Close, &id, sent, transport, connection, |now| {
        crate::disputes::is_accepted(&now.status)
    })
}

fn check_input(
    id: &str,
    confirmation: &CloseConfirmation,
) -> Result<(DisputeId, Currency), Vec<FieldProblem>> {
    let mut problems = Problems::default();
    let id = problems.keep(DisputeId::parse(id));
    let again = DisputeId::parse(&confirmation.dispute);
    problems.keep(again.map_err(|problem| problem.at("confirmation.dispute")));
    let currency = Currency::parse(&confirmation.currency);
    let currency = problems.keep(currency.map_err(|problem| problem.at("confirmation.currency")));
    problems.into_result()?;
    id.zip(currency).ok_or_else(Vec::new)
}
