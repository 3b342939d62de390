//! What an answer means.
//!
//! | answer | state | believed while an earlier request is uncertain |
//! |---|---|---|
//! | a refund | as its status says | yes |
//! | needs approval, denied | needs-approval, refused | after the grace period: the refunds were looked at |
//! | Stripe refused the request itself (400, 402) | refused | after the grace period |
//! | the operation id has another refund | refused | after the grace period |
//! | invalid input, refused while reading, no request reached Stripe | refused or planned | no: nothing was looked at |
//! | no answer, and no request had left | planned | no |
//! | no answer, and a request had left | outcome-unknown | |

use refund_core::client::{
    CreateError, Created, NeedsApproval, OperationConflict, Origin, OutcomeUnknown,
};
use refund_core::eligibility::{Ruling, Verdict};
use refund_core::model::Refund;
use refund_core::money::Money;
use refund_core::problem::FieldProblem;
use refund_core::wire::{Refusal, RefusalKind};
use refund_ledger::{Fee, Settlement, State};

use super::moves::state_of;
use crate::component::{Called, OperationError};

/// What approvers have to agree to.
#[derive(Clone, Debug, PartialEq)]
pub struct ApprovalRequest {
    /// The hash that the component made of payment, amount, reason, metadata, flags and number of approvers.
    pub request_hash: String,
    /// What would be refunded.
    pub money: Money,
    /// How many approvers must agree.
    pub needed: u8,
    /// Why.
    pub verdict: Verdict,
}

/// What an answer means for an operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// Where the operation goes.
    pub state: State,
    /// Why.
    pub settlement: Settlement,
    /// The refund.
    pub refund: Option<Refund>,
    /// What approvers have to agree to; for `needs-approval` alone.
    pub approval: Option<ApprovalRequest>,
    /// One sentence.
    pub detail: Option<String>,
    /// Stripe's id of the request.
    pub request_id: Option<String>,
    /// The share of the payment's fee that Stripe keeps.
    pub fee: Option<Fee>,
    /// What is left to refund of the payment, in the smallest unit, where it was read.
    pub left: Option<u64>,
    /// When the last request may have left whose outcome is not known, Unix seconds; for `outcome-unknown` alone.
    pub uncertain: Option<u64>,
    /// How many requests that change something left.
    pub changes_sent: u32,
    /// The answer comes from beyond the point where the payment's refunds were read.
    looked: bool,
}

impl Reading {
    fn new(state: State, settlement: Settlement, detail: impl Into<String>) -> Self {
        Self {
            state,
            settlement,
            refund: None,
            approval: None,
            detail: Some(detail.into()).filter(|detail| !detail.is_empty()),
            request_id: None,
            fee: None,
            left: None,
            uncertain: None,
            changes_sent: 0,
            looked: false,
        }
    }

    fn having_looked(self) -> Self {
        Self { looked: true, ..self }
    }

    /// A refund that was found at Stripe by its operation id.
    pub fn found(refund: Refund) -> Self {
        let state = state_of(refund.status.as_ref());
        let settlement = Settlement::Refunded { origin: Origin::Reconciled, verdict: None };
        let detail = "the refund was found at Stripe by its operation id";
        Self { refund: Some(refund), ..Self::new(state, settlement, detail) }
    }

    /// A refund that is not what was asked for carries the operation id: none is made under it any more.
    pub fn carried_by_another(refund: &Refund) -> Self {
        let (other, money) = (&refund.id, refund.money());
        let detail = format!(
            "refund {other} of {money} carries its operation id and is not what was asked for"
        );
        let settlement = Settlement::Conflict { detail: detail.clone() };
        Self::new(State::Refused, settlement, detail).having_looked()
    }

    /// Stripe was asked, long enough after the last request, and has no such refund.
    pub fn absent(last_request: u64) -> Self {
        let detail = "Stripe has no refund of this operation: none was made";
        Self::new(State::Planned, Settlement::Absent { last_request }, detail)
    }

    /// Nothing says whether a refund was made.
    pub fn unknown(detail: impl Into<String>, uncertain: u64) -> Self {
        let detail = detail.into();
        let settlement = Settlement::Unknown { detail: detail.clone() };
        Self { uncertain: Some(uncertain), ..Self::new(State::OutcomeUnknown, settlement, detail) }
    }
}

/// An earlier request whose outcome is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EarlierRequest {
    /// When the last one may have left, Unix seconds.
    pub at: u64,
    /// Whether it could no longer be carried out when the call began that was answered now.
    pub is_over: bool,
}

/// Reads an answer of `refunds.create`. `now` is when it came: a request may have left until then.
pub fn read(
    called: Called<Created, CreateError>,
    earlier: Option<EarlierRequest>,
    now: u64,
) -> Reading {
    let changes_sent = called.changes_sent;
    let reading = match called.result {
        Ok(created) => made(created),
        Err(OperationError::Failed(error)) => not_made(error, changes_sent, now),
        Err(OperationError::NoAnswer(what)) if changes_sent == 0 => {
            let settlement = Settlement::NotRun { detail: what.clone() };
            Reading::new(State::Planned, settlement, what)
        }
        Err(OperationError::NoAnswer(what)) => Reading::unknown(what, now),
    };
    let reading = Reading { changes_sent, ..reading };
    match earlier {
        Some(earlier) => doubt(reading, earlier),
        None => reading,
    }
}

/// An earlier request may have been carried out. That there is no refund is believed only from an answer that looked
/// for it, and only once the earlier request cannot be carried out any more.
fn doubt(reading: Reading, earlier: EarlierRequest) -> Reading {
    let no_refund = matches!(reading.state, State::Refused | State::NeedsApproval | State::Planned);
    if !no_refund || (earlier.is_over && reading.looked) {
        return reading;
    }
    let now_said = reading.detail.unwrap_or_default();
    let detail =
        format!("an earlier request may have been carried out; the answer now: {now_said}");
    Reading {
        request_id: reading.request_id,
        changes_sent: reading.changes_sent,
        ..Reading::unknown(detail, earlier.at)
    }
}

/// A refund that exists.
fn made(created: Created) -> Reading {
    let Created { refund, origin, request_id, verdict, .. } = created;
    let detail = match origin {
        Origin::Found => Some("an earlier request had made it"),
        Origin::Replayed => Some("Stripe repeated the answer of an earlier request"),
        Origin::Reconciled => Some("the answer was lost; the refund was found at Stripe"),
        Origin::Made => None,
    };
    let ruling = verdict.as_ref().and_then(|verdict| verdict.ruling.as_ref());
    let share = verdict.as_ref().and_then(|verdict| verdict.fee_kept.as_ref()).map(|fee| fee.share);
    // The verdict was made before the refund.
    let left = verdict.as_ref().and_then(|one| one.refundable.amount.checked_sub(refund.amount));
    Reading {
        left,
        fee: share.map(fee),
        request_id,
        detail: with_rule(detail.map(str::to_owned), ruling),
        ..Reading::new(
            state_of(refund.status.as_ref()),
            Settlement::Refunded { origin, verdict: verdict.map(Box::new) },
            "",
        )
    }
    .with_refund(refund)
}

impl Reading {
    fn with_refund(self, refund: Refund) -> Self {
        Self { refund: Some(refund), ..self }
    }
}

fn fee(share: Money) -> Fee {
    let amount = i64::try_from(share.amount).unwrap_or(i64::MAX);
    Fee { amount, currency: share.currency.to_string() }
}

/// How the refund came about, and which rules of which policy led to it.
fn with_rule(detail: Option<String>, ruling: Option<&Ruling>) -> Option<String> {
    let by = ruling.map(|ruling| format!("by {ruling} ({})", ruling.hash));
    match (detail, by) {
        (Some(detail), Some(by)) => Some(format!("{detail}; {by}")),
        (detail, by) => detail.or(by),
    }
}

/// An error of `refunds.create`. It is believed to say that there is no refund only where that agrees with what the host
/// saw leave: a component that sends a request and then answers "denied" is not believed.
fn not_made(error: CreateError, changes_sent: u32, now: u64) -> Reading {
    match error {
        CreateError::OutcomeUnknown(OutcomeUnknown { detail, .. }) => Reading::unknown(detail, now),
        // A fault at Stripe, or on the way, says nothing about a request that left.
        CreateError::Refused(refusal) if refusal.is_ambiguous() && changes_sent > 0 => {
            Reading::unknown(refusal.to_string(), now)
        }
        CreateError::Refused(refusal) => refused(refusal, changes_sent),
        CreateError::OperationConflict(OperationConflict { detail, .. }) => {
            let settlement = Settlement::Conflict { detail: detail.clone() };
            Reading::new(State::Refused, settlement, detail).having_looked()
        }
        other if changes_sent > 0 => Reading::unknown(
            format!("a request was sent, and the component answered: {other}"),
            now,
        ),
        CreateError::Invalid { problems } => invalid(problems),
        CreateError::Denied { verdict } => {
            let detail = with_rule(Some(verdict.explain()), verdict.decided_by());
            let settlement = Settlement::Denied { verdict: Box::new(verdict) };
            Reading::new(State::Refused, settlement, detail.unwrap_or_default()).having_looked()
        }
        CreateError::NeedsApproval(asked) | CreateError::ApprovalMismatch(asked) => {
            needs_approval(asked)
        }
        CreateError::Transport(failure) => {
            let detail = failure.to_string();
            Reading::new(State::Planned, Settlement::NotReached { failure }, detail)
        }
    }
}

fn invalid(problems: Vec<FieldProblem>) -> Reading {
    let detail = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    Reading::new(State::Refused, Settlement::Invalid { problems }, detail)
}

fn needs_approval(asked: NeedsApproval) -> Reading {
    let NeedsApproval { verdict, request_hash } = asked;
    let detail = with_rule(Some(verdict.explain()), verdict.ruling.as_ref());
    let settlement = Settlement::NeedsApproval { verdict: Box::new(verdict.clone()) };
    let needed = verdict.approvals().max(1);
    let approval = ApprovalRequest { request_hash, money: verdict.amount, needed, verdict };
    Reading {
        approval: Some(approval),
        ..Reading::new(State::NeedsApproval, settlement, detail.unwrap_or_default())
    }
    .having_looked()
}

/// Stripe's no. One that can pass, or that is about the key, leaves the operation open: with a right key it can go on.
fn refused(refusal: Refusal, changes_sent: u32) -> Reading {
    let passes = matches!(
        refusal.kind,
        RefusalKind::RateLimited
            | RefusalKind::Locked
            | RefusalKind::Api
            | RefusalKind::Authentication
            | RefusalKind::Permission
    );
    let state = if passes { State::Planned } else { State::Refused };
    // The request that makes the refund was refused: an earlier one under the same key was refused as well.
    let looked =
        changes_sent > 0 && matches!(refusal.kind, RefusalKind::InvalidRequest | RefusalKind::Card);
    let detail = refusal.to_string();
    let request_id = refusal.request_id.clone();
    Reading { request_id, looked, ..Reading::new(state, Settlement::Refused { refusal }, detail) }
}
