//! The ledger of one process: the tables in memory, with a disk that fails, and a record of what was held when.

use std::collections::BTreeSet;
use std::sync::Arc;

use refund_core::followups::{FollowUp, Options};
use refund_core::id::{ChargeId, OperationId, PaymentIntentId, PaymentRef, RefundId};
use refund_core::model::Refund;
use refund_ledger::{
    Approval, ApprovalId, Claimed, Elsewhere, Entry, Event, InMemory, LedgerError, LineState,
    NewApproval, NewRun, Operation, PaymentKey, PriorRefund, Run, RunState, State, Store, Total,
    Tx, Vote,
};

use crate::executor::ProcessId;
use crate::history::{ApprovalVersion, History, Version, Work};
use crate::people::{Person, person};
use crate::planted::Planted;
use crate::world::{DiskTrouble, Shared};

type Held<T> = Result<T, LedgerError>;

/// A time that no world comes to, in Unix seconds.
const NEVER: u64 = 10_000_000_000;

/// The ledger as one process has it.
#[derive(Clone)]
pub(crate) struct Tables {
    held: InMemory,
    world: Arc<Shared>,
    process: ProcessId,
    /// Whether this is the ledger itself, and not a copy for a plan.
    is_ledger: bool,
}

impl Tables {
    pub(crate) fn new(held: InMemory, world: Arc<Shared>, process: ProcessId) -> Self {
        Self { held, world, process, is_ledger: true }
    }

    /// A throw-away copy.
    pub(crate) fn scratch(&self) -> Held<Self> {
        Ok(Self { held: self.held.scratch()?, is_ledger: false, ..self.clone() })
    }

    /// A bug of the ledger, where one is planted. Copies have none.
    fn bug(&self) -> Option<Planted> {
        self.world.planted.filter(|_| self.is_ledger)
    }

    /// Whether a commit is lost, as planted.
    fn is_lost(&self) -> bool {
        self.bug() == Some(Planted::LostCommit)
            && self.world.executor.draw(|random| random.u8(..10) == 0)
    }

    fn transact<T>(&self, is_read: bool, work: impl FnOnce(&mut dyn Tx) -> Held<T>) -> Held<T> {
        let trouble =
            if self.is_ledger { self.world.disk_trouble(self.process) } else { DiskTrouble::None };
        if trouble == DiskTrouble::Begin {
            return Err(full("no transaction can begin"));
        }
        let now = self.world.unix_now(self.process);
        let bug = self.bug().filter(|bug| is_read || *bug != Planted::StaleReads);
        let is_lost = self.is_lost();
        let (mut written, mut lost) = (Written::default(), None);
        let done = self.held.transact(|tx| {
            let world = &*self.world;
            let written_now = Written::default();
            let mut watched = Watched {
                tx,
                world,
                bug,
                trouble,
                writes: 0,
                has_failed: false,
                written: written_now,
            };
            let done = work(&mut watched)?;
            written = watched.finish(now)?;
            if is_lost {
                lost = Some(done);
                return Err(full("and says so to no caller"));
            }
            Ok(done)
        });
        if let Some(done) = lost {
            return Ok(done);
        }
        if done.is_ok() && self.is_ledger {
            self.keep(written);
        }
        done
    }

    fn keep(&self, written: Written) {
        let call = self.world.executor.current_call();
        let at = self.world.executor.now();
        let mut history = self.world.history();
        for event in written.events {
            history.events.entry(event).or_insert(call);
        }
        for operation in written.released {
            history.end_work(self.process, Some(&operation));
        }
        for (payment, operation) in written.taken {
            history.work.push(Work { payment, operation, process: self.process, until: None });
        }
        for (operation, agreed) in written.operations {
            history.note(at, || describe(&operation));
            let from = history.tick();
            let version = Version { from, operation, call, agreed };
            let versions = history.versions.entry(version.operation.id().to_string()).or_default();
            versions.push(version);
        }
        for approval in written.approvals {
            history.note(at, || {
                let Approval { id, operation, state, needed, votes, .. } = &approval;
                format!(
                    "  ledger: {id} of {operation} is {state}, {} of {needed} votes",
                    votes.len()
                )
            });
            let from = history.tick();
            let version = ApprovalVersion { from, approval, call };
            history.approvals.entry(version.approval.id).or_default().push(version);
        }
    }

    async fn work<T: Send + 'static>(
        &self,
        is_read: bool,
        work: impl FnOnce(&mut dyn Tx) -> Held<T> + Send + 'static,
    ) -> Held<T> {
        self.world.wait_for_disk().await;
        let done = self.transact(is_read, work);
        // Durable, and the caller does not know it yet.
        self.world.wait_for_disk().await;
        done
    }
}

fn describe(operation: &Operation) -> String {
    let refund =
        operation.refund.as_ref().map_or_else(String::new, |refund| format!(", {}", refund.id));
    let detail = operation.detail.as_deref().unwrap_or_default();
    format!("  ledger: {} is {}{refund} {detail}", operation.id(), operation.state)
}

impl Store for Tables {
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Tx) -> Held<T> + Send + 'static,
    ) -> Held<T> {
        self.work(false, work).await
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Tx) -> Held<T> + Send + 'static,
    ) -> Held<T> {
        self.work(true, work).await.map_err(|error| match error {
            LedgerError::Write(problem) => LedgerError::Read(problem),
            other => other,
        })
    }

    fn let_go(&self, operation: &OperationId) {
        self.held.let_go(operation);
        if self.is_ledger {
            self.world.history().end_work(self.process, Some(operation.as_str()));
        }
    }
}

fn full(what: &str) -> LedgerError {
    LedgerError::Write(format!("the disk is full ({what})"))
}

/// What a transaction changed.
#[derive(Default)]
struct Written {
    operations: Vec<(Operation, BTreeSet<Person>)>,
    approvals: Vec<Approval>,
    touched: BTreeSet<ApprovalId>,
    /// Events that were kept.
    events: Vec<String>,
    /// Payments that a process works on from now on, each for an operation.
    taken: Vec<(String, String)>,
    /// Operations whose work has ended.
    released: Vec<String>,
}

/// A transaction that notes what it changes, and fails where the disk does.
struct Watched<'a> {
    tx: &'a mut dyn Tx,
    world: &'a Shared,
    /// What this one does wrong.
    bug: Option<Planted>,
    trouble: DiskTrouble,
    writes: u32,
    has_failed: bool,
    written: Written,
}

impl Watched<'_> {
    fn has(&self, bug: Planted) -> bool {
        self.bug == Some(bug)
    }

    /// An approval, with the time that it has.
    fn given(&self, approval: Option<Approval>) -> Option<Approval> {
        let never = self.has(Planted::ApprovalsNeverExpire);
        approval.map(|one| Approval { expires: if never { NEVER } else { one.expires }, ..one })
    }

    fn before_write(&mut self) -> Held<()> {
        self.writes += 1;
        if self.has_failed || self.trouble == DiskTrouble::Write(self.writes) {
            self.has_failed = true;
            return Err(full("a page cannot be written"));
        }
        Ok(())
    }

    /// The commit. `now` is the wall clock of the process.
    fn finish(mut self, now: u64) -> Held<Written> {
        if self.has_failed || (self.trouble == DiskTrouble::Commit && self.writes > 0) {
            return Err(full("the transaction cannot be committed"));
        }
        for id in std::mem::take(&mut self.written.touched) {
            self.written.approvals.extend(self.tx.approval(id)?);
        }
        for (operation, agreed) in &mut self.written.operations {
            if operation.state == State::Sent {
                let live = self.tx.live_approval(operation.id())?;
                let granted = live.filter(|approval| History::grants(approval, now));
                let votes = granted.iter().flat_map(|approval| &approval.votes);
                *agreed = votes
                    .filter(|vote| vote.agrees)
                    .filter_map(|vote| person(&vote.voter))
                    .collect();
            }
        }
        Ok(self.written)
    }
}

impl Tx for Watched<'_> {
    fn operation(&mut self, id: &OperationId) -> Held<Option<Operation>> {
        if self.has(Planted::StaleReads) {
            return Ok(self.world.history().before_last(id.as_str()));
        }
        self.tx.operation(id)
    }

    fn operation_of_refund(&mut self, refund: &RefundId) -> Held<Option<Operation>> {
        self.tx.operation_of_refund(refund)
    }

    fn put_operation(&mut self, operation: &Operation) -> Held<()> {
        self.before_write()?;
        self.tx.put_operation(operation)?;
        // Only what is held in the end was ever held.
        self.written.operations.retain(|(earlier, _)| earlier.id() != operation.id());
        self.written.operations.push((operation.clone(), BTreeSet::new()));
        Ok(())
    }

    fn record(&mut self, operation: &Operation, entry: Entry) -> Held<()> {
        self.before_write()?;
        if self.has(Planted::NoAudit) && entry.before.is_some() {
            return Ok(());
        }
        self.tx.record(operation, entry)
    }

    fn check_held(&mut self, id: &OperationId) -> Held<()> {
        self.tx.check_held(id)
    }

    fn recorded_on(&mut self, payment: &PaymentKey) -> Held<Vec<OperationId>> {
        self.tx.recorded_on(payment)
    }

    fn unsettled_on(
        &mut self,
        payment: &PaymentKey,
        except: &OperationId,
    ) -> Held<Vec<OperationId>> {
        let found = self.tx.unsettled_on(payment, except)?;
        Ok(if self.has(Planted::UnsettledNotSeen) { Vec::new() } else { found })
    }

    fn waiting_on(&mut self, payment: &PaymentKey) -> Held<Vec<OperationId>> {
        self.tx.waiting_on(payment)
    }

    fn unsettled_under_other_names(
        &mut self,
        payment: &PaymentKey,
        except: &OperationId,
    ) -> Held<Vec<OperationId>> {
        self.tx.unsettled_under_other_names(payment, except)
    }

    fn moved_since(&mut self, from: u64, after: i64) -> Held<Vec<(i64, Operation)>> {
        self.tx.moved_since(from, after)
    }

    fn payment_key(&mut self, payment: &PaymentRef) -> Held<PaymentKey> {
        self.tx.payment_key(payment)
    }

    fn keep_charge(&mut self, intent: &PaymentIntentId, charge: &ChargeId) -> Held<()> {
        self.before_write()?;
        self.tx.keep_charge(intent, charge)
    }

    fn working_on(&mut self, payment: &PaymentKey) -> Held<Option<OperationId>> {
        self.tx.working_on(payment)
    }

    fn take_payment(&mut self, payment: &PaymentKey, operation: &OperationId) -> Held<()> {
        self.before_write()?;
        if self.has(Planted::NoPaymentLock) {
            return Ok(());
        }
        self.written.taken.push((payment.as_str().to_owned(), operation.to_string()));
        self.tx.take_payment(payment, operation)
    }

    fn release_payment(&mut self, operation: &OperationId) -> Held<()> {
        self.before_write()?;
        self.written.released.push(operation.to_string());
        self.tx.release_payment(operation)
    }

    fn approval(&mut self, id: ApprovalId) -> Held<Option<Approval>> {
        let found = self.tx.approval(id)?;
        Ok(self.given(found))
    }

    fn live_approval(&mut self, operation: &OperationId) -> Held<Option<Approval>> {
        let found = self.tx.live_approval(operation)?;
        Ok(self.given(found))
    }

    fn last_approval(&mut self, operation: &OperationId) -> Held<Option<Approval>> {
        self.tx.last_approval(operation)
    }

    fn overdue_approvals(&mut self, now: u64) -> Held<Vec<Approval>> {
        let found = self.tx.overdue_approvals(now)?;
        Ok(if self.has(Planted::ApprovalsNeverExpire) { Vec::new() } else { found })
    }

    fn insert_approval(&mut self, approval: &NewApproval) -> Held<ApprovalId> {
        self.before_write()?;
        let one = NewApproval { needed: 1, ..approval.clone() };
        let filed = if self.has(Planted::OneApproverIsEnough) { &one } else { approval };
        let id = self.tx.insert_approval(filed)?;
        self.written.touched.insert(id);
        Ok(id)
    }

    fn put_approval(&mut self, approval: &Approval) -> Held<()> {
        self.before_write()?;
        self.written.touched.insert(approval.id);
        self.tx.put_approval(approval)
    }

    fn insert_vote(&mut self, approval: ApprovalId, vote: &Vote) -> Held<()> {
        self.before_write()?;
        self.written.touched.insert(approval);
        if self.has(Planted::DecisionNotRecorded) {
            return Ok(());
        }
        self.tx.insert_vote(approval, vote)
    }

    fn follow_up_options(&self) -> Option<Options> {
        self.tx.follow_up_options()
    }

    fn add_follow_ups(&mut self, follow_ups: &[FollowUp], now: u64) -> Held<()> {
        self.before_write()?;
        self.tx.add_follow_ups(follow_ups, now)
    }

    fn is_known_event(&mut self, id: &str) -> Held<bool> {
        self.tx.is_known_event(id)
    }

    fn insert_event(&mut self, event: &Event, effect: &str, now: u64) -> Held<()> {
        self.before_write()?;
        self.written.events.push(event.id.clone());
        self.tx.insert_event(event, effect, now)
    }

    fn has_newer_event(&mut self, event: &Event) -> Held<bool> {
        self.tx.has_newer_event(event)
    }

    fn count(&mut self, name: &str) -> Held<()> {
        self.before_write()?;
        self.tx.count(name)
    }

    fn refund_elsewhere(&mut self, refund: &RefundId) -> Held<Option<Elsewhere>> {
        self.tx.refund_elsewhere(refund)
    }

    fn put_refund_elsewhere(&mut self, refund: &Refund, now: u64) -> Held<()> {
        self.before_write()?;
        self.tx.put_refund_elsewhere(refund, now)
    }

    fn open_run(&mut self, run: &NewRun, now: u64) -> Held<Run> {
        self.before_write()?;
        self.tx.open_run(run, now)
    }

    fn run(&mut self, id: &str) -> Held<Run> {
        self.tx.run(id)
    }

    fn set_run(&mut self, run: &Run, state: RunState) -> Held<()> {
        self.before_write()?;
        self.tx.set_run(run, state)
    }

    fn count_repeated_line(&mut self, run: &Run) -> Held<()> {
        self.before_write()?;
        self.tx.count_repeated_line(run)
    }

    fn line_of(&mut self, run: &Run, operation: &OperationId) -> Held<Option<u64>> {
        self.tx.line_of(run, operation)
    }

    fn insert_line(
        &mut self,
        run: &Run,
        line: u64,
        operation: &Operation,
        before: bool,
    ) -> Held<()> {
        self.before_write()?;
        self.tx.insert_line(run, line, operation, before)
    }

    fn insert_reject(&mut self, run: &Run, line: u64, reason: &str) -> Held<bool> {
        self.before_write()?;
        self.tx.insert_reject(run, line, reason)
    }

    fn reopen_line(&mut self, run: &Run, line: u64) -> Held<()> {
        self.before_write()?;
        self.tx.reopen_line(run, line)
    }

    fn claim_lines(&mut self, run: &Run, most: usize) -> Held<Vec<Claimed>> {
        self.before_write()?;
        self.tx.claim_lines(run, most)
    }

    fn end_lines(&mut self, run: &Run, lines: &[u64], close: bool) -> Held<()> {
        self.before_write()?;
        self.tx.end_lines(run, lines, close)
    }

    fn mark_closed_lines(&mut self, run: &Run) -> Held<()> {
        self.before_write()?;
        self.tx.mark_closed_lines(run)
    }

    fn free_lines(&mut self, run: &Run) -> Held<()> {
        self.before_write()?;
        self.tx.free_lines(run)
    }

    fn lines_of_others(&mut self, run: &Run) -> Held<u64> {
        self.tx.lines_of_others(run)
    }

    fn open_lines(&mut self, run: &Run) -> Held<u64> {
        let open = self.tx.open_lines(run)?;
        Ok(if self.has(Planted::NoOpenLines) { 0 } else { open })
    }

    fn open_operations(&mut self, run: &Run) -> Held<Vec<(u64, OperationId)>> {
        self.tx.open_operations(run)
    }

    fn each_line(&mut self, run: &Run, each: &mut dyn FnMut(LineState)) -> Held<()> {
        self.tx.each_line(run, each)
    }

    fn totals(&mut self, run: &Run) -> Held<Vec<Total>> {
        self.tx.totals(run)
    }

    fn ambiguous_payments(&mut self, run: &Run) -> Held<Vec<PaymentRef>> {
        self.tx.ambiguous_payments(run)
    }

    fn prior_refunds(&mut self, run: &Run) -> Held<Vec<PriorRefund>> {
        let found = self.tx.prior_refunds(run)?;
        Ok(if self.has(Planted::PriorRefundsNotSeen) { Vec::new() } else { found })
    }
}
