//! [`Tx`] over the tables.

use refund_core::followups::{FollowUp, Options};
use refund_core::id::{ChargeId, OperationId, PaymentIntentId, PaymentRef, RefundId};
use refund_core::model::{Refund, RefundStatus};
use refund_ledger::{
    Approval, ApprovalId, ApprovalState, Elsewhere, Entry, Event, LedgerError, NewApproval,
    Operation, PaymentKey, State, Tx, Vote,
};

use super::runs::without_runs;
use super::{Busy, Holder, Kept, Planted, ProcessId, Read, Recorded, Row, SeenEvent, Tables};
use crate::fault::Fault;

type Held<T> = Result<T, LedgerError>;

/// A transaction of a process. It remembers what was read, so that the same can be read again later.
pub struct Transaction<'a> {
    tables: &'a mut Tables,
    process: ProcessId,
    reads: Vec<Read>,
    /// A row of the audit that does not follow upon the one before.
    gap: Option<String>,
    planted: Option<Planted>,
}

impl<'a> Transaction<'a> {
    /// Begins a transaction. Whoever began it keeps the tables or throws them away.
    pub(super) fn new(
        tables: &'a mut Tables,
        process: ProcessId,
        planted: Option<Planted>,
    ) -> Self {
        Self { tables, process, reads: Vec::new(), gap: None, planted }
    }

    fn has(&self, fault: Fault) -> bool {
        self.planted.as_ref().is_some_and(|planted| planted.fault == fault)
    }

    /// An operation as it is read: with a bug, it is the one that is asked for.
    fn as_asked(&self, kept: Kept<Operation>) -> Kept<Operation> {
        match self.planted.as_ref() {
            Some(Planted { fault: Fault::FingerprintNotCompared, asked: Some(asked) }) => {
                Kept::operation(Operation { fingerprint: asked.clone(), ..kept.get().clone() })
            }
            _ => kept,
        }
    }

    /// What was read, in order, and where the audit has a gap.
    pub(super) fn end(self) -> (Vec<Read>, Option<String>) {
        (self.reads, self.gap)
    }

    fn read<T: Clone>(&mut self, value: T, read: impl FnOnce(T) -> Read) -> T {
        self.reads.push(read(value.clone()));
        value
    }

    fn read_operation(&mut self, found: Option<Kept<Operation>>) -> Option<Operation> {
        self.read(found, Read::Operation).map(|kept| kept.get().clone())
    }

    fn find(&self, id: &OperationId) -> Option<&Row> {
        self.tables.operations.iter().find(|row| row.operation.get().id() == id)
    }

    fn read_approval(&mut self, is_wanted: impl Fn(&Approval) -> bool) -> Option<Approval> {
        let found = self.tables.approvals.iter().rfind(|one| is_wanted(one.get())).cloned();
        let found = found.map(|kept| self.with_payment(kept));
        self.read(found, Read::Approval).map(|kept| kept.get().clone())
    }

    /// An approval is shown with the payment that its operation has now.
    fn with_payment(&self, kept: Kept<Approval>) -> Kept<Approval> {
        let approval = kept.get();
        match self.tables.operation(&approval.operation).map(Operation::payment) {
            Some(payment) if *payment != approval.payment => {
                Kept::approval(Approval { payment: payment.clone(), ..approval.clone() })
            }
            _ => kept,
        }
    }

    fn replace_approval(&mut self, id: ApprovalId, change: impl FnOnce(Approval) -> Approval) {
        let kept = self.tables.approvals.iter_mut().find(|one| one.get().id == id);
        if let Some(kept) = kept {
            *kept = Kept::approval(change(kept.get().clone()));
        }
    }

    /// Whether an operation is on a payment, under the name of its PaymentIntent or of its charge.
    fn is_on(&self, operation: &Operation, payment: &PaymentKey) -> bool {
        let named = operation.payment().as_str();
        let is_alias = || {
            let mut aliases = self.tables.aliases.iter();
            aliases.any(|(intent, charge)| {
                charge.as_str() == payment.as_str() && intent.as_str() == named
            })
        };
        named == payment.as_str() || is_alias()
    }
}

/// A constraint of the tables does not hold.
fn constraint(what: &str) -> LedgerError {
    LedgerError::Write(format!("constraint failed: {what}"))
}

impl Tx for Transaction<'_> {
    fn operation(&mut self, id: &OperationId) -> Held<Option<Operation>> {
        let found = self.find(id).map(|row| self.as_asked(row.operation.clone()));
        Ok(self.read_operation(found))
    }

    fn operation_of_refund(&mut self, refund: &RefundId) -> Held<Option<Operation>> {
        let made = |row: &&Row| {
            row.operation.get().refund.as_ref().is_some_and(|known| known.id == *refund)
        };
        let found = self.tables.operations.iter().find(made).map(|row| row.operation.clone());
        Ok(self.read_operation(found))
    }

    fn put_operation(&mut self, operation: &Operation) -> Held<()> {
        let kept = Kept::operation(operation.clone());
        let mut rows = self.tables.operations.iter_mut();
        match rows.find(|row| row.operation.get().id() == operation.id()) {
            Some(row) => row.operation = kept,
            None => self.tables.operations.push(Row { operation: kept, recorded: None }),
        }
        Ok(())
    }

    fn record(&mut self, operation: &Operation, entry: Entry) -> Held<()> {
        if self.has(Fault::MoveNotRecorded) && entry.before == Some(State::Sent) {
            return Ok(());
        }
        let recorded = Recorded { state: operation.state, held: self.tables.held(operation) };
        let mut rows = self.tables.operations.iter_mut();
        let row = rows.find(|row| row.operation.get().id() == operation.id());
        if let Some(row) = row {
            let before = row.recorded.map(|recorded| recorded.state);
            if before != entry.before {
                let id = operation.id();
                self.gap = Some(format!(
                    "`{id}` was {before:?} in the last row of the audit, the next one says it was {:?}",
                    entry.before
                ));
            }
            row.recorded = Some(recorded);
        }
        Ok(())
    }

    fn check_held(&mut self, id: &OperationId) -> Held<()> {
        let is_held = self.find(id).is_none_or(|row| {
            let held = self.tables.held(row.operation.get());
            row.recorded.is_some_and(|recorded| recorded.held == held)
        });
        if is_held { Ok(()) } else { Err(LedgerError::Altered(id.to_string())) }
    }

    /// The model's tables are written by the rules alone, so there is nothing to compare.
    fn recorded_on(&mut self, _: &PaymentKey) -> Held<Vec<OperationId>> {
        Ok(Vec::new())
    }

    fn unsettled_on(
        &mut self,
        payment: &PaymentKey,
        except: &OperationId,
    ) -> Held<Vec<OperationId>> {
        let others = self.tables.operations().filter(|one| {
            one.state.is_unsettled() && one.id() != except && self.is_on(one, payment)
        });
        let ids = others.map(|one| one.id().clone()).collect::<Vec<_>>();
        Ok(self.read(ids, Read::Operations))
    }

    fn waiting_on(&mut self, payment: &PaymentKey) -> Held<Vec<OperationId>> {
        let has_live_approval = |operation: &Operation| {
            let mut approvals = self.tables.approvals.iter().map(Kept::get);
            approvals.any(|one| one.operation == *operation.id() && one.state.is_live())
        };
        let may_be_executed = |one: &Operation| {
            one.refund.is_none() && one.state != State::Canceled && has_live_approval(one)
        };
        let waits = |one: &&Operation| {
            self.is_on(one, payment) && (one.state == State::NeedsApproval || may_be_executed(one))
        };
        let ids = self.tables.operations().filter(waits).map(|one| one.id().clone());
        let ids = ids.collect::<Vec<_>>();
        Ok(self.read(ids, Read::Operations))
    }

    fn unsettled_under_other_names(
        &mut self,
        payment: &PaymentKey,
        except: &OperationId,
    ) -> Held<Vec<OperationId>> {
        let is_intent = |name: &str| name.starts_with("pi_");
        let has_alias = |name: &str| {
            let mut aliases = self.tables.aliases.iter();
            aliases.any(|(intent, charge)| intent.as_str() == name || charge.as_str() == name)
        };
        let others = self.tables.operations().filter(|one| {
            let name = one.payment().as_str();
            one.state.is_unsettled()
                && one.id() != except
                && is_intent(name) != is_intent(payment.as_str())
                && !has_alias(name)
                && !has_alias(payment.as_str())
        });
        let ids = others.map(|one| one.id().clone()).collect::<Vec<_>>();
        Ok(self.read(ids, Read::Operations))
    }

    fn payment_key(&mut self, payment: &PaymentRef) -> Held<PaymentKey> {
        let mut aliases = self.tables.aliases.iter();
        let charge = aliases.find(|(intent, _)| intent.as_str() == payment.as_str());
        let name = charge.map_or(payment.as_str(), |(_, charge)| charge.as_str());
        Ok(self.read(PaymentKey::new(name), Read::Payment))
    }

    fn keep_charge(&mut self, intent: &PaymentIntentId, charge: &ChargeId) -> Held<()> {
        self.tables.aliases.entry(intent.clone()).or_insert_with(|| charge.clone());
        Ok(())
    }

    fn working_on(&mut self, payment: &PaymentKey) -> Held<Option<OperationId>> {
        // Work that began before it was known that a PaymentIntent and a charge are one payment.
        let aliases =
            self.tables.aliases.iter().filter(|(_, charge)| charge.as_str() == payment.as_str());
        let mut names: Vec<_> = aliases.map(|(intent, _)| intent.as_str().to_owned()).collect();
        names.push(payment.as_str().to_owned());
        names.sort_unstable();
        let mut working = None;
        for name in names.into_iter().map(PaymentKey::new) {
            let Some(busy) = self.tables.busy.get(&name) else { continue };
            if self.tables.is_working(busy, self.process) && !self.has(Fault::PaymentNotTaken) {
                working = Some(busy.operation.clone());
                break;
            }
            self.tables.busy.remove(&name);
        }
        Ok(self.read(working, Read::Working))
    }

    fn take_payment(&mut self, payment: &PaymentKey, operation: &OperationId) -> Held<()> {
        if self.tables.busy.contains_key(payment) {
            return Err(constraint("busy.payment"));
        }
        let busy = Busy { operation: operation.clone(), holder: Holder::Living(self.process) };
        self.tables.busy.insert(payment.clone(), busy);
        self.tables.working.insert((self.process, operation.to_string()));
        Ok(())
    }

    fn release_payment(&mut self, operation: &OperationId) -> Held<()> {
        let holder = Holder::Living(self.process);
        self.tables.busy.retain(|_, busy| busy.operation != *operation || busy.holder != holder);
        self.tables.working.remove(&(self.process, operation.to_string()));
        Ok(())
    }

    fn approval(&mut self, id: ApprovalId) -> Held<Option<Approval>> {
        Ok(self.read_approval(|one| one.id == id))
    }

    fn live_approval(&mut self, operation: &OperationId) -> Held<Option<Approval>> {
        Ok(self.read_approval(|one| one.operation == *operation && one.state.is_live()))
    }

    fn last_approval(&mut self, operation: &OperationId) -> Held<Option<Approval>> {
        Ok(self.read_approval(|one| one.operation == *operation))
    }

    fn overdue_approvals(&mut self, now: u64) -> Held<Vec<Approval>> {
        let is_overdue = |one: &Approval| {
            let operation = self.tables.operation(&one.operation);
            one.state.is_live()
                && one.expires < now
                && operation.is_some_and(|operation| !operation.state.is_unsettled())
        };
        let found = self.tables.approvals.iter().filter(|one| is_overdue(one.get())).cloned();
        let found = found.map(|kept| self.with_payment(kept)).collect::<Vec<_>>();
        let read = self.read(found, Read::Approvals);
        Ok(read.iter().map(|kept| kept.get().clone()).collect())
    }

    fn insert_approval(&mut self, approval: &NewApproval) -> Held<ApprovalId> {
        let Some(operation) = self.tables.operation(&approval.operation) else {
            return Err(constraint("approvals.operation"));
        };
        let payment = operation.payment().clone();
        let is_live = |one: &Approval| one.operation == approval.operation && one.state.is_live();
        if self.tables.approvals().any(is_live) {
            return Err(constraint("approvals_alive"));
        }
        let number = i64::try_from(self.tables.approvals.len()).unwrap_or(i64::MAX);
        let id = ApprovalId::numbered(number.saturating_add(1));
        let NewApproval { operation, request_hash, fingerprint, money, .. } = approval.clone();
        let NewApproval { requester, needed, verdict, created, expires, .. } = approval.clone();
        self.tables.approvals.push(Kept::approval(Approval {
            id,
            operation,
            payment,
            money,
            request_hash,
            fingerprint,
            requester,
            needed,
            state: ApprovalState::Open,
            verdict: Some(verdict),
            created,
            expires,
            decided: None,
            votes: Vec::new(),
        }));
        Ok(self.read(id, Read::Filed))
    }

    fn put_approval(&mut self, approval: &Approval) -> Held<()> {
        if self.has(Fault::ApprovalStaysApproved) && approval.state == ApprovalState::Executed {
            return Ok(());
        }
        self.replace_approval(approval.id, |known| Approval {
            request_hash: approval.request_hash.clone(),
            requester: approval.requester.clone(),
            needed: approval.needed,
            verdict: approval.verdict.clone().or_else(|| known.verdict.clone()),
            state: approval.state,
            decided: approval.decided,
            ..known
        });
        let is_live = |one: &&Kept<Approval>| {
            one.get().operation == approval.operation && one.get().state.is_live()
        };
        if self.tables.approvals.iter().filter(is_live).count() > 1 {
            return Err(constraint("approvals_alive"));
        }
        Ok(())
    }

    fn insert_vote(&mut self, approval: ApprovalId, vote: &Vote) -> Held<()> {
        let Some(known) = self.tables.approvals().find(|one| one.id == approval) else {
            return Err(constraint("votes.approval"));
        };
        if known.votes.iter().any(|one| one.voter == vote.voter) {
            return Err(constraint("votes.voter"));
        }
        self.replace_approval(approval, |mut known| {
            known.votes.push(vote.clone());
            known.votes.sort_by(|a, b| (a.time, &a.voter).cmp(&(b.time, &b.voter)));
            known
        });
        Ok(())
    }

    fn follow_up_options(&self) -> Option<Options> {
        None
    }

    fn add_follow_ups(&mut self, _: &[FollowUp], _: u64) -> Held<()> {
        Ok(())
    }

    fn is_known_event(&mut self, id: &str) -> Held<bool> {
        let is_known = self.tables.events.contains_key(id);
        Ok(self.read(is_known, Read::Known))
    }

    fn insert_event(&mut self, event: &Event, _: &str, _: u64) -> Held<()> {
        if self.tables.events.contains_key(&event.id) {
            return Err(constraint("events.id"));
        }
        let Event { id, kind, created, object, .. } = event.clone();
        self.tables.events.insert(id, SeenEvent { kind, object, created });
        Ok(())
    }

    fn has_newer_event(&mut self, event: &Event) -> Held<bool> {
        let has_newer = event.kind == "charge.refunded"
            && event.object.is_some()
            && self.tables.events.values().any(|one| {
                one.kind == event.kind && one.object == event.object && one.created > event.created
            });
        Ok(self.read(has_newer, Read::Known))
    }

    fn count(&mut self, _: &str) -> Held<()> {
        Ok(())
    }

    fn refund_elsewhere(&mut self, refund: &RefundId) -> Held<Option<Elsewhere>> {
        let status = self.tables.elsewhere.get(refund).cloned();
        Ok(self.read(status, Read::Elsewhere).map(|status| Elsewhere { status }))
    }

    fn put_refund_elsewhere(&mut self, refund: &Refund, _: u64) -> Held<()> {
        let status = refund.status.as_ref().map(|status| RefundStatus::as_str(status).to_owned());
        self.tables.elsewhere.insert(refund.id.clone(), status);
        Ok(())
    }

    without_runs!();
}
