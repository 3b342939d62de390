//! Bounds that are searched in minutes.

use super::{
    Bounds, Budget, CH_1, CH_2, ask, ask_again, ask_on, ask_under, bounds, execute, find_out,
    short, vote, withdraw,
};
use crate::call::Rules;
use crate::situation::Situation::{Approved, Executed, MoreApprovers, Objected, VotedTwice};
use crate::stripe::{Setting, Status};

pub(super) fn races() -> Bounds {
    Bounds {
        menu: vec![ask(2, "op-1", 6_000), ask(1, "op-2", 6_000), find_out(1, "op-1")],
        ..short::races()
    }
}

pub(super) fn late() -> Bounds {
    Bounds {
        budget: Budget { lost: 2, short: 2, day: 1, crashes: 1, ..Budget::default() },
        ..short::late()
    }
}

pub(super) fn trouble() -> Bounds {
    Bounds {
        budget: Budget {
            faults: 1,
            refusals: 1,
            stops: 1,
            lost: 1,
            crashes: 1,
            grace: 1,
            ..Budget::default()
        },
        ..short::trouble()
    }
}

pub(super) fn dashboard() -> Bounds {
    Bounds {
        setting: Setting { payments: vec![CH_1], made_as: Status::Pending },
        budget: Budget {
            dashboard: 1,
            changes: 2,
            events: 2,
            lost: 1,
            crashes: 1,
            grace: 1,
            ..Budget::default()
        },
        ..short::dashboard()
    }
}

pub(super) fn corrections() -> Bounds {
    Bounds {
        menu: vec![
            ask_under(2, "op-1", 6_000, Rules::Maximum),
            ask_under(2, "op-1", 4_000, Rules::Maximum),
            find_out(1, "op-1"),
        ],
        budget: Budget { lost: 1, crashes: 1, grace: 1, ..Budget::default() },
        ..short::corrections()
    }
}

pub(super) fn approvals() -> Bounds {
    Bounds {
        menu: vec![
            ask_under(1, "op-1", 6_000, Rules::OneApprover),
            ask_again(1, "op-1"),
            vote(true, "alice"),
            vote(true, "bob"),
            vote(false, "carol"),
            execute(2, Rules::OneApprover),
            withdraw(),
        ],
        budget: Budget { lost: 1, crashes: 1, week: 1, ..Budget::default() },
        ..short::approvals()
    }
}

pub(super) fn two_approvers() -> Bounds {
    Bounds {
        reaches: vec![Approved, Executed, MoreApprovers, Objected, VotedTwice],
        ..bounds(
            "two-approvers",
            "an operation whose rules change between one approver and two",
            vec![
                ask_under(1, "op-1", 6_000, Rules::OneApprover),
                ask_under(1, "op-1", 6_000, Rules::TwoApprovers),
                vote(true, "bob"),
                vote(true, "bob"),
                vote(true, "carol"),
                vote(false, "carol"),
                execute(1, Rules::TwoApprovers),
                execute(1, Rules::OneApprover),
            ],
            Budget { lost: 1, ..Budget::default() },
        )
    }
}

pub(super) fn full_disk() -> Bounds {
    Bounds {
        budget: Budget {
            undone: 2,
            abandoned: 1,
            crashes: 1,
            lost: 1,
            grace: 1,
            ..Budget::default()
        },
        ..short::full_disk()
    }
}

/// A payment has two names.
pub(super) fn names() -> Bounds {
    bounds(
        "names",
        "two operations that name one payment as a charge and as a PaymentIntent",
        vec![ask_on(1, "op-1", "ch_1", 6_000), ask_on(1, "op-2", "pi_1", 6_000)],
        Budget { lost: 1, crashes: 1, grace: 1, ..Budget::default() },
    )
}

/// An operation whose payment has the other kind of name may be on another payment.
pub(super) fn other_payment() -> Bounds {
    Bounds {
        setting: Setting { payments: vec![CH_1, CH_2], made_as: Status::Succeeded },
        ..bounds(
            "other-payment",
            "two operations, one on a charge and one on the PaymentIntent of another charge",
            vec![ask_on(1, "op-1", "ch_1", 6_000), ask_on(1, "op-2", "pi_2", 6_000)],
            Budget { lost: 1, crashes: 1, ..Budget::default() },
        )
    }
}

/// Others act between a commit and what its caller does next.
pub(super) fn commits() -> Bounds {
    Bounds {
        name: "commits",
        about: "two operations on one payment; others act between a commit and what its caller does next",
        splits_commits: true,
        reaches: vec![],
        ..short::races()
    }
}
