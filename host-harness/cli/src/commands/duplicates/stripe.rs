//! `duplicates --since`: scans Stripe's charges, in several calls where one cannot read them all.

use std::time::Duration;

use refund_app::component::OperationError;
use refund_core::client::{CallError, ScanRange, Scanned};
use refund_core::duplicates::Options;
use refund_host::Limits;

use crate::args::Global;
use crate::charges::Findings;
use crate::context::Context;
use crate::exit::Exit;
use crate::instants;

/// Charges that the first scan reads at most, if the user does not say.
const FIRST: u32 = 10_000;
/// Charges that any scan can read.
const MOST: u32 = 100_000;
/// Time for one scan of a thousand pages, also where Stripe takes a second for each and limits their rate.
const CALL: Duration = Duration::from_hours(1);

/// Searches the charges of the last `since` seconds. If a later scan fails, the groups of the earlier ones are
/// returned with the reason.
pub(super) async fn search(
    global: &Global,
    since: u64,
    max_charges: Option<u32>,
    options: &Options,
) -> anyhow::Result<Findings> {
    let from = instants::now().saturating_sub(since);
    let context = Context::limited(global, &Limits { call: CALL, ..Limits::default() })?;
    let mut found = Findings::default();
    let mut to = None;
    let mut limit = max_charges.unwrap_or(FIRST);
    let raised = |limit: u32| max_charges.unwrap_or(limit.saturating_mul(2).min(MOST));
    loop {
        let scanned = match scan(&context, (from, to), limit, options).await {
            Ok(scanned) => scanned,
            Err(Failure::TooFew) if raised(limit) > limit => {
                limit = raised(limit);
                continue;
            }
            Err(failure) => {
                let error = failure.error(limit);
                let Some(to) = to else { return Err(error) };
                found.incomplete = Some(error.context(format!(
                    "the search is incomplete, it covers only the charges created after {}",
                    instants::exact(to)
                )));
                break;
            }
        };
        // Most of what was read lies around the range: larger scans read less of it again.
        if scanned.tally.seen < u64::from(limit / 2) {
            limit = raised(limit);
        }
        to = Some(scanned.reached);
        tracing::info!(reached = scanned.reached, complete = scanned.complete, "scanned");
        let is_complete = scanned.complete;
        add(&mut found, scanned);
        if is_complete {
            break;
        }
    }
    found.groups.sort_by(|a, b| (a.first_created, &a.keep).cmp(&(b.first_created, &b.keep)));
    Ok(found)
}

fn add(found: &mut Findings, scanned: Scanned) {
    found.groups.extend(scanned.groups);
    found.tally.seen += scanned.tally.seen;
    found.tally.skipped += scanned.tally.skipped;
    found.tally.unmatched += scanned.tally.unmatched;
}

/// Why a scan has no result.
enum Failure {
    /// It would have to read more charges to complete any part of the range.
    TooFew,
    /// Anything else.
    Other(anyhow::Error),
}

impl Failure {
    fn error(self, limit: u32) -> anyhow::Error {
        match self {
            Self::TooFew if limit < MOST => Exit::stopped(format!(
                "--max-charges `{limit}` is too small: after reading that many charges, no further part of the \
                 range is complete: raise it, up to {MOST}, or give a smaller --window"
            )),
            Self::TooFew => Exit::stopped(format!(
                "after reading {limit} charges, the most that a scan can read, no further part of the range is \
                 complete: give a smaller --window"
            )),
            Self::Other(error) => error,
        }
    }
}

async fn scan(
    context: &Context,
    (from, to): (u64, Option<u64>),
    max_charges: u32,
    options: &Options,
) -> Result<Scanned, Failure> {
    let range = ScanRange {
        created_from: from,
        created_to: to,
        customer: None,
        max_charges: Some(max_charges),
    };
    match context.component.scan(&range, options).await.result {
        Ok(scanned) => Ok(scanned),
        Err(OperationError::Failed(CallError::Invalid { problems }))
            if problems.iter().all(|problem| problem.field == "max_charges") =>
        {
            Err(Failure::TooFew)
        }
        Err(error) => Err(Failure::Other(Exit::of_read(error))),
    }
}
