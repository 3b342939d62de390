//! What the wrapper components have in common: which operations talk to Stripe, and how one is told the way.
//!
//! The node is asked, never remembered: a wrapper fits every version of it, and every pipeline.

mod connection;
mod operations;

pub use connection::{Connection, InputError};
pub use operations::{Operation, find};
