//! A store in memory whose whole content can be compared and hashed.
//!
//! It does what the SQLite store does, which the test `differential` compares call by call. Two things are left out:
//! runs and their lines, and the outbox of follow-ups. Of the audit there is what decides something: what the last row
//! about an operation recorded.

mod kept;
mod replayed;
mod runs;
mod transaction;

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use refund_core::id::{ChargeId, OperationId, PaymentIntentId, RefundId};
use refund_ledger::{Approval, Fingerprint, LedgerError, Operation, PaymentKey, State};

use crate::fault::Fault;

pub use self::kept::{Failure, Kept, Read};
pub use self::replayed::Replayed;
pub use self::transaction::Transaction;

/// A process: it holds a lock for as long as it lives.
pub type ProcessId = u8;

/// What the tables hold, and which operations the living processes work on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tables {
    /// In the order in which they were recorded.
    operations: Vec<Row>,
    /// The first one is `ap_1`.
    approvals: Vec<Kept<Approval>>,
    aliases: BTreeMap<PaymentIntentId, ChargeId>,
    busy: BTreeMap<PaymentKey, Busy>,
    /// What each process remembers of its own work; it is not rolled back.
    working: BTreeSet<(ProcessId, String)>,
    events: BTreeMap<String, SeenEvent>,
    /// The status of refunds that no operation made.
    elsewhere: BTreeMap<RefundId, Option<String>>,
}

/// An operation, and what the last row of the audit about it says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Row {
    operation: Kept<Operation>,
    recorded: Option<Recorded>,
}

/// A row of the audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Recorded {
    /// The state after it.
    state: State,
    /// A digest of what the tables held then.
    held: u64,
}

/// Who works on a payment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Busy {
    operation: OperationId,
    holder: Holder,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Holder {
    Living(ProcessId),
    /// The process ended, and with it its lock.
    Gone,
}

/// What decides something of an event.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct SeenEvent {
    kind: String,
    object: Option<String>,
    created: u64,
}

/// What came of a transaction.
#[derive(Clone, Debug)]
pub struct Transacted<T> {
    /// What the work gave, or why nothing was changed.
    pub done: Result<T, LedgerError>,
    /// What it read, in order.
    pub reads: Vec<Read>,
    /// Where the audit has a gap.
    pub gap: Option<String>,
}

/// A bug of the store, for one transaction.
#[derive(Clone, Debug)]
pub struct Planted {
    /// The bug.
    pub fault: Fault,
    /// The request that is asked for, if one is.
    pub asked: Option<Fingerprint>,
}

impl Tables {
    /// Does some work of a process in one transaction: all of it, or nothing where it fails or `is_undone`.
    pub fn transact<T>(
        &mut self,
        process: ProcessId,
        is_undone: bool,
        work: impl FnOnce(&mut Transaction<'_>) -> Result<T, LedgerError>,
    ) -> Transacted<T> {
        self.transact_with(process, is_undone, None, work)
    }

    /// The same with a bug.
    pub fn transact_with<T>(
        &mut self,
        process: ProcessId,
        is_undone: bool,
        planted: Option<Planted>,
        work: impl FnOnce(&mut Transaction<'_>) -> Result<T, LedgerError>,
    ) -> Transacted<T> {
        let mut tables = self.clone();
        let mut transaction = Transaction::new(&mut tables, process, planted);
        let mut done = work(&mut transaction);
        let (reads, gap) = transaction.end();
        if is_undone {
            done = Err(LedgerError::Write("the disk is full".to_owned()));
        }
        match done {
            Ok(_) => *self = tables,
            // What a process remembers of its own work is no part of the transaction.
            Err(_) => self.working = tables.working,
        }
        Transacted { done, reads, gap }
    }

    /// Every operation, in the order in which they were recorded.
    pub fn operations(&self) -> impl Iterator<Item = &Operation> {
        self.operations.iter().map(|row| row.operation.get())
    }

    /// An operation.
    pub fn operation(&self, id: &OperationId) -> Option<&Operation> {
        self.operations().find(|operation| operation.id() == id)
    }

    /// Every approval, oldest first.
    pub fn approvals(&self) -> impl Iterator<Item = &Approval> {
        self.approvals.iter().map(Kept::get)
    }

    /// Whether a process sees a payment as taken. Each knows its own work, and of another one only that it lives.
    fn is_working(&self, busy: &Busy, seen_by: ProcessId) -> bool {
        match busy.holder {
            Holder::Living(process) if process == seen_by => {
                self.working.contains(&(process, busy.operation.to_string()))
            }
            Holder::Living(_) => true,
            Holder::Gone => false,
        }
    }

    /// A process ends, however: its lock is released, and what it remembers is gone.
    pub fn end_process(&mut self, process: ProcessId) {
        self.working.retain(|(worker, _)| *worker != process);
        for busy in self.busy.values_mut() {
            if busy.holder == Holder::Living(process) {
                busy.holder = Holder::Gone;
            }
        }
    }

    /// A bug: a crash takes back what marked the operations of a process as sent.
    pub fn lose_commits(&mut self, process: ProcessId) {
        let of_process = |busy: &&Busy| busy.holder == Holder::Living(process);
        let lost: Vec<_> =
            self.busy.values().filter(of_process).map(|busy| busy.operation.clone()).collect();
        for row in &mut self.operations {
            let held = row.operation.get();
            if held.state == State::Sent && lost.contains(held.id()) {
                let before = Operation { state: State::Planned, uncertain: None, ..held.clone() };
                row.operation = Kept::operation(before);
                row.recorded = row.recorded.map(|one| Recorded { state: State::Planned, ..one });
            }
        }
        for id in &lost {
            let held = self.operation(id).map(|operation| self.held(operation));
            let mut rows = self.operations.iter_mut();
            let row = rows.find(|row| row.operation.get().id() == id);
            if let Some((row, held)) = row.zip(held) {
                row.recorded = row.recorded.map(|recorded| Recorded { held, ..recorded });
            }
        }
    }

    /// A process does not work on an operation any more: its payment is free.
    pub fn let_go(&mut self, process: ProcessId, operation: &OperationId) {
        self.working.remove(&(process, operation.to_string()));
        let holder = Holder::Living(process);
        self.busy.retain(|_, busy| busy.operation != *operation || busy.holder != holder);
    }

    /// The operation that changed without a row of the audit, if there is one.
    pub fn changed_without_record(&self) -> Option<&OperationId> {
        let is_recorded = |row: &&Row| {
            let held = self.held(row.operation.get());
            row.recorded.is_some_and(|recorded| recorded.held == held)
        };
        let row = self.operations.iter().find(|row| !is_recorded(row))?;
        Some(row.operation.get().id())
    }

    /// A digest of an operation, its approvals and their votes.
    fn held(&self, operation: &Operation) -> u64 {
        let mut hasher = DefaultHasher::new();
        let row = self.operations.iter().find(|row| row.operation.get().id() == operation.id());
        row.map(|row| &row.operation).hash(&mut hasher);
        for approval in self.approvals.iter().filter(|one| one.get().operation == *operation.id()) {
            approval.hash(&mut hasher);
        }
        hasher.finish()
    }
}
