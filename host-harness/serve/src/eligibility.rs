//! May this payment be refunded? Nothing is changed.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use refund_app::component::{Component, OperationError, Question};
use refund_core::client::{CallError, CreateError};
use refund_core::eligibility::{Amount, Verdict};
use refund_core::id::PaymentRef;
use refund_core::model::Reason;
use refund_core::optional;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::problem::Problem;
use crate::refunds::money;
use crate::service::Service;

/// A question.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EligibilityQuestion {
    /// The charge (`ch_…`) or PaymentIntent (`pi_…`).
    payment: String,
    /// In the smallest unit; everything that is left when absent. Null is refused.
    #[serde(default, deserialize_with = "optional::amount")]
    #[schema(nullable = false)]
    amount: Option<u64>,
    /// The currency of the amount. Null is refused.
    #[serde(default, deserialize_with = "optional::currency")]
    #[schema(nullable = false)]
    currency: Option<String>,
    /// `duplicate`, `fraudulent` or `requested_by_customer`.
    reason: Option<String>,
    /// Set when the customer requested this refund directly, without staff review. Always set for a token with the role
    /// `self_serve`.
    #[serde(default)]
    self_serve: bool,
}

/// An answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EligibilityAnswer {
    /// The verdict of the component, with every rule that failed.
    #[schema(value_type = Object)]
    verdict: Verdict,
    /// The same in plain sentences.
    sentences: Vec<String>,
}

/// Ask whether a payment may be refunded
///
/// Reads the facts from Stripe and applies the policy. Nothing is changed and nothing is asked of anybody.
#[utoipa::path(post, path = "/v1/eligibility", tag = "refunds", request_body = EligibilityQuestion, security(("token" = [])), responses(
    (status = 200, description = "The verdict", body = EligibilityAnswer),
    (status = 400, description = "The input is wrong", body = Problem),
    (status = 502, description = "Stripe refused, or gave no answer", body = Problem),
))]
pub(crate) async fn check(
    State(service): State<Arc<Service>>,
    caller: Caller,
    body: Result<Json<EligibilityQuestion>, JsonRejection>,
) -> Result<Json<EligibilityAnswer>, Problem> {
    let Json(asked) = body.map_err(|error| Problem::invalid(error.body_text()))?;
    let bad = |problem: refund_core::problem::FieldProblem| Problem::invalid(problem.to_string());
    let amount = money(asked.amount, asked.currency.as_deref()).map_err(bad)?;
    let question = Question {
        payment: PaymentRef::parse(&asked.payment).map_err(bad)?,
        amount: amount.map_or(Amount::Everything, Amount::Exactly),
        reason: asked.reason.as_deref().map(Reason::from),
        rules: service.rules(caller.asks_as_self_serve(asked.self_serve)),
    };
    let checked = service.application.component().check(&question).await.result;
    let verdict = checked.map_err(Problem::from)?.verdict;
    Ok(Json(EligibilityAnswer { sentences: verdict.sentences(), verdict }))
}

impl From<OperationError<CallError>> for Problem {
    fn from(error: OperationError<CallError>) -> Self {
        match error {
            OperationError::Failed(error) => Self::of_read(CreateError::from(error)),
            OperationError::NoAnswer(why) => Self::no_answer(why),
        }
    }
}
