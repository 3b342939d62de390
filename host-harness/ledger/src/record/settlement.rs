//! What settled an operation last.

use refund_core::client::{Origin, TransportFailure};
use refund_core::eligibility::Verdict;
use refund_core::problem::FieldProblem;
use refund_core::wire::Refusal;
use serde::{Deserialize, Serialize};

use super::user::UserName;

/// Why an operation stands where it stands. The ledger keeps it, so that whoever asks later is given the same
/// answer as whoever asked first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "settled", rename_all = "kebab-case")]
pub enum Settlement {
    /// There is a refund.
    Refunded {
        /// How it came about.
        origin: Origin,
        /// The verdict it was made on; absent where it was found.
        #[serde(default)]
        verdict: Option<Box<Verdict>>,
    },
    /// The policy wants an approver to decide. Nothing was sent.
    NeedsApproval {
        /// Every rule that asks.
        verdict: Box<Verdict>,
    },
    /// A rule of Stripe's or of the policy forbids it. Nothing was sent.
    Denied {
        /// Every rule that failed.
        verdict: Box<Verdict>,
    },
    /// The input is wrong. Nothing was sent.
    Invalid {
        /// All of what is wrong.
        problems: Vec<FieldProblem>,
    },
    /// Stripe refused: no refund was made.
    Refused {
        /// What Stripe said.
        refusal: Refusal,
    },
    /// The operation id belongs to another refund at Stripe: no refund was made.
    Conflict {
        /// What differs.
        detail: String,
    },
    /// No request reached Stripe: no refund was made.
    NotReached {
        /// What happened.
        failure: TransportFailure,
    },
    /// The component gave no answer, and no request that changes something had left: no refund was made.
    NotRun {
        /// What happened.
        detail: String,
    },
    /// Nothing says whether a refund was made.
    Unknown {
        /// What happened.
        detail: String,
    },
    /// Stripe was asked, long enough after the last request, and has no such refund.
    Absent {
        /// The last request that may have left, Unix seconds.
        last_request: u64,
    },
    /// Called off.
    CalledOff(CalledOff),
}

/// Who called an operation off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
pub enum CalledOff {
    /// An approver denied it.
    Approver {
        /// Who.
        name: UserName,
        /// In their words.
        #[serde(default)]
        note: Option<String>,
    },
    /// The bulk run it belongs to was canceled.
    Run,
}
