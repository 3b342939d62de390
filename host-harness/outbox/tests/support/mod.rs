//! A clock, follow-ups and a receiver for the tests of deliveries.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test needs a part of it, and one that cannot go on fails"
)]

pub(crate) mod memory;
pub(crate) mod smtp;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use refund_core::followups::FollowUp;
use refund_outbox::{Clock, Dispatcher, DispatcherOptions, Message, Sinks, Store};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use self::memory::Memory;

pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub(crate) const OLD_SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";

/// A clock that stands still until it is set.
#[derive(Clone)]
pub(crate) struct Time(Arc<AtomicU64>);

impl Time {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicU64::new(1_790_000_000)))
    }

    pub(crate) fn now(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    pub(crate) fn pass(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }

    pub(crate) fn clock(&self) -> Clock {
        let time = self.clone();
        Clock::new(move || time.now())
    }
}

pub(crate) fn follow_up(number: usize, subject: &str) -> FollowUp {
    let json = serde_json::json!({
        "id": format!("fu_{number}"), "subject": subject, "type": "notify-customer",
        "data": {
            "message": "refund_failed", "detail": null, "customer": { "name": "Ann", "email": "ann@example.com" },
        },
        "about": {
            "operation": "op-1", "refund": "re_1", "dispute": null, "charge": subject, "payment_intent": null,
            "money": { "amount": 1250, "currency": "usd" },
        },
    });
    serde_json::from_value(json).unwrap()
}

pub(crate) fn sinks(document: &str, folder: &Path) -> Arc<Sinks> {
    let variable = |name: &str| match name {
        "SECRET" => Some(SECRET.to_owned()),
        "BOTH" => Some(format!("{OLD_SECRET}\n{SECRET}\n")),
        _ => None,
    };
    Arc::new(Sinks::parse(document, folder, &variable).unwrap())
}

/// A document's table for a sink over HTTP with a time-out of a second.
pub(crate) fn http(name: &str, address: SocketAddr) -> String {
    format!(
        "[[sink]]\nname = \"{name}\"\nkind = \"http\"\nurl = \"http://{address}/hooks\"\nsecret_env = \"SECRET\"\ntimeout_seconds = 1\n"
    )
}

pub(crate) fn dispatcher(store: &Memory, sinks: &Arc<Sinks>, time: &Time) -> Dispatcher<Memory> {
    let poll = Duration::from_millis(20);
    let options = DispatcherOptions { poll, clock: time.clock() };
    Dispatcher::new(store.clone(), Arc::clone(sinks), options)
}

pub(crate) async fn add(store: &Memory, sinks: &Sinks, follow_ups: &[FollowUp], now: u64) -> usize {
    let messages: Vec<Message> = follow_ups.iter().flat_map(|one| sinks.route(one, now)).collect();
    store.add(messages).await.unwrap()
}

/// How a receiver answers.
#[derive(Clone, Copy)]
pub(crate) enum Answer {
    Status(u16),
    /// A status, and a Retry-After.
    Later(u16, u64),
    /// A redirect to itself.
    Redirect,
    /// Never.
    Hang,
}

/// What a receiver got.
#[derive(Clone)]
pub(crate) struct Got {
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Got {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn id(&self) -> &str {
        self.header("webhook-id")
    }
}

/// A receiver on loopback. It dies when it is dropped.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    answer: Arc<Mutex<Answer>>,
    got: Arc<Mutex<Vec<Got>>>,
    _tasks: JoinSet<()>,
}

impl Receiver {
    pub(crate) async fn start(answer: Answer) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), answer).await
    }

    pub(crate) async fn start_at(address: SocketAddr, answer: Answer) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (answer, got) = (Arc::new(Mutex::new(answer)), Arc::default());
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, Arc::clone(&answer), Arc::clone(&got)));
        Self { address, answer, got, _tasks: tasks }
    }

    pub(crate) fn answer(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    pub(crate) fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    pub(crate) fn ids(&self) -> Vec<String> {
        self.got().iter().map(|one| one.id().to_owned()).collect()
    }
}

async fn serve(listener: TcpListener, answer: Arc<Mutex<Answer>>, got: Arc<Mutex<Vec<Got>>>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (answer, got) = (Arc::clone(&answer), Arc::clone(&got));
        connections.spawn(async move {
            let service = service_fn(|request| take(request, &answer, &got));
            // Who hangs up is none of this receiver's business.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn take(
    request: Request<Incoming>,
    answer: &Mutex<Answer>,
    got: &Mutex<Vec<Got>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let body = String::from_utf8(body.to_vec()).unwrap();
    got.lock().unwrap().push(Got { headers: head.headers, body });
    let answer = *answer.lock().unwrap();
    let response = Response::builder();
    let response = match answer {
        Answer::Status(status) => response.status(status),
        Answer::Later(status, after) => response.status(status).header("retry-after", after),
        Answer::Redirect => response.status(307).header("location", "/elsewhere"),
        Answer::Hang => std::future::pending().await,
    };
    Ok(response.body(Full::from("a body nobody reads")).unwrap())
}
