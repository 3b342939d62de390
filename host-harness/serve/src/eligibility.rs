//! May this payment be refunded? Nothing is changed.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use refund_ledger::with_rules;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::problem::Problem;
use crate::service::Service;

/// A question.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Question {
    /// The charge (`ch_…`) or PaymentIntent (`pi_…`).
    payment: String,
    /// In the smallest unit; everything that is left when absent.
    amount: Option<u64>,
    /// The currency of the amount.
    currency: Option<String>,
    /// `duplicate`, `fraudulent` or `requested_by_customer`.
    reason: Option<String>,
    /// The customer asks, and nobody of yours looked at it.
    #[serde(default)]
    self_serve: bool,
}

/// An answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Answered {
    /// The verdict of the component, with every rule that failed.
    #[schema(value_type = Object)]
    verdict: Value,
    /// The same in plain sentences.
    sentences: Vec<String>,
}

/// Ask whether a payment may be refunded
///
/// Reads the facts from Stripe and applies the policy. Nothing is changed and nothing is asked of anybody.
#[utoipa::path(post, path = "/v1/eligibility", tag = "refunds", request_body = Question, security(("token" = [])), responses(
    (status = 200, description = "The verdict", body = Answered),
    (status = 400, description = "The input is wrong", body = Problem),
    (status = 502, description = "Stripe refused, or gave no answer", body = Problem),
))]
pub(crate) async fn check(
    State(service): State<Arc<Service>>,
    _: Caller,
    body: Result<Json<Question>, JsonRejection>,
) -> Result<Json<Answered>, Problem> {
    let Json(asked) = body.map_err(|error| Problem::invalid(error.body_text()))?;
    let mut input = json!({
        "connection": service.connection, "payment": asked.payment, "amount": asked.amount,
        "currency": asked.currency, "reason": asked.reason,
    });
    with_rules(&mut input, service.rules(asked.self_serve));
    let output = service.node.invoke("eligibility.check-live", &input.to_string()).await??;
    let mut output: Value = serde_json::from_str(&output).map_err(Problem::unavailable)?;
    let verdict = output["verdict"].take();
    let read: refund_core::eligibility::Verdict =
        serde_json::from_value(verdict.clone()).map_err(Problem::unavailable)?;
    Ok(Json(Answered { verdict, sentences: read.sentences() }))
}
