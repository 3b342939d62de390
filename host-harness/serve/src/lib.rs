//! The HTTP API of a refund desk: ask for refunds, approve them, look at them, and take Stripe's webhooks.
//!
//! [`Service`] is what the routes work with; [`router`] makes an axum router of it. Every route is declared
//! once, beside its description: the OpenAPI text is made from the same lines. Callers carry a token with
//! roles; the token's name is who asks and who approves.

#![allow(unused_qualifications, reason = "what utoipa's macros make is qualified")]

mod approvals;
mod auth;
mod disputes;
mod eligibility;
mod metrics;
mod problem;
mod refunds;
mod service;
mod tokens;
mod views;
mod watch;
mod webhooks;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::get;
use utoipa::OpenApi as _;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use service::Service;
pub use tokens::{NewToken, Role, Token, TokenError, Tokens};

/// Largest request: a file of 5 MB in base64, and a little.
const MAX_BODY: usize = 8 << 20;

/// What the description says beside the routes.
#[derive(utoipa::OpenApi)]
#[openapi(info(
    title = "refund-node",
    description = "Stripe refunds, never twice and never blindly: refunds under a policy, approvals, webhooks. \
        Amounts are whole numbers of the currency's smallest unit beside a lower-case ISO code, instants Unix \
        seconds. A request that failed answers with a problem (RFC 9457) that says what to do."
))]
struct Description;

fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(refunds::create, refunds::list))
        .routes(routes!(refunds::retrieve))
        .routes(routes!(refunds::history))
        .routes(routes!(eligibility::check))
        .routes(routes!(approvals::list))
        .routes(routes!(approvals::retrieve))
        .routes(routes!(approvals::approve))
        .routes(routes!(approvals::deny))
        .routes(routes!(disputes::list))
        .routes(routes!(disputes::retrieve))
        .routes(routes!(disputes::stage))
        .routes(routes!(disputes::submit))
        .routes(routes!(disputes::close))
        .routes(routes!(disputes::upload))
        .routes(routes!(webhooks::receive))
        .routes(routes!(watch::health))
        .routes(routes!(watch::metrics))
}

/// The routes over a service.
pub fn router(service: Arc<Service>) -> Router {
    let (router, _) = routes().split_for_parts();
    router
        .route("/openapi.json", get(openapi))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn_with_state(Arc::clone(&service), watch::count))
        .with_state(service)
}

/// The OpenAPI description, JSON for people to read.
pub async fn openapi() -> ([(&'static str, &'static str); 1], String) {
    ([("content-type", "application/json")], description())
}

/// The OpenAPI description: the same text for the same routes.
pub fn description() -> String {
    let (_, mut description) = routes().split_for_parts();
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    description.components.get_or_insert_default().add_security_scheme("token", bearer);
    description.to_pretty_json().unwrap_or_default()
}
