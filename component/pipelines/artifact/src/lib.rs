//! The pipelines, composed with the node and embedded as bytes.
//!
//! Each takes the place of the node: same imports, same exports, one operation more. The build script makes
//! them; nothing has to be built by hand before.

/// A pipeline.
#[derive(Clone, Copy, Debug)]
pub struct Pipeline {
    /// Its name, which is that of its world.
    pub name: &'static str,
    /// The operation it adds.
    pub operation: &'static str,
    /// Composed with the node: what a host runs.
    pub composed: &'static [u8],
    /// By itself, importing what the node exports: for composing it with something else.
    pub alone: &'static [u8],
}

macro_rules! pipeline {
    ($name:literal) => {
        Pipeline {
            name: $name,
            operation: concat!($name, ".run"),
            composed: include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".wasm")),
            alone: include_bytes!(concat!(env!("OUT_DIR"), "/", $name, "-alone.wasm")),
        }
    };
}

/// Finds customers who paid twice, and refunds the later payments.
pub const DUPLICATE_SWEEP: Pipeline = pipeline!("duplicate-sweep");

/// Refunds the unused part of a period that ends early.
pub const PRORATION: Pipeline = pipeline!("proration");

/// Refunds what a service level grants after an outage.
pub const SLA_CREDIT: Pipeline = pipeline!("sla-credit");

/// All of them.
pub const ALL: [Pipeline; 3] = [DUPLICATE_SWEEP, PRORATION, SLA_CREDIT];
