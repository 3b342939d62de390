//! What the rules need of a store: typed reads and writes inside one transaction.

use refund_core::followups::{FollowUp, Options};
use refund_core::id::{ChargeId, OperationId, PaymentIntentId, PaymentRef, RefundId};
use refund_core::model::Refund;

use crate::error::{LedgerError, LedgerResult};
use crate::record::{
    Approval, ApprovalId, Claimed, Elsewhere, Entry, Event, LineState, NewApproval, NewRun,
    Operation, PaymentKey, PriorRefund, Run, RunState, Total, Vote,
};

/// One transaction. Whoever changes an operation, an approval or a vote calls [`Tx::record`] last, once for
/// each operation: the row of the audit holds a digest of what the tables then hold.
pub trait Tx {
    /// An operation by its id.
    fn operation(&mut self, id: &OperationId) -> LedgerResult<Option<Operation>>;
    /// The operation that made a refund.
    fn operation_of_refund(&mut self, refund: &RefundId) -> LedgerResult<Option<Operation>>;
    /// Inserts an operation, or replaces it.
    fn put_operation(&mut self, operation: &Operation) -> LedgerResult<()>;
    /// Appends a row to the audit, with a digest of the operation, its approvals and their votes.
    fn record(&mut self, operation: &Operation, entry: Entry) -> LedgerResult<()>;
    /// Compares what the tables hold of an operation with the last row of the audit about it. An operation that neither
    /// knows is in order.
    fn check_held(&mut self, id: &OperationId) -> LedgerResult<()>;
    /// The operations that the audit knows on a payment, whatever the tables hold of them by now.
    fn recorded_on(&mut self, payment: &PaymentKey) -> LedgerResult<Vec<OperationId>>;
    /// Other operations on a payment whose outcome is not known.
    fn unsettled_on(
        &mut self,
        payment: &PaymentKey,
        except: &OperationId,
    ) -> LedgerResult<Vec<OperationId>>;

    /// Operations on a payment that wait for an approval, or for the execution of one.
    fn waiting_on(&mut self, payment: &PaymentKey) -> LedgerResult<Vec<OperationId>>;
    /// Operations whose outcome is not known and that may be on the same payment, since they name a payment in the other
    /// way (charge, PaymentIntent) and which charge belongs to the PaymentIntent is not known.
    fn unsettled_under_other_names(
        &mut self,
        payment: &PaymentKey,
        except: &OperationId,
    ) -> LedgerResult<Vec<OperationId>>;

    /// A page of operations that moved since an instant and have a refund, or may have one, with their row numbers; `after`
    /// is the last row number of the page before. Those that a living process works on are left out.
    fn moved_since(&mut self, from: u64, after: i64) -> LedgerResult<Vec<(i64, Operation)>>;

    /// The one name of a payment.
    fn payment_key(&mut self, payment: &PaymentRef) -> LedgerResult<PaymentKey>;
    /// Keeps that a PaymentIntent and a charge are one payment.
    fn keep_charge(&mut self, intent: &PaymentIntentId, charge: &ChargeId) -> LedgerResult<()>;

    /// The operation that a living process works on, on this payment. What a dead process left is removed.
    fn working_on(&mut self, payment: &PaymentKey) -> LedgerResult<Option<OperationId>>;
    /// Takes a payment for an operation of this process.
    fn take_payment(&mut self, payment: &PaymentKey, operation: &OperationId) -> LedgerResult<()>;
    /// Lets go of the payment of an operation, if this process has it.
    fn release_payment(&mut self, operation: &OperationId) -> LedgerResult<()>;

    /// An approval by its id, with its votes.
    fn approval(&mut self, id: ApprovalId) -> LedgerResult<Option<Approval>>;
    /// The approval of an operation that is open or approved.
    fn live_approval(&mut self, operation: &OperationId) -> LedgerResult<Option<Approval>>;
    /// The newest approval of an operation.
    fn last_approval(&mut self, operation: &OperationId) -> LedgerResult<Option<Approval>>;
    /// Live approvals whose time is over, of operations that are not under way.
    fn overdue_approvals(&mut self, now: u64) -> LedgerResult<Vec<Approval>>;
    /// Files an approval.
    fn insert_approval(&mut self, approval: &NewApproval) -> LedgerResult<ApprovalId>;
    /// Replaces what may change of an approval: hash, number of approvers, verdict, state, when it was decided.
    fn put_approval(&mut self, approval: &Approval) -> LedgerResult<()>;
    /// Adds a vote.
    fn insert_vote(&mut self, approval: ApprovalId, vote: &Vote) -> LedgerResult<()>;

    /// Which follow-ups are wanted; `None` where no sink wants any.
    fn follow_up_options(&self) -> Option<Options>;
    /// Adds follow-ups to the outbox; one that is there in any state is left out.
    fn add_follow_ups(&mut self, follow_ups: &[FollowUp], now: u64) -> LedgerResult<()>;

    /// Whether an event was received before.
    fn is_known_event(&mut self, id: &str) -> LedgerResult<bool>;
    /// Keeps an event and what followed from it.
    fn insert_event(&mut self, event: &Event, effect: &str, now: u64) -> LedgerResult<()>;
    /// Whether a newer event about this object was received before.
    fn has_newer_event(&mut self, event: &Event) -> LedgerResult<bool>;
    /// Counts something, such as a forged delivery.
    fn count(&mut self, name: &str) -> LedgerResult<()>;
    /// What is known of a refund that no operation made.
    fn refund_elsewhere(&mut self, refund: &RefundId) -> LedgerResult<Option<Elsewhere>>;
    /// Keeps a refund that no operation made.
    fn put_refund_elsewhere(&mut self, refund: &Refund, now: u64) -> LedgerResult<()>;

    /// Records a run, or finds it.
    fn open_run(&mut self, run: &NewRun, now: u64) -> LedgerResult<Run>;
    /// A run by its id, or by the beginning of its id.
    fn run(&mut self, id: &str) -> LedgerResult<Run>;
    /// Changes the state of a run, and counts its lines.
    fn set_run(&mut self, run: &Run, state: RunState) -> LedgerResult<()>;
    /// Counts a line that asks for the same as an earlier one.
    fn count_repeated_line(&mut self, run: &Run) -> LedgerResult<()>;
    /// The line of a run that has this operation.
    fn line_of(&mut self, run: &Run, operation: &OperationId) -> LedgerResult<Option<u64>>;
    /// Adds a line; one that is there stays.
    fn insert_line(
        &mut self,
        run: &Run,
        line: u64,
        operation: &Operation,
        before: bool,
    ) -> LedgerResult<()>;
    /// Opens a line again, whose operation has other values by now.
    fn reopen_line(&mut self, run: &Run, line: u64) -> LedgerResult<()>;
    /// Adds a line for which nothing is sent, or the reason that holds by now. Gives whether it is new.
    fn insert_reject(&mut self, run: &Run, line: u64, reason: &str) -> LedgerResult<bool>;
    /// Claims up to `most` open lines in order, for this process. A line waits while an earlier line on the same
    /// payment is open, so that the first line goes first.
    fn claim_lines(&mut self, run: &Run, most: usize) -> LedgerResult<Vec<Claimed>>;
    /// Closes lines, or gives them back.
    fn end_lines(&mut self, run: &Run, lines: &[u64], close: bool) -> LedgerResult<()>;
    /// Marks the closed lines of a run as settled before: for the plan of a run that has begun.
    fn mark_closed_lines(&mut self, run: &Run) -> LedgerResult<()>;
    /// Gives back the lines of processes that are gone.
    fn free_lines(&mut self, run: &Run) -> LedgerResult<()>;
    /// Open lines that other processes work on.
    fn lines_of_others(&mut self, run: &Run) -> LedgerResult<u64>;
    /// Open lines.
    fn open_lines(&mut self, run: &Run) -> LedgerResult<u64>;
    /// Open lines with their operations, in order.
    fn open_operations(&mut self, run: &Run) -> LedgerResult<Vec<(u64, OperationId)>>;
    /// Gives every line of a run in order, with its operation, to `each`; memory does not grow with the run.
    fn each_line(&mut self, run: &Run, each: &mut dyn FnMut(LineState)) -> LedgerResult<()>;
    /// Sums of a run by state and currency, as they are now.
    fn totals(&mut self, run: &Run) -> LedgerResult<Vec<Total>>;
    /// Payments of which it is not known whether they are the payments of open lines under another name: PaymentIntents of
    /// open lines beside charges of open lines, and payments of operations that are unsettled or wait for an approval,
    /// where open lines name payments in the other way.
    fn ambiguous_payments(&mut self, run: &Run) -> LedgerResult<Vec<PaymentRef>>;
    /// Open lines whose payment this ledger has refunded, or is about to, under an operation id that is not in the
    /// run.
    fn prior_refunds(&mut self, run: &Run) -> LedgerResult<Vec<PriorRefund>>;
}

/// A store of operations. Cheap to clone; every answer is given only after it is durable.
pub trait Store: Clone + Send + Sync + 'static {
    /// Does some work in one transaction: all of it, or nothing where it fails.
    fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Tx) -> Result<T, LedgerError> + Send + 'static,
    ) -> impl Future<Output = Result<T, LedgerError>> + Send;

    /// Reads from one moment's state, beside whoever writes.
    fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Tx) -> Result<T, LedgerError> + Send + 'static,
    ) -> impl Future<Output = Result<T, LedgerError>> + Send;

    /// This process no longer works on an operation, and has not freed its payment with [`Tx::release_payment`], or could
    /// not: the payment is free for every process as soon as the store can be written.
    fn let_go(&self, operation: &OperationId);
}
