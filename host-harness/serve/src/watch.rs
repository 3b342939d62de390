//! Health, and numbers for Prometheus.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::{MatchedPath, Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use serde_json::{Map, Value, json};

use crate::metrics::{NameLabel, Path, Route};
use crate::problem::Problem;
use crate::service::Service;

/// Counts every request by its route, never by its path: paths hold ids.
pub(crate) async fn count(
    State(service): State<Arc<Service>>,
    request: Request,
    next: Next,
) -> Response {
    let start = Instant::now();
    let method = request.method().to_string();
    let path =
        request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let response = next.run(request).await;
    let metrics = &service.metrics;
    metrics
        .seconds
        .get_or_create(&Path { path: path.clone() })
        .observe(start.elapsed().as_secs_f64());
    let route = Route { method, path, status: response.status().as_u16() };
    metrics.requests.get_or_create(&route).inc();
    response
}

/// Is it well?
///
/// 200 when the ledger can be read, with counters of webhooks; 503 otherwise.
#[utoipa::path(get, path = "/health", tag = "watch", responses(
    (status = 200, description = "It is", body = Object),
    (status = 503, description = "The ledger cannot be read", body = Problem),
))]
pub(crate) async fn health(State(service): State<Arc<Service>>) -> Result<Json<Value>, Problem> {
    let counters = service.ledger().counters().await?;
    let counters: Map<_, _> =
        counters.into_iter().map(|(name, count)| (name, json!(count))).collect();
    Ok(Json(
        json!({ "ok": true, "component": service.application.component().node().digest(), "webhooks": counters }),
    ))
}

/// Numbers for Prometheus
#[utoipa::path(get, path = "/metrics", tag = "watch", responses(
    (status = 200, description = "In the OpenMetrics text format", body = String, content_type = "application/openmetrics-text"),
))]
pub(crate) async fn metrics(
    State(service): State<Arc<Service>>,
) -> Result<(StatusCode, [(&'static str, &'static str); 1], String), Problem> {
    let mut registry = Registry::with_prefix("refund_node");
    let metrics = &service.metrics;
    registry.register("requests", "Requests by route and status", metrics.requests.clone());
    registry.register("request_seconds", "Time to answer by route", metrics.seconds.clone());
    let family = |values: Vec<(String, u64)>| {
        let gauges = Family::<NameLabel, Gauge>::default();
        for (name, count) in values {
            gauges.get_or_create(&NameLabel { name }).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        gauges
    };
    let ledger = service.ledger();
    registry.register(
        "operations",
        "Operations by state",
        family(ledger.operations_by_state().await?),
    );
    registry.register(
        "approvals",
        "Approvals by state",
        family(ledger.approvals_by_state().await?),
    );
    registry.register(
        "webhooks",
        "Webhook deliveries by outcome",
        family(ledger.counters().await?),
    );
    let mut text = String::new();
    encode(&mut text, &registry).map_err(Problem::unavailable)?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok((StatusCode::OK, [("content-type", kind)], text))
}
