//! The journal of refund operations.
//!
//! An operation is written down before anything is sent, and every move it makes is kept as a row of a
//! hash-chained audit. One operation id is one operation across processes; two operations on one payment
//! wait for each other; what a crash left open is settled with Stripe before anything new is sent for
//! that payment. [`Refunder`] is the careful way to make a refund: the component behind a ledger.
//!
//! The ledger never decides what can be refunded (Stripe does, every time), and no secret reaches its file.
//!
//! What follows from a move, such as a mail to the customer, is written down in the transaction of the move,
//! and waits in the [`Outbox`] until a sink took it.

mod approval;
mod chain;
mod error;
mod follow_ups;
mod holder;
mod intake;
mod journal;
mod operation;
mod reconcile;
mod refunder;
mod runs;
mod sqlite;
mod state;

pub use approval::{Approval, ApprovalError, ApprovalState, Ballot, Vote, Wish};
pub use chain::{AuditRow, Broken};
pub use error::LedgerError;
pub use intake::{Effect, Received, RefundSeen};
pub use journal::{Begun, Journal};
pub use operation::{Kept, NewOperation, Operation, Outcome, with_rules};
pub use reconcile::{Difference, ReconcileError, Reconciled, reconcile};
pub use refund_core::request::Request;
pub use refunder::{Answer, Failure, RefundError, Refunded, Refunder};
pub use runs::{Claimed, LineState, NewLine, NewRun, Planned, Run, RunState, Total};
pub use sqlite::{Audited, Known, Ledger, Outbox, Page, Scope, Waiting};
pub use state::{IllegalMove, State};
