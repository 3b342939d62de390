//! Where a dispute stands: whether it can be answered, and until when.

use serde::{Deserialize, Serialize};

use crate::model::EvidenceDetails;

/// The statuses in which the bank waits for the merchant. An appeal is not among them: it takes other evidence,
/// and is answered in the Dashboard.
const AWAITING: [&str; 2] = ["needs_response", "warning_needs_response"];
/// The statuses in which the bank has the evidence.
const REVIEWED: [&str; 2] = ["under_review", "warning_under_review"];
/// The statuses of a dispute that was accepted: a chargeback that is lost, an inquiry that is over.
const ACCEPTED: [&str; 2] = ["lost", "warning_closed"];

/// Why a dispute cannot be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Barrier {
    /// The bank does not wait for an answer: over, under review, an appeal, or without a due date.
    NotOpen,
    /// The due date has passed.
    PastDue,
    /// Evidence was submitted. That is possible once.
    AlreadySubmitted,
}

/// Where a dispute stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Standing {
    /// Its status says that the bank waits for the merchant.
    pub awaits_response: bool,
    /// Why it cannot be answered; absent when it can.
    pub barrier: Option<Barrier>,
    /// Until when evidence can be sent, that second included, Unix seconds.
    pub due_by: Option<u64>,
    /// How many seconds are left; 0 once the date has passed, absent where no answer is awaited.
    pub seconds_left: Option<u64>,
    /// Evidence is staged or was submitted.
    pub has_evidence: bool,
    /// How often evidence was submitted.
    pub submission_count: u32,
}

impl Standing {
    /// Judges by status and details; `now` in Unix seconds.
    pub fn of(status: &str, details: Option<&EvidenceDetails>, now: u64) -> Self {
        let unknown = EvidenceDetails::default();
        let details = details.unwrap_or(&unknown);
        let awaits_response = AWAITING.contains(&status);
        let due_by = details.due_by.filter(|due| *due > 0);
        let left = |due: u64| if details.past_due { 0 } else { due.saturating_sub(now) };
        Self {
            awaits_response,
            barrier: barrier(status, details, due_by, now),
            due_by,
            seconds_left: due_by.filter(|_| awaits_response).map(left),
            has_evidence: details.has_evidence,
            submission_count: details.submission_count.unwrap_or(0),
        }
    }

    /// Disputes that wait come first, the most urgent of them at the top.
    pub(crate) fn urgency(&self) -> (bool, u64) {
        (!self.awaits_response, self.seconds_left.unwrap_or(u64::MAX))
    }
}

/// Whether the bank has evidence: it was counted, or the dispute is under review.
pub(crate) fn is_submitted(status: &str, details: Option<&EvidenceDetails>) -> bool {
    REVIEWED.contains(&status) || details.and_then(|one| one.submission_count).unwrap_or(0) > 0
}

/// Whether the loss is accepted.
pub(crate) fn is_accepted(status: &str) -> bool {
    ACCEPTED.contains(&status)
}

fn barrier(
    status: &str,
    details: &EvidenceDetails,
    due_by: Option<u64>,
    now: u64,
) -> Option<Barrier> {
    let awaited = AWAITING.contains(&status);
    let submitted = details.submission_count.is_some_and(|count| count > 0);
    if submitted && (awaited || REVIEWED.contains(&status)) {
        return Some(Barrier::AlreadySubmitted);
    }
    match due_by {
        // Where Stripe does not say that nothing was submitted, nothing is risked.
        Some(due) if awaited && details.submission_count.is_some() => {
            (details.past_due || now > due).then_some(Barrier::PastDue)
        }
        _ => Some(Barrier::NotOpen),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DUE: u64 = 1_000;

    fn details(due_by: u64, past_due: bool, submissions: u32) -> EvidenceDetails {
        EvidenceDetails {
            due_by: Some(due_by),
            has_evidence: true,
            past_due,
            submission_count: Some(submissions),
        }
    }

    #[test]
    fn only_an_open_dispute_can_be_answered() {
        use Barrier::{AlreadySubmitted, NotOpen, PastDue};
        for (status, details, now, barrier) in [
            ("needs_response", details(DUE, false, 0), 0, None),
            ("warning_needs_response", details(DUE, false, 0), 0, None),
            ("needs_response", details(DUE, false, 0), DUE, None),
            ("needs_response", details(DUE, false, 0), DUE + 1, Some(PastDue)),
            ("needs_response", details(DUE, true, 0), 0, Some(PastDue)),
            ("needs_response", details(DUE, true, 1), DUE + 1, Some(AlreadySubmitted)),
            ("needs_response", details(DUE, false, 1), 0, Some(AlreadySubmitted)),
            ("needs_response", details(0, false, 0), 0, Some(NotOpen)),
            ("under_review", details(DUE, false, 1), 0, Some(AlreadySubmitted)),
            ("warning_under_review", details(DUE, false, 1), 0, Some(AlreadySubmitted)),
            ("under_review", details(DUE, false, 0), 0, Some(NotOpen)),
            ("won", details(0, false, 1), 0, Some(NotOpen)),
            ("lost", details(0, true, 0), 0, Some(NotOpen)),
            ("warning_closed", details(0, false, 0), 0, Some(NotOpen)),
            ("prevented", details(0, false, 0), 0, Some(NotOpen)),
            ("appeal_needs_response", details(DUE, false, 1), 0, Some(NotOpen)),
            ("appeal_under_review", details(DUE, false, 1), 0, Some(NotOpen)),
            ("something_new", details(DUE, false, 0), 0, Some(NotOpen)),
        ] {
            let standing = Standing::of(status, Some(&details), now);
            assert_eq!(standing.barrier, barrier, "{status} {details:?} {now}");
        }
        assert_eq!(Standing::of("needs_response", None, 0).barrier, Some(NotOpen));
        let silent = EvidenceDetails { submission_count: None, ..details(DUE, false, 0) };
        assert_eq!(Standing::of("needs_response", Some(&silent), 0).barrier, Some(NotOpen));
    }

    #[test]
    fn seconds_left() {
        for (status, past_due, now, left) in [
            ("needs_response", false, DUE - 60, Some(60)),
            ("needs_response", false, DUE, Some(0)),
            ("needs_response", false, DUE + 60, Some(0)),
            ("needs_response", true, DUE - 60, Some(0)),
            ("under_review", false, DUE - 60, None),
        ] {
            let standing = Standing::of(status, Some(&details(DUE, past_due, 0)), now);
            assert_eq!(standing.seconds_left, left, "{status} {past_due} {now}");
        }
    }
}
