//! [`Tx`] over what an earlier transaction read.

use std::slice::Iter;

use refund_core::followups::{FollowUp, Options};
use refund_core::id::{ChargeId, OperationId, PaymentIntentId, PaymentRef, RefundId};
use refund_core::model::Refund;
use refund_ledger::{
    Approval, ApprovalId, Elsewhere, Entry, Event, LedgerError, NewApproval, Operation, PaymentKey,
    Tx, Vote,
};

use super::runs::without_runs;
use super::{Kept, Read};

type Held<T> = Result<T, LedgerError>;

/// A transaction that was committed, once more: the same reads give the same, and nothing is written. A call of the
/// application layer is brought back with it to where it stood.
pub struct Replayed<'a>(Iter<'a, Read>);

impl<'a> Replayed<'a> {
    /// The transaction that read this.
    pub fn new(reads: &'a [Read]) -> Self {
        Self(reads.iter())
    }

    /// The next read, as what it has to be.
    fn next<T>(&mut self, of: impl FnOnce(&'a Read) -> Option<T>) -> Held<T> {
        self.0.next().and_then(of).ok_or_else(other_read)
    }
}

/// The rules are functions of what they read, so this cannot happen; a search that it happens in finds it as a
/// rule that fails.
fn other_read() -> LedgerError {
    LedgerError::Read("a transaction read something else when it was repeated".to_owned())
}

/// A read of one kind.
macro_rules! as_read {
    ($kind:ident) => {
        |read| match read {
            Read::$kind(value) => Some(value),
            _ => None,
        }
    };
}

fn value<T: Clone>(kept: Option<&Kept<T>>) -> Option<T> {
    kept.map(|kept| kept.get().clone())
}

impl Tx for Replayed<'_> {
    fn operation(&mut self, _: &OperationId) -> Held<Option<Operation>> {
        self.next(as_read!(Operation)).map(|kept| value(kept.as_ref()))
    }

    fn operation_of_refund(&mut self, _: &RefundId) -> Held<Option<Operation>> {
        self.next(as_read!(Operation)).map(|kept| value(kept.as_ref()))
    }

    fn put_operation(&mut self, _: &Operation) -> Held<()> {
        Ok(())
    }

    fn record(&mut self, _: &Operation, _: Entry) -> Held<()> {
        Ok(())
    }

    fn check_held(&mut self, _: &OperationId) -> Held<()> {
        Ok(())
    }

    fn recorded_on(&mut self, _: &PaymentKey) -> Held<Vec<OperationId>> {
        Ok(Vec::new())
    }

    fn unsettled_on(&mut self, _: &PaymentKey, _: &OperationId) -> Held<Vec<OperationId>> {
        self.next(as_read!(Operations)).cloned()
    }

    fn waiting_on(&mut self, _: &PaymentKey) -> Held<Vec<OperationId>> {
        self.next(as_read!(Operations)).cloned()
    }

    fn unsettled_under_other_names(
        &mut self,
        _: &PaymentKey,
        _: &OperationId,
    ) -> Held<Vec<OperationId>> {
        self.next(as_read!(Operations)).cloned()
    }

    fn payment_key(&mut self, _: &PaymentRef) -> Held<PaymentKey> {
        self.next(as_read!(Payment)).cloned()
    }

    fn keep_charge(&mut self, _: &PaymentIntentId, _: &ChargeId) -> Held<()> {
        Ok(())
    }

    fn working_on(&mut self, _: &PaymentKey) -> Held<Option<OperationId>> {
        self.next(as_read!(Working)).cloned()
    }

    fn take_payment(&mut self, _: &PaymentKey, _: &OperationId) -> Held<()> {
        Ok(())
    }

    fn release_payment(&mut self, _: &OperationId) -> Held<()> {
        Ok(())
    }

    fn approval(&mut self, _: ApprovalId) -> Held<Option<Approval>> {
        self.next(as_read!(Approval)).map(|kept| value(kept.as_ref()))
    }

    fn live_approval(&mut self, _: &OperationId) -> Held<Option<Approval>> {
        self.next(as_read!(Approval)).map(|kept| value(kept.as_ref()))
    }

    fn last_approval(&mut self, _: &OperationId) -> Held<Option<Approval>> {
        self.next(as_read!(Approval)).map(|kept| value(kept.as_ref()))
    }

    fn overdue_approvals(&mut self, _: u64) -> Held<Vec<Approval>> {
        let kept = self.next(as_read!(Approvals))?;
        Ok(kept.iter().map(|kept| kept.get().clone()).collect())
    }

    fn insert_approval(&mut self, _: &NewApproval) -> Held<ApprovalId> {
        self.next(as_read!(Filed)).copied()
    }

    fn put_approval(&mut self, _: &Approval) -> Held<()> {
        Ok(())
    }

    fn insert_vote(&mut self, _: ApprovalId, _: &Vote) -> Held<()> {
        Ok(())
    }

    fn follow_up_options(&self) -> Option<Options> {
        None
    }

    fn add_follow_ups(&mut self, _: &[FollowUp], _: u64) -> Held<()> {
        Ok(())
    }

    fn is_known_event(&mut self, _: &str) -> Held<bool> {
        self.next(as_read!(Known)).copied()
    }

    fn insert_event(&mut self, _: &Event, _: &str, _: u64) -> Held<()> {
        Ok(())
    }

    fn has_newer_event(&mut self, _: &Event) -> Held<bool> {
        self.next(as_read!(Known)).copied()
    }

    fn count(&mut self, _: &str) -> Held<()> {
        Ok(())
    }

    fn refund_elsewhere(&mut self, _: &RefundId) -> Held<Option<Elsewhere>> {
        let status = self.next(as_read!(Elsewhere))?;
        Ok(status.as_ref().map(|status| Elsewhere { status: status.clone() }))
    }

    fn put_refund_elsewhere(&mut self, _: &Refund, _: u64) -> Held<()> {
        Ok(())
    }

    without_runs!();
}
