//! Duplicates among the charges that Stripe has.

use serde::{Deserialize, Serialize};

use super::call::call;
use super::connection::Connection;
use super::error::{CallError, TransportFailure, TransportKind};
use super::transport::Transport;
use crate::duplicates::{Direction, Group, Options, Scanner, Tally};
use crate::id::CustomerId;
use crate::model::{Charge, Page};
use crate::problem::{FieldProblem, Problems};
use crate::wire::requests::{self, FULL_PAGE};

const DEFAULT_CHARGES: u32 = 10_000;
const MAX_CHARGES: u32 = 100_000;

/// Which charges to look at.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ScanRange {
    /// Created at or after, Unix seconds.
    pub created_from: u64,
    /// Created at or before; now when absent.
    #[serde(default)]
    pub created_to: Option<u64>,
    /// Only those of this customer.
    #[serde(default)]
    pub customer: Option<String>,
    /// Stop after so many charges, 1 to 100000; 10000 when absent.
    #[serde(default)]
    pub max_charges: Option<u32>,
}

/// What a scan found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Scanned {
    /// The groups, ordered by first charge.
    pub groups: Vec<Group>,
    /// What was seen.
    pub tally: Tally,
    /// False when `max_charges` ended it: scan again with `created_to` set to `reached`. Groups near the
    /// cut are left to that scan; one of them may be told twice.
    pub complete: bool,
    /// Up to where the rest has to be scanned, Unix seconds; the beginning of the range when it is
    /// complete.
    pub reached: u64,
}

/// Reads the charges of a time range, and of one window before it, then looks for duplicates. A group
/// counts when its last charge lies in the range, so that the edge of a range cuts no group in two.
pub fn scan_live(
    transport: &mut impl Transport,
    connection: &Connection,
    range: &ScanRange,
    options: &Options,
) -> Result<Scanned, CallError> {
    let to = range.created_to.unwrap_or_else(|| transport.now());
    let most = range.max_charges.unwrap_or(DEFAULT_CHARGES);
    let customer = check_input(range, to, most, options)?;
    let from = range.created_from.saturating_sub(options.window());
    let mut scanner = Scanner::new(options, Direction::NewestFirst);
    let mut found =
        Scanned { groups: Vec::new(), tally: Tally::default(), complete: false, reached: to };
    let mut after: Option<String> = None;
    let mut left = most;
    while !found.complete && left > 0 {
        let limit = u8::try_from(left).unwrap_or(FULL_PAGE).min(FULL_PAGE);
        let request = requests::list_charges(from, to, customer.as_ref(), limit, after.as_deref());
        let page: Page<Charge> = call(transport, connection, &request)?;
        left = left.saturating_sub(u32::from(limit));
        found.complete = !page.has_more || page.data.is_empty();
        if let Some(last) = page.data.last() {
            found.reached = last.created;
            after = Some(last.id.to_string());
        }
        found.groups.extend(push(&mut scanner, &page.data)?);
    }
    found.groups.extend(scanner.finish());
    found.groups.retain(|group| group.last_created >= range.created_from);
    if found.complete {
        found.reached = range.created_from;
    } else {
        // What began within a window of the cut may have begun before it.
        let certain = found.reached.saturating_add(options.window());
        found.groups.retain(|group| group.first_created > certain);
        found.reached = certain.saturating_add(options.window());
    }
    found.groups.sort_by(|a, b| (a.first_created, &a.keep).cmp(&(b.first_created, &b.keep)));
    found.tally = scanner.tally();
    Ok(found)
}

/// Stripe lists newest first. If it did not, charges would be missed without a word: that is an answer
/// that cannot be read.
fn push(scanner: &mut Scanner, charges: &[Charge]) -> Result<Vec<Group>, CallError> {
    scanner.push(charges).map_err(|error| {
        CallError::Transport(TransportFailure {
            kind: TransportKind::Unreadable,
            detail: error.to_string(),
            attempts: 1,
        })
    })
}

fn check_input(
    range: &ScanRange,
    to: u64,
    most: u32,
    options: &Options,
) -> Result<Option<CustomerId>, Vec<FieldProblem>> {
    let mut problems = Problems::default();
    if range.created_from > to {
        problems.push(FieldProblem::new(
            "created_from",
            range.created_from,
            format!("is after created_to {to}"),
            "swap the two",
        ));
    }
    if !(1..=MAX_CHARGES).contains(&most) {
        problems.push(FieldProblem::new(
            "max_charges",
            most,
            format!("is not between 1 and {MAX_CHARGES}"),
            "scan a shorter range, or go on from `reached`",
        ));
    }
    let customer = range.customer.as_deref().and_then(|id| problems.keep(CustomerId::parse(id)));
    problems.keep_all(options.check_input());
    problems.into_result()?;
    Ok(customer)
}
