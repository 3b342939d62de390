//! What the pipelines have in common.
//!
//! A pipeline is a component that imports the node's generic interface and nothing else. Its rules use the types of
//! `refund-core` and the trait [`Node`](node::Node). In the component that is the node it was composed with, called by
//! `invoke` ([`Imported`]); in tests a script, or the core over a Stripe in memory, called by `invoke` too. [`batch`]
//! makes or plans several refunds; [`dispatch`] adds the pipeline's one operation to those of the node.

pub mod batch;
#[allow(
    clippy::all,
    clippy::pedantic,
    missing_docs,
    unreachable_pub,
    unsafe_code,
    unused_qualifications,
    reason = "made by wit-bindgen"
)]
pub mod bindings;
pub mod dispatch;
pub mod imported;
#[cfg(feature = "test")]
pub mod in_memory;
mod manifest;
pub mod node;
#[cfg(feature = "test")]
pub mod schema;
#[cfg(feature = "test")]
pub mod script;

pub use bindings::export;
pub use dispatch::Pipeline;
pub use imported::Imported;
