//! What the pipelines have in common.
//!
//! A pipeline is a component that imports interfaces of ours and nothing else. Its rules speak the words of
//! `refund-core` and ask for the traits of [`imports`]; in the component these are the imported interfaces
//! ([`Imported`]), in tests a script or the core itself. [`batch`] makes or plans several refunds; [`dispatch`] adds the
//! pipeline's one operation to those of the node.

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
mod imported;
pub mod imports;
#[cfg(feature = "test")]
pub mod in_memory;
mod inward;
mod manifest;
mod outward;
#[cfg(feature = "test")]
pub mod schema;
#[cfg(feature = "test")]
pub mod script;

pub use bindings::export;
pub use dispatch::Pipeline;
pub use imported::Imported;
