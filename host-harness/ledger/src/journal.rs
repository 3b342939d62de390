//! What a ledger must be able to do for one refund. SQLite is the one that is built in; a platform may
//! put its own database behind the same few functions.

use crate::error::LedgerError;
use crate::operation::{NewOperation, Operation, Outcome};

/// What to do with an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// Go on: it is durably marked as sent, and nobody else works on its payment.
    Go {
        /// The operation.
        operation: Box<Operation>,
        /// When an earlier request for it left whose end nobody knows, Unix seconds.
        earlier: Option<u64>,
    },
    /// It has come to its end before.
    Done(Box<Operation>),
    /// Somebody alive works on this payment: wait, and begin again.
    Busy {
        /// The operation they work on.
        operation: String,
    },
    /// These operations on the same payment must be settled first: nobody knows what became of them.
    Unsettled(Vec<String>),
    /// The operation id is in use for another request.
    Conflict(Box<Operation>),
}

/// A durable journal of operations. Every answer is given only after it is safe on disk.
pub trait Journal: Clone + Send + Sync + 'static {
    /// Writes an operation down if it is new, and marks it as sent if nothing speaks against it.
    fn begin(
        &self,
        operation: NewOperation,
    ) -> impl Future<Output = Result<Begun, LedgerError>> + Send;

    /// The same for an operation that is written down already.
    fn begin_again(&self, id: &str) -> impl Future<Output = Result<Begun, LedgerError>> + Send;

    /// Moves an operation that was begun, and lets go of its payment.
    fn settle(
        &self,
        id: &str,
        outcome: Outcome,
    ) -> impl Future<Output = Result<Operation, LedgerError>> + Send;

    /// Reads an operation.
    fn operation(
        &self,
        id: &str,
    ) -> impl Future<Output = Result<Option<Operation>, LedgerError>> + Send;
}
