//! HTTP/1.1 on a loopback socket, and the faults that only a socket can have.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full, Limited, combinators::BoxBody};
use hyper::body::{Body, Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::time::Sleep;

use crate::control;
use crate::fault::FaultKind;
use crate::pipeline::{IncomingRequest, Reply, answer_with, fault_of};
use crate::upload;
use crate::world::World;

/// Largest request.
const MAX_REQUEST: usize = 32 << 20;

type HttpResponse = Response<BoxBody<Bytes, io::Error>>;

/// Serves until the task is dropped. Answers of the API come `latency` late.
pub(crate) async fn serve(listener: TcpListener, world: Arc<Mutex<World>>, latency: Duration) {
    loop {
        let Ok((socket, _)) = listener.accept().await else { continue };
        let _ = socket.set_nodelay(true);
        let world = Arc::clone(&world);
        tokio::spawn(async move {
            let service = service_fn(move |request| handle(Arc::clone(&world), latency, request));
            // A connection ends with an error when a fault was ordered, or the client went away.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(socket), service).await;
        });
    }
}

async fn handle(
    world: Arc<Mutex<World>>,
    latency: Duration,
    request: Request<Incoming>,
) -> io::Result<HttpResponse> {
    let asked = read(request).await?;
    if asked.path.starts_with("/_control/") {
        return send(control::run(&world, &asked)).await;
    }
    let reply = match fault_of(&world, &asked) {
        Some(FaultKind::Late { millis }) => late(world, asked, millis).await?,
        fault => answer_with(&world, &asked, fault),
    };
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    send(reply).await
}

/// In a task of its own: a client that went away does not take its request back.
async fn late(world: Arc<Mutex<World>>, asked: IncomingRequest, millis: u64) -> io::Result<Reply> {
    let carried_out = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(millis)).await;
        answer_with(&world, &asked, None)
    });
    carried_out.await.map_err(io::Error::other)
}

async fn read(request: Request<Incoming>) -> io::Result<IncomingRequest> {
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, MAX_REQUEST).collect().await.map_err(io::Error::other)?;
    let text = |headers: &HeaderMap| {
        let pairs = headers.iter().map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        });
        pairs.collect()
    };
    let body = body.to_bytes();
    let declared = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let upload = upload::read(declared.unwrap_or_default(), &body).await;
    let body = match &upload {
        Some(Ok(upload)) => upload.summary(),
        Some(Err(_)) => String::new(),
        None => String::from_utf8_lossy(&body).into_owned(),
    };
    Ok(IncomingRequest {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: text(&parts.headers),
        body,
        upload,
    })
}

/// Sends an answer, or does what the fault says.
async fn send(reply: Reply) -> io::Result<HttpResponse> {
    let whole = Bytes::from(reply.body);
    let mut response = Response::builder().status(reply.status);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    let body = match reply.fault {
        None
        | Some(FaultKind::Status { .. } | FaultKind::Redirect { .. } | FaultKind::Late { .. }) => {
            full(whole)
        }
        Some(FaultKind::Reset { .. }) => return Err(io::Error::other("reset, as ordered")),
        Some(FaultKind::Hang { .. }) => std::future::pending().await,
        Some(FaultKind::BrokenJson) => full(whole.slice(..whole.len() / 2)),
        Some(FaultKind::Truncate) => {
            response = response.header("content-length", whole.len());
            let half = whole.slice(..whole.len() / 2);
            Drip::new(vec![half], Duration::ZERO, After::Break).boxed()
        }
        Some(FaultKind::Slow { millis }) => {
            let pieces = whole.chunks(64).rev().map(Bytes::copy_from_slice).collect();
            Drip::new(pieces, Duration::from_millis(millis), After::End).boxed()
        }
        Some(FaultKind::Endless) => Drip::new(Vec::new(), Duration::ZERO, After::GoOn).boxed(),
    };
    response.body(body).map_err(io::Error::other)
}

fn full(bytes: Bytes) -> BoxBody<Bytes, io::Error> {
    Full::new(bytes).map_err(|never: Infallible| match never {}).boxed()
}

/// What comes after the pieces.
enum After {
    End,
    Break,
    GoOn,
}

/// A body that comes in pieces, last one first in the list, with pauses.
struct Drip {
    pieces: Vec<Bytes>,
    pause: Duration,
    wait: Pin<Box<Sleep>>,
    after: After,
}

impl Drip {
    fn new(pieces: Vec<Bytes>, pause: Duration, after: After) -> Self {
        Self { pieces, pause, wait: Box::pin(tokio::time::sleep(pause)), after }
    }
}

impl Body for Drip {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if !self.pause.is_zero() {
            if self.wait.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.wait = Box::pin(tokio::time::sleep(self.pause));
        }
        match (self.pieces.pop(), &self.after) {
            (Some(piece), _) => Poll::Ready(Some(Ok(Frame::data(piece)))),
            (None, After::End) => Poll::Ready(None),
            (None, After::Break) => {
                Poll::Ready(Some(Err(io::Error::other("broken off, as ordered"))))
            }
            (None, After::GoOn) => {
                Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b' '; 4096])))))
            }
        }
    }
}
