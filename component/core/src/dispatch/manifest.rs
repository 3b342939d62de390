//! Makes the manifest from the tables and the types: what `describe` returns is never written by hand, and a test
//! compares the checked-in files with what this module makes.

use schemars::SchemaGenerator;
use serde_json::{Value, json};

use super::AREAS;
use super::about::icon;
use super::operation::{Handler, Operation};
use crate::API_VERSION;

/// An icon as SVG; one colour, which the platform chooses.
pub fn drawing(path: &str) -> String {
    format!(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24' fill='none' stroke='currentColor' stroke-width='2'><path d='{path}'/></svg>"
    )
}

/// The manifest of the component with HTTP.
pub fn full() -> Value {
    manifest(|_| true)
}

/// The manifest of the component without any import.
pub fn pure() -> Value {
    manifest(|operation| !operation.needs_http())
}

fn manifest(has: impl Fn(&Operation) -> bool) -> Value {
    let mut schemas = SchemaGenerator::default();
    let operations: Vec<Value> = AREAS
        .into_iter()
        .flatten()
        .filter(|operation| has(operation))
        .map(|operation| describe(operation, &mut schemas))
        .collect();
    json!({
        "$defs": schemas.take_definitions(true),
        "name": "refund-node",
        "title": "Stripe refunds",
        "description": "Makes, checks and watches Stripe refunds: never twice, never blindly.",
        "version": env!("CARGO_PKG_VERSION"),
        "contract": concat!("refund-node:refunds@", env!("CARGO_PKG_VERSION")),
        "api_version": API_VERSION,
        "icon": drawing(icon::REFUND),
        "operations": operations,
    })
}

fn describe(operation: &Operation, schemas: &mut SchemaGenerator) -> Value {
    let effect = match operation.handler {
        Handler::Pure(_) | Handler::Timed(_) => "none",
        Handler::Reads(_) => "reads",
        Handler::Writes(_) => "writes",
        Handler::MovesMoney(_) => "moves-money",
    };
    let about = operation.about;
    json!({
        "name": operation.name,
        "title": about.title,
        "description": about.description,
        "icon": drawing(about.icon),
        "effect": effect,
        "needs_http": operation.needs_http(),
        "input_schema": (about.input)(schemas),
        "output_schema": (about.output)(schemas),
    })
}
