//! The ledger in a SQLite file: write-ahead log, full sync at every commit.
//!
//! `operations`, `approvals`, `runs`, `events`, `messages` and `audit` are the tables; [`Tx`](crate::Tx) and the readers
//! of a [`Ledger`] are made of their functions.

mod approvals;
mod audit;
mod connection;
mod events;
mod in_memory;
mod known;
mod ledger;
mod messages;
mod operations;
mod outbox;
mod queries;
mod readers;
mod runs;
mod schema;
mod transaction;
mod values;
mod writer;

pub use self::audit::Audited;
pub use self::in_memory::InMemory;
pub use self::known::Known;
pub use self::ledger::{Ledger, Scope};
pub use self::outbox::{Outbox, Waiting};
