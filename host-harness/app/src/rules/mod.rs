//! The rules of the ledger: functions over one transaction.
//!
//! - [`admission`]: whether an operation id may be used for a request, and correcting one that was never sent
//! - [`attempt`]: whether an operation may be sent now, alone on its payment
//! - [`reading`]: what an answer means, and when "there is no such refund" is believed
//! - [`settlement`]: recording what an answer means
//! - [`lookup`]: finding out what became of an operation without sending anything
//! - [`approval`]: filing, deciding, expiring; votes are counted again when an operation is executed
//! - [`seen`]: refunds that were seen at Stripe, in events or when listing
//! - [`turn`]: pipelines take turns
//! - [`moves`]: the moves between states
//! - [`follow_up`]: what should happen after a move

pub mod admission;
pub mod approval;
pub mod attempt;
pub mod follow_up;
pub mod lookup;
pub mod moves;
pub mod reading;
mod record;
pub mod seen;
pub mod settlement;
pub mod turn;
