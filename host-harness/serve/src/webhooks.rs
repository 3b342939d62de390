//! Stripe's webhooks: no token, a signature.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use refund_app::{RejectReason, Rejected};

use crate::problem::Problem;
use crate::refunds::to_its_end;
use crate::service::Service;

/// Largest delivery: Stripe's are far below.
const MAX_BODY: usize = 1 << 20;

/// Take a webhook delivery of Stripe's
///
/// Verified over its raw bytes, kept once, applied to the operation it concerns.
#[utoipa::path(post, path = "/webhooks/stripe", tag = "webhooks", request_body = String, responses(
    (status = 200, description = "Kept; Stripe need not come again"),
    (status = 400, description = "The signature does not hold", body = Problem),
    (status = 404, description = "The endpoint's secret was not given", body = Problem),
    (status = 503, description = "Could not be kept: Stripe comes again", body = Problem),
))]
pub(crate) async fn receive(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Problem> {
    let Some(receiver) = &service.receiver else {
        return Err(Problem::not_found("webhook secret", "--webhook-secret-file"));
    };
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        receiver.count("oversized").await?;
        return Err(Problem::too_large("a delivery is at most 1 MB"));
    };
    let header = headers.get("stripe-signature").and_then(|value| value.to_str().ok());
    let (receiver, header) = (receiver.clone(), header.map(str::to_owned));
    let taken = to_its_end(async move { receiver.take(&body, header.as_deref()).await });
    match taken.await? {
        Ok(_) => Ok(StatusCode::OK),
        Err(rejected @ Rejected(RejectReason::Signature(_))) => {
            Err(Problem::invalid(rejected.to_string()))
        }
        Err(rejected) => {
            tracing::warn!(%rejected, "a delivery could not be kept");
            Err(Problem::unavailable(rejected))
        }
    }
}
