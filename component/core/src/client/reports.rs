//! What a report needs of Stripe: the refunds of a range with what they were taken from, and the charges
//! taken in it. Both are read a part at a time, so that neither host nor component holds a year in memory.

mod earlier;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::call::call;
use super::connection::Connection;
use super::error::{CallError, TransportFailure, TransportKind};
use super::reads::check_range;
use super::transport::Transport;
use earlier::Earlier;

use crate::eligibility::fee_kept;
use crate::id::{ChargeId, RefundId};
use crate::metadata::Metadata;
use crate::model::{Charge, ChargeStatus, Page, ReportedRefund};
use crate::money::Currency;
use crate::problem::{FieldProblem, Problems};
use crate::reports::{Charges, ChargesTaken, Month, Options, Row};
use crate::wire::requests::{self, FULL_PAGE};

const DEFAULT_CHARGES: u32 = 1_000;
const MAX_CHARGES: u32 = 100_000;
/// The metadata key that names what was sold, as policies have it.
const PRODUCT_KEY: &str = "product";

/// Which refunds to read.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RowRange {
    /// Made at or after, Unix seconds.
    pub created_from: u64,
    /// Made at or before; now when absent.
    #[serde(
        default,
        deserialize_with = "crate::optional::filter",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub created_to: Option<u64>,
    /// The metadata key that names what was sold, `product` when absent: the refund's own, or else its
    /// charge's.
    #[serde(default)]
    pub product_key: Option<String>,
    /// Page size, 1 to 100; 100 when absent.
    #[serde(default)]
    pub limit: Option<u8>,
    /// The `next` of the page before.
    #[serde(default)]
    pub cursor: Option<String>,
}

/// Rows of a report, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RowPage {
    /// At most `limit` of them. The fee is the refund's share of the charge's fee, absent where Stripe does not
    /// give it. The shares of all refunds of a charge add up to their part of the fee; a refund that failed or
    /// was cancelled has a share of zero.
    pub rows: Vec<Row>,
    /// Pass as `cursor` to go on; absent on the last page.
    pub next: Option<String>,
}

/// Which charges to sum up.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TakenRange {
    /// Made at or after, Unix seconds.
    pub created_from: u64,
    /// Made at or before; now when absent.
    #[serde(
        default,
        deserialize_with = "crate::optional::filter",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub created_to: Option<u64>,
    /// Where months begin, in minutes east of UTC, as in the options of the report; UTC when absent.
    #[serde(default)]
    pub utc_offset_minutes: i32,
    /// Stop after so many charges, 1 to 100000; 1000 when absent.
    #[serde(
        default,
        deserialize_with = "crate::optional::value",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub max_charges: Option<u32>,
    /// The `next` of the call before.
    #[serde(default)]
    pub cursor: Option<String>,
}

/// What was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TakenPage {
    /// Charges that took money, one entry a currency and month, ordered by them. A month without is left
    /// out. Of several calls, add up the entries of one currency and month.
    pub charges: Vec<ChargesTaken>,
    /// Charges read, whatever became of them.
    pub read: u32,
    /// Pass as `cursor` to go on with older ones; absent when all were read.
    pub next: Option<String>,
}

/// Reads a page of refunds with their charges. A refund counts when it was made, whenever its charge was.
///
/// One request, and one more for each charge with more than ten refunds, to share out its fee.
pub fn refund_rows(
    transport: &mut dyn Transport,
    connection: &Connection,
    range: &RowRange,
) -> Result<RowPage, CallError> {
    let to = range.created_to.unwrap_or_else(|| transport.now());
    let limit = range.limit.unwrap_or(FULL_PAGE);
    check_rows(range, to, limit)?;
    let after = range.cursor.as_deref();
    let request = requests::list_refunds_with_charges(range.created_from, to, limit, after);
    let page: Page<ReportedRefund> = call(transport, connection, &request)?;
    let last = page.data.last().filter(|_| page.has_more);
    let next = last.map(|refund| refund.id.to_string());
    let key = range.product_key.as_deref().unwrap_or(PRODUCT_KEY);
    let earlier = Earlier::read(transport, connection, &page.data)?;
    Ok(RowPage { rows: page.data.iter().map(|refund| row(refund, &earlier, key)).collect(), next })
}

fn row(refund: &ReportedRefund, earlier: &Earlier<'_>, product_key: &str) -> Row {
    let charge = refund.charge.as_ref();
    let named = |metadata: &Metadata| {
        metadata.get(product_key).filter(|product| !product.is_empty()).map(str::to_owned)
    };
    let product =
        named(&refund.metadata).or_else(|| charge.and_then(|charge| named(&charge.metadata)));
    let given = if refund.is_spent() { refund.amount } else { 0 };
    let fee =
        charge.and_then(|charge| fee_kept(charge, earlier.before(refund, charge), given, None));
    Row {
        product,
        customer: charge.and_then(|charge| charge.customer.clone()),
        fee_lost: fee.map(|fee| fee.share),
        id: refund.id.clone(),
        amount: refund.amount,
        currency: refund.currency,
        status: refund.status.clone(),
        reason: refund.reason.clone(),
        created: refund.created,
        approval: None,
    }
}

/// Sums up the charges of a range that took money. By when they were made: an authorisation that was
/// captured later counts in its own month.
pub fn charges_taken(
    transport: &mut dyn Transport,
    connection: &Connection,
    range: &TakenRange,
) -> Result<TakenPage, CallError> {
    let to = range.created_to.unwrap_or_else(|| transport.now());
    let most = range.max_charges.unwrap_or(DEFAULT_CHARGES);
    check_taken(range, to, most)?;
    let mut sums = BTreeMap::new();
    let mut after = range.cursor.clone();
    let mut read = 0;
    loop {
        let limit = u8::try_from(most - read).unwrap_or(FULL_PAGE).min(FULL_PAGE);
        let from = range.created_from;
        let request = requests::list_charges(from, to, None, limit, after.as_deref());
        let page: Page<Charge> = call(transport, connection, &request)?;
        read += u32::from(limit).min(u32::try_from(page.data.len()).unwrap_or(most));
        for charge in &page.data {
            add(&mut sums, charge, range.utc_offset_minutes)?;
        }
        after = page.data.last().filter(|_| page.has_more).map(|last| last.id.to_string());
        if after.is_none() || read >= most {
            break;
        }
    }
    let entry = |((currency, month), Charges { count, amount })| ChargesTaken {
        currency,
        month,
        count,
        amount,
    };
    Ok(TakenPage { charges: sums.into_iter().map(entry).collect(), read, next: after })
}

fn add(
    sums: &mut BTreeMap<(Currency, Month), Charges>,
    charge: &Charge,
    offset: i32,
) -> Result<(), CallError> {
    let amount = charge.captured_amount();
    if amount == 0 || charge.status != ChargeStatus::Succeeded {
        return Ok(());
    }
    let month = Month::of(charge.created, offset);
    let month = month.ok_or_else(|| unreadable(charge, "was made after the year 9999"))?;
    let sum = sums.entry((charge.currency, month)).or_default();
    if sum.add(1, amount) {
        return Ok(());
    }
    Err(unreadable(charge, "makes a sum larger than 64 bits hold"))
}

fn unreadable(charge: &Charge, problem: &str) -> CallError {
    CallError::Transport(TransportFailure {
        kind: TransportKind::Unreadable,
        detail: format!("charge {} {problem}", charge.id),
        attempts: 1,
    })
}

fn check_rows(range: &RowRange, to: u64, limit: u8) -> Result<(), Vec<FieldProblem>> {
    let mut problems = Problems::default();
    if !(1..=FULL_PAGE).contains(&limit) {
        problems.push(FieldProblem::new(
            "limit",
            limit,
            "is not between 1 and 100",
            "ask for at most 100 and go on with `cursor`",
        ));
    }
    check_range(Some(range.created_from), Some(to), &mut problems);
    if let Some(cursor) = &range.cursor {
        problems.keep(RefundId::parse(cursor).map_err(|problem| problem.at("cursor")));
    }
    problems.into_result()
}

fn check_taken(range: &TakenRange, to: u64, most: u32) -> Result<(), Vec<FieldProblem>> {
    let mut problems = Problems::default();
    if !(1..=MAX_CHARGES).contains(&most) {
        problems.push(FieldProblem::new(
            "max_charges",
            most,
            format!("is not between 1 and {MAX_CHARGES}"),
            "read fewer, and go on with `cursor`",
        ));
    }
    let utc_offset_minutes = range.utc_offset_minutes;
    problems.keep_all(Options { utc_offset_minutes, ..Options::default() }.check_input());
    check_range(Some(range.created_from), Some(to), &mut problems);
    if let Some(cursor) = &range.cursor {
        problems.keep(ChargeId::parse(cursor).map_err(|problem| problem.at("cursor")));
    }
    problems.into_result()
}
