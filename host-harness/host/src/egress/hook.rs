//! The one place where a request leaves: checked, given the key, sent, bounded.

use std::error::Error as _;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{AUTHORIZATION, DATE, HeaderName};
use http::{HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use wasmtime_wasi_http::{
    Error, ForbiddenHeaderFilter, RequestOptions, Result, WasiBody, WasiHttpHooks,
};

use super::allow::Allow;
use super::body::Bounded;
use super::headers::is_forbidden;
use super::pace::{Pace, Pacer, Refused};
use super::resolver::{NoPublicAddress, Resolve, Resolver};
use crate::limits::{Limit, Limits};
use crate::secret::StripeKey;

type Pool = Client<HttpsConnector<HttpConnector<Resolver>>, Full<Bytes>>;

/// The way out, shared by all calls of a host.
pub(crate) struct Egress {
    allow: Allow,
    authorization: Option<HeaderValue>,
    guest_key: bool,
    pacer: Option<Pacer>,
    pool: Pool,
    limits: Limits,
    forbidden: ForbiddenHeaderFilter,
    /// Seconds; [`UNKNOWN`] until an answer has borne a date.
    clock_lead: AtomicI64,
}

const UNKNOWN: i64 = i64::MIN;

/// How many requests of one call that change something have left, or may have. It outlives the call, however that
/// ends.
#[derive(Clone, Debug, Default)]
pub(crate) struct ChangesSent(Arc<AtomicU32>);

impl ChangesSent {
    const CLOSED: u32 = 1 << 31;

    pub(crate) fn count(&self) -> u32 {
        self.0.load(Ordering::Acquire) & !Self::CLOSED
    }

    /// Ends the count. A task that is still under way when its call ended sends nothing that is not counted.
    pub(crate) fn close(&self) -> u32 {
        self.0.fetch_or(Self::CLOSED, Ordering::AcqRel) & !Self::CLOSED
    }

    /// Whether the request may leave: the count is not ended.
    fn one_leaves(&self) -> bool {
        let counted = |sent: u32| (sent & Self::CLOSED == 0).then(|| sent + 1);
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, counted).is_ok()
    }

    /// It turned out that the request had not left.
    fn one_stayed(&self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The way out of one call.
pub(crate) struct Hook {
    egress: Arc<Egress>,
    changes: ChangesSent,
    left: u32,
    places: Arc<Semaphore>,
    reached: Option<Limit>,
    opening: Opening,
}

/// What one call may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opening {
    /// What is on the allow-list.
    Open,
    /// Of that, what changes nothing.
    Reads,
    /// Nothing.
    Closed,
}

impl Opening {
    fn lets_out(self, method: &Method) -> bool {
        match self {
            Self::Open => true,
            Self::Reads => !changes_something(method),
            Self::Closed => false,
        }
    }
}

fn changes_something(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD)
}

impl Egress {
    pub(crate) fn new(
        allow: Allow,
        key: Option<StripeKey>,
        guest_key: bool,
        pace: Option<Pace>,
        resolve: Arc<dyn Resolve>,
        limits: &Limits,
    ) -> Self {
        let forbidden = Arc::new(move |name: &HeaderName| is_forbidden(name, guest_key));
        Self {
            pacer: pace.map(|pace| Pacer::new(pace, allow.rules().len())),
            allow,
            authorization: key.and_then(|key| key.authorization()),
            guest_key,
            pool: pool(resolve, limits),
            limits: limits.clone(),
            forbidden,
            clock_lead: AtomicI64::new(UNKNOWN),
        }
    }

    /// Lets out what is on the allow-list.
    pub(crate) fn open(self: &Arc<Self>) -> Hook {
        Hook {
            egress: Arc::clone(self),
            changes: ChangesSent::default(),
            left: self.limits.requests,
            places: Arc::new(Semaphore::new(self.limits.open_requests as usize)),
            reached: None,
            opening: Opening::Open,
        }
    }

    /// Lets nothing out.
    pub(crate) fn closed(self: &Arc<Self>) -> Hook {
        Hook { opening: Opening::Closed, ..self.open() }
    }

    /// Lets out what changes nothing.
    pub(crate) fn reads(self: &Arc<Self>) -> Hook {
        Hook { opening: Opening::Reads, ..self.open() }
    }

    async fn send(
        &self,
        mut request: Request<WasiBody>,
        changes: &ChangesSent,
    ) -> Result<Response<WasiBody>> {
        let Some(rule) = self.allow.permits(request.method(), request.uri()) else {
            let (method, uri) = (request.method(), request.uri());
            tracing::warn!(%method, host = uri.host(), path = uri.path(), "a request was denied: it is not on the allow-list");
            return Err(Error::HttpRequestDenied);
        };
        if let Some(key) = &self.authorization {
            request.headers_mut().insert(AUTHORIZATION, key.clone());
        } else if !self.guest_key {
            request.headers_mut().remove(AUTHORIZATION);
        }
        let request = whole(request, self.limits.request).await?;
        if let Some(pacer) = &self.pacer {
            pacer.turn(rule).await;
        }
        let is_change = changes_something(request.method());
        if is_change && !changes.one_leaves() {
            return Err(Error::HttpRequestDenied);
        }
        let answer = tokio::time::timeout(self.limits.first_byte, self.pool.request(request)).await;
        let answer = answer.map_err(|_| Error::HttpResponseTimeout)?.map_err(|error| {
            // Only a connection that never stood is certain.
            if is_change && error.is_connect() {
                changes.one_stayed();
            }
            failure(&error)
        })?;
        if let Some(pacer) = &self.pacer {
            pacer.learn(rule, Refused::read(&answer), Instant::now());
        }
        if let Some(lead) = clock_lead(&answer) {
            self.clock_lead.store(lead, Ordering::Relaxed);
        }
        Ok(answer.map(|body| self.bound(body)))
    }

    /// How many seconds our clock is ahead of the other side's, by the newest answer that bore a date.
    pub(crate) fn clock_lead(&self) -> Option<i64> {
        let lead = self.clock_lead.load(Ordering::Relaxed);
        (lead != UNKNOWN).then_some(lead)
    }

    /// How often Stripe answered 429, where a pace is kept.
    pub(crate) fn refused(&self) -> u64 {
        self.pacer.as_ref().map_or(0, Pacer::refused)
    }

    fn bound(&self, body: Incoming) -> WasiBody {
        Bounded::new(body, self.limits.response, self.limits.between_bytes).boxed_unsync()
    }
}

/// Takes the whole body before anything is sent. If it were streamed, the connection would let go of the
/// guest's end once `Content-Length` is reached; a guest that looks once more before it finishes the
/// body would see a broken pipe, and send a second time what had arrived.
async fn whole(request: Request<WasiBody>, most: usize) -> Result<Request<Full<Bytes>>> {
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, most).collect().await.map_err(|error| {
        match error.downcast::<Error>() {
            Ok(error) => *error,
            Err(_) => Error::HttpRequestBodySize(Some(most as u64)),
        }
    })?;
    Ok(Request::from_parts(parts, Full::new(body.to_bytes())))
}

fn pool(resolve: Arc<dyn Resolve>, limits: &Limits) -> Pool {
    let mut tcp = HttpConnector::new_with_resolver(Resolver(resolve));
    tcp.set_connect_timeout(Some(limits.connect));
    tcp.set_nodelay(true);
    tcp.enforce_http(false);
    let tls = HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1();
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_max_idle_per_host(usize::try_from(limits.concurrency).unwrap_or(usize::MAX))
        // Repeats a request only when the pooled connection was closed before a byte of it was sent.
        .retry_canceled_requests(true)
        .build(tls.wrap_connector(tcp))
}

fn clock_lead(answer: &Response<Incoming>) -> Option<i64> {
    let date = answer.headers().get(DATE)?.to_str().ok()?;
    let theirs = httpdate::parse_http_date(date).ok()?;
    let (ours, lead) = (SystemTime::now(), |span: Duration| i64::try_from(span.as_secs()).ok());
    match ours.duration_since(theirs) {
        Ok(ahead) => lead(ahead),
        Err(behind) => lead(behind.duration()).map(|seconds| -seconds),
    }
}

/// What became of the request. The component must know whether it certainly never left, so everything
/// that is not certain is reported as a broken connection.
fn failure(error: &hyper_util::client::legacy::Error) -> Error {
    if !error.is_connect() {
        return Error::ConnectionTerminated;
    }
    let mut source = error.source();
    while let Some(cause) = source {
        if cause.downcast_ref::<NoPublicAddress>().is_some() {
            return Error::DestinationIpProhibited;
        }
        if let Some(io) = cause.downcast_ref::<io::Error>() {
            if is_prohibited(io) {
                return Error::DestinationIpProhibited;
            }
            return match io.kind() {
                io::ErrorKind::ConnectionRefused => Error::ConnectionRefused,
                io::ErrorKind::TimedOut => Error::ConnectionTimeout,
                io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
                    Error::TlsProtocolError
                }
                _ => Error::DestinationUnavailable,
            };
        }
        if cause.to_string() == "dns error" {
            return dns_failure(cause.source());
        }
        source = cause.source();
    }
    Error::DestinationUnavailable
}

/// The resolver found addresses, and none that may be connected to.
fn is_prohibited(error: &io::Error) -> bool {
    error.get_ref().and_then(|inner| inner.downcast_ref::<NoPublicAddress>()).is_some()
}

fn dns_failure(cause: Option<&(dyn std::error::Error + 'static)>) -> Error {
    let io = cause.and_then(|cause| cause.downcast_ref::<io::Error>());
    if io.is_some_and(is_prohibited) {
        Error::DestinationIpProhibited
    } else {
        Error::DnsError { rcode: None, info_code: None }
    }
}

impl Hook {
    /// What counts the requests of this call that change something.
    pub(crate) fn changes(&self) -> &ChangesSent {
        &self.changes
    }

    /// The bound on requests that this call ran into.
    pub(crate) fn reached(&self) -> Option<Limit> {
        self.reached
    }

    /// Counts a request, and gives it one of the places.
    fn admit(&mut self) -> std::result::Result<OwnedSemaphorePermit, Limit> {
        let limits = &self.egress.limits;
        self.left = self.left.checked_sub(1).ok_or(Limit::Requests(limits.requests))?;
        let place = Arc::clone(&self.places).try_acquire_owned();
        place.map_err(|_| Limit::OpenRequests(limits.open_requests))
    }
}

/// The future of a body that is still being read, which WASI wants beside the answer.
type Rest = Box<dyn Future<Output = Result<()>> + Send>;

impl WasiHttpHooks for Hook {
    fn is_forbidden_header(&mut self, name: &HeaderName) -> bool {
        (self.egress.forbidden)(name)
    }

    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        Arc::clone(&self.egress.forbidden)
    }

    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        _: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<()>> + Send>,
    ) -> Box<dyn Future<Output = Result<(Response<WasiBody>, Rest)>> + Send> {
        if !self.opening.lets_out(request.method()) {
            tracing::warn!(method = %request.method(), path = request.uri().path(), "a request was denied: this call may not send it");
            return Box::new(async { Err(Error::HttpRequestDenied) });
        }
        let place = match self.admit() {
            Ok(place) => place,
            Err(limit) => {
                tracing::warn!(%limit, "a request was denied: the call reached a limit");
                self.reached.get_or_insert(limit);
                return Box::new(async { Err(Error::HttpRequestDenied) });
            }
        };
        let egress = Arc::clone(&self.egress);
        let changes = self.changes.clone();
        Box::new(async move {
            let _place = place;
            let response = egress.send(request, &changes).await?;
            Ok((response, Box::new(async { Ok(()) }) as Rest))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_uncounted_after_the_count_is_read() {
        let changes = ChangesSent::default();
        assert!(changes.one_leaves() && changes.one_leaves());
        changes.one_stayed();
        assert_eq!(changes.close(), 1);
        assert!(!changes.one_leaves());
        assert_eq!((changes.close(), changes.count()), (1, 1));
    }
}
