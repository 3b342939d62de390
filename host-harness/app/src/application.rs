//! The application layer: its parts, decisions about approvals, and what the ledger holds.

use std::time::Duration;

use refund_core::id::OperationId;
use refund_core::model::Refund;
use refund_ledger::{Approval, ApprovalState, Effect, LedgerError, Operation, Store, Tx};

use crate::caller::Caller;
use crate::component::Component;
use crate::rules::approval::{self, Ballot, DecideError};
use crate::rules::seen;
use crate::runtime::Runtime;

/// How the application layer behaves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long a request whose answer was lost may still be carried out, in seconds. Stripe's own libraries give one
    /// up after 80 seconds.
    pub grace_secs: u64,
    /// How long approvers have to decide, and an approval holds, in seconds.
    pub approval_secs: u64,
    /// How long to wait for another process's work on the same payment.
    pub patience: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { grace_secs: 90, approval_secs: 7 * 86_400, patience: Duration::from_mins(2) }
    }
}

/// What a decision brought about.
#[derive(Clone, Debug, PartialEq)]
pub struct Decided {
    /// The approval as it stands now.
    pub approval: Approval,
    /// Its operation as it stands now.
    pub operation: Operation,
}

/// The application layer over a component, a store and clocks.
#[derive(Clone)]
pub struct Application<C, S, R> {
    pub(crate) component: C,
    pub(crate) store: S,
    pub(crate) runtime: R,
    pub(crate) settings: Settings,
}

impl<C: Component, S: Store, R: Runtime> Application<C, S, R> {
    /// An application layer.
    pub fn new(component: C, store: S, runtime: R, settings: Settings) -> Self {
        Self { component, store, runtime, settings }
    }

    /// The store.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// The component.
    pub fn component(&self) -> &C {
        &self.component
    }

    /// The wall clock, Unix seconds.
    pub fn now(&self) -> u64 {
        self.runtime.now()
    }

    /// Does some work in one transaction, which may wait for others: the clock is read once its turn has come. An earlier
    /// time would make what others did in between look older than it is.
    pub(crate) fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Tx, u64) -> Result<T, LedgerError> + Send + 'static,
    ) -> impl Future<Output = Result<T, LedgerError>> + Send {
        let runtime = self.runtime.clone();
        self.store.write(move |tx| work(tx, runtime.now()))
    }

    /// Takes an approver's decision.
    pub async fn decide(
        &self,
        approval: &str,
        ballot: Ballot,
        caller: &Caller,
    ) -> Result<Decided, DecideError> {
        let (id, who, expiring) = (approval.to_owned(), caller.clone(), caller.clone());
        // By itself, so that it stays when the decision does not count.
        self.write(move |tx, now| approval::expire_all(tx, &expiring, now)).await?;
        let decided = self.write(move |tx, now| {
            Ok(match approval::decide(tx, &id, &ballot, &who, now)? {
                Ok(approval) => Ok((tx.operation(&approval.operation)?, approval)),
                Err(refused) => Err(refused),
            })
        });
        let (operation, approval) = decided.await??;
        let operation = operation
            .ok_or_else(|| LedgerError::UnknownOperation(approval.operation.to_string()))?;
        Ok(Decided { approval, operation })
    }

    /// Ends an approval before its time. Asking again files a new one.
    pub async fn withdraw(&self, approval: &str, caller: &Caller) -> Result<Approval, DecideError> {
        let (id, who) = (approval.to_owned(), caller.clone());
        self.write(move |tx, now| approval::withdraw(tx, &id, &who, now)).await?
    }

    /// Takes a refund that Stripe showed, and moves the operation it belongs to.
    pub async fn see(&self, refund: Refund, caller: &Caller) -> Result<Effect, LedgerError> {
        let who = caller.clone();
        self.write(move |tx, now| seen::see(tx, &refund, &who, now)).await
    }

    /// An operation as the ledger holds it.
    ///
    /// # Errors
    /// When the ledger cannot be read, or has no such operation.
    pub async fn held(&self, id: &OperationId) -> Result<Operation, LedgerError> {
        let wanted = id.clone();
        let found = self.store.read(move |tx| tx.operation(&wanted)).await?;
        found.ok_or_else(|| LedgerError::UnknownOperation(id.to_string()))
    }

    /// An approval as the ledger holds it; one whose time is over is expired.
    ///
    /// # Errors
    /// When the ledger cannot be read, or has no such approval.
    pub async fn approval(&self, id: &str) -> Result<Approval, DecideError> {
        let wanted = refund_ledger::ApprovalId::parse(id);
        let found = match wanted {
            Some(wanted) => self.store.read(move |tx| tx.approval(wanted)).await?,
            None => None,
        };
        let mut approval = found.ok_or_else(|| DecideError::Unknown(id.to_owned()))?;
        if approval.state.is_live() && approval.expires < self.runtime.now() {
            approval.decided = approval.decided.or(Some(approval.expires));
            approval.state = ApprovalState::Expired;
        }
        Ok(approval)
    }
}
