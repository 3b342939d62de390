//! The address of a customer, where a follow-up has none.
//!
//! A refund's event does not hold an address, and nothing is read for one while money moves. So it is looked for
//! when a follow-up is delivered, and kept in the store before any sink gets it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use futures::future::BoxFuture;
use refund_core::followups::{FollowUp, FoundContact, Kind, LookResult};
use refund_core::id::PaymentRef;
use tokio::sync::OnceCell;

use crate::message::Claimed;

/// How long a look for an address may take. What was not read by then is looked for again.
pub(crate) const LONGEST: Duration = Duration::from_secs(20);

/// Reads who made a payment.
pub trait ContactFinder: Send + Sync {
    /// Reads name and address of the customer who made a payment, as far as Stripe has them.
    fn find<'a>(
        &'a self,
        payment: &'a PaymentRef,
    ) -> BoxFuture<'a, Result<FoundContact, PaymentNotRead>>;
}

/// The payment could not be read, so that nothing is known about the address: the reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PaymentNotRead(pub String);

/// Reads no payments: the reason. For hosts without a key.
#[derive(Clone, Debug)]
pub struct NoContactFinder(pub String);

impl ContactFinder for NoContactFinder {
    fn find<'a>(
        &'a self,
        _: &'a PaymentRef,
    ) -> BoxFuture<'a, Result<FoundContact, PaymentNotRead>> {
        Box::pin(async { Err(PaymentNotRead(self.0.clone())) })
    }
}

impl Default for NoContactFinder {
    fn default() -> Self {
        Self("this host does not read payments".to_owned())
    }
}

type Looked = OnceCell<Result<FoundContact, PaymentNotRead>>;

/// Looks for addresses. Sinks that deliver follow-ups about one payment at the same time share one look.
pub(crate) struct Lookups {
    finder: Box<dyn ContactFinder>,
    running: Mutex<HashMap<PaymentRef, Weak<Looked>>>,
}

impl fmt::Debug for Lookups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lookups")
    }
}

impl Lookups {
    pub(crate) fn new(finder: impl ContactFinder + 'static) -> Self {
        Self { finder: Box::new(finder), running: Mutex::default() }
    }

    /// What there is to know about the customer now.
    pub(crate) async fn find(&self, follow_up: &FollowUp) -> Result<FoundContact, PaymentNotRead> {
        let Some(payment) = follow_up.payment() else { return Ok(FoundContact::default()) };
        let looked = self.shared(&payment);
        let look = looked.get_or_init(|| self.finder.find(&payment));
        match tokio::time::timeout(LONGEST, look).await {
            Ok(found) => found.clone(),
            Err(_) => Err(PaymentNotRead(format!("no answer within {} s", LONGEST.as_secs()))),
        }
    }

    /// The look at a payment that is under way, or a new one.
    fn shared(&self, payment: &PaymentRef) -> Arc<Looked> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(looked) = running.get(payment).and_then(Weak::upgrade) {
            return looked;
        }
        running.retain(|_, looked| looked.strong_count() > 0);
        let looked = Arc::default();
        running.insert(payment.clone(), Arc::downgrade(&looked));
        looked
    }
}

/// The follow-up of a message, if it is for a customer whose address is not known.
pub(crate) fn without_address(claimed: &Claimed) -> Option<FollowUp> {
    if claimed.message.kind != Kind::NotifyCustomer {
        return None;
    }
    let follow_up: FollowUp = serde_json::from_str(&claimed.message.body).ok()?;
    follow_up.lacks_address().then_some(follow_up)
}

/// Why a customer cannot be written to: the places that were looked at, and what to do.
pub(crate) fn no_address(follow_up: &FollowUp, found: &FoundContact) -> String {
    let refund = follow_up.about.refund.as_ref().map(|_| "the refund's metadata");
    let nothing: Vec<_> = refund.into_iter().chain(found.places(LookResult::Nothing)).collect();
    let closed = found.places(LookResult::NotReadable);
    let places = [("there is none in", nothing), ("this key cannot read", closed)]
        .into_iter()
        .filter(|(_, places)| !places.is_empty())
        .map(|(what, places)| format!("{what} {}", places.join(", ")))
        .collect::<Vec<_>>()
        .join("; ");
    let fix = if follow_up.payment().is_some() {
        let id = &follow_up.id;
        format!(
            "Put customer_email into the metadata of the payment at Stripe, then run `refund-node follow-ups resend {id}`"
        )
    } else {
        "The refund names no payment: write to the customer yourself".to_owned()
    };
    format!("no address of the customer is known: {places}. {fix}")
}

/// Why a customer cannot be written to now.
pub(crate) fn not_now(error: &PaymentNotRead) -> String {
    format!("no address of the customer is known yet, and the payment cannot be read: {error}")
}
