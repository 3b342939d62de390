//! Disputes: what is due when, evidence, submitting it, giving in.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Query, State};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};

use crate::auth::{Approver, Caller, Requester};
use crate::problem::Problem;
use crate::refunds::to_its_end;
use crate::service::Service;

/// Which disputes to list.
#[derive(Debug, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct DisputeQuery {
    /// Only those that wait for an answer; true when absent.
    open_only: Option<bool>,
    /// Only those of this charge or PaymentIntent.
    #[serde(skip_serializing_if = "Option::is_none")]
    payment: Option<String>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

/// Evidence by Stripe's names of the fields; texts, or `file_…` for files.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Evidence {
    /// For example `customer_name` or `shipping_tracking_number`; an empty text clears a field.
    evidence: BTreeMap<String, String>,
}

/// What you confirm: must be what Stripe holds.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Confirmation {
    /// The dispute again, `dp_…`.
    dispute: String,
    /// The disputed amount, in the smallest unit.
    amount: u64,
    /// Its currency.
    currency: String,
}

/// A file for evidence.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    /// Its name, ending in `.pdf`, `.jpg` or `.png`.
    name: String,
    /// Its bytes in base64, at most 5 MB of them.
    content_base64: String,
}

/// The fields of a JSON object.
fn fields(input: Value) -> Map<String, Value> {
    match input {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

impl Service {
    /// Passes an operation through to its end, whether or not the caller waits for it.
    async fn run(&self, operation: &'static str, input: Value) -> Result<Json<Value>, Problem> {
        let component = self.application.component().clone();
        let call = async move { component.pass_through(operation, fields(input)).await };
        Ok(Json(to_its_end(call).await??))
    }
}

/// List disputes
///
/// Those that wait for an answer first, the soonest due at the top.
#[utoipa::path(get, path = "/v1/disputes", tag = "disputes", params(DisputeQuery), security(("token" = [])), responses(
    (status = 200, description = "The output of the component's `disputes.list`", body = Object),
    (status = 502, description = "Stripe refused, or gave no answer", body = Problem),
))]
pub(crate) async fn list(
    State(service): State<Arc<Service>>,
    _: Caller,
    Query(query): Query<DisputeQuery>,
) -> Result<Json<Value>, Problem> {
    let query = DisputeQuery { open_only: query.open_only.or(Some(true)), ..query };
    service.run("disputes.list", json!(query)).await
}

/// Look at a dispute
#[utoipa::path(get, path = "/v1/disputes/{dispute}", tag = "disputes", security(("token" = [])),
    params(("dispute" = String, Path, description = "`dp_…`")), responses(
    (status = 200, description = "The output of the component's `disputes.retrieve`", body = Object),
    (status = 502, description = "Stripe refused, or gave no answer", body = Problem),
))]
pub(crate) async fn retrieve(
    State(service): State<Arc<Service>>,
    _: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    service.run("disputes.retrieve", json!({ "dispute": id })).await
}

/// Stage evidence
///
/// The bank sees nothing of it before it is submitted.
#[utoipa::path(post, path = "/v1/disputes/{dispute}/evidence", tag = "disputes", request_body = Evidence,
    security(("token" = [])), params(("dispute" = String, Path, description = "`dp_…`")), responses(
    (status = 200, description = "The output of the component's `disputes.stage-evidence`", body = Object),
    (status = 400, description = "A field is unknown or too long; nothing was sent", body = Problem),
    (status = 422, description = "Not open any more, or past due", body = Problem),
))]
pub(crate) async fn stage(
    State(service): State<Arc<Service>>,
    _: Requester,
    Path(id): Path<String>,
    body: Result<Json<Evidence>, JsonRejection>,
) -> Result<Json<Value>, Problem> {
    let Json(given) = body.map_err(|error| Problem::invalid(error.body_text()))?;
    let input = json!({ "dispute": id, "evidence": given.evidence });
    service.run("disputes.stage-evidence", input).await
}

/// Submit evidence
///
/// Once, and for good: the bank decides on what was staged and what is given here.
#[utoipa::path(post, path = "/v1/disputes/{dispute}/submit", tag = "disputes", request_body = Evidence,
    security(("token" = [])), params(("dispute" = String, Path, description = "`dp_…`")), responses(
    (status = 200, description = "The output of the component's `disputes.submit`", body = Object),
    (status = 403, description = "The token lacks the role approver", body = Problem),
    (status = 422, description = "Submitted before, not open any more, or past due", body = Problem),
    (status = 504, description = "It may have been done: read the dispute", body = Problem),
))]
pub(crate) async fn submit(
    State(service): State<Arc<Service>>,
    Approver(caller): Approver,
    Path(id): Path<String>,
    body: Result<Json<Evidence>, JsonRejection>,
) -> Result<Json<Value>, Problem> {
    let Json(given) = body.map_err(|error| Problem::invalid(error.body_text()))?;
    tracing::warn!(who = %caller.name, dispute = id, "evidence is submitted");
    let input = json!({ "dispute": id, "evidence": given.evidence });
    service.run("disputes.submit", input).await
}

/// Give in
///
/// Accepts that the dispute is lost, and with it the money. It cannot be undone.
#[utoipa::path(post, path = "/v1/disputes/{dispute}/close", tag = "disputes", request_body = Confirmation,
    security(("token" = [])), params(("dispute" = String, Path, description = "`dp_…`")), responses(
    (status = 200, description = "The output of the component's `disputes.close`", body = Object),
    (status = 403, description = "The token lacks the role approver", body = Problem),
    (status = 409, description = "What was confirmed is not what Stripe holds; nothing was closed", body = Problem),
    (status = 422, description = "Not open any more", body = Problem),
    (status = 504, description = "It may have been done: read the dispute", body = Problem),
))]
pub(crate) async fn close(
    State(service): State<Arc<Service>>,
    Approver(caller): Approver,
    Path(id): Path<String>,
    body: Result<Json<Confirmation>, JsonRejection>,
) -> Result<Json<Value>, Problem> {
    let Json(given) = body.map_err(|error| Problem::invalid(error.body_text()))?;
    tracing::warn!(who = %caller.name, dispute = id, "a dispute is closed");
    let confirmation =
        json!({ "dispute": given.dispute, "amount": given.amount, "currency": given.currency });
    service.run("disputes.close", json!({ "dispute": id, "confirmation": confirmation })).await
}

/// Upload a file for evidence
#[utoipa::path(post, path = "/v1/files", tag = "disputes", request_body = File, security(("token" = [])), responses(
    (status = 200, description = "Its id, to be named in evidence", body = Object),
    (status = 400, description = "Too large, or no PDF, JPEG or PNG; nothing was sent", body = Problem),
))]
pub(crate) async fn upload(
    State(service): State<Arc<Service>>,
    _: Requester,
    body: Result<Json<File>, JsonRejection>,
) -> Result<Json<Value>, Problem> {
    let Json(file) = body.map_err(|error| Problem::invalid(error.body_text()))?;
    let input = json!({ "name": file.name, "content_base64": file.content_base64 });
    service.run("disputes.upload-file", input).await
}
