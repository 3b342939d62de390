//! Values that are compared by what matters of them, and what a transaction read.

use std::fmt::{self, Debug};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use refund_core::id::OperationId;
use refund_ledger::{Approval, ApprovalId, LedgerError, Operation, PaymentKey};

/// A value that is shared, and compared by its text.
pub struct Kept<T>(Arc<Inner<T>>);

struct Inner<T> {
    value: T,
    text: String,
}

impl<T> Kept<T> {
    fn with_text(value: T, text: String) -> Self {
        Self(Arc::new(Inner { value, text }))
    }

    /// The value.
    pub fn get(&self) -> &T {
        &self.0.value
    }
}

impl Kept<Operation> {
    /// Keeps an operation. How often it was begun and when it moved last decide nothing, so operations that differ in
    /// these alone are one: that keeps the number of states down.
    pub fn operation(operation: Operation) -> Self {
        let text = format!("{:?}", Operation { attempts: 0, updated: 0, ..operation.clone() });
        Self::with_text(operation, text)
    }
}

impl Kept<Approval> {
    /// Keeps an approval with its votes.
    pub fn approval(approval: Approval) -> Self {
        let text = format!("{approval:?}");
        Self::with_text(approval, text)
    }
}

impl<T> Clone for Kept<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Debug for Kept<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

impl<T> PartialEq for Kept<T> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.text == other.0.text
    }
}

impl<T> Eq for Kept<T> {}

impl<T> Hash for Kept<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.text.hash(state);
    }
}

/// What one read of a transaction gave.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Read {
    /// An operation.
    Operation(Option<Kept<Operation>>),
    /// The ids of operations.
    Operations(Vec<OperationId>),
    /// The name of a payment.
    Payment(PaymentKey),
    /// Who works on a payment.
    Working(Option<OperationId>),
    /// An approval.
    Approval(Option<Kept<Approval>>),
    /// Approvals.
    Approvals(Vec<Kept<Approval>>),
    /// The id of a new approval.
    Filed(ApprovalId),
    /// Whether something is so.
    Known(bool),
    /// A refund that no operation made, and its status.
    Elsewhere(Option<Option<String>>),
}

/// An error of a ledger, compared by its text.
#[derive(Clone, Debug)]
pub struct Failure(pub LedgerError);

impl PartialEq for Failure {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_string() == other.0.to_string()
    }
}

impl Eq for Failure {}

impl Hash for Failure {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_string().hash(state);
    }
}
