//! Ledger and Stripe compared, both ways.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use refund_core::client::CallError;
use refund_core::id::{OperationId, RefundId};
use refund_core::model::Refund;
use refund_core::money::Money;
use refund_core::wire::RefusalKind;
use refund_ledger::{Effect, LedgerError, Operation, State, Store};

use crate::application::Application;
use crate::caller::Caller;
use crate::component::{Component, Listing, OperationError};
use crate::rules::moves::state_of;
use crate::runtime::Runtime;

/// Something that ledger and Stripe do not say alike.
#[derive(Clone, Debug, PartialEq)]
pub enum Difference {
    /// A refund at Stripe that no operation of this ledger made.
    RefundWithoutOperation {
        /// The refund.
        refund: Box<Refund>,
    },
    /// The ledger says there is a refund, Stripe has none.
    OperationWithoutRefund {
        /// The operation.
        operation: OperationId,
        /// The refund it names.
        refund: RefundId,
    },
    /// The ledger says that there is no refund, and there is one.
    RefundNotKnown {
        /// The operation.
        operation: OperationId,
        /// Where it stands in the ledger.
        state: State,
        /// The refund.
        refund: RefundId,
    },
    /// The amounts differ.
    Amount {
        /// The operation.
        operation: OperationId,
        /// In the ledger.
        ledger: Money,
        /// At Stripe.
        stripe: Money,
    },
    /// The states differ.
    Status {
        /// The operation.
        operation: OperationId,
        /// In the ledger.
        ledger: State,
        /// What Stripe's status means.
        stripe: State,
    },
    /// Two refunds name one operation: the money may have gone out twice.
    Twice {
        /// The operation.
        operation: OperationId,
        /// The refund the ledger knows.
        known: RefundId,
        /// The other one.
        refund: RefundId,
    },
    /// The outcome of an operation is unknown.
    Unsettled {
        /// The operation.
        operation: OperationId,
        /// Where it stands in the ledger.
        state: State,
    },
}

impl Difference {
    /// The name of its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::RefundWithoutOperation { .. } => "refund-without-operation",
            Self::OperationWithoutRefund { .. } => "operation-without-refund",
            Self::RefundNotKnown { .. } => "refund-not-known",
            Self::Amount { .. } => "amount",
            Self::Status { .. } => "status",
            Self::Twice { .. } => "twice",
            Self::Unsettled { .. } => "unsettled",
        }
    }
}

/// How a comparison ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Refunds read at Stripe.
    pub refunds: u64,
    /// Of these, refunds of operations of the ledger.
    pub operations: u64,
    /// Differences found.
    pub differences: u64,
    /// Operations that were moved to what Stripe says.
    pub repaired: u64,
}

/// Why a comparison did not come to its end.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ReconcileError {
    /// The ledger cannot be used.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Stripe cannot be read.
    #[error("{0}")]
    Stripe(String),
}

fn stripe(error: &OperationError<CallError>) -> ReconcileError {
    ReconcileError::Stripe(error.to_string())
}

impl<C: Component, S: Store, R: Runtime> Application<C, S, R> {
    /// Compares every refund that Stripe made since `from` with the ledger, and every operation that moved since then
    /// with Stripe. With `repair`, operations move on to what Stripe says. `each` gets every difference as it is found.
    pub async fn reconcile(
        &self,
        from: u64,
        repair: bool,
        caller: &Caller,
        mut each: impl FnMut(Difference),
    ) -> Result<Reconciled, ReconcileError> {
        let mut done = Reconciled::default();
        let mut found = |difference: Option<Difference>, done: &mut Reconciled| {
            if let Some(difference) = difference {
                done.differences += 1;
                each(difference);
            }
        };
        let mut seen = HashSet::new();
        let mut listing = Listing { created_from: Some(from), ..Listing::default() };
        loop {
            let page =
                self.component.list(&listing).await.result.map_err(|error| stripe(&error))?;
            for refund in page.refunds {
                seen.insert(digest(&refund.id));
                done.refunds += 1;
                let (difference, is_ours) = self.compare(&refund).await?;
                done.operations += u64::from(is_ours);
                found(difference, &mut done);
                if repair && self.repair(refund, caller).await? {
                    done.repaired += 1;
                }
            }
            let Some(next) = page.next else { break };
            listing.cursor = Some(next);
        }
        let mut after = 0;
        loop {
            let moved = self.store.read(move |tx| tx.moved_since(from, after)).await?;
            let Some((last, _)) = moved.last() else { return Ok(done) };
            after = *last;
            for (_, operation) in moved {
                let difference = match &operation.refund {
                    Some(refund) if seen.contains(&digest(&refund.id)) => None,
                    // An older refund that moved lately: read it by itself.
                    Some(refund) => self.compare_one(&operation, &refund.id).await?,
                    None if operation.state.is_unsettled() => Some(Difference::Unsettled {
                        operation: operation.id().clone(),
                        state: operation.state,
                    }),
                    None => None,
                };
                found(difference, &mut done);
            }
        }
    }

    async fn repair(&self, refund: Refund, caller: &Caller) -> Result<bool, LedgerError> {
        let effect = self.see(refund, caller).await?;
        Ok(matches!(effect, Effect::Moved { .. }))
    }

    /// One refund beside what the ledger says, and whether an operation of the ledger made it.
    async fn compare(&self, refund: &Refund) -> Result<(Option<Difference>, bool), LedgerError> {
        let seen = refund.clone();
        let operation = self.store.read(move |tx| {
            if let Some(operation) = tx.operation_of_refund(&seen.id)? {
                return Ok(Some(operation));
            }
            let named = seen.metadata.operation_id().map(OperationId::parse);
            match named {
                Some(Ok(id)) => tx.operation(&id),
                _ => Ok(None),
            }
        });
        if let Some(operation) = operation.await? {
            return Ok((difference(&operation, refund), true));
        }
        let refund = Box::new(refund.clone());
        Ok((Some(Difference::RefundWithoutOperation { refund }), false))
    }

    async fn compare_one(
        &self,
        operation: &Operation,
        refund: &RefundId,
    ) -> Result<Option<Difference>, ReconcileError> {
        match self.component.retrieve(refund).await.result {
            Ok(refund) => Ok(self.compare(&refund).await?.0),
            Err(OperationError::Failed(CallError::Refused(refusal)))
                if refusal.kind == RefusalKind::NotFound =>
            {
                Ok(Some(Difference::OperationWithoutRefund {
                    operation: operation.id().clone(),
                    refund: refund.clone(),
                }))
            }
            Err(error) => Err(stripe(&error)),
        }
    }
}

fn difference(operation: &Operation, refund: &Refund) -> Option<Difference> {
    let (id, stripe) = (operation.id().clone(), state_of(refund.status.as_ref()));
    match &operation.refund {
        Some(known) if known.id != refund.id => Some(Difference::Twice {
            operation: id,
            known: known.id.clone(),
            refund: refund.id.clone(),
        }),
        None => Some(Difference::RefundNotKnown {
            operation: id,
            state: operation.state,
            refund: refund.id.clone(),
        }),
        Some(known) if known.money != refund.money() => {
            Some(Difference::Amount { operation: id, ledger: known.money, stripe: refund.money() })
        }
        Some(_) if operation.state != stripe => {
            Some(Difference::Status { operation: id, ledger: operation.state, stripe })
        }
        Some(_) => None,
    }
}

/// Eight bytes for each refund that was seen: a million of them take some 20 MB. Two refunds with one digest would hide
/// one difference, once in a hundred thousand comparisons of ten million refunds.
fn digest(refund: &RefundId) -> u64 {
    let mut hasher = DefaultHasher::new();
    refund.hash(&mut hasher);
    hasher.finish()
}
