//! `webhook listen`: deliveries are verified, kept once, and move the operations they concern.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use refund_host::api::webhooks::VerifyError;
use refund_ledger::{Effect, Ledger, reconcile};
use refund_serve::{Delivered, Delivery, Receiver, Refused};
use serde_json::{Map, Value, json};

use super::inputs;
use super::webhook::{explain, now, reason};
use crate::args::{Global, Listen};
use crate::context::{Context, ledger_without_key, pure};
use crate::exit::Exit;
use crate::{secrets, show};

/// Largest delivery: Stripe's are far below.
const MAX_BODY: usize = 1 << 20;

/// What the routes work with.
struct Desk {
    receiver: Receiver,
    ledger: Ledger,
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
    let reading = stripe.map(|context| (context.node.clone(), context.typed_connection()));
    let receiver =
        Receiver::new(pure(global)?, ledger.clone(), secrets, args.tolerance, global.live);
    let receiver = receiver.reading(reading);
    serve(listener, Desk { receiver, ledger: ledger.clone(), json: global.json }).await?;
    for (name, count) in ledger.counters().await? {
        note(&format!("{name}: {count}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Receives until Ctrl-C, and delivers what follows in the meantime.
async fn serve(listener: tokio::net::TcpListener, desk: Desk) -> anyhow::Result<()> {
    let dispatcher = desk.ledger.dispatcher();
    let address = listener.local_addr()?;
    let app = Router::new()
        .route("/", post(receive))
        .route("/webhook", post(receive))
        .route("/health", get(health))
        .with_state(Arc::new(desk));
    note(&format!("Waiting for deliveries on http://{address}/webhook; Ctrl-C ends it."));
    let stop = async {
        // Without a handler for Ctrl-C the process is ended by the system anyway.
        let _ = tokio::signal::ctrl_c().await;
    };
    let (ended, until) = tokio::sync::oneshot::channel::<()>();
    let receiving = async {
        let served = axum::serve(listener, app).with_graceful_shutdown(stop).await;
        drop(ended);
        served
    };
    let delivering = dispatcher.run_until(async {
        // It ends by being dropped.
        let _ = until.await;
    });
    let (served, ()) = tokio::join!(receiving, delivering);
    Ok(served?)
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
async fn health(State(desk): State<Arc<Desk>>) -> (StatusCode, Json<Value>) {
    match desk.ledger.counters().await {
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
    State(desk): State<Arc<Desk>>,
    headers: HeaderMap,
    body: Body,
) -> (StatusCode, &'static str) {
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return desk.oversized().await;
    };
    let header = headers.get("stripe-signature").and_then(|value| value.to_str().ok());
    match desk.receiver.take(&body, header).await {
        Ok(Delivered::Taken(delivery)) => show::line(desk.told(&delivery)),
        Ok(Delivered::OtherMode) => {}
        Ok(Delivered::Unreadable(error)) => {
            note(&format!("a signed delivery is no event: {error}"));
        }
        Err(Refused::Signature(error)) => return refused(&error),
        Err(Refused::NotNow(error)) => return failed(&error),
    }
    (StatusCode::OK, "ok")
}

fn refused(error: &VerifyError) -> (StatusCode, &'static str) {
    tracing::info!(reason = reason(error), "a delivery was refused");
    note(&format!("refused a delivery: {}", explain(error)));
    (StatusCode::BAD_REQUEST, "refused")
}

fn failed(error: &dyn std::fmt::Display) -> (StatusCode, &'static str) {
    note(&format!("error: {error}"));
    (StatusCode::INTERNAL_SERVER_ERROR, "error")
}

impl Desk {
    async fn oversized(&self) -> (StatusCode, &'static str) {
        note("refused a delivery: larger than 1 MB");
        if let Err(error) = self.ledger.count("oversized").await {
            note(&format!("error: {error}"));
        }
        (StatusCode::PAYLOAD_TOO_LARGE, "refused")
    }

    fn told(&self, delivery: &Delivery) -> String {
        let Delivery { event, action, effect, object } = delivery;
        let (id, kind, object) = (&event.id, &event.kind, object.as_deref().unwrap_or_default());
        if self.json {
            return json!({
                "event": id, "type": kind, "action": action, "object": object,
                "effect": word(effect), "operation": operation(effect),
            })
            .to_string();
        }
        let about = operation(effect).map_or_else(String::new, |id| format!(" {id}"));
        format!("{kind} {id}: {action} {object} ({}{about})", word(effect))
    }
}

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
