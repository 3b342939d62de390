//! Stretches of time, and what they cover together.

use serde::{Deserialize, Serialize};

use super::input::check_length;
use crate::problem::{FieldProblem, Problems};
use crate::sort::sort_by;

/// The last second of the year 9999. Milliseconds of our time lie far beyond it.
pub const MAX_INSTANT: u64 = 253_402_300_799;
/// Most incidents, and most spans of maintenance, in one request.
pub const MAX_SPANS: usize = 10_000;

/// A stretch of time, in Unix seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Span {
    /// Its first second.
    pub start: u64,
    /// The second after its last one; later than `start`.
    pub end: u64,
}

impl Span {
    /// How long it is; nothing when it is reversed.
    pub fn seconds(self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    pub(crate) fn check(self, field: &str) -> Result<(), Vec<FieldProblem>> {
        let mut problems = Problems::default();
        problems.keep(check_instant(self.start, &format!("{field}.start")));
        problems.keep(check_instant(self.end, &format!("{field}.end")));
        if self.end <= self.start {
            let problem = if self.end == self.start {
                format!("is its start as well, {}: it has no length", self.start)
            } else {
                format!("is before its start, {}", self.start)
            };
            problems.push(FieldProblem::new(
                format!("{field}.end"),
                self.end,
                problem,
                "give the second after its last one, later than the start",
            ));
        }
        problems.into_result()
    }
}

pub(super) fn check_instant(instant: u64, field: &str) -> Result<(), FieldProblem> {
    if instant <= MAX_INSTANT {
        return Ok(());
    }
    Err(FieldProblem::new(
        field,
        instant,
        "is after the year 9999",
        "give seconds since the Unix epoch, not milliseconds",
    ))
}

/// The seconds that lie in at least one of many spans: in order, apart from each other, none empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Coverage(Vec<Span>);

impl Coverage {
    /// What the spans cover of `within`, in any order, overlaps once.
    pub(super) fn of(spans: &[Span], within: Span) -> Self {
        let clip = |span: &Span| Span {
            start: span.start.max(within.start),
            end: span.end.min(within.end),
        };
        let mut inside: Vec<_> = spans.iter().map(clip).filter(|s| s.start < s.end).collect();
        sort_by(&mut inside, Span::cmp);
        let mut merged: Vec<Span> = Vec::new();
        for span in inside {
            match merged.last_mut() {
                Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
                _ => merged.push(span),
            }
        }
        Self(merged)
    }

    /// What is left without the seconds of another.
    pub(super) fn without(&self, holes: &Self) -> Self {
        let mut left = Vec::new();
        let mut holes = holes.0.iter().copied().peekable();
        for span in &self.0 {
            let mut start = span.start;
            while let Some(hole) = holes.next_if(|hole| hole.end <= span.end) {
                push(&mut left, start, hole.start.min(span.end));
                start = start.max(hole.end);
            }
            // One that reaches beyond this span stays for the next.
            let until = holes.peek().map_or(span.end, |hole| hole.start.min(span.end));
            push(&mut left, start, until);
        }
        Self(left)
    }

    pub(super) fn seconds(&self) -> u64 {
        self.0.iter().map(|span| span.seconds()).sum()
    }

    pub(super) fn into_spans(self) -> Vec<Span> {
        self.0
    }
}

fn push(spans: &mut Vec<Span>, start: u64, end: u64) {
    if start < end {
        spans.push(Span { start, end });
    }
}

/// What a list of spans covers of a period.
pub(super) fn read_spans(
    spans: &[Span],
    within: Span,
    field: &str,
) -> Result<Coverage, Vec<FieldProblem>> {
    check_length(spans.len(), MAX_SPANS, field).map_err(|problem| vec![problem])?;
    let mut problems = Problems::default();
    for (index, span) in spans.iter().enumerate() {
        problems.keep_all(span.check(&format!("{field}[{index}]")));
    }
    problems.into_result().map(|()| Coverage::of(spans, within))
}
