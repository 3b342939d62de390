//! The ledger: a durable store of operations, approvals, bulk runs, events and follow-ups.
//!
//! This crate stores; it decides nothing. The rules (who may approve, what an answer of Stripe means, when
//! "there is no such refund" is believed) are in `refund-app`, which reads and writes through [`Tx`] inside one
//! transaction of a [`Store`]. Two stores share every SQL statement: [`Ledger`], a SQLite file that many processes
//! use at once, and [`InMemory`], for simulations.
//!
//! Every change of an operation, its approvals or its votes is recorded as a row of a hash-chained audit. The
//! row holds a digest of what the tables hold after the change, so that an edited table is found.
//!
//! The ledger never decides what can be refunded (Stripe does, every time), and no secret reaches its file.

mod chain;
mod error;
mod holder;
mod record;
mod sqlite;
mod state;
mod store;
mod words;

pub use chain::{AuditRow, Broken};
pub use error::{LedgerError, LedgerResult};
pub use record::{
    Approval, ApprovalId, ApprovalState, CalledOff, Claimed, Effect, Elsewhere, Entry, Event, Fee,
    Fingerprint, HeldRules, KeptRefund, LineState, MerchantRules, NewApproval, NewRun, Operation,
    Page, PaymentKey, PriorRefund, Run, RunState, Settlement, Total, UserName, Vote,
};
pub use refund_core::request::Request;
pub use sqlite::{Audited, InMemory, Known, Ledger, Outbox, Scope, Waiting};
pub use state::State;
pub use store::{Store, Tx};
