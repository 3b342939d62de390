//! Approvals: looked at, decided, carried out.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use refund_ledger::{Approval, ApprovalState, Ballot, Vote};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::auth::{Approver, Caller};
use crate::problem::Problem;
use crate::refunds::{Asked, tokio_task};
use crate::service::Service;

/// What somebody must agree to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ApprovalView {
    /// `ap_…`.
    id: String,
    /// The operation that waits for it.
    operation: String,
    /// What it takes the money from.
    payment: String,
    /// What would be refunded.
    amount: u64,
    /// Its currency.
    currency: String,
    /// Binds the approval: send it along when approving, and nothing else can be approved by mistake.
    request_hash: String,
    /// Who asked; cannot agree.
    requester: String,
    /// How many people must agree.
    needed: u8,
    /// `open`, `approved`, `denied`, `expired`, `superseded` or `executed`.
    state: &'static str,
    /// Why: the verdict, with the rules that ask for a person.
    #[schema(value_type = Object)]
    verdict: Value,
    /// When it was asked for.
    created: u64,
    /// Until when people may decide.
    expires: u64,
    /// Who said what.
    votes: Vec<VoteView>,
}

/// What somebody said.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VoteView {
    /// Who.
    voter: String,
    /// Agrees, or objects.
    agrees: bool,
    /// In their words.
    note: Option<String>,
    /// When.
    time: u64,
}

impl From<Vote> for VoteView {
    fn from(Vote { voter, agrees, note, time }: Vote) -> Self {
        Self { voter, agrees, note, time }
    }
}

impl From<Approval> for ApprovalView {
    fn from(approval: Approval) -> Self {
        Self {
            verdict: serde_json::from_str(&approval.verdict).unwrap_or_default(),
            id: approval.id,
            operation: approval.operation,
            payment: approval.payment,
            amount: approval.amount,
            currency: approval.currency,
            request_hash: approval.request_hash,
            requester: approval.requester,
            needed: approval.needed,
            state: approval.state.as_str(),
            created: approval.created,
            expires: approval.expires,
            votes: approval.votes.into_iter().map(VoteView::from).collect(),
        }
    }
}

/// Which approvals to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApprovalQuery {
    /// Only those in this state.
    state: Option<String>,
}

/// List approvals
#[utoipa::path(get, path = "/v1/approvals", tag = "approvals", params(ApprovalQuery), security(("token" = [])), responses(
    (status = 200, description = "Newest first", body = Vec<ApprovalView>),
    (status = 400, description = "There is no such state", body = Problem),
))]
pub(crate) async fn list(
    State(service): State<Arc<Service>>,
    _: Caller,
    Query(query): Query<ApprovalQuery>,
) -> Result<Json<Vec<ApprovalView>>, Problem> {
    let state = match query.state.as_deref() {
        None => None,
        Some(word) => Some(ApprovalState::parse(word).ok_or_else(|| {
            Problem::invalid(format!("state `{word}` is none of: {}", ApprovalState::words()))
        })?),
    };
    let approvals = service.ledger.approvals(state).await?;
    Ok(Json(approvals.into_iter().map(ApprovalView::from).collect()))
}

/// Look at an approval
#[utoipa::path(get, path = "/v1/approvals/{approval}", tag = "approvals", security(("token" = [])),
    params(("approval" = String, Path, description = "`ap_…`")), responses(
    (status = 200, description = "What is asked for, why, and who said what", body = ApprovalView),
    (status = 404, description = "There is no such approval", body = Problem),
))]
pub(crate) async fn retrieve(
    State(service): State<Arc<Service>>,
    _: Caller,
    Path(id): Path<String>,
) -> Result<Json<ApprovalView>, Problem> {
    Ok(Json(service.ledger.approval(&id).await?.into()))
}

/// What somebody says.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Decision {
    /// In your words, for the audit.
    note: Option<String>,
    /// The `request_hash` of what you saw: anything else is refused.
    request_hash: Option<String>,
}

/// Agree
///
/// The last agreement that is needed carries the refund out at once: eligibility is checked again, and a
/// request that was changed in between is refused.
#[utoipa::path(post, path = "/v1/approvals/{approval}/approve", tag = "approvals", request_body = Decision,
    security(("token" = [])), params(("approval" = String, Path, description = "`ap_…`")), responses(
    (status = 200, description = "Noted; more people must agree, or the refund existed", body = Asked),
    (status = 201, description = "The refund is made", body = Asked),
    (status = 202, description = "Noted; more people must agree", body = Asked),
    (status = 403, description = "Who asked cannot agree, or the token is no approver's", body = Problem),
    (status = 409, description = "Decided before, by you or for good, or altered", body = Problem),
    (status = 410, description = "Expired", body = Problem),
    (status = 422, description = "Denied by now", body = Problem),
))]
pub(crate) async fn approve(
    State(service): State<Arc<Service>>,
    Approver(caller): Approver,
    Path(id): Path<String>,
    body: Result<Json<Decision>, JsonRejection>,
) -> Result<(StatusCode, Json<Asked>), Problem> {
    let approval = decide(&service, &caller, &id, true, body).await?;
    if approval.state != ApprovalState::Approved {
        return waiting(&service, approval).await;
    }
    let operation = service.ledger.approved(&id).await?;
    let refunder = service.refunder(&caller.name);
    let done = tokio_task(async move { refunder.refund_again(&operation).await }).await??;
    service.answer(&done.operation, done.answer).await
}

/// Object
///
/// The operation is called off for good; another operation id may ask again.
#[utoipa::path(post, path = "/v1/approvals/{approval}/deny", tag = "approvals", request_body = Decision,
    security(("token" = [])), params(("approval" = String, Path, description = "`ap_…`")), responses(
    (status = 200, description = "Called off", body = ApprovalView),
    (status = 409, description = "Decided before, or the refund may have been made", body = Problem),
    (status = 410, description = "Expired", body = Problem),
))]
pub(crate) async fn deny(
    State(service): State<Arc<Service>>,
    Approver(caller): Approver,
    Path(id): Path<String>,
    body: Result<Json<Decision>, JsonRejection>,
) -> Result<Json<ApprovalView>, Problem> {
    Ok(Json(decide(&service, &caller, &id, false, body).await?.into()))
}

async fn decide(
    service: &Service,
    caller: &Caller,
    id: &str,
    agrees: bool,
    body: Result<Json<Decision>, JsonRejection>,
) -> Result<Approval, Problem> {
    let Json(said) = body.map_err(|error| Problem::invalid(error.body_text()))?;
    let ballot = Ballot {
        agrees,
        note: said.note,
        request_hash: said.request_hash,
        own_requests: service.own_requests,
    };
    Ok(service.ledger.in_the_name_of(&caller.name).decide(id, ballot).await?)
}

async fn waiting(
    service: &Service,
    approval: Approval,
) -> Result<(StatusCode, Json<Asked>), Problem> {
    let operation = service.ledger.look(&approval.operation).await?;
    let operation =
        operation.ok_or_else(|| Problem::not_found("operation", &approval.operation))?;
    Ok((StatusCode::ACCEPTED, Json(Asked::waiting(&operation, approval))))
}
