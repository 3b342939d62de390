//! One table: what every outcome means for programs and people. Exit codes, HTTP statuses and the sentences about the
//! money are defined here and nowhere else; `docs/outcomes.md` is made from it.

use super::OutcomeKind;

/// The exit code of a command that did what it was asked for.
pub const EXIT_DONE: u8 = 0;
/// The exit code of an error of this machine, or of a rejected webhook.
pub const EXIT_MACHINE: u8 = 1;
/// The exit code of wrong input: nothing was sent.
pub const EXIT_BAD_INPUT: u8 = 2;
/// The exit code of what needs approval.
pub const EXIT_NEEDS_APPROVAL: u8 = 3;
/// The exit code of what a rule denies, or of an operation id that belongs to another refund.
pub const EXIT_DENIED: u8 = 4;
/// The exit code of what Stripe refused, or of no usable answer.
pub const EXIT_FAILED: u8 = 5;
/// The exit code of an unknown outcome.
pub const EXIT_UNKNOWN: u8 = 6;
/// The exit code of what stopped before the end.
pub const EXIT_STOPPED: u8 = 7;
/// The exit code of two records that differ.
pub const EXIT_DIFFERS: u8 = 8;

/// What every exit code of the command means.
pub const EXITS: [(u8, &str); 9] = [
    (EXIT_DONE, "done: refunded, eligible, accepted"),
    (EXIT_MACHINE, "an error of this machine, or a rejected webhook"),
    (EXIT_BAD_INPUT, "wrong input; nothing was sent"),
    (EXIT_NEEDS_APPROVAL, "an approver must decide first; nothing was sent"),
    (
        EXIT_DENIED,
        "denied by a rule, the operation id belongs to another refund, or a line of a file cannot be used",
    ),
    (EXIT_FAILED, "Stripe refused, the refund failed, or there was no usable answer"),
    (
        EXIT_UNKNOWN,
        "the refund may have been made: run the same command again, or resume; never use a new operation id",
    ),
    (
        EXIT_STOPPED,
        "stopped before the end, by a rule or by Ctrl-C: resume, or do what the message says",
    ),
    (EXIT_DIFFERS, "ledger and Stripe differ, or the audit and the tables"),
];

/// The exit code of a command that did two things. That a refund may have been made hides behind nothing else; the rest
/// are in the order of what has to be done about them.
pub fn worse(one: u8, other: u8) -> u8 {
    if [one, other].contains(&EXIT_UNKNOWN) { EXIT_UNKNOWN } else { one.max(other) }
}

/// What an outcome means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which outcome.
    pub kind: OutcomeKind,
    /// Its name, for programs.
    pub name: &'static str,
    /// The exit code of the command.
    pub exit: u8,
    /// The HTTP status of the API.
    pub http: u16,
    /// What happened, for people.
    pub meaning: &'static str,
    /// The state of the money, for people.
    pub money: &'static str,
    /// What to do next.
    pub next: &'static str,
}

/// Every outcome.
pub const TABLE: [Row; 15] = [
    Row {
        kind: OutcomeKind::Made,
        name: "made",
        exit: EXIT_DONE,
        http: 201,
        meaning: "this call made the refund",
        money: "The refund was made.",
        next: "nothing; watch for `refund.failed`, the bank may return the money",
    },
    Row {
        kind: OutcomeKind::Found,
        name: "found",
        exit: EXIT_DONE,
        http: 200,
        meaning: "an earlier call with this operation id had made the refund",
        money: "The refund had been made; nothing was sent.",
        next: "nothing",
    },
    Row {
        kind: OutcomeKind::Waiting,
        name: "needs-approval",
        exit: EXIT_NEEDS_APPROVAL,
        http: 202,
        meaning: "an approver must decide first",
        money: "Nothing was sent.",
        next: "approve it, then execute it",
    },
    Row {
        kind: OutcomeKind::Invalid,
        name: "invalid",
        exit: EXIT_BAD_INPUT,
        http: 400,
        meaning: "the input is wrong",
        money: "Nothing was sent.",
        next: "correct the input; the operation id stays usable",
    },
    Row {
        kind: OutcomeKind::Denied,
        name: "denied",
        exit: EXIT_DENIED,
        http: 422,
        meaning: "a rule of Stripe's or of the policy forbids it",
        money: "Nothing was sent.",
        next: "correct the request; the operation id stays usable",
    },
    Row {
        kind: OutcomeKind::Conflict,
        name: "conflict",
        exit: EXIT_DENIED,
        http: 409,
        meaning: "the operation id belongs to another refund",
        money: "No refund was made by this call.",
        next: "choose another operation id for another refund",
    },
    Row {
        kind: OutcomeKind::Canceled,
        name: "canceled",
        exit: EXIT_DENIED,
        http: 409,
        meaning: "the operation was called off, or its refund was canceled",
        money: "There is no refund.",
        next: "choose another operation id to refund after all",
    },
    Row {
        kind: OutcomeKind::Refused,
        name: "refused",
        exit: EXIT_FAILED,
        http: 502,
        meaning: "Stripe refused",
        money: "No refund was made.",
        next: "do what Stripe's message asks for",
    },
    Row {
        kind: OutcomeKind::Failed,
        name: "failed",
        exit: EXIT_FAILED,
        http: 502,
        meaning: "the refund was made and failed",
        money: "The money came back to the Stripe balance; the customer does not have it.",
        next: "pay the customer in another way",
    },
    Row {
        kind: OutcomeKind::NoAnswer,
        name: "no-answer",
        exit: EXIT_FAILED,
        http: 502,
        meaning: "there was no usable answer, and no request to make the refund had left",
        money: "No refund was made.",
        next: "ask again with the same operation id",
    },
    Row {
        kind: OutcomeKind::Busy,
        name: "busy",
        exit: EXIT_FAILED,
        http: 503,
        meaning: "another process works on an operation on the same payment",
        money: "Nothing was sent for this operation.",
        next: "ask again later with the same operation id",
    },
    Row {
        kind: OutcomeKind::Blocked,
        name: "blocked",
        exit: EXIT_UNKNOWN,
        http: 504,
        meaning: "the outcome of an earlier operation on the same payment is unknown",
        money: "Nothing was sent for this operation. The earlier one may have been made.",
        next: "ask again later with the same operation id; the earlier operation is looked up first",
    },
    Row {
        kind: OutcomeKind::Unknown,
        name: "outcome-unknown",
        exit: EXIT_UNKNOWN,
        http: 504,
        meaning: "a request left, and no answer says what became of it",
        money: "The refund may have been made.",
        next: "ask again with the same operation id, which finds out; never with a new one",
    },
    Row {
        kind: OutcomeKind::LedgerFailed,
        name: "unavailable",
        exit: EXIT_MACHINE,
        http: 503,
        meaning: "the ledger cannot be used",
        money: "Nothing was sent.",
        next: "do what the message asks for, then ask again with the same operation id",
    },
    Row {
        kind: OutcomeKind::Rejected,
        name: "rejected",
        exit: EXIT_MACHINE,
        http: 400,
        meaning: "the data was rejected: a forged webhook",
        money: "Nothing was sent.",
        next: "do what the message asks for",
    },
];

impl OutcomeKind {
    /// What this outcome means.
    pub fn row(self) -> &'static Row {
        // Every kind is in the table: a test says so.
        TABLE.iter().find(|row| row.kind == self).unwrap_or(&TABLE[12])
    }
}

/// The table as it stands in `docs/outcomes.md`.
pub fn markdown() -> String {
    let mut text = String::from(
        "| outcome | exit code | HTTP status | meaning | the money | what to do |\n|---|---|---|---|---|---|\n",
    );
    for row in &TABLE {
        let Row { name, exit, http, meaning, money, next, .. } = row;
        text.extend([
            "| `",
            name,
            "` | ",
            &exit.to_string(),
            " | ",
            &http.to_string(),
            " | ",
            meaning,
            " | ",
            money,
            " | ",
            next,
            " |\n",
        ]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_is_in_the_table_once() {
        for kind in OutcomeKind::ALL {
            let rows = TABLE.iter().filter(|row| row.kind == kind).count();
            assert_eq!(rows, 1, "{kind:?}");
            assert_eq!(kind.row().kind, kind);
        }
        assert_eq!(TABLE.len(), OutcomeKind::ALL.len());
    }

    #[test]
    fn every_exit_code_has_its_line() {
        assert_eq!([EXIT_UNKNOWN, EXIT_STOPPED].into_iter().fold(EXIT_DONE, worse), EXIT_UNKNOWN);
        assert_eq!([EXIT_DENIED, EXIT_DONE].into_iter().fold(EXIT_DONE, worse), EXIT_DENIED);
        for (at, (code, _)) in EXITS.iter().enumerate() {
            assert_eq!(usize::from(*code), at);
        }
    }

    /// `UPDATE_DOCS=1 cargo test -p refund-app` writes them anew.
    #[test]
    fn the_pages_show_the_tables() {
        page("docs/outcomes.md", "outcomes", &markdown());
        let line = |(code, meaning): &(u8, &str)| format!("| {code} | {meaning} |\n");
        let exits: String = EXITS.iter().map(line).collect();
        let exits = format!("| exit code | meaning |\n|---|---|\n{exits}");
        page("docs/outcomes.md", "exit codes", &exits);
        page("README.md", "exit codes", &exits);
    }

    #[test]
    fn every_state_is_explained() {
        let page = include_str!("../../../../docs/outcomes.md");
        for state in refund_ledger::State::ALL {
            assert!(page.contains(&format!("\n| `{state}` | ")), "{state}");
        }
    }

    fn page(file: &str, name: &str, table: &str) {
        let path = format!("{}/../../{file}", env!("CARGO_MANIFEST_DIR"));
        let page = std::fs::read_to_string(&path).unwrap();
        let (begin, end) = (format!("<!-- {name} -->\n"), "<!-- end -->");
        let (before, rest) = page.split_once(&begin).unwrap();
        let (_, after) = rest.split_once(end).unwrap();
        let made = [before, &begin, table, end, after].concat();
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, &made).unwrap();
        } else {
            assert!(page == made, "{file} is out of date: run this test with UPDATE_DOCS=1");
        }
    }
}
