//! Finding out what became of an operation, and which names are one payment. Nothing here sends a request that changes
//! something.

use refund_core::client::CallError;
use refund_core::eligibility::Amount;
use refund_core::id::{OperationId, PaymentRef};
use refund_core::model::Refund;
use refund_core::wire::RefusalKind;
use refund_ledger::{LedgerError, MerchantRules, Operation, Store};

use crate::application::Application;
use crate::caller::Caller;
use crate::component::{Component, Listing, OperationError, Question};
use crate::rules::lookup::{self, LookupResult, LookupStart};
use crate::rules::seen;
use crate::runtime::Runtime;

/// What is known of the names of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PaymentNames {
    /// Its charge and its PaymentIntent.
    Both,
    /// It has no other name: a charge without a PaymentIntent, a PaymentIntent that was never paid, or no payment of this
    /// account.
    Alone,
    /// It cannot be read now.
    Unread,
}

impl<C: Component, S: Store, R: Runtime> Application<C, S, R> {
    /// Finds out what became of an operation, without sending anything that changes something. `None` while another
    /// process works on its payment.
    ///
    /// # Errors
    /// When the ledger failed. Nothing was sent.
    pub async fn find_out(
        &self,
        id: &OperationId,
        caller: &Caller,
    ) -> Result<Option<Operation>, LedgerError> {
        let wanted = id.clone();
        let looking = self.write(move |tx, now| lookup::begin(tx, &wanted, now)).await?;
        let (operation, last_request) = match looking {
            LookupStart::Settled(operation) => return Ok(Some(*operation)),
            LookupStart::Busy => return Ok(None),
            LookupStart::Look { operation, last_request } => (*operation, last_request),
        };
        let mut working = WorkGuard::on(&self.store, id);
        // Stripe may answer much later than it looked.
        let looked_at = self.runtime.now();
        let refund = self.refund_of(&operation).await;
        let is_definite = looked_at.saturating_sub(last_request) >= self.settings.grace_secs;
        let (found, wanted, who) =
            (LookupResult { refund, is_definite }, id.clone(), caller.clone());
        let ended =
            self.write(move |tx, now| lookup::end(tx, &wanted, found, last_request, &who, now));
        let ended = ended.await?;
        working.is_freed = true;
        Ok(Some(ended))
    }

    /// The refund that carries the operation id, among all of its payment. One that is what was asked for goes before one
    /// that is not.
    async fn refund_of(&self, operation: &Operation) -> Result<Option<Refund>, String> {
        let mut listing =
            Listing { payment: Some(operation.payment().clone()), ..Listing::default() };
        let mut other = None;
        loop {
            let page = self.component.list(&listing).await.result;
            let page = page.map_err(|error| error.to_string())?;
            for refund in page.refunds {
                if refund.metadata.operation_id() != Some(operation.id().as_str()) {
                    continue;
                }
                if seen::asked_for(&operation.request, &refund) {
                    return Ok(Some(refund));
                }
                other.get_or_insert(refund);
            }
            match page.next {
                Some(next) => listing.cursor = Some(next),
                None => return Ok(other),
            }
        }
    }

    /// Finds out which charge and which PaymentIntent are one payment, and keeps it.
    pub(crate) async fn name_payment(
        &self,
        payment: PaymentRef,
    ) -> Result<PaymentNames, LedgerError> {
        let question = Question {
            payment,
            amount: Amount::Everything,
            reason: None,
            rules: MerchantRules::default(),
        };
        let checked = match self.component.check(&question).await.result {
            Ok(checked) => checked,
            Err(OperationError::Failed(CallError::Refused(refusal)))
                if refusal.kind == RefusalKind::NotFound =>
            {
                return Ok(PaymentNames::Alone);
            }
            Err(_) => return Ok(PaymentNames::Unread),
        };
        let Some(charge) = checked.facts.map(|facts| facts.charge) else {
            return Ok(PaymentNames::Alone);
        };
        let intent = match question.payment {
            PaymentRef::PaymentIntent(intent) => Some(intent),
            PaymentRef::Charge(_) => charge.payment_intent,
        };
        let Some(intent) = intent else { return Ok(PaymentNames::Alone) };
        let charge = charge.id;
        self.store.write(move |tx| tx.keep_charge(&intent, &charge)).await?;
        Ok(PaymentNames::Both)
    }
}

/// This process works on an operation until this is dropped, however the work ends.
pub(crate) struct WorkGuard<'a, S: Store> {
    store: &'a S,
    operation: OperationId,
    /// Whether a transaction has freed its payment. Another call may work on the operation by now.
    pub(crate) is_freed: bool,
}

impl<'a, S: Store> WorkGuard<'a, S> {
    pub(crate) fn on(store: &'a S, operation: &OperationId) -> Self {
        Self { store, operation: operation.clone(), is_freed: false }
    }
}

impl<S: Store> Drop for WorkGuard<'_, S> {
    fn drop(&mut self) {
        if !self.is_freed {
            self.store.let_go(&self.operation);
        }
    }
}
