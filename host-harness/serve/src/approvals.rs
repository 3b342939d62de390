//! Approvals: read, decided, executed.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use refund_app::{Ballot, Decided};
use refund_ledger::ApprovalState;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::auth::{Approver, Caller};
use crate::problem::Problem;
use crate::refunds::{answer, to_its_end};
use crate::service::Service;
use crate::views::{ApprovalView, RefundOutcome};

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
    let now = service.application.now();
    let approvals = service.ledger().approvals(state, now).await?;
    Ok(Json(approvals.into_iter().map(ApprovalView::from).collect()))
}

/// Read an approval
#[utoipa::path(get, path = "/v1/approvals/{approval}", tag = "approvals", security(("token" = [])),
    params(("approval" = String, Path, description = "`ap_…`")), responses(
    (status = 200, description = "What is asked for, why, and the decisions", body = ApprovalView),
    (status = 404, description = "There is no such approval", body = Problem),
))]
pub(crate) async fn retrieve(
    State(service): State<Arc<Service>>,
    _: Caller,
    Path(id): Path<String>,
) -> Result<Json<ApprovalView>, Problem> {
    Ok(Json(service.application.approval(&id).await?.into()))
}

/// A decision.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Decision {
    /// A note for the audit.
    note: Option<String>,
    /// The `request_hash` that you saw: if it has changed, the decision does not count.
    #[serde(deserialize_with = "refund_core::optional::limit")]
    #[schema(nullable = false)]
    request_hash: Option<String>,
}

/// Approve
///
/// The last approval that is needed executes the refund at once, under the policy in force: if that has become stricter,
/// the approval waits for more approvers, or the refund is denied.
#[utoipa::path(post, path = "/v1/approvals/{approval}/approve", tag = "approvals", request_body = Decision,
    security(("token" = [])), params(("approval" = String, Path, description = "`ap_…`")), responses(
    (status = 200, description = "An earlier call had made the refund", body = RefundOutcome),
    (status = 201, description = "The refund is made", body = RefundOutcome),
    (status = 202, description = "Recorded; more approvers must agree", body = RefundOutcome),
    (status = 403, description = "The requester must not approve, or is not known, or the token lacks the role approver", body = Problem),
    (status = 404, description = "There is no such approval", body = Problem),
    (status = 409, description = "Decided before, by you or for good, or changed", body = Problem),
    (status = 410, description = "Expired", body = Problem),
    (status = 422, description = "Denied by the policy in force or by Stripe's rules; nothing was sent", body = Problem),
    (status = 502, description = "Stripe refused, gave no answer, or the refund failed", body = Problem),
    (status = 504, description = "The refund may have been made: send the operation again", body = Problem),
))]
pub(crate) async fn approve(
    State(service): State<Arc<Service>>,
    Approver(caller): Approver,
    Path(id): Path<String>,
    body: Result<Json<Decision>, JsonRejection>,
) -> Result<(StatusCode, Json<RefundOutcome>), Problem> {
    // The vote and what it sets off are one piece of work, whether or not the caller waits for it.
    to_its_end(async move {
        let Decided { approval, operation } = decide(&service, &caller, &id, true, body).await?;
        if approval.state != ApprovalState::Approved {
            return Ok((StatusCode::ACCEPTED, Json(RefundOutcome::waiting(&operation, approval))));
        }
        let (rules, who) =
            (service.rules_in_force(&operation.rules), Service::caller(&caller.name));
        answer(service.application.execute(&id, rules, &who).await??)
    })
    .await?
}

/// Deny
///
/// The operation is called off for good; another operation id may ask again.
#[utoipa::path(post, path = "/v1/approvals/{approval}/deny", tag = "approvals", request_body = Decision,
    security(("token" = [])), params(("approval" = String, Path, description = "`ap_…`")), responses(
    (status = 200, description = "Called off", body = ApprovalView),
    (status = 404, description = "There is no such approval", body = Problem),
    (status = 409, description = "Decided before, or the refund may have been made", body = Problem),
    (status = 410, description = "Expired", body = Problem),
))]
pub(crate) async fn deny(
    State(service): State<Arc<Service>>,
    Approver(caller): Approver,
    Path(id): Path<String>,
    body: Result<Json<Decision>, JsonRejection>,
) -> Result<Json<ApprovalView>, Problem> {
    Ok(Json(decide(&service, &caller, &id, false, body).await?.approval.into()))
}

async fn decide(
    service: &Service,
    caller: &Caller,
    id: &str,
    agrees: bool,
    body: Result<Json<Decision>, JsonRejection>,
) -> Result<Decided, Problem> {
    let Json(said) = body.map_err(|error| Problem::invalid(error.body_text()))?;
    let ballot = Ballot {
        agrees,
        note: said.note,
        request_hash: said.request_hash,
        own_requests: service.own_requests,
    };
    Ok(service.application.decide(id, ballot, &Service::caller(&caller.name)).await?)
}
