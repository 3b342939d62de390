//! Outcomes: what is held, in the words of whoever asked.

#[cfg(feature = "wasm")]
mod failure;
mod sentence;
pub mod table;

use refund_core::client::{CreateError, Created, OperationConflict, Origin};
use refund_core::eligibility::Verdict;
use refund_core::id::OperationId;
use refund_core::model::Refund;
use refund_core::problem::FieldProblem;
use refund_core::wire::Refusal;
use refund_ledger::{Approval, CalledOff, Operation, Settlement, State};

use crate::component::Called;
use crate::rules::reading::{self, ApprovalRequest};

#[cfg(feature = "wasm")]
pub use self::failure::{CallProblem, kind_of};
pub use self::sentence::rfc3339;
pub use self::table::TABLE;

/// The kinds of outcomes; [`TABLE`] says what each means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OutcomeKind {
    /// This call made the refund.
    Made,
    /// An earlier call had made it.
    Found,
    /// The refund failed at Stripe.
    Failed,
    /// Called off, or canceled at Stripe.
    Canceled,
    /// An approver must decide first.
    Waiting,
    /// A rule forbids it.
    Denied,
    /// The input is wrong.
    Invalid,
    /// Stripe refused.
    Refused,
    /// The operation id belongs to another refund.
    Conflict,
    /// There was no usable answer; no refund was made.
    NoAnswer,
    /// The refund may have been made.
    Unknown,
    /// Another process works on the payment.
    Busy,
    /// An earlier operation on the payment is unsettled.
    Blocked,
    /// The ledger cannot be used; nothing was sent.
    LedgerFailed,
    /// The data given was rejected, such as a forged webhook.
    Rejected,
}

impl OutcomeKind {
    /// Every kind.
    pub const ALL: [Self; 15] = [
        Self::Made,
        Self::Found,
        Self::Failed,
        Self::Canceled,
        Self::Waiting,
        Self::Denied,
        Self::Invalid,
        Self::Refused,
        Self::Conflict,
        Self::NoAnswer,
        Self::Unknown,
        Self::Busy,
        Self::Blocked,
        Self::LedgerFailed,
        Self::Rejected,
    ];
}

/// Where an operation stands, with what a caller needs to know about it.
#[derive(Clone, Debug, PartialEq)]
pub enum Standing {
    /// There is a refund, under way or through.
    Refunded {
        /// Made by this call, or found.
        is_new: bool,
        /// How it came about; absent where the ledger does not say.
        origin: Option<Origin>,
    },
    /// The refund failed at Stripe.
    Failed,
    /// Called off, or canceled at Stripe.
    Canceled(Option<CalledOff>),
    /// An approver must decide first.
    NeedsApproval {
        /// What was filed; absent without a ledger.
        approval: Option<Box<Approval>>,
        /// What a caller without a ledger passes on; absent with one.
        request: Option<Box<ApprovalRequest>>,
    },
    /// A rule forbids it.
    Denied(Box<Verdict>),
    /// The input is wrong.
    Invalid(Vec<FieldProblem>),
    /// Stripe refused.
    Refused(Option<Refusal>),
    /// The operation id belongs to another refund.
    Conflict(String),
    /// No usable answer; no refund was made.
    NoAnswer(Option<String>),
    /// The refund may have been made.
    Unknown {
        /// When the last request may have left, Unix seconds.
        since: Option<u64>,
        /// From when on an answer is definite, Unix seconds.
        definite_from: Option<u64>,
    },
    /// A living process works on this operation on the payment.
    Busy(OperationId),
    /// The outcome of this earlier operation on the payment is unknown.
    Blocked {
        /// The earlier operation.
        operation: OperationId,
        /// From when on an answer is definite, Unix seconds.
        definite_from: Option<u64>,
    },
    /// Whether this earlier operation, whose outcome is unknown, is on the same payment could not be read.
    Unread(OperationId),
}

/// From when on a lookup of an operation whose outcome is unknown is definite, Unix seconds. Nothing is known of one that
/// a process is sending: its request may leave at any time.
pub(crate) fn definite_from(operation: &Operation, grace_secs: u64) -> Option<u64> {
    let since = operation.uncertain.filter(|_| operation.state != State::Sent)?;
    Some(since.saturating_add(grace_secs))
}

impl Standing {
    fn error(&self, operation: &OperationId) -> Option<CreateError> {
        Some(match self {
            Self::Denied(verdict) => CreateError::Denied { verdict: (**verdict).clone() },
            Self::Invalid(problems) => CreateError::Invalid { problems: problems.clone() },
            Self::Refused(Some(refusal)) => CreateError::Refused(refusal.clone()),
            Self::Conflict(detail) => CreateError::OperationConflict(OperationConflict {
                operation_id: operation.to_string(),
                existing: None,
                detail: detail.clone(),
            }),
            _ => return None,
        })
    }

    /// Its kind: the row of the table.
    pub fn kind(&self) -> OutcomeKind {
        match self {
            Self::Refunded { is_new: true, .. } => OutcomeKind::Made,
            Self::Refunded { is_new: false, .. } => OutcomeKind::Found,
            Self::Failed => OutcomeKind::Failed,
            Self::Canceled(_) => OutcomeKind::Canceled,
            Self::NeedsApproval { .. } => OutcomeKind::Waiting,
            Self::Denied(_) => OutcomeKind::Denied,
            Self::Invalid(_) => OutcomeKind::Invalid,
            Self::Refused(_) => OutcomeKind::Refused,
            Self::Conflict(_) => OutcomeKind::Conflict,
            Self::NoAnswer(_) => OutcomeKind::NoAnswer,
            Self::Unknown { .. } => OutcomeKind::Unknown,
            Self::Busy(_) => OutcomeKind::Busy,
            Self::Blocked { .. } | Self::Unread(_) => OutcomeKind::Blocked,
        }
    }

    /// Where a held operation stands. `is_new` says that this call settled it.
    pub(crate) fn of(
        operation: &Operation,
        approval: Option<Approval>,
        is_new: bool,
        grace_secs: u64,
    ) -> Self {
        match operation.state {
            State::Pending | State::Succeeded => {
                let origin = match &operation.settlement {
                    Some(Settlement::Refunded { origin, .. }) => Some(*origin),
                    _ => None,
                };
                Self::Refunded { is_new: is_new && origin != Some(Origin::Found), origin }
            }
            State::Failed => Self::Failed,
            State::Canceled => Self::Canceled(match &operation.settlement {
                Some(Settlement::CalledOff(by)) => Some(by.clone()),
                _ => None,
            }),
            State::NeedsApproval => {
                Self::NeedsApproval { approval: approval.map(Box::new), request: None }
            }
            State::Sent | State::OutcomeUnknown => Self::Unknown {
                since: operation.uncertain,
                definite_from: definite_from(operation, grace_secs),
            },
            State::Refused | State::Planned => Self::of_settlement(operation),
        }
    }

    /// Why there is no refund.
    fn of_settlement(operation: &Operation) -> Self {
        match &operation.settlement {
            Some(Settlement::Denied { verdict }) => Self::Denied(verdict.clone()),
            Some(Settlement::Invalid { problems }) => Self::Invalid(problems.clone()),
            Some(Settlement::Refused { refusal }) => Self::Refused(Some(refusal.clone())),
            Some(Settlement::Conflict { detail }) => Self::Conflict(detail.clone()),
            // An earlier version did not keep why.
            None if operation.state == State::Refused => Self::Refused(None),
            _ => Self::NoAnswer(operation.detail.clone()),
        }
    }
}

/// What became of an operation, read back from the ledger.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The operation as the ledger holds it.
    pub operation: Operation,
    /// Where it stands.
    pub standing: Standing,
    /// Its refund as Stripe showed it in this call; absent where Stripe was not asked or did not answer.
    pub refund: Option<Refund>,
    /// How often the request to make the refund was sent by this call.
    pub attempts: u32,
    /// Other operations on the payment whose outcome this call found out.
    pub also_settled: Vec<Operation>,
}

impl Outcome {
    /// Its kind: the row of the table. That a refund may have been made under the operation id comes before the other
    /// values that it was asked for with.
    pub fn kind(&self) -> OutcomeKind {
        match self.standing.kind() {
            OutcomeKind::Conflict if self.operation.state.is_unsettled() => OutcomeKind::Unknown,
            kind => kind,
        }
    }

    /// The same as the output of `refunds.create`; absent where there is no refund, or Stripe did not show it.
    pub fn created(&self) -> Option<Created> {
        let (origin, verdict) = match &self.operation.settlement {
            Some(Settlement::Refunded { origin, verdict }) => {
                (*origin, verdict.as_deref().cloned())
            }
            _ => (Origin::Found, None),
        };
        let is_new = matches!(self.standing, Standing::Refunded { is_new: true, .. });
        Some(Created {
            refund: self.refund.clone()?,
            origin: if is_new { origin } else { Origin::Found },
            attempts: self.attempts,
            request_id: self.operation.request_id.clone().filter(|_| is_new),
            verdict: verdict.filter(|_| is_new),
        })
    }

    /// The typed error of `refunds.create` that says the same; absent where there is a refund, or where only the ledger
    /// knows why there is none.
    pub fn error(&self) -> Option<CreateError> {
        self.standing.error(self.operation.id())
    }
}

/// What became of a call without a ledger.
#[derive(Clone, Debug, PartialEq)]
pub struct Unrecorded {
    /// Where it stands.
    pub standing: Standing,
    /// One sentence of the component's.
    pub detail: Option<String>,
    /// The output of `refunds.create`, where there is a refund.
    pub created: Option<Created>,
}

impl Unrecorded {
    /// Reads a call by the same rule that the ledger's outcomes are read by.
    pub fn of(called: Called<Created, CreateError>, now: u64) -> Self {
        let created = called.result.as_ref().ok().cloned();
        let reading = reading::read(called, None, now);
        let standing = match (reading.state, &reading.settlement) {
            (State::Pending | State::Succeeded, Settlement::Refunded { origin, .. }) => {
                Standing::Refunded { is_new: *origin != Origin::Found, origin: Some(*origin) }
            }
            (State::Failed, _) => Standing::Failed,
            (State::Canceled, _) => Standing::Canceled(None),
            (State::OutcomeUnknown, _) => {
                Standing::Unknown { since: Some(now), definite_from: None }
            }
            (_, Settlement::NeedsApproval { .. }) => {
                let request = reading.approval.clone().map(Box::new);
                Standing::NeedsApproval { approval: None, request }
            }
            (_, Settlement::Denied { verdict }) => Standing::Denied(verdict.clone()),
            (_, Settlement::Invalid { problems }) => Standing::Invalid(problems.clone()),
            (_, Settlement::Refused { refusal }) => Standing::Refused(Some(refusal.clone())),
            (_, Settlement::Conflict { detail }) => Standing::Conflict(detail.clone()),
            _ => Standing::NoAnswer(reading.detail.clone()),
        };
        Self { standing, detail: reading.detail, created }
    }

    /// Its kind: the row of the table.
    pub fn kind(&self) -> OutcomeKind {
        self.standing.kind()
    }
}
