//! `webhook verify | listen`

use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use refund_host::Node;
use refund_host::api::webhooks::{Action, VerifyError, VerifyOptions};
use serde_json::json;

use crate::args::{Global, Verify, Webhook, WebhookCommand};
use crate::context::pure;
use crate::exit::Exit;
use crate::show;

/// Largest delivery: Stripe's are far below.
const MAX_BODY: usize = 1 << 20;

pub(crate) async fn run(global: &Global, args: Webhook) -> anyhow::Result<ExitCode> {
    match args.command {
        WebhookCommand::Verify(args) => verify(global, &args).await,
        WebhookCommand::Listen { secret, port, tolerance } => {
            listen(global, secret, port, tolerance).await
        }
    }
}

async fn verify(global: &Global, args: &Verify) -> anyhow::Result<ExitCode> {
    let payload = read(&args.payload)?;
    let secrets: Vec<_> = args.secret.iter().chain(&args.secret2).cloned().collect();
    let options =
        VerifyOptions { tolerance: Some(args.tolerance), future_tolerance: args.future_tolerance };
    let now = args.now.unwrap_or_else(now);
    let node = pure(global)?;
    let verdict = node.verify(&payload, args.header.as_deref(), &secrets, options, now).await?;
    match &verdict {
        Ok(verified) if global.json => show::line(json!({
            "verdict": "accepted", "reason": null, "timestamp": verified.timestamp,
            "secret_index": verified.secret_index,
        })),
        Ok(verified) => show::line(format_args!(
            "accepted: signed at {} with secret {}",
            verified.timestamp, verified.secret_index
        )),
        Err(error) if global.json => show::line(json!({
            "verdict": "rejected", "reason": reason(error), "message": explain(error),
        })),
        Err(error) => show::line(format_args!("rejected: {}", explain(error))),
    }
    Ok(if verdict.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).context("stdin cannot be read")?;
        return Ok(bytes);
    }
    std::fs::read(path).map_err(|error| {
        Exit::bad_input(format!("payload `{}` cannot be read: {error}", path.display()))
    })
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The contract's name of the case.
fn reason(error: &VerifyError) -> &'static str {
    match error {
        VerifyError::NoHeader => "no-header",
        VerifyError::NoSecret => "no-secret",
        VerifyError::BlankSecret(_) => "blank-secret",
        VerifyError::BadHeader(_) => "bad-header",
        VerifyError::NoTimestamp => "no-timestamp",
        VerifyError::NoSignature => "no-signature",
        VerifyError::BadSignature => "bad-signature",
        VerifyError::BadEncoding => "bad-encoding",
        VerifyError::Mismatch => "mismatch",
        VerifyError::TooOld(_) => "too-old",
        VerifyError::TooNew(_) => "too-new",
    }
}

/// One sentence for people, the core's.
fn explain(error: &VerifyError) -> String {
    use refund_core::webhook::VerifyError as Core;
    let core = match error {
        VerifyError::NoHeader => Core::NoHeader,
        VerifyError::NoSecret => Core::NoSecret,
        VerifyError::BlankSecret(index) => Core::BlankSecret { index: *index },
        VerifyError::BadHeader(problem) => Core::BadHeader { problem: problem.clone() },
        VerifyError::NoTimestamp => Core::NoTimestamp,
        VerifyError::NoSignature => Core::NoSignature,
        VerifyError::BadSignature => Core::BadSignature,
        VerifyError::BadEncoding => Core::BadEncoding,
        VerifyError::Mismatch => Core::Mismatch,
        VerifyError::TooOld(old) => Core::TooOld { age: old.age, tolerance: old.tolerance },
        VerifyError::TooNew(new) => Core::TooNew { lead: new.lead, tolerance: new.tolerance },
    };
    core.to_string()
}

/// What the receiver knows.
struct Receiver {
    node: Node,
    secrets: Vec<String>,
    tolerance: u32,
    json: bool,
}

async fn listen(
    global: &Global,
    secrets: Vec<String>,
    port: u16,
    tolerance: u32,
) -> anyhow::Result<ExitCode> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listener =
        tokio::net::TcpListener::bind(address).await.map_err(|error| match error.kind() {
            std::io::ErrorKind::AddrInUse => Exit::bad_input(format!(
                "port `{port}` is in use: choose another with --port, 0 takes a free one"
            )),
            _ => Exit::bad_input(format!("cannot listen on {address}: {error}")),
        })?;
    let receiver = Receiver { node: pure(global)?, secrets, tolerance, json: global.json };
    let app = Router::new()
        .route("/", post(receive))
        .route("/webhook", post(receive))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(Arc::new(receiver));
    tracing::info!("listening");
    note(&format!(
        "Waiting for deliveries on http://{}/webhook; Ctrl-C ends it.",
        listener.local_addr()?
    ));
    let stop = async {
        // Without a handler for Ctrl-C the process is ended by the system anyway.
        let _ = tokio::signal::ctrl_c().await;
    };
    axum::serve(listener, app).with_graceful_shutdown(stop).await?;
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::print_stderr, reason = "not data")]
fn note(text: &str) {
    eprintln!("{text}");
}

/// A forged delivery gets 400 and is told on stderr; a good one gets 200 and a line on stdout.
async fn receive(
    State(receiver): State<Arc<Receiver>>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, &'static str) {
    let header = headers.get("stripe-signature").and_then(|value| value.to_str().ok());
    let options = VerifyOptions { tolerance: Some(receiver.tolerance), future_tolerance: None };
    let verdict = receiver.node.verify(&body, header, &receiver.secrets, options, now()).await;
    match verdict {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => {
            note(&format!("rejected a delivery: {}", explain(&error)));
            return (StatusCode::BAD_REQUEST, "rejected");
        }
        Err(error) => {
            note(&format!("error: {error}"));
            return (StatusCode::INTERNAL_SERVER_ERROR, "error");
        }
    }
    match receiver.node.parse(&body).await {
        Ok(Ok(event)) => match receiver.node.interpret(&event).await {
            Ok(action) => {
                show::line(told(&receiver, &event.id, &event.kind, &action));
                (StatusCode::OK, "ok")
            }
            Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, "error"),
        },
        // Signed by Stripe, and no event that is known today: taking it ends the repetitions.
        Ok(Err(error)) => {
            note(&format!("a signed delivery is no event: {error:?}"));
            (StatusCode::OK, "ok")
        }
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, "error"),
    }
}

fn told(receiver: &Receiver, id: &str, kind: &str, action: &Action) -> String {
    let (name, of) = match action {
        Action::RefundSucceeded(refund) => ("refund-succeeded", refund.id.clone()),
        Action::RefundPending(refund) => ("refund-pending", refund.id.clone()),
        Action::RefundRequiresAction(refund) => ("refund-requires-action", refund.id.clone()),
        Action::RefundFailed(refund) => ("refund-failed", refund.id.clone()),
        Action::RefundCanceled(refund) => ("refund-canceled", refund.id.clone()),
        Action::ChargeRefunded(charge) => ("charge-refunded", charge.id.clone()),
        Action::DisputeOpened(dispute) => ("dispute-opened", dispute.id.clone()),
        Action::DisputeUpdated(dispute) => ("dispute-updated", dispute.id.clone()),
        Action::DisputeClosed(dispute) => ("dispute-closed", dispute.id.clone()),
        Action::Fetch(object) => ("fetch", object.id.clone()),
        Action::Ignore(_) => ("ignore", String::new()),
    };
    if receiver.json {
        json!({ "event": id, "type": kind, "action": name, "object": of }).to_string()
    } else {
        format!("{kind} {id}: {name} {of}")
    }
}
