//! Webhook deliveries: verified, kept once, and applied to the operations they concern.

use std::sync::Arc;

use futures::future::BoxFuture;
use refund_core::followups::{FollowUp, Options};
use refund_core::id::RefundId;
use refund_core::model::Refund;
use refund_core::secret::Secret;
use refund_core::webhook::{Action, Event, VerifyError};
use refund_ledger::{Effect, Event as KeptEvent, LedgerError, Store};

use crate::caller::Caller;
use crate::component::{Component, OperationError, RawDelivery, Webhooks};
use crate::rules::seen;
use crate::runtime::Runtime;

/// Takes deliveries.
#[derive(Clone)]
pub struct Receiver<C, S, R> {
    /// Verifies and parses; it reaches nothing.
    parser: C,
    /// Reads objects that a thin event only names; absent without a key.
    stripe: Option<C>,
    store: S,
    runtime: R,
    secrets: Arc<[Secret]>,
    tolerance_secs: u32,
    live: bool,
    caller: Caller,
}

/// An event that was taken.
#[derive(Clone, Debug)]
pub struct ReceivedEvent {
    /// The event.
    pub event: Event,
    /// The contract's name for what it means, for example `refund-failed`.
    pub action: &'static str,
    /// The object it is about.
    pub object: Option<String>,
    /// What followed from it.
    pub effect: Effect,
}

/// What became of a delivery that Stripe need not repeat.
#[derive(Clone, Debug)]
pub enum Received {
    /// Taken.
    Taken(Box<ReceivedEvent>),
    /// Of the other mode (live or test); counted and dropped.
    OtherMode(Box<Event>),
    /// Signed by Stripe, and not an event that is known today: taking it ends the repetitions.
    Unreadable(String),
}

/// Why a delivery was rejected.
#[derive(Clone, Debug)]
pub enum RejectReason {
    /// The signature does not hold.
    Signature(VerifyError),
    /// It could not be kept, or an object could not be read: Stripe has to deliver it again.
    NotNow(String),
}

/// A delivery was rejected.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", match .0 {
    RejectReason::Signature(error) => format!("the signature does not hold: {error}"),
    RejectReason::NotNow(why) => why.clone(),
})]
pub struct Rejected(pub RejectReason);

impl From<LedgerError> for Rejected {
    fn from(error: LedgerError) -> Self {
        not_now(error)
    }
}

fn not_now(why: impl std::fmt::Display) -> Rejected {
    Rejected(RejectReason::NotNow(why.to_string()))
}

impl<C: Component + Webhooks, S: Store, R: Runtime> Receiver<C, S, R> {
    /// Takes deliveries signed with one of the secrets. `tolerance_secs` is the greatest age, 0 for any.
    pub fn new(
        parser: C,
        store: S,
        runtime: R,
        secrets: Vec<Secret>,
        tolerance_secs: u32,
        live: bool,
        caller: Caller,
    ) -> Self {
        let secrets = secrets.into();
        Self { parser, stripe: None, store, runtime, secrets, tolerance_secs, live, caller }
    }

    /// Reads at Stripe what a thin event only names.
    #[must_use]
    pub fn reading(self, stripe: Option<C>) -> Self {
        Self { stripe, ..self }
    }

    /// Takes a delivery: the raw body and the header `Stripe-Signature`. Answers when it is on disk.
    ///
    /// # Errors
    /// When the signature does not hold, or the event could not be kept.
    pub async fn take(&self, body: &[u8], header: Option<&str>) -> Result<Received, Rejected> {
        self.verify(body, header).await?;
        let Ok(text) = std::str::from_utf8(body) else {
            return Ok(Received::Unreadable("the body is not UTF-8".to_owned()));
        };
        let event = match self.parser.parse(text).await {
            Ok(event) => event,
            Err(OperationError::Failed(error)) => {
                return Ok(Received::Unreadable(error.to_string()));
            }
            Err(OperationError::NoAnswer(why)) => return Err(not_now(why)),
        };
        if event.livemode != self.live {
            self.count("other-mode").await?;
            return Ok(Received::OtherMode(Box::new(event)));
        }
        self.apply(event).await.map(|delivery| Received::Taken(Box::new(delivery)))
    }

    async fn apply(&self, event: Event) -> Result<ReceivedEvent, Rejected> {
        let options = self.store.read(|tx| Ok(tx.follow_up_options())).await?;
        let wanted = options.clone().unwrap_or_default();
        let interpreted = self.parser.interpret(&event, &wanted).await.map_err(not_now)?;
        let (action, object, refund) = self.meaning(&interpreted.action).await?;
        let kept = KeptEvent {
            id: event.id.clone(),
            kind: event.kind.clone(),
            created: event.created,
            object: object.clone(),
            status: refund
                .as_ref()
                .and_then(|refund| refund.status.as_ref())
                .map(|status| status.as_str().to_owned()),
        };
        let follow_ups = of_payment(&interpreted.action, interpreted.follow_ups, options.as_ref());
        let caller = Caller {
            command: format!("{} {}", self.caller.command, event.id),
            ..self.caller.clone()
        };
        let runtime = self.runtime.clone();
        let effect = self.store.write(move |tx| {
            seen::receive(tx, &kept, refund.as_ref(), follow_ups, &caller, runtime.now())
        });
        Ok(ReceivedEvent { effect: effect.await?, event, action, object })
    }

    async fn verify(&self, body: &[u8], header: Option<&str>) -> Result<(), Rejected> {
        let delivery = RawDelivery { body, header };
        let now = self.runtime.now();
        match self.parser.verify(delivery, &self.secrets, self.tolerance_secs, now).await {
            Ok(()) => Ok(()),
            Err(OperationError::Failed(error)) => {
                let old = matches!(error, VerifyError::TooOld { .. });
                self.count(if old { "replayed" } else { "forged" }).await?;
                Err(Rejected(RejectReason::Signature(error)))
            }
            Err(OperationError::NoAnswer(why)) => Err(not_now(why)),
        }
    }

    /// Counts something, such as an oversized delivery.
    pub fn count(&self, name: &'static str) -> BoxFuture<'static, Result<(), LedgerError>> {
        let store = self.store.clone();
        // Boxed: the compiler cannot see by itself that the future is `Send`.
        Box::pin(async move { store.write(move |tx| tx.count(name)).await })
    }

    /// The contract's name for it, the object, and the refund if it is about one.
    async fn meaning(
        &self,
        action: &Action,
    ) -> Result<(&'static str, Option<String>, Option<Refund>), Rejected> {
        let of = |name, refund: &Refund| (name, Some(refund.id.to_string()), Some(refund.clone()));
        Ok(match action {
            Action::RefundSucceeded(refund) => of("refund-succeeded", refund),
            Action::RefundPending(refund) => of("refund-pending", refund),
            Action::RefundRequiresAction(refund) => of("refund-requires-action", refund),
            Action::RefundFailed(refund) => of("refund-failed", refund),
            Action::RefundCanceled(refund) => of("refund-canceled", refund),
            Action::ChargeRefunded(charge) => {
                ("charge-refunded", Some(charge.id.to_string()), None)
            }
            Action::DisputeOpened(dispute) => {
                ("dispute-opened", Some(dispute.id.to_string()), None)
            }
            Action::DisputeUpdated(dispute) => {
                ("dispute-updated", Some(dispute.id.to_string()), None)
            }
            Action::DisputeClosed(dispute) => {
                ("dispute-closed", Some(dispute.id.to_string()), None)
            }
            Action::Fetch(object) if object.kind == "refund" => {
                ("fetch", Some(object.id.clone()), self.fetch(&object.id).await?)
            }
            Action::Fetch(object) => ("fetch", Some(object.id.clone()), None),
            Action::Ignore(_) => ("ignore", None, None),
        })
    }

    /// The refund that a thin event names; `None` without a key.
    async fn fetch(&self, id: &str) -> Result<Option<Refund>, Rejected> {
        let Some(stripe) = &self.stripe else { return Ok(None) };
        let refund = stripe.retrieve(&RefundId::from_stripe(id)).await.result;
        refund
            .map(Some)
            .map_err(|error| not_now(format!("refund {id} of an event cannot be read: {error}")))
    }
}

/// What follows from an event about a payment or a dispute, where a sink wants it. What follows from a refund is decided in
/// `rules::seen`, where it is known whether the event is news.
fn of_payment(action: &Action, found: Vec<FollowUp>, options: Option<&Options>) -> Vec<FollowUp> {
    let is_about_more = matches!(
        action,
        Action::ChargeRefunded(_) | Action::DisputeOpened(_) | Action::DisputeClosed(_)
    );
    if options.is_some() && is_about_more { found } else { Vec::new() }
}
