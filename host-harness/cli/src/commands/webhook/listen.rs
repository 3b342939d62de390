//! `webhook listen`: deliveries are verified, kept once, and move the operations they concern.

use std::process::ExitCode;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use refund_app::{
    Connection, Received, ReceivedEvent, Receiver, RejectReason, Rejected, Tokio, WasmComponent,
};
use refund_core::webhook::VerifyError;
use refund_ledger::{Effect, Ledger, Outbox};
use refund_outbox::Dispatcher;
use serde_json::{Map, Value, json};

use crate::args::{Global, Listen};
use crate::context::{Context, caller, dispatcher, ledger_without_key, pure};
use crate::exit::Exit;
use crate::listener::{self, bind};
use crate::terminal::say as note;
use crate::{inputs, secrets, show};

/// Largest delivery: Stripe's are far below.
const MAX_BODY: usize = 1 << 20;

/// What the routes work with.
struct ListenState {
    receiver: Receiver<WasmComponent, Ledger, Tokio>,
    ledger: Ledger,
    json: bool,
}

pub(super) async fn run(global: &Global, args: Listen) -> anyhow::Result<ExitCode> {
    let listener = bind(args.port).await?;
    let secrets = secrets::webhook(args.secret, &args.secret_file)?;
    let stripe = if secrets::has_key(global) { Some(Context::new(global)?) } else { None };
    let ledger = match &stripe {
        Some(context) => context.ledger(global)?,
        None => ledger_without_key(global)?,
    };
    if let Some(time) = &args.catch_up {
        let context = stripe.as_ref().ok_or_else(|| {
            Exit::bad_input("catch-up reads from Stripe: set STRIPE_SECRET_KEY, or leave it out")
        })?;
        catch_up(global, context, &ledger, inputs::seconds("catch-up", time)?).await?;
    }
    let caller = caller(global, "webhook")?;
    let receiver = Receiver::new(
        WasmComponent::new(pure(global)?, Connection::default()),
        ledger.clone(),
        Tokio,
        secrets,
        args.tolerance,
        global.live,
        caller,
    );
    let component = stripe.map(|context| context.component);
    let dispatcher = dispatcher(&ledger, component.clone());
    let receiver = receiver.reading(component);
    let desk = ListenState { receiver, ledger: ledger.clone(), json: global.json };
    serve(listener, desk, dispatcher).await?;
    for (name, count) in ledger.counters().await? {
        note(format_args!("{name}: {count}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Receives until Ctrl-C, and delivers what follows in the meantime.
async fn serve(
    listener: tokio::net::TcpListener,
    desk: ListenState,
    dispatcher: Dispatcher<Outbox>,
) -> anyhow::Result<()> {
    let address = listener.local_addr()?;
    let app = Router::new()
        .route("/", post(receive))
        .route("/webhook", post(receive))
        .route("/health", get(health))
        .with_state(Arc::new(desk));
    note(format_args!("Waiting for deliveries on http://{address}/webhook; Ctrl-C ends it."));
    listener::serve(listener, app, |ended| dispatcher.run_until(ended)).await
}

/// Events that were missed left their mark on the refunds: those are read again.
async fn catch_up(
    global: &Global,
    context: &Context,
    ledger: &Ledger,
    seconds: u64,
) -> anyhow::Result<()> {
    let application = context.over(global, ledger.clone());
    let from = application.now().saturating_sub(seconds);
    let caller = caller(global, "webhook")?;
    let done = application.reconcile(from, true, &caller, |_| {}).await;
    let done = done.map_err(Exit::failed)?;
    note(format_args!(
        "caught up: {} refunds read, {} operations moved",
        done.refunds, done.repaired
    ));
    Ok(())
}

/// Says that it listens, and what came so far.
async fn health(State(desk): State<Arc<ListenState>>) -> (StatusCode, Json<Value>) {
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
    State(desk): State<Arc<ListenState>>,
    headers: HeaderMap,
    body: Body,
) -> (StatusCode, &'static str) {
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return desk.oversized().await;
    };
    let header = headers.get("stripe-signature").and_then(|value| value.to_str().ok());
    let (receiver, header) = (desk.receiver.clone(), header.map(str::to_owned));
    // In a task of its own: a caller that hangs up does not end it half way.
    let taken = tokio::spawn(async move { receiver.take(&body, header.as_deref()).await });
    match taken.await {
        Ok(Ok(Received::Taken(delivery))) => desk.show(&delivery),
        Ok(Ok(Received::OtherMode(event))) => note(format_args!(
            "dropped {} {}: it is of {} mode",
            event.kind,
            event.id,
            if event.livemode { "live" } else { "test" }
        )),
        Ok(Ok(Received::Unreadable(error))) => {
            note(format_args!("a signed delivery is not a known event: {error}"));
        }
        Ok(Err(Rejected(RejectReason::Signature(error)))) => return refused(&error),
        Ok(Err(Rejected(RejectReason::NotNow(error)))) => return failed(&error),
        Err(error) => return failed(&error),
    }
    (StatusCode::OK, "ok")
}

fn refused(error: &VerifyError) -> (StatusCode, &'static str) {
    tracing::info!(reason = error.reason(), "a delivery was rejected");
    note(format_args!("rejected a delivery: {error}"));
    (StatusCode::BAD_REQUEST, "refused")
}

fn failed(error: &dyn std::fmt::Display) -> (StatusCode, &'static str) {
    note(format_args!("error: {error}"));
    (StatusCode::INTERNAL_SERVER_ERROR, "error")
}

impl ListenState {
    async fn oversized(&self) -> (StatusCode, &'static str) {
        note("rejected a delivery: larger than 1 MB");
        if let Err(error) = self.receiver.count("oversized").await {
            note(format_args!("error: {error}"));
        }
        (StatusCode::PAYLOAD_TOO_LARGE, "refused")
    }

    fn show(&self, delivery: &ReceivedEvent) {
        let ReceivedEvent { event, action, effect, object } = delivery;
        let (id, kind, object) = (&event.id, &event.kind, object.as_deref().unwrap_or_default());
        if self.json {
            return show::json(&json!({
                "event": id, "type": kind, "action": action, "object": object,
                "effect": word(effect), "operation": operation(effect),
            }));
        }
        let about = operation(effect).map_or_else(String::new, |id| format!(" {id}"));
        show::line(format_args!("{kind} {id}: {action} {object} ({}{about})", word(effect)));
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

fn operation(effect: &Effect) -> Option<&refund_core::id::OperationId> {
    match effect {
        Effect::Moved { operation, .. }
        | Effect::Known { operation }
        | Effect::Twice { operation, .. } => Some(operation),
        _ => None,
    }
}
