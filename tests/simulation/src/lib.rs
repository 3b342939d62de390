//! The product in one process, under a seeded schedule: the application layer, the ledger and a Stripe double together, in
//! virtual time, with faults and crashes at every place where a task waits.
//!
//! A *world* is a few processes over one ledger, some dozens of intended refunds, and people who ask, repeat, decide,
//! execute, find out, run files and click in the Dashboard. One seed decides all of it: who does what and when, which
//! request is lost, whose disk is full, which process crashes or stands still at which place. The same seed gives the same
//! world, always, so a failure can be seen again.
//!
//! Every answer that a process gives is compared with what the ledger held and with what Stripe had. What must never be:
//! two refunds of one operation, a refund that the ledger does not know in the end, a payment above what was taken, a
//! refund without the approvals it needs, an answer that is not so. The [`judge`] has the list.

#![allow(clippy::expect_used, reason = "a simulation that cannot go on fails")]

mod actors;
mod bulk;
mod component;
mod executor;
mod history;
mod judge;
mod kinds;
mod many;
mod network;
mod people;
mod planted;
mod policies;
mod runtime;
mod store;
mod stripe;
mod weather;
mod workload;
mod world;

pub use history::{Counts, Disagreement};
pub use kinds::KINDS;
pub use many::{Failure, Summary, Worlds, shrink};
pub use planted::Planted;
pub use world::{Ended, Plan};
