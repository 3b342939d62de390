//! Bounds that are searched in seconds.

use super::{Bounds, Budget, ask, ask_under, bounds, execute, find_out, vote, withdraw};
use crate::call::Rules;
use crate::situation::Situation::{
    AlsoSettled, ApprovalExpired, Approved, Blocked, Busy, Conflict, Corrected, Denied,
    EventElsewhere, EventMoves, EventOvertakes, EventRepeated, EventTooLate, Executed, Failed,
    Found, FoundAbsent, FoundPresent, KeyLapsed, LandsUnheard, LedgerFailed, Made, NoAnswer,
    NotRecorded, Objected, OwnVote, Reconciled, Refused, Replayed, StillUnknown, Unknown, Waiting,
    Waits,
};

pub(super) fn races() -> Bounds {
    let budget = Budget { crashes: 1, lost: 1, grace: 1, ..Budget::default() };
    Bounds {
        reaches: vec![Made, Busy, Blocked, AlsoSettled, Waits, Unknown, Denied, NoAnswer],
        ..bounds(
            "races",
            "two operations on one payment, which can bear one of them",
            vec![ask(1, "op-1", 6_000), ask(1, "op-2", 6_000), find_out(1, "op-1")],
            budget,
        )
    }
}

pub(super) fn late() -> Bounds {
    Bounds {
        reaches: vec![Replayed, Reconciled, Found, FoundAbsent, FoundPresent, StillUnknown],
        ..bounds(
            "late",
            "one operation, asked for twice and looked up; requests and answers are late",
            vec![ask(2, "op-1", 4_000), find_out(1, "op-1")],
            Budget { lost: 1, short: 2, ..Budget::default() },
        )
    }
}

pub(super) fn key_lapses() -> Bounds {
    Bounds {
        reaches: vec![KeyLapsed, LandsUnheard, Found],
        ..bounds(
            "key-lapses",
            "one operation, asked for again on the day after, when Stripe has forgotten its key",
            vec![ask(2, "op-1", 4_000)],
            Budget { lost: 1, crashes: 1, short: 1, day: 1, ..Budget::default() },
        )
    }
}

pub(super) fn trouble() -> Bounds {
    Bounds {
        max_retries: 1,
        reaches: vec![Made, Refused, NoAnswer, Unknown],
        ..bounds(
            "trouble",
            "one operation; Stripe refuses it or has a fault, the component repeats it or is stopped",
            vec![ask(2, "op-1", 4_000), find_out(1, "op-1")],
            Budget { faults: 1, refusals: 1, stops: 1, grace: 1, ..Budget::default() },
        )
    }
}

pub(super) fn dashboard() -> Bounds {
    Bounds {
        reaches: vec![
            EventMoves,
            EventOvertakes,
            EventTooLate,
            EventRepeated,
            EventElsewhere,
            Failed,
        ],
        ..bounds(
            "dashboard",
            "one operation, and a refund made in the Dashboard; refunds fail, events come in any order",
            vec![ask(1, "op-1", 6_000), find_out(1, "op-1")],
            Budget { dashboard: 1, changes: 1, events: 2, lost: 1, ..Budget::default() },
        )
    }
}

pub(super) fn corrections() -> Bounds {
    Bounds {
        reaches: vec![Denied, Corrected, Conflict, Found],
        ..bounds(
            "corrections",
            "one operation id that is asked for with two amounts, of which a rule denies one",
            vec![
                ask_under(2, "op-1", 6_000, Rules::Maximum),
                ask_under(2, "op-1", 4_000, Rules::Maximum),
            ],
            Budget { lost: 1, crashes: 1, grace: 1, ..Budget::default() },
        )
    }
}

pub(super) fn approvals() -> Bounds {
    Bounds {
        reaches: vec![Waiting, Approved, Objected, Executed, OwnVote, ApprovalExpired],
        ..bounds(
            "approvals",
            "an operation that an approver must agree to; the requester votes too, the approval expires",
            vec![
                ask_under(1, "op-1", 6_000, Rules::OneApprover),
                vote(true, "alice"),
                vote(true, "bob"),
                vote(false, "carol"),
                execute(2, Rules::OneApprover),
                withdraw(),
            ],
            Budget { lost: 1, week: 1, ..Budget::default() },
        )
    }
}

pub(super) fn full_disk() -> Bounds {
    Bounds {
        reaches: vec![LedgerFailed, NotRecorded, LandsUnheard],
        ..bounds(
            "full-disk",
            "one operation; the ledger cannot be written, callers do not wait, a process crashes",
            vec![ask(2, "op-1", 4_000), find_out(1, "op-1")],
            Budget { undone: 1, abandoned: 1, crashes: 1, lost: 1, ..Budget::default() },
        )
    }
}
