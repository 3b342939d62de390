//! What is read from a ledger beside its writer.

use super::audit::{self, Audited};
use super::ledger::Ledger;
use super::{approvals, events, operations, runs};
use crate::chain::AuditRow;
use crate::error::LedgerError;
use crate::record::{Approval, ApprovalState, LineState, Page, Run, Total};
use crate::state::State;

impl Ledger {
    /// Operations in a state, or all; newest first.
    pub async fn page(
        &self,
        state: Option<State>,
        limit: u16,
        before: Option<i64>,
    ) -> Result<Page, LedgerError> {
        self.read_rows(move |rows| operations::page(rows, state, limit, before)).await
    }

    /// How many operations are in each state.
    pub async fn operations_by_state(&self) -> Result<Vec<(String, u64)>, LedgerError> {
        self.read_rows(|rows| operations::by_state(rows, "operations")).await
    }

    /// How many approvals are in each state.
    pub async fn approvals_by_state(&self) -> Result<Vec<(String, u64)>, LedgerError> {
        self.read_rows(|rows| operations::by_state(rows, "approvals")).await
    }

    /// Approvals in a state, or all; newest first. One whose time is over is shown as expired, whether or not a write
    /// has ended it yet.
    pub async fn approvals(
        &self,
        state: Option<ApprovalState>,
        now: u64,
    ) -> Result<Vec<Approval>, LedgerError> {
        self.read_rows(move |rows| approvals::list(rows, state, now)).await
    }

    /// What was counted, by name.
    pub async fn counters(&self) -> Result<Vec<(String, u64)>, LedgerError> {
        self.read_rows(events::counters).await
    }

    /// All runs, newest first.
    pub async fn runs(&self) -> Result<Vec<Run>, LedgerError> {
        self.read_rows(runs::all).await
    }

    /// Sums of a run by state and currency, as they are now.
    pub async fn totals(&self, run: &Run) -> Result<Vec<Total>, LedgerError> {
        let key = run.key;
        self.read_rows(move |rows| runs::totals(rows, key)).await
    }

    /// Gives every line of a run in order, with its operation, to `each`, and `None` at the end; memory does not grow with
    /// the run.
    ///
    /// # Errors
    /// When the ledger cannot be read; the inner error is that of `each`, which ends it.
    pub async fn each_line<E: Send + 'static>(
        &self,
        run: &Run,
        mut each: impl FnMut(Option<LineState>) -> Result<(), E> + Send + 'static,
    ) -> Result<Result<(), E>, LedgerError> {
        let key = run.key;
        self.read_rows(move |rows| match runs::each_line(rows, key, |line| each(Some(line)))? {
            Ok(()) => Ok(each(None)),
            stopped => Ok(stopped),
        })
        .await
    }

    /// Checks every page of the file, the chain of the audit from its first row, and that every table that decides about
    /// money holds what the audit recorded. `head` is a hash noted earlier, which must be in the chain.
    pub async fn audit(&self, head: Option<String>) -> Result<Audited, LedgerError> {
        let path = self.path().display().to_string();
        self.read_rows(move |rows| audit::verify_file(rows, path, head)).await
    }

    /// The audit of one operation, oldest first.
    pub async fn history(&self, operation: &str) -> Result<Vec<AuditRow>, LedgerError> {
        let operation = operation.to_owned();
        self.read_rows(move |rows| audit::history(rows, &operation)).await
    }
}
