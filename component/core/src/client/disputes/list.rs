//! Listing disputes: what is due when.

use serde::{Deserialize, Serialize};

use super::super::call::call;
use super::super::reads::check_range;
use crate::client::{CallError, Connection, Transport};
use crate::disputes::Standing;
use crate::id::{DisputeId, PaymentRef};
use crate::model::{Dispute, Page};
use crate::problem::{FieldProblem, Problems};
use crate::sort::sort_by;
use crate::wire::requests::FULL_PAGE;
use crate::wire::requests::disputes::{self as requests, DisputeQuery};

const DEFAULT_LIMIT: u16 = 10;
/// Most disputes that one call reads.
const MAX_LIMIT: u16 = 1_000;

/// Which disputes to list.
#[derive(Clone, Debug, Default)]
pub struct DisputeFilter {
    /// Only those of this payment.
    pub payment: Option<PaymentRef>,
    /// Created at or after, Unix seconds.
    pub created_from: Option<u64>,
    /// Created at or before, Unix seconds.
    pub created_to: Option<u64>,
    /// Only those whose status says that the bank waits. Stripe knows no such filter: it is applied to what
    /// was read.
    pub open_only: bool,
    /// How many disputes to read, 1 to 1000; 10 when absent, 1000 with `open_only`.
    pub limit: Option<u16>,
    /// The `next` of the call before.
    pub cursor: Option<String>,
}

/// A dispute in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ListedDispute {
    /// The dispute, without its evidence.
    pub dispute: Dispute,
    /// Whether it can be answered, and until when.
    pub standing: Standing,
}

/// Disputes, by what is due when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DisputePage {
    /// Those that await an answer come first, the soonest due at the top; then the others, newest first.
    pub disputes: Vec<ListedDispute>,
    /// Pass as `cursor` to go on with older ones; absent when all were read.
    pub next: Option<String>,
}

/// Reads the newest disputes, or goes on from a cursor, and orders what was read by what is due when.
pub fn list(
    transport: &mut dyn Transport,
    connection: &Connection,
    filter: &DisputeFilter,
) -> Result<DisputePage, CallError> {
    let mut left = check_input(filter)?;
    let mut after = filter.cursor.clone();
    let mut found: Vec<Dispute> = Vec::new();
    let next = loop {
        let limit = u8::try_from(left).unwrap_or(FULL_PAGE).min(FULL_PAGE);
        let request = requests::list(&DisputeQuery {
            payment: filter.payment.as_ref(),
            created_from: filter.created_from,
            created_to: filter.created_to,
            limit,
            starting_after: after.as_deref(),
        });
        let page: Page<Dispute> = call(transport, connection, &request)?;
        left = left.saturating_sub(limit.into());
        after = page.data.last().filter(|_| page.has_more).map(|last| last.id.to_string());
        found.extend(page.data);
        if after.is_none() || left == 0 {
            break after;
        }
    };
    let now = transport.now();
    let judged = |dispute: Dispute| ListedDispute {
        standing: Standing::of(&dispute.status, dispute.evidence_details.as_ref(), now),
        dispute,
    };
    let mut disputes: Vec<_> = found.into_iter().map(judged).collect();
    disputes.retain(|one| one.standing.awaits_response || !filter.open_only);
    // Stable: what is equally urgent stays as Stripe lists it, newest first.
    sort_by(&mut disputes, |a, b| a.standing.urgency().cmp(&b.standing.urgency()));
    Ok(DisputePage { disputes, next })
}

/// How many to read.
fn check_input(filter: &DisputeFilter) -> Result<u16, Vec<FieldProblem>> {
    let mut problems = Problems::default();
    let limit = filter.limit.unwrap_or(if filter.open_only { MAX_LIMIT } else { DEFAULT_LIMIT });
    if !(1..=MAX_LIMIT).contains(&limit) {
        problems.push(FieldProblem::new(
            "limit",
            limit,
            format!("is not between 1 and {MAX_LIMIT}"),
            format!("ask for at most {MAX_LIMIT} and go on with `cursor`"),
        ));
    }
    check_range(filter.created_from, filter.created_to, &mut problems);
    if let Some(cursor) = &filter.cursor {
        problems.keep(DisputeId::parse(cursor).map_err(|problem| problem.at("cursor")));
    }
    problems.into_result()?;
    Ok(limit)
}
