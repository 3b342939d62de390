//! Webhook deliveries: verified, kept once, and applied to the operations they concern.

use std::time::{SystemTime, UNIX_EPOCH};

use refund_core::followups::FollowUp;
use refund_core::secret::Secret;
use refund_host::Node;
use refund_host::api::types::{Connection, Refund};
use refund_host::api::webhooks::{Action, Event, VerifyError, VerifyOptions};
use refund_ledger::{Effect, Kept, Ledger, LedgerError, Received};
use serde_json::{Value, json};
use zeroize::Zeroizing;

/// Takes deliveries.
pub struct Receiver {
    node: Node,
    ledger: Ledger,
    secrets: Vec<Secret>,
    tolerance: u32,
    live: bool,
    /// Reads objects that a thin event only names; absent without a key.
    stripe: Option<(Node, Connection)>,
}

/// An event that was taken.
#[derive(Clone, Debug)]
pub struct Delivery {
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
pub enum Delivered {
    /// Taken.
    Taken(Box<Delivery>),
    /// Of the other mode; counted and dropped.
    OtherMode,
    /// Signed by Stripe, and no event that is known today: taking it ends the repetitions.
    Unreadable(String),
}

/// Why a delivery was not taken.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Refused {
    /// The signature does not hold.
    #[error("the signature does not hold: {0:?}")]
    Signature(VerifyError),
    /// It could not be kept, or an object could not be read: Stripe has to come again.
    #[error("{0}")]
    NotNow(String),
}

impl From<LedgerError> for Refused {
    fn from(error: LedgerError) -> Self {
        Self::NotNow(error.to_string())
    }
}

impl Receiver {
    /// Takes deliveries signed with one of the secrets. `tolerance` is the greatest age in seconds, 0 for any.
    pub fn new(
        node: Node,
        ledger: Ledger,
        secrets: Vec<Secret>,
        tolerance: u32,
        live: bool,
    ) -> Self {
        Self { node, ledger, secrets, tolerance, live, stripe: None }
    }

    /// Reads at Stripe what a thin event only names.
    #[must_use]
    pub fn reading(self, stripe: Option<(Node, Connection)>) -> Self {
        Self { stripe, ..self }
    }

    /// Takes a delivery: the raw body and the header `Stripe-Signature`. Answers when it is on disk.
    pub async fn take(&self, body: &[u8], header: Option<&str>) -> Result<Delivered, Refused> {
        self.verify(body, header).await?;
        let event = match self.node.parse(body).await {
            Ok(Ok(event)) => event,
            Ok(Err(error)) => return Ok(Delivered::Unreadable(format!("{error:?}"))),
            Err(error) => return Err(Refused::NotNow(error.to_string())),
        };
        if event.livemode != self.live {
            self.ledger.count("other-mode").await?;
            return Ok(Delivered::OtherMode);
        }
        let action = self
            .node
            .interpret(&event)
            .await
            .map_err(|error| Refused::NotNow(error.to_string()))?;
        let (name, object, refund) = self.meaning(&action).await?;
        let received = Received {
            id: event.id.clone(),
            kind: event.kind.clone(),
            created: event.created,
            object: object.clone(),
            refund,
            follow_ups: self.follow_ups(&action, body).await?,
        };
        let effect = self.ledger.receive(received).await?;
        Ok(Delivered::Taken(Box::new(Delivery { event, action: name, object, effect })))
    }

    async fn verify(&self, body: &[u8], header: Option<&str>) -> Result<(), Refused> {
        let options = VerifyOptions { tolerance: Some(self.tolerance), future_tolerance: None };
        let secrets: Vec<_> =
            self.secrets.iter().map(|secret| secret.reveal().to_owned()).collect();
        let secrets = Zeroizing::new(secrets);
        match self.node.verify(body, header, &secrets, options, now()).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => {
                let old = matches!(error, VerifyError::TooOld(_));
                self.ledger.count(if old { "replayed" } else { "forged" }).await?;
                Err(Refused::Signature(error))
            }
            Err(error) => Err(Refused::NotNow(error.to_string())),
        }
    }

    /// The contract's name for it, the object, and the refund if it is about one.
    async fn meaning(
        &self,
        action: &Action,
    ) -> Result<(&'static str, Option<String>, Option<Kept>), Refused> {
        let of = |name, refund: &Refund| {
            (name, Some(refund.id.clone()), Some(Kept::from_contract(refund)))
        };
        Ok(match action {
            Action::RefundSucceeded(refund) => of("refund-succeeded", refund),
            Action::RefundPending(refund) => of("refund-pending", refund),
            Action::RefundRequiresAction(refund) => of("refund-requires-action", refund),
            Action::RefundFailed(refund) => of("refund-failed", refund),
            Action::RefundCanceled(refund) => of("refund-canceled", refund),
            Action::ChargeRefunded(charge) => ("charge-refunded", Some(charge.id.clone()), None),
            Action::DisputeOpened(dispute) => ("dispute-opened", Some(dispute.id.clone()), None),
            Action::DisputeUpdated(dispute) => ("dispute-updated", Some(dispute.id.clone()), None),
            Action::DisputeClosed(dispute) => ("dispute-closed", Some(dispute.id.clone()), None),
            Action::Fetch(object) if object.kind == "refund" => {
                ("fetch", Some(object.id.clone()), self.fetch(&object.id).await?)
            }
            Action::Fetch(object) => ("fetch", Some(object.id.clone()), None),
            Action::Ignore(_) => ("ignore", None, None),
        })
    }

    /// What follows from an event about a payment or a dispute, where anybody wants to know. Of a refund the
    /// ledger says it, which knows whether the event is news.
    async fn follow_ups(&self, action: &Action, body: &[u8]) -> Result<Vec<FollowUp>, Refused> {
        let about_more = matches!(
            action,
            Action::ChargeRefunded(_) | Action::DisputeOpened(_) | Action::DisputeClosed(_)
        );
        let Some(options) = self.ledger.follow_ups().filter(|_| about_more) else {
            return Ok(Vec::new());
        };
        let body = String::from_utf8_lossy(body);
        let parsed = self.invoke("webhooks.parse", &json!({ "payload": body })).await?;
        let input = json!({ "event": parsed["event"], "options": options });
        let mut found = self.invoke("follow-ups.of-event", &input).await?;
        serde_json::from_value(found["follow_ups"].take())
            .map_err(|error| Refused::NotNow(format!("what follows cannot be read: {error}")))
    }

    async fn invoke(&self, operation: &str, input: &Value) -> Result<Value, Refused> {
        let refused = |why: String| Refused::NotNow(format!("{operation}: {why}"));
        let output = self.node.invoke(operation, &input.to_string()).await;
        let output = output.map_err(|error| refused(error.to_string()))?;
        let output = output.map_err(|error| refused(format!("{error:?}")))?;
        serde_json::from_str(&output).map_err(|error| refused(error.to_string()))
    }

    /// The refund that a thin event names; `None` without a key.
    async fn fetch(&self, id: &str) -> Result<Option<Kept>, Refused> {
        let Some((node, connection)) = &self.stripe else { return Ok(None) };
        match node.retrieve(connection, id).await {
            Ok(Ok(refund)) => Ok(Some(Kept::from_contract(&refund))),
            other => {
                Err(Refused::NotNow(format!("refund {id} of an event cannot be read: {other:?}")))
            }
        }
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
