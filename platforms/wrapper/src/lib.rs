//! What the wrapper components have in common: which operations talk to Stripe, how a connection gets into an input, and
//! how an error is written. The judge of the conformance suite reads errors with the same types.
//!
//! The node is asked, never remembered: a wrapper fits every version of it, and every pipeline.

mod connection;
mod error;
mod operations;

pub use connection::{Connection, InputError};
pub use error::{Code, Failure, JsonError, MoneyState, Problem};
pub use operations::{Operation, find};
