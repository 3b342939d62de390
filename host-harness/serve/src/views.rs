//! What the API shows of operations, approvals and the audit.

use refund_app::OutcomeKind;
use refund_core::eligibility::Verdict;
use refund_ledger::{Approval, AuditRow, Operation, Vote};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// An operation as the ledger holds it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct OperationView {
    /// The operation id.
    id: String,
    /// The payment it refunds.
    payment: String,
    /// `planned`, `sent`, `outcome-unknown`, `pending`, `succeeded`, `failed`, `refused`, `canceled` or
    /// `needs-approval`.
    state: &'static str,
    /// What was asked for; everything when absent.
    amount: Option<u64>,
    /// Of the amount.
    currency: Option<String>,
    /// The refund at Stripe.
    refund: Option<String>,
    /// What was refunded.
    refunded: Option<u64>,
    /// One sentence about the last move.
    detail: Option<String>,
    /// Stripe's id of the last request.
    request_id: Option<String>,
    /// The last move, Unix seconds.
    updated: u64,
    /// Who asked for it; `unknown` where no name was given.
    requester: String,
}

impl From<&Operation> for OperationView {
    fn from(operation: &Operation) -> Self {
        let refund = operation.refund.as_ref();
        Self {
            id: operation.id().to_string(),
            payment: operation.payment().to_string(),
            state: operation.state.as_str(),
            amount: operation.request.amount.map(|money| money.amount),
            currency: operation.money().map(|money| money.currency.to_string()),
            refund: refund.map(|refund| refund.id.to_string()),
            refunded: refund.map(|refund| refund.money.amount),
            detail: operation.detail.clone(),
            request_id: operation.request_id.clone(),
            updated: operation.updated,
            requester: operation.asked_by().to_string(),
        }
    }
}

/// What became of a request.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RefundOutcome {
    /// `made`, `found` or `needs-approval`.
    pub(crate) outcome: &'static str,
    /// The operation as the ledger holds it.
    pub(crate) operation: OperationView,
    /// The approval that it waits for.
    pub(crate) approval: Option<ApprovalView>,
    /// The output of the component's `refunds.create`: refund, origin, verdict.
    #[schema(value_type = Option<Object>)]
    pub(crate) made: Option<Value>,
    /// Other operations on the payment whose outcome this call found out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) also_settled: Vec<OperationView>,
}

impl RefundOutcome {
    /// More approvers must agree.
    pub(crate) fn waiting(operation: &Operation, approval: Approval) -> Self {
        Self {
            outcome: OutcomeKind::Waiting.row().name,
            operation: operation.into(),
            approval: Some(approval.into()),
            made: None,
            also_settled: Vec::new(),
        }
    }
}

/// An approval: a recorded decision to allow an operation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ApprovalView {
    /// `ap_…`.
    id: String,
    /// The operation that waits for it.
    operation: String,
    /// The payment it refunds.
    payment: String,
    /// What would be refunded.
    amount: u64,
    /// Its currency.
    currency: String,
    /// Binds the approval: send it along when approving, and nothing else can be approved by mistake.
    request_hash: String,
    /// Who asked for it; must not approve. `unknown` where no name was given: then a named user asks again first.
    requester: String,
    /// How many approvers must agree.
    needed: u8,
    /// `open`, `approved`, `denied`, `expired`, `superseded` or `executed`.
    state: &'static str,
    /// Why: the verdict, with every rule that asks for approval.
    #[schema(value_type = Option<Object>)]
    verdict: Option<Verdict>,
    /// When it was filed, Unix seconds.
    created: u64,
    /// Until when approvers may decide, Unix seconds.
    expires: u64,
    /// The decisions, oldest first.
    votes: Vec<VoteView>,
}

/// One approver's decision.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VoteView {
    /// Who.
    voter: String,
    /// Agrees, or objects.
    agrees: bool,
    /// In their words.
    note: Option<String>,
    /// When, Unix seconds.
    time: u64,
}

impl From<Vote> for VoteView {
    fn from(Vote { voter, agrees, note, time, .. }: Vote) -> Self {
        Self { voter: voter.to_string(), agrees, note, time }
    }
}

impl From<Approval> for ApprovalView {
    fn from(approval: Approval) -> Self {
        Self {
            id: approval.id.to_string(),
            operation: approval.operation.to_string(),
            payment: approval.payment.to_string(),
            amount: approval.money.amount,
            currency: approval.money.currency.to_string(),
            request_hash: approval.request_hash,
            requester: approval.requester.to_string(),
            needed: approval.needed,
            state: approval.state.as_str(),
            verdict: approval.verdict,
            created: approval.created,
            expires: approval.expires,
            votes: approval.votes.into_iter().map(VoteView::from).collect(),
        }
    }
}

/// A row of the audit.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditView {
    /// Counted from 1 without gaps, over all operations.
    seq: i64,
    /// Unix seconds.
    time: i64,
    /// Who.
    actor: String,
    /// The state before.
    before: Option<String>,
    /// The state after.
    after: String,
    /// What happened, in one sentence.
    outcome: Option<String>,
}

impl From<AuditRow> for AuditView {
    fn from(row: AuditRow) -> Self {
        let AuditRow { seq, time, actor, before, after, outcome, .. } = row;
        Self { seq, time, actor, before, after, outcome }
    }
}
