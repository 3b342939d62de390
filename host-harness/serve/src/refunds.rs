//! Refunds: asked for and read.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use refund_app::{Ask, Outcome, OutcomeKind};
use refund_core::id::{OperationId, PaymentRef};
use refund_core::metadata::Metadata;
use refund_core::money::{Currency, Money};
use refund_core::optional;
use refund_core::problem::FieldProblem;
use refund_core::request::Request;
use refund_ledger::{LedgerError, State as OperationState};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::auth::{Auditor, Caller, RefundRequester};
use crate::problem::Problem;
use crate::service::Service;
use crate::views::{ApprovalView, AuditView, OperationView, RefundOutcome};

/// A refund to make. One operation id makes at most one refund, whenever it is sent again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRefund {
    /// Your name for this refund, 1 to 200 visible ASCII characters.
    operation_id: String,
    /// The charge (`ch_…`) or PaymentIntent (`pi_…`).
    payment: String,
    /// In the smallest unit of the currency; everything that is left when absent.
    #[serde(default, deserialize_with = "optional::amount")]
    #[schema(nullable = false)]
    amount: Option<u64>,
    /// The currency of the amount; refused without an amount.
    #[serde(default, deserialize_with = "optional::currency")]
    #[schema(nullable = false)]
    currency: Option<String>,
    /// `duplicate`, `fraudulent` or `requested_by_customer`.
    reason: Option<String>,
    /// Your own metadata keys, at most 49.
    #[serde(default)]
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    metadata: Metadata,
    /// Set when the customer requested this refund directly, without staff review. Always set for a token with the role
    /// `self_serve`.
    #[serde(default)]
    self_serve: bool,
}

/// Ask for a refund
///
/// The policy decides on fresh facts: made at once (201), waiting for approval (202), or denied (422). Sending the same
/// operation id again returns what became of it. Every status is that of the outcome held in the ledger.
#[utoipa::path(post, path = "/v1/refunds", tag = "refunds", request_body = NewRefund, security(("token" = [])), responses(
    (status = 200, description = "An earlier call had made it", body = RefundOutcome),
    (status = 201, description = "Made by this call", body = RefundOutcome),
    (status = 202, description = "An approver must decide first; nothing was sent", body = RefundOutcome),
    (status = 400, description = "The input is wrong; nothing was sent", body = Problem),
    (status = 409, description = "The operation id belongs to another refund, or was called off", body = Problem),
    (status = 422, description = "Denied by the policy or by Stripe's rules; nothing was sent", body = Problem),
    (status = 502, description = "Stripe refused, gave no answer, or the refund failed", body = Problem),
    (status = 503, description = "Another process works on the payment, or the ledger cannot be used; nothing was sent", body = Problem),
    (status = 504, description = "The refund may have been made: send the same operation id again", body = Problem),
))]
pub(crate) async fn create(
    State(service): State<Arc<Service>>,
    RefundRequester(caller): RefundRequester,
    body: Result<Json<NewRefund>, JsonRejection>,
) -> Result<(StatusCode, Json<RefundOutcome>), Problem> {
    let Json(wanted) = body.map_err(|error| Problem::invalid(error.body_text()))?;
    let rules = service.rules(caller.asks_as_self_serve(wanted.self_serve));
    let request = wanted.request().map_err(|problem| Problem::invalid(problem.to_string()))?;
    // In a task of its own: a caller that hangs up must not end a refund half way.
    let (application, caller) = (service.application.clone(), Service::caller(&caller.name));
    let asked =
        to_its_end(async move { application.ask(Ask { request, rules }, &caller).await }).await??;
    answer(asked)
}

impl NewRefund {
    fn request(self) -> Result<Request, FieldProblem> {
        let operation = OperationId::parse(&self.operation_id)?;
        let payment = PaymentRef::parse(&self.payment)?;
        let amount = money(self.amount, self.currency.as_deref())?;
        Ok(Request {
            amount,
            reason: self.reason,
            metadata: self.metadata,
            ..Request::new(operation, payment)
        })
    }
}

/// An amount and its currency; neither means everything that is left.
pub(crate) fn money(
    amount: Option<u64>,
    currency: Option<&str>,
) -> Result<Option<Money>, FieldProblem> {
    match (amount, currency) {
        (Some(amount), code) => {
            let currency = Currency::parse(code.unwrap_or_default())?;
            let money = Money { amount, currency };
            money.check_input("amount")?;
            Ok(Some(money))
        }
        (None, Some(code)) => {
            let fix = "give `amount` as well, or neither to mean everything that is left";
            Err(FieldProblem::new("currency", code, "is given without an amount", fix))
        }
        (None, None) => Ok(None),
    }
}

/// Runs something to its end, whether or not the caller waits for it.
pub(crate) async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, Problem> {
    tokio::spawn(work).await.map_err(Problem::lost)
}

/// An outcome as HTTP has it.
pub(crate) fn answer(outcome: Outcome) -> Result<(StatusCode, Json<RefundOutcome>), Problem> {
    use refund_app::outcome::Standing;
    let kind = outcome.kind();
    if !matches!(kind, OutcomeKind::Made | OutcomeKind::Found | OutcomeKind::Waiting) {
        return Err(outcome.into());
    }
    let made = outcome.created().and_then(|created| serde_json::to_value(created).ok());
    let also_settled = outcome.also_settled.iter().map(OperationView::from).collect();
    let operation = OperationView::from(&outcome.operation);
    let approval = match outcome.standing {
        Standing::NeedsApproval { approval: Some(approval), .. } => {
            Some(ApprovalView::from(*approval))
        }
        _ => None,
    };
    let row = kind.row();
    let status = StatusCode::from_u16(row.http).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Ok((status, Json(RefundOutcome { outcome: row.name, operation, approval, made, also_settled })))
}

/// Which operations to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    /// Only those in this state.
    state: Option<String>,
    /// Page size, 1 to 100; 20 when absent.
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
        Some(word) => Some(OperationState::parse(word).ok_or_else(|| {
            let words = OperationState::words();
            Problem::invalid(format!("state `{word}` is none of: {words}"))
        })?),
    };
    let page = service.ledger().page(state, limit, query.cursor).await?;
    Ok(Json(OperationPage {
        operations: page.operations.iter().map(OperationView::from).collect(),
        next: page.next,
    }))
}

/// Read a refund
#[utoipa::path(get, path = "/v1/refunds/{operation}", tag = "refunds", security(("token" = [])),
    params(("operation" = String, Path, description = "The operation id")), responses(
    (status = 200, description = "As the ledger holds it", body = OperationView),
    (status = 404, description = "The ledger has no such operation", body = Problem),
))]
pub(crate) async fn retrieve(
    State(service): State<Arc<Service>>,
    _: Caller,
    Path(id): Path<String>,
) -> Result<Json<OperationView>, Problem> {
    let wanted = OperationId::parse(&id).map_err(|_| Problem::not_found("operation", &id))?;
    match service.application.held(&wanted).await {
        Ok(operation) => Ok(Json(OperationView::from(&operation))),
        Err(LedgerError::UnknownOperation(_)) => Err(Problem::not_found("operation", &id)),
        Err(error) => Err(error.into()),
    }
}

/// Read the audit of a refund
#[utoipa::path(get, path = "/v1/refunds/{operation}/audit", tag = "refunds", security(("token" = [])),
    params(("operation" = String, Path, description = "The operation id")), responses(
    (status = 200, description = "Every move, oldest first", body = Vec<AuditView>),
    (status = 403, description = "The token lacks the role auditor", body = Problem),
))]
pub(crate) async fn history(
    State(service): State<Arc<Service>>,
    _: Auditor,
    Path(id): Path<String>,
) -> Result<Json<Vec<AuditView>>, Problem> {
    let rows = service.ledger().history(&id).await?;
    if rows.is_empty() {
        return Err(Problem::not_found("operation", &id));
    }
    Ok(Json(rows.into_iter().map(AuditView::from).collect()))
}
