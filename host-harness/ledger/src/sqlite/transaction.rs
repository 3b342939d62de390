//! [`Tx`] over SQLite: each function is one of the modules beside this one.

use std::convert::Infallible;
use std::sync::Arc;

use refund_core::followups::{FollowUp, Options};
use refund_core::id::{ChargeId, OperationId, PaymentIntentId, PaymentRef, RefundId};
use refund_core::model::Refund;
use refund_outbox::Sinks;
use rusqlite::Connection;

use super::{approvals, audit, events, messages, operations, runs};
use crate::error::LedgerResult;
use crate::holder::Holder;
use crate::record::{
    Approval, ApprovalId, Claimed, Elsewhere, Entry, Event, LineState, NewApproval, NewRun,
    Operation, PaymentKey, PriorRefund, Run, RunState, Total, Vote,
};
use crate::store::Tx;

/// What every transaction of a ledger knows beside its tables.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) holder: Arc<Holder>,
    /// Where follow-ups go.
    pub(super) sinks: Arc<Sinks>,
}

/// A transaction that is open on a connection.
pub(super) struct Transaction<'a> {
    connection: &'a Connection,
    shared: &'a Shared,
}

impl<'a> Transaction<'a> {
    pub(super) fn new(connection: &'a Connection, shared: &'a Shared) -> Self {
        Self { connection, shared }
    }
}

impl Tx for Transaction<'_> {
    fn operation(&mut self, id: &OperationId) -> LedgerResult<Option<Operation>> {
        operations::find(self.connection, id)
    }

    fn operation_of_refund(&mut self, refund: &RefundId) -> LedgerResult<Option<Operation>> {
        operations::of_refund(self.connection, refund)
    }

    fn put_operation(&mut self, operation: &Operation) -> LedgerResult<()> {
        operations::put(self.connection, operation)
    }

    fn record(&mut self, operation: &Operation, entry: Entry) -> LedgerResult<()> {
        audit::record(self.connection, operation, entry)
    }

    fn check_held(&mut self, id: &OperationId) -> LedgerResult<()> {
        audit::check_held(self.connection, id.as_str())
    }

    fn recorded_on(&mut self, payment: &PaymentKey) -> LedgerResult<Vec<OperationId>> {
        audit::recorded_on(self.connection, payment)
    }

    fn unsettled_on(
        &mut self,
        payment: &PaymentKey,
        except: &OperationId,
    ) -> LedgerResult<Vec<OperationId>> {
        operations::unsettled(self.connection, payment, except)
    }

    fn waiting_on(&mut self, payment: &PaymentKey) -> LedgerResult<Vec<OperationId>> {
        operations::waiting(self.connection, payment)
    }

    fn unsettled_under_other_names(
        &mut self,
        payment: &PaymentKey,
        except: &OperationId,
    ) -> LedgerResult<Vec<OperationId>> {
        operations::unsettled_under_other_names(self.connection, payment, except)
    }

    fn moved_since(&mut self, from: u64, after: i64) -> LedgerResult<Vec<(i64, Operation)>> {
        operations::moved_since(self.connection, from, after, &self.shared.holder)
    }

    fn payment_key(&mut self, payment: &PaymentRef) -> LedgerResult<PaymentKey> {
        operations::payment_key(self.connection, payment)
    }

    fn keep_charge(&mut self, intent: &PaymentIntentId, charge: &ChargeId) -> LedgerResult<()> {
        operations::keep_charge(self.connection, intent, charge)
    }

    fn working_on(&mut self, payment: &PaymentKey) -> LedgerResult<Option<OperationId>> {
        operations::working_on(self.connection, payment, &self.shared.holder)
    }

    fn take_payment(&mut self, payment: &PaymentKey, operation: &OperationId) -> LedgerResult<()> {
        operations::take(self.connection, payment, operation, &self.shared.holder)
    }

    fn release_payment(&mut self, operation: &OperationId) -> LedgerResult<()> {
        operations::release(self.connection, operation, &self.shared.holder)
    }

    fn approval(&mut self, id: ApprovalId) -> LedgerResult<Option<Approval>> {
        approvals::by_id(self.connection, id)
    }

    fn live_approval(&mut self, operation: &OperationId) -> LedgerResult<Option<Approval>> {
        approvals::live(self.connection, operation)
    }

    fn last_approval(&mut self, operation: &OperationId) -> LedgerResult<Option<Approval>> {
        approvals::last(self.connection, operation)
    }

    fn overdue_approvals(&mut self, now: u64) -> LedgerResult<Vec<Approval>> {
        approvals::overdue(self.connection, now)
    }

    fn insert_approval(&mut self, approval: &NewApproval) -> LedgerResult<ApprovalId> {
        approvals::insert(self.connection, approval)
    }

    fn put_approval(&mut self, approval: &Approval) -> LedgerResult<()> {
        approvals::put(self.connection, approval)
    }

    fn insert_vote(&mut self, approval: ApprovalId, vote: &Vote) -> LedgerResult<()> {
        approvals::insert_vote(self.connection, approval, vote)
    }

    fn follow_up_options(&self) -> Option<Options> {
        let sinks = &self.shared.sinks;
        (!sinks.is_empty()).then(|| sinks.options().clone())
    }

    fn add_follow_ups(&mut self, follow_ups: &[FollowUp], now: u64) -> LedgerResult<()> {
        messages::route(self.connection, &self.shared.sinks, follow_ups, now)
    }

    fn is_known_event(&mut self, id: &str) -> LedgerResult<bool> {
        events::is_known(self.connection, id)
    }

    fn insert_event(&mut self, event: &Event, effect: &str, now: u64) -> LedgerResult<()> {
        events::insert(self.connection, event, effect, now)
    }

    fn has_newer_event(&mut self, event: &Event) -> LedgerResult<bool> {
        events::has_newer(self.connection, event)
    }

    fn count(&mut self, name: &str) -> LedgerResult<()> {
        events::count(self.connection, name)
    }

    fn refund_elsewhere(&mut self, refund: &RefundId) -> LedgerResult<Option<Elsewhere>> {
        events::elsewhere(self.connection, refund)
    }

    fn put_refund_elsewhere(&mut self, refund: &Refund, now: u64) -> LedgerResult<()> {
        events::put_elsewhere(self.connection, refund, now)
    }

    fn open_run(&mut self, run: &NewRun, now: u64) -> LedgerResult<Run> {
        runs::open(self.connection, run, now)
    }

    fn run(&mut self, id: &str) -> LedgerResult<Run> {
        runs::by_id(self.connection, id)
    }

    fn set_run(&mut self, run: &Run, state: RunState) -> LedgerResult<()> {
        runs::set(self.connection, run, state)
    }

    fn count_repeated_line(&mut self, run: &Run) -> LedgerResult<()> {
        runs::count_repeated(self.connection, run)
    }

    fn line_of(&mut self, run: &Run, operation: &OperationId) -> LedgerResult<Option<u64>> {
        runs::line_of(self.connection, run, operation)
    }

    fn insert_line(
        &mut self,
        run: &Run,
        line: u64,
        operation: &Operation,
        before: bool,
    ) -> LedgerResult<()> {
        let payment = operations::payment_key(self.connection, operation.payment())?;
        runs::insert_line(self.connection, run, line, operation, &payment, before)
    }

    fn insert_reject(&mut self, run: &Run, line: u64, reason: &str) -> LedgerResult<bool> {
        runs::insert_reject(self.connection, run, line, reason)
    }

    fn reopen_line(&mut self, run: &Run, line: u64) -> LedgerResult<()> {
        runs::reopen(self.connection, run, line)
    }

    fn claim_lines(&mut self, run: &Run, most: usize) -> LedgerResult<Vec<Claimed>> {
        runs::claim(self.connection, run, most, &self.shared.holder)
    }

    fn end_lines(&mut self, run: &Run, lines: &[u64], close: bool) -> LedgerResult<()> {
        runs::end(self.connection, run, lines, close)
    }

    fn mark_closed_lines(&mut self, run: &Run) -> LedgerResult<()> {
        runs::mark_closed(self.connection, run)
    }

    fn free_lines(&mut self, run: &Run) -> LedgerResult<()> {
        runs::free(self.connection, run, &self.shared.holder)
    }

    fn lines_of_others(&mut self, run: &Run) -> LedgerResult<u64> {
        runs::of_others(self.connection, run, &self.shared.holder)
    }

    fn open_lines(&mut self, run: &Run) -> LedgerResult<u64> {
        runs::open_lines(self.connection, run)
    }

    fn open_operations(&mut self, run: &Run) -> LedgerResult<Vec<(u64, OperationId)>> {
        runs::open_operations(self.connection, run)
    }

    fn each_line(&mut self, run: &Run, each: &mut dyn FnMut(LineState)) -> LedgerResult<()> {
        let each = |line| {
            each(line);
            Ok::<_, Infallible>(())
        };
        runs::each_line(self.connection, run.key, each)?.map_err(|never| match never {})
    }

    fn totals(&mut self, run: &Run) -> LedgerResult<Vec<Total>> {
        runs::totals(self.connection, run.key)
    }

    fn ambiguous_payments(&mut self, run: &Run) -> LedgerResult<Vec<PaymentRef>> {
        runs::ambiguous(self.connection, run)
    }

    fn prior_refunds(&mut self, run: &Run) -> LedgerResult<Vec<PriorRefund>> {
        runs::prior_refunds(self.connection, run)
    }
}
