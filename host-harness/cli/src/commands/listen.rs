//! `webhook listen`: deliveries are verified, kept once, and move the operations they concern.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use refund_core::secret::Secret;
use refund_host::Node;
use refund_host::api::types::Refund;
use refund_host::api::webhooks::{Action, Event, VerifyError, VerifyOptions};
use refund_ledger::{Effect, Kept, Ledger, LedgerError, Received, reconcile};
use serde_json::{Map, Value, json};

use super::inputs;
use super::webhook::{explain, now, reason};
use crate::args::{Global, Listen};
use crate::context::{Context, ledger_without_key, pure};
use crate::exit::Exit;
use crate::{secrets, show};

/// Largest delivery: Stripe's are far below.
const MAX_BODY: usize = 1 << 20;

/// What the receiver knows.
struct Receiver {
    node: Node,
    /// Reads objects that a thin event only names; absent without a key.
    stripe: Option<Context>,
    ledger: Ledger,
    secrets: Vec<Secret>,
    tolerance: u32,
    live: bool,
    json: bool,
}

pub(crate) async fn run(global: &Global, args: Listen) -> anyhow::Result<ExitCode> {
    let listener = bind(args.port).await?;
    let secrets = secrets::webhook(args.secret, &args.secret_file)?;
    let stripe = if secrets::has_key(global) { Some(Context::new(global)?) } else { None };
    let ledger = match &stripe {
        Some(context) => context.ledger(global, "webhook")?,
        None => ledger_without_key(global, "webhook")?,
    };
    if let Some(time) = &args.catch_up {
        let context = stripe.as_ref().ok_or_else(|| {
            Exit::bad_input("catch-up reads from Stripe: set STRIPE_SECRET_KEY, or leave it out")
        })?;
        catch_up(context, &ledger, inputs::seconds("catch-up", time)?).await?;
    }
    let address = listener.local_addr()?;
    let receiver = Arc::new(Receiver {
        node: pure(global)?,
        stripe,
        ledger,
        secrets,
        tolerance: args.tolerance,
        live: global.live,
        json: global.json,
    });
    let app = Router::new()
        .route("/", post(receive))
        .route("/webhook", post(receive))
        .route("/health", get(health))
        .with_state(Arc::clone(&receiver));
    note(&format!("Waiting for deliveries on http://{address}/webhook; Ctrl-C ends it."));
    let stop = async {
        // Without a handler for Ctrl-C the process is ended by the system anyway.
        let _ = tokio::signal::ctrl_c().await;
    };
    axum::serve(listener, app).with_graceful_shutdown(stop).await?;
    for (name, count) in receiver.ledger.counters().await? {
        note(&format!("{name}: {count}"));
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn bind(port: u16) -> anyhow::Result<tokio::net::TcpListener> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    tokio::net::TcpListener::bind(address).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => Exit::bad_input(format!(
            "port `{port}` is in use: choose another with --port, 0 takes a free one"
        )),
        _ => Exit::bad_input(format!("cannot listen on {address}: {error}")),
    })
}

/// Events that were missed left their mark on the refunds: those are read again.
async fn catch_up(context: &Context, ledger: &Ledger, seconds: u64) -> anyhow::Result<()> {
    let from = now().saturating_sub(seconds);
    let done = reconcile(&context.node, &context.connection, ledger, from, true, |_| {}).await;
    let done = done.map_err(Exit::failed)?;
    note(&format!("caught up: {} refunds read, {} operations moved", done.refunds, done.repaired));
    Ok(())
}

#[expect(clippy::print_stderr, reason = "not data")]
fn note(text: &str) {
    eprintln!("{text}");
}

/// Whether somebody listens, and what came so far.
async fn health(State(receiver): State<Arc<Receiver>>) -> (StatusCode, Json<Value>) {
    match receiver.ledger.counters().await {
        Ok(counters) => {
            let counters: Map<_, _> =
                counters.into_iter().map(|(name, count)| (name, json!(count))).collect();
            (StatusCode::OK, Json(Value::Object(counters)))
        }
        Err(error) => {
            (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "error": error.to_string() })))
        }
    }
}

/// A good delivery gets 200 once it is on disk. A forged one gets 400, and is told and counted; where the
/// ledger cannot be written the answer is 500, and Stripe comes again.
async fn receive(
    State(receiver): State<Arc<Receiver>>,
    headers: HeaderMap,
    body: Body,
) -> (StatusCode, &'static str) {
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return receiver
            .refuse(StatusCode::PAYLOAD_TOO_LARGE, "oversized", "larger than 1 MB")
            .await;
    };
    let header = headers.get("stripe-signature").and_then(|value| value.to_str().ok());
    let options = VerifyOptions { tolerance: Some(receiver.tolerance), future_tolerance: None };
    let secrets = secrets::revealed(&receiver.secrets);
    match receiver.node.verify(&body, header, &secrets, options, now()).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => {
            let counted =
                if matches!(error, VerifyError::TooOld(_)) { "replayed" } else { "forged" };
            tracing::info!(reason = reason(&error), "a delivery was refused");
            return receiver.refuse(StatusCode::BAD_REQUEST, counted, &explain(&error)).await;
        }
        Err(error) => return failed(&error),
    }
    match receiver.node.parse(&body).await {
        Ok(Ok(event)) => receiver.take(event).await.unwrap_or_else(|error| failed(&error)),
        // Signed by Stripe, and no event that is known today: taking it ends the repetitions.
        Ok(Err(error)) => {
            note(&format!("a signed delivery is no event: {error:?}"));
            (StatusCode::OK, "ok")
        }
        Err(error) => failed(&error),
    }
}

fn failed(error: &dyn std::fmt::Display) -> (StatusCode, &'static str) {
    note(&format!("error: {error}"));
    (StatusCode::INTERNAL_SERVER_ERROR, "error")
}

impl Receiver {
    async fn refuse(
        &self,
        status: StatusCode,
        counted: &'static str,
        why: &str,
    ) -> (StatusCode, &'static str) {
        note(&format!("refused a delivery: {why}"));
        if let Err(error) = self.ledger.count(counted).await {
            note(&format!("error: {error}"));
        }
        (status, "refused")
    }

    async fn take(&self, event: Event) -> Result<(StatusCode, &'static str), LedgerError> {
        if event.livemode != self.live {
            self.ledger.count("other-mode").await?;
            return Ok((StatusCode::OK, "ok"));
        }
        let Ok(action) = self.node.interpret(&event).await else {
            return Ok((StatusCode::INTERNAL_SERVER_ERROR, "error"));
        };
        let Ok((name, object, refund)) = self.meaning(&action).await else {
            return Ok((StatusCode::INTERNAL_SERVER_ERROR, "error"));
        };
        let received = Received {
            id: event.id.clone(),
            kind: event.kind.clone(),
            created: event.created,
            object: (!object.is_empty()).then(|| object.clone()),
            refund,
        };
        let effect = self.ledger.receive(received).await?;
        show::line(self.told(&event, name, &object, &effect));
        Ok((StatusCode::OK, "ok"))
    }

    /// The contract's name for it, the object, and the refund if it is about one.
    async fn meaning(
        &self,
        action: &Action,
    ) -> Result<(&'static str, String, Option<Kept>), Unread> {
        let of =
            |name, refund: &Refund| (name, refund.id.clone(), Some(Kept::from_contract(refund)));
        Ok(match action {
            Action::RefundSucceeded(refund) => of("refund-succeeded", refund),
            Action::RefundPending(refund) => of("refund-pending", refund),
            Action::RefundRequiresAction(refund) => of("refund-requires-action", refund),
            Action::RefundFailed(refund) => of("refund-failed", refund),
            Action::RefundCanceled(refund) => of("refund-canceled", refund),
            Action::ChargeRefunded(charge) => ("charge-refunded", charge.id.clone(), None),
            Action::DisputeOpened(dispute) => ("dispute-opened", dispute.id.clone(), None),
            Action::DisputeUpdated(dispute) => ("dispute-updated", dispute.id.clone(), None),
            Action::DisputeClosed(dispute) => ("dispute-closed", dispute.id.clone(), None),
            Action::Fetch(object) if object.kind == "refund" => {
                ("fetch", object.id.clone(), self.fetch(&object.id).await?)
            }
            Action::Fetch(object) => ("fetch", object.id.clone(), None),
            Action::Ignore(_) => ("ignore", String::new(), None),
        })
    }

    /// The refund that a thin event names; `None` without a key.
    async fn fetch(&self, id: &str) -> Result<Option<Kept>, Unread> {
        let Some(stripe) = &self.stripe else { return Ok(None) };
        match stripe.node.retrieve(&stripe.typed_connection(), id).await {
            Ok(Ok(refund)) => Ok(Some(Kept::from_contract(&refund))),
            other => {
                note(&format!("refund {id} of an event cannot be read: {other:?}"));
                Err(Unread)
            }
        }
    }

    fn told(&self, event: &Event, name: &str, object: &str, effect: &Effect) -> String {
        let (id, kind) = (&event.id, &event.kind);
        if self.json {
            return json!({
                "event": id, "type": kind, "action": name, "object": object,
                "effect": word(effect), "operation": operation(effect),
            })
            .to_string();
        }
        let about = operation(effect).map_or_else(String::new, |id| format!(" {id}"));
        format!("{kind} {id}: {name} {object} ({}{about})", word(effect))
    }
}

/// An object could not be read: Stripe delivers the event again.
struct Unread;

fn word(effect: &Effect) -> String {
    match effect {
        Effect::Repeated => "received before".to_owned(),
        Effect::Moved { from, to, .. } => format!("{from} → {to}"),
        Effect::Known { .. } => "known".to_owned(),
        Effect::Elsewhere => "made elsewhere".to_owned(),
        Effect::Twice { known, .. } => format!("REFUNDED TWICE, also {known}"),
        Effect::Noted => "noted".to_owned(),
    }
}

fn operation(effect: &Effect) -> Option<&str> {
    match effect {
        Effect::Moved { operation, .. }
        | Effect::Known { operation }
        | Effect::Twice { operation, .. } => Some(operation),
        _ => None,
    }
}
