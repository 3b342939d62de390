//! Refunds: asked for, looked at.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use refund_core::id::{OperationId, PaymentRef};
use refund_core::metadata::Metadata;
use refund_core::money::{Currency, Money};
use refund_core::problem::FieldProblem;
use refund_core::request::Request;
use refund_ledger::{AuditRow, Failure, NewOperation, Operation, State as Stand};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::approvals::ApprovalView;
use crate::auth::{Auditor, Caller, Requester};
use crate::problem::Problem;
use crate::service::Service;

/// A refund to make. The same operation id never pays twice, whenever it is sent again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRefund {
    /// Your own name for this refund, 1 to 200 visible characters.
    operation_id: String,
    /// The charge (`ch_…`) or PaymentIntent (`pi_…`).
    payment: String,
    /// In the smallest unit; everything that is left when absent.
    amount: Option<u64>,
    /// The currency of the amount; refused without one.
    currency: Option<String>,
    /// `duplicate`, `fraudulent` or `requested_by_customer`.
    reason: Option<String>,
    /// Your own keys, at most 49.
    #[serde(default)]
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    metadata: Metadata,
    /// The customer asks, and nobody of yours looked at it.
    #[serde(default)]
    self_serve: bool,
}

/// An operation as the ledger holds it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OperationView {
    /// The operation id.
    id: String,
    /// What it takes the money from.
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
    /// What was said last.
    detail: Option<String>,
    /// Stripe's id of the last request.
    request_id: Option<String>,
    /// The last move.
    updated: u64,
}

impl From<&Operation> for OperationView {
    fn from(operation: &Operation) -> Self {
        Self {
            id: operation.id.clone(),
            payment: operation.payment.clone(),
            state: operation.state.as_str(),
            amount: operation.amount,
            currency: operation.currency.clone(),
            refund: operation.refund.clone(),
            refunded: operation.refunded,
            detail: operation.detail.clone(),
            request_id: operation.request_id.clone(),
            updated: operation.updated,
        }
    }
}

/// What became of a request.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Asked {
    /// The operation.
    operation: OperationView,
    /// What it waits for, where somebody must agree.
    approval: Option<ApprovalView>,
    /// The output of the component's `refunds.create`: refund, origin, verdict.
    #[schema(value_type = Option<Object>)]
    made: Option<Value>,
}

/// Make a refund, or ask for it
///
/// The policy decides on fresh facts: made at once (201), waiting for approval (202), or denied (422). Sending
/// the same operation id again answers with what became of it.
#[utoipa::path(post, path = "/v1/refunds", tag = "refunds", request_body = NewRefund, security(("token" = [])), responses(
    (status = 200, description = "It was made before", body = Asked),
    (status = 201, description = "Made now", body = Asked),
    (status = 202, description = "Somebody must agree first", body = Asked),
    (status = 400, description = "The input is wrong; nothing was sent", body = Problem),
    (status = 409, description = "The operation id belongs to another refund", body = Problem),
    (status = 422, description = "Denied by the policy or by Stripe's rules", body = Problem),
    (status = 502, description = "Stripe refused, or gave no answer; no refund was made", body = Problem),
    (status = 504, description = "Nobody knows: send the same operation id again", body = Problem),
))]
pub(crate) async fn create(
    State(service): State<Arc<Service>>,
    Requester(caller): Requester,
    body: Result<Json<NewRefund>, JsonRejection>,
) -> Result<(StatusCode, Json<Asked>), Problem> {
    let Json(wanted) = body.map_err(|error| Problem::invalid(error.body_text()))?;
    let self_serve = wanted.self_serve;
    let request = wanted.request().map_err(|problem| Problem::invalid(problem.to_string()))?;
    let operation = NewOperation::new(&request).policy(&service.rules(self_serve));
    // In a task of its own: a caller that hangs up must not end a refund half way.
    let refunder = service.refunder(&caller.name);
    let done = tokio_task(async move { refunder.refund(operation).await }).await??;
    service.answer(&done.operation, done.answer).await
}

impl NewRefund {
    fn request(self) -> Result<Request, FieldProblem> {
        let operation = OperationId::parse(&self.operation_id)?;
        let payment = PaymentRef::parse(&self.payment)?;
        let amount = match (self.amount, self.currency.as_deref()) {
            (Some(amount), code) => {
                let currency = Currency::parse(code.unwrap_or_default())?;
                let money = Money { amount, currency };
                money.check_input("amount")?;
                Some(money)
            }
            (None, Some(code)) => {
                let fix = "give `amount` as well, or neither to mean everything that is left";
                return Err(FieldProblem::new("currency", code, "is given without an amount", fix));
            }
            (None, None) => None,
        };
        Ok(Request {
            amount,
            reason: self.reason,
            metadata: self.metadata,
            ..Request::new(operation, payment)
        })
    }
}

/// Runs something to its end, whether or not anybody waits for it.
pub(crate) async fn tokio_task<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, Problem> {
    tokio::spawn(work).await.map_err(Problem::unavailable)
}

impl Service {
    /// What is told about an operation that was asked for.
    pub(crate) async fn answer(
        &self,
        operation: &Operation,
        answer: Option<refund_ledger::Answer>,
    ) -> Result<(StatusCode, Json<Asked>), Problem> {
        let view = OperationView::from(operation);
        let (status, approval, made) = match answer {
            Some(Ok(output)) => {
                let found = output["origin"] == "found";
                (if found { StatusCode::OK } else { StatusCode::CREATED }, None, Some(output))
            }
            Some(Err(_)) if operation.state == Stand::NeedsApproval => {
                let approval = self.ledger.approval_of(&operation.id).await?;
                (StatusCode::ACCEPTED, approval.map(ApprovalView::from), None)
            }
            Some(Err(Failure::Operation(error))) => return Err(error.into()),
            Some(Err(Failure::Call(problem))) => return Err(Problem::unknown(problem)),
            None => (StatusCode::OK, None, None),
        };
        Ok((status, Json(Asked { operation: view, approval, made })))
    }
}

/// Which operations to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    /// Only those in this state.
    state: Option<String>,
    /// At most so many, 1 to 100; 20 when absent.
    limit: Option<u16>,
    /// The `next` of the page before.
    cursor: Option<i64>,
}

/// A page of operations, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OperationPage {
    /// At most `limit` of them.
    operations: Vec<OperationView>,
    /// Pass as `cursor` to go on; absent on the last page.
    next: Option<i64>,
}

/// List refunds
#[utoipa::path(get, path = "/v1/refunds", tag = "refunds", params(ListQuery), security(("token" = [])), responses(
    (status = 200, description = "A page, newest first", body = OperationPage),
    (status = 400, description = "A parameter is wrong", body = Problem),
))]
pub(crate) async fn list(
    State(service): State<Arc<Service>>,
    _: Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<OperationPage>, Problem> {
    let limit = query.limit.unwrap_or(20);
    if !(1..=100).contains(&limit) {
        return Err(Problem::invalid(format!("limit `{limit}` is not between 1 and 100")));
    }
    let state = match query.state.as_deref() {
        None => None,
        Some(word) => Some(Stand::parse(word).ok_or_else(|| {
            let words = Stand::ALL.map(Stand::as_str).join(", ");
            Problem::invalid(format!("state `{word}` is none of: {words}"))
        })?),
    };
    let page = service.ledger.page(state, limit, query.cursor).await?;
    Ok(Json(OperationPage {
        operations: page.operations.iter().map(OperationView::from).collect(),
        next: page.next,
    }))
}

/// Look at a refund
#[utoipa::path(get, path = "/v1/refunds/{operation}", tag = "refunds", security(("token" = [])),
    params(("operation" = String, Path, description = "The operation id")), responses(
    (status = 200, description = "As the ledger holds it", body = OperationView),
    (status = 404, description = "The ledger does not know it", body = Problem),
))]
pub(crate) async fn retrieve(
    State(service): State<Arc<Service>>,
    _: Caller,
    Path(id): Path<String>,
) -> Result<Json<OperationView>, Problem> {
    let operation = service.ledger.look(&id).await?;
    let operation = operation.ok_or_else(|| Problem::not_found("operation", &id))?;
    Ok(Json(OperationView::from(&operation)))
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
    /// What was said about it.
    outcome: Option<String>,
}

impl From<AuditRow> for AuditView {
    fn from(row: AuditRow) -> Self {
        let AuditRow { seq, time, actor, before, after, outcome, .. } = row;
        Self { seq, time, actor, before, after, outcome }
    }
}

/// Look at the audit of a refund
#[utoipa::path(get, path = "/v1/refunds/{operation}/audit", tag = "refunds", security(("token" = [])),
    params(("operation" = String, Path, description = "The operation id")), responses(
    (status = 200, description = "Every move, oldest first", body = Vec<AuditView>),
    (status = 403, description = "The token is no auditor's", body = Problem),
))]
pub(crate) async fn history(
    State(service): State<Arc<Service>>,
    _: Auditor,
    Path(id): Path<String>,
) -> Result<Json<Vec<AuditView>>, Problem> {
    let rows = service.ledger.history(&id).await?;
    if rows.is_empty() {
        return Err(Problem::not_found("operation", &id));
    }
    Ok(Json(rows.into_iter().map(AuditView::from).collect()))
}

impl Asked {
    /// More people must agree.
    pub(crate) fn waiting(operation: &Operation, approval: refund_ledger::Approval) -> Self {
        Self { operation: operation.into(), approval: Some(approval.into()), made: None }
    }
}
