//! The calls that only read: retrieve, list, balance.

use serde::{Deserialize, Serialize};

use super::call::call;
use super::connection::Connection;
use super::error::CallError;
use super::transport::Transport;
use crate::id::{PaymentRef, RefundId};
use crate::model::{Balance, Page, Refund};
use crate::problem::{FieldProblem, Problems};
use crate::wire::requests::{self, FULL_PAGE, RefundQuery};

/// Reads one refund.
pub fn retrieve(
    transport: &mut dyn Transport,
    connection: &Connection,
    id: &str,
) -> Result<Refund, CallError> {
    let id = RefundId::parse(id)?;
    call(transport, connection, &requests::retrieve_refund(&id))
}

/// Reads what can be paid out now.
pub fn balance(
    transport: &mut dyn Transport,
    connection: &Connection,
) -> Result<Balance, CallError> {
    call(transport, connection, &requests::balance())
}

/// Which refunds to list.
#[derive(Clone, Debug, Default)]
pub struct ListFilter {
    /// Only those of this payment.
    pub payment: Option<PaymentRef>,
    /// Created at or after, Unix seconds.
    pub created_from: Option<u64>,
    /// Created at or before, Unix seconds.
    pub created_to: Option<u64>,
    /// Page size, 1 to 100; 10 when absent.
    pub limit: Option<u8>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}

/// A page, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RefundPage {
    /// At most `limit` of them.
    pub refunds: Vec<Refund>,
    /// Pass as `cursor` to go on; absent on the last page.
    pub next: Option<String>,
}

/// Reads a page of refunds.
pub fn list(
    transport: &mut dyn Transport,
    connection: &Connection,
    filter: &ListFilter,
) -> Result<RefundPage, CallError> {
    let mut problems = Problems::default();
    if let Some(limit) = filter.limit.filter(|limit| !(1..=FULL_PAGE).contains(limit)) {
        problems.push(FieldProblem::new(
            "limit",
            limit,
            "is not between 1 and 100",
            "ask for at most 100 and go on with `cursor`",
        ));
    }
    check_range(filter.created_from, filter.created_to, &mut problems);
    if let Some(cursor) = &filter.cursor {
        problems.keep(RefundId::parse(cursor).map_err(|problem| problem.at("cursor")));
    }
    problems.into_result()?;
    let request = requests::list_refunds(&RefundQuery {
        payment: filter.payment.as_ref(),
        created_from: filter.created_from,
        created_to: filter.created_to,
        limit: filter.limit,
        starting_after: filter.cursor.as_deref(),
    });
    let page: Page<Refund> = call(transport, connection, &request)?;
    let last = page.data.last().filter(|_| page.has_more);
    Ok(RefundPage { next: last.map(|refund| refund.id.to_string()), refunds: page.data })
}

/// A range begins before it ends.
pub(super) fn check_range(from: Option<u64>, to: Option<u64>, problems: &mut Problems) {
    if let (Some(from), Some(to)) = (from, to)
        && from > to
    {
        problems.push(FieldProblem::new(
            "created_from",
            from,
            format!("is after created_to {to}"),
            "swap the two",
        ));
    }
}
