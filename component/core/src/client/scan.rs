//! Scans a time range of Stripe's charges for duplicates.

use serde::{Deserialize, Serialize};

use super::call::call;
use super::connection::Connection;
use super::error::{CallError, TransportFailure, TransportKind};
use super::transport::Transport;
use crate::duplicates::{Direction, Group, Options, Scanner, Tally};
use crate::id::CustomerId;
use crate::model::{Charge, Page};
use crate::problem::{FieldProblem, Problems};
use crate::sort::sort_by;
use crate::wire::requests::{self, FULL_PAGE};

const DEFAULT_CHARGES: u32 = 10_000;
const MAX_CHARGES: u32 = 100_000;

/// Which charges to look at.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ScanRange {
    /// Start of the range, Unix seconds. A group belongs to the range if its last charge was created at or
    /// after this time.
    pub created_from: u64,
    /// End of the range, Unix seconds; now when absent. A group belongs to the range if its last charge was
    /// created at or before this time.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "crate::optional::filter"
    )]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub created_to: Option<u64>,
    /// Reads only the charges of this customer.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "crate::optional::filter"
    )]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub customer: Option<String>,
    /// Reads at most this many charges, including those before and after the range that are needed to complete
    /// its groups: 1 to 100000; 10000 when absent. A scan that cannot complete any part of the range with them
    /// fails.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "crate::optional::value"
    )]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub max_charges: Option<u32>,
}

/// The result of a scan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Scanned {
    /// The groups that belong to the scanned part of the range, ordered by first charge.
    pub groups: Vec<Group>,
    /// Counts the charges created in the scanned part of the range.
    pub tally: Tally,
    /// False if `max_charges` ended the scan before `created_from`. To scan the rest of the range, repeat the call
    /// with `created_to` set to `reached`.
    pub complete: bool,
    /// The part of the range after this time is scanned, Unix seconds. Earlier than `created_to` if the scan is
    /// not complete, so repeating the call makes progress; equal to `created_from` if it is.
    pub reached: u64,
}

/// Reads the charges of a time range and groups those that look like one payment made more than once.
///
/// Finds what `detect` finds in all charges of the account, as far as it belongs to the range: scans of adjacent
/// ranges, and the parts of a scan that `max_charges` ended, report each group exactly once. To do so, it also
/// reads one window after the range, and before the range as many charges as decide which charge begins a group.
pub fn scan_live(
    transport: &mut dyn Transport,
    connection: &Connection,
    range: &ScanRange,
    options: &Options,
) -> Result<Scanned, CallError> {
    let to = range.created_to.unwrap_or_else(|| transport.now());
    let max_charges = range.max_charges.unwrap_or(DEFAULT_CHARGES);
    let customer = check_input(range, to, max_charges, options)?;
    // A group of this range can continue after it, unless the range ends now.
    let newest = range.created_to.map_or(to, |to| to.saturating_add(options.window()));
    let oldest = range.created_from.saturating_sub(options.window());
    let mut scan = Scan {
        from: range.created_from,
        to,
        list: List::new(oldest, newest, customer),
        scanner: Scanner::new(options, Direction::NewestFirst),
        groups: Vec::new(),
        counts: Counts::default(),
    };
    let mut left = max_charges;
    while !scan.is_complete() {
        if left == 0 {
            let reached = scan.reached(options).ok_or_else(|| too_few(max_charges))?;
            return Ok(scan.result(false, reached));
        }
        let limit = u8::try_from(left).unwrap_or(FULL_PAGE).min(FULL_PAGE);
        let read = scan.read(transport, connection, limit)?;
        left = left.saturating_sub(u32::try_from(read).unwrap_or(u32::MAX));
    }
    Ok(scan.result(true, range.created_from))
}

/// A scan under way.
struct Scan {
    from: u64,
    to: u64,
    list: List,
    scanner: Scanner,
    /// Groups that are certain and belong to the range.
    groups: Vec<Group>,
    counts: Counts,
}

impl Scan {
    /// Reads a page of charges, and returns how many there were.
    fn read(
        &mut self,
        transport: &mut dyn Transport,
        connection: &Connection,
        limit: u8,
    ) -> Result<usize, CallError> {
        let charges = self.list.read(transport, connection, limit)?;
        let mut groups = Vec::new();
        for charge in &charges {
            self.scanner
                .take(charge, &mut groups)
                .map_err(|error| unreadable(error.to_string()))?;
            self.counts.add(charge.created, self.scanner.tally());
        }
        let range = self.from..=self.to;
        self.groups.extend(groups.into_iter().filter(|group| range.contains(&group.last_created)));
        Ok(charges.len())
    }

    /// Whether every group of the range is certain.
    fn is_complete(&self) -> bool {
        let known_from = self.list.known_from;
        known_from <= self.from
            && self
                .scanner
                .newest_uncertain(known_from, self.from)
                .is_none_or(|newest| newest < self.from)
    }

    /// The time after which every group is certain; nothing if no part of the range is.
    fn reached(&self, options: &Options) -> Option<u64> {
        let known_from = self.list.known_from;
        let unread = known_from.checked_sub(1);
        let reached = unread.max(self.scanner.newest_uncertain(known_from, self.to))?;
        let is_stuck = || {
            // A scan that ends there would read the same charges, and come to the same end.
            self.counts.within(reached + 1, self.to).seen == 0
                && self.counts.newest() <= Some(reached.saturating_add(options.window()))
        };
        (reached < self.to && !is_stuck()).then_some(reached)
    }

    fn result(mut self, complete: bool, reached: u64) -> Scanned {
        let scanned_from = if complete { self.from } else { reached.saturating_add(1) };
        self.groups.extend(self.scanner.cut(self.list.known_from));
        let range = scanned_from..=self.to;
        self.groups.retain(|group| range.contains(&group.last_created));
        sort_by(&mut self.groups, Group::compare);
        let tally = self.counts.within(scanned_from, self.to);
        Scanned { groups: self.groups, tally, complete, reached }
    }
}

/// The charges of the account, newest first.
struct List {
    from: u64,
    to: u64,
    customer: Option<CustomerId>,
    after: Option<String>,
    /// Every charge created at this time or later was read.
    known_from: u64,
}

impl List {
    /// Reads from `to` back to `from`, and on to the first charge of the account if that is not enough.
    fn new(from: u64, to: u64, customer: Option<CustomerId>) -> Self {
        Self { from, to, customer, after: None, known_from: to.saturating_add(1) }
    }

    fn read(
        &mut self,
        transport: &mut dyn Transport,
        connection: &Connection,
        limit: u8,
    ) -> Result<Vec<Charge>, CallError> {
        let (from, to, after) = (self.from, self.to, self.after.as_deref());
        let request = requests::list_charges(from, to, self.customer.as_ref(), limit, after);
        let page: Page<Charge> = call(transport, connection, &request)?;
        if !page.has_more {
            self.known_from = self.from;
            self.to = self.from.saturating_sub(1);
            self.from = 0;
            self.after = None;
        } else if let Some(last) = page.data.last() {
            // More charges of its second may follow.
            self.known_from = last.created.saturating_add(1);
            self.after = Some(last.id.to_string());
        } else {
            return Err(unreadable("an empty page of charges says that more follow".to_owned()));
        }
        Ok(page.data)
    }
}

/// How many charges there were after which instant, newest first.
#[derive(Default)]
struct Counts(Vec<(u64, Tally)>);

impl Counts {
    /// Notes the tally with all charges created at this instant or later.
    fn add(&mut self, created: u64, tally: Tally) {
        match self.0.last_mut() {
            Some(last) if last.0 == created => last.1 = tally,
            _ => self.0.push((created, tally)),
        }
    }

    /// When the newest charge was created.
    fn newest(&self) -> Option<u64> {
        self.0.first().map(|&(created, _)| created)
    }

    /// The tally of the charges created from `from` to `to`.
    fn within(&self, from: u64, to: u64) -> Tally {
        let until = |is_counted: &dyn Fn(u64) -> bool| {
            let end = self.0.partition_point(|&(created, _)| is_counted(created));
            end.checked_sub(1).map_or_else(Tally::default, |last| self.0[last].1)
        };
        let (all, after) = (until(&|created| created >= from), until(&|created| created > to));
        Tally {
            seen: all.seen.saturating_sub(after.seen),
            skipped: all.skipped.saturating_sub(after.skipped),
            unmatched: all.unmatched.saturating_sub(after.unmatched),
        }
    }
}

/// Stripe lists newest first. If it did not, charges would be missed without a word: such an answer cannot be
/// read.
fn unreadable(detail: String) -> CallError {
    CallError::Transport(TransportFailure { kind: TransportKind::Unreadable, detail, attempts: 1 })
}

fn too_few(max_charges: u32) -> FieldProblem {
    let fix = if max_charges < MAX_CHARGES {
        format!("raise it, up to {MAX_CHARGES}, or use a smaller window_seconds")
    } else {
        "use a smaller window_seconds, or scan one customer at a time with `customer`".to_owned()
    };
    let problem = "is too small: after reading that many charges, no part of the range is complete";
    FieldProblem::new("max_charges", max_charges, problem, fix)
}

fn check_input(
    range: &ScanRange,
    to: u64,
    max_charges: u32,
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
    if !(1..=MAX_CHARGES).contains(&max_charges) {
        problems.push(FieldProblem::new(
            "max_charges",
            max_charges,
            format!("is not between 1 and {MAX_CHARGES}"),
            format!("give at most {MAX_CHARGES}; a scan they end goes on from `reached`"),
        ));
    }
    let customer = range.customer.as_deref().and_then(|id| problems.keep(CustomerId::parse(id)));
    problems.keep_all(options.check_input());
    problems.into_result()?;
    Ok(customer)
}
