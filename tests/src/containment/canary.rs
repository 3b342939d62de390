//! A server on loopback that counts who comes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt, stream};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The server; it ends when dropped.
pub(super) struct Canary {
    pub(super) address: SocketAddr,
    seen: Arc<AtomicUsize>,
    server: JoinHandle<()>,
}

#[derive(Clone)]
struct Ways {
    seen: Arc<AtomicUsize>,
    elsewhere: Option<SocketAddr>,
}

impl Canary {
    /// Redirects lead to `elsewhere`.
    #[expect(clippy::expect_used, reason = "a test that cannot go on fails")]
    pub(super) async fn start(elsewhere: Option<SocketAddr>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::new(AtomicUsize::new(0));
        let ways = Ways { seen: Arc::clone(&seen), elsewhere };
        let router = Router::new().fallback(answer).with_state(ways);
        let server = tokio::spawn(async move {
            // A server that breaks down is seen by the tests that need it.
            let _ = axum::serve(listener, router).await;
        });
        Self { address, seen, server }
    }

    /// Requests so far.
    pub(super) fn seen(&self) -> usize {
        self.seen.load(Ordering::SeqCst)
    }
}

impl Drop for Canary {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(State(ways): State<Ways>, uri: Uri) -> Response {
    ways.seen.fetch_add(1, Ordering::SeqCst);
    let part = || Ok::<_, std::convert::Infallible>(Bytes::from_static(&[b'x'; 8192]));
    match (uri.path(), ways.elsewhere) {
        ("/v1/refunds/re_redirect", Some(elsewhere)) => {
            let location = format!("http://{elsewhere}/v1/refunds/re_1");
            (StatusCode::FOUND, [(header::LOCATION, location)]).into_response()
        }
        ("/v1/refunds/re_endless", _) => {
            Body::from_stream(stream::repeat_with(part)).into_response()
        }
        ("/v1/refunds/re_stalled", _) => {
            let silence = stream::pending();
            Body::from_stream(stream::iter([part()]).chain(silence)).into_response()
        }
        ("/v1/refunds/re_slow", _) => {
            tokio::time::sleep(Duration::from_mins(1)).await;
            "late".into_response()
        }
        _ => "{}".into_response(),
    }
}
