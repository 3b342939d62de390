//! The only HTTP in the component: one request over waki, its answer read up to a cap, and the clocks.

use std::time::Duration;

use refund_core::client::{HttpRequest, SendFailure, Transport, TransportKind};
use refund_core::wire::requests::Method;
use refund_core::wire::{Answer, Body};
use waki::ErrorCode;
use waki::bindings::wasi::http::outgoing_handler;
use waki::bindings::wasi::http::types::{
    FutureIncomingResponse, Headers, IncomingResponse, OutgoingBody, OutgoingRequest,
    RequestOptions, Scheme,
};
use waki::bindings::wasi::io::streams::StreamError;

use crate::bindings::wasi::clocks::{monotonic_clock, wall_clock};

/// Largest answer. A full page of a hundred charges is about 400 kB.
const MAX_BODY: usize = 8 << 20;
/// How much is read at a time.
const CHUNK: u64 = 64 << 10;
/// The host bounds the rest of the call.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// Largest piece that WASI takes at once, flushed.
const PIECE: usize = 4096;

/// WASI HTTP and the host's clocks.
///
/// Over waki's bindings, not its client: the client gives up the reason of a failure while the body is written,
/// and its errors and header names are a tenth of the component.
pub(crate) struct Wasi;

impl Transport for Wasi {
    fn send(&mut self, request: &HttpRequest) -> Result<Answer, SendFailure> {
        let outgoing = outgoing(request)?;
        let body = outgoing.body().map_err(|()| refused("body"))?;
        let options = RequestOptions::new();
        // A host without this option has a bound of its own.
        let _ = options.set_connect_timeout(u64::try_from(CONNECT_TIMEOUT.as_nanos()).ok());
        let coming =
            outgoing_handler::handle(outgoing, Some(options)).map_err(|code| failure(&code))?;
        // A body that could not be written has a reason, and waiting for the answer tells it.
        if write(&body, request.body.as_ref().map_or(&[], Body::as_bytes)) {
            let _ = OutgoingBody::finish(body, None);
        } else {
            drop(body);
        }
        read(&response(&coming)?)
    }

    fn now(&self) -> u64 {
        wall_clock::now().seconds
    }

    fn sleep(&mut self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        monotonic_clock::subscribe_duration(nanos).block();
    }
}

fn outgoing(request: &HttpRequest) -> Result<OutgoingRequest, SendFailure> {
    let headers = Headers::new();
    for (name, value) in &request.headers {
        // Neither the name nor the reason holds the value, which may be a key.
        headers.append(&(*name).to_owned(), &value.as_bytes().to_vec()).map_err(|_| {
            SendFailure {
                kind: TransportKind::Denied,
                detail: format!(
                    "the header {name} is forbidden here, or has characters that no header may have"
                ),
            }
        })?;
    }
    let outgoing = OutgoingRequest::new(headers);
    let method = match request.method {
        Method::Get => waki::Method::Get,
        Method::Post => waki::Method::Post,
    };
    let (scheme, rest) = request.url.split_once("://").ok_or_else(|| refused("URL"))?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let scheme = match scheme {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        other => Scheme::Other(other.to_owned()),
    };
    outgoing.set_method(&method).map_err(|()| refused("method"))?;
    outgoing.set_scheme(Some(&scheme)).map_err(|()| refused("scheme"))?;
    outgoing.set_authority(Some(authority)).map_err(|()| refused("host"))?;
    outgoing.set_path_with_query(Some(path)).map_err(|()| refused("path"))?;
    Ok(outgoing)
}

/// The host does not take a part of the request: nothing was sent.
fn refused(part: &str) -> SendFailure {
    let detail = format!("the host refuses the {part} of the request");
    SendFailure { kind: TransportKind::Denied, detail }
}

/// Whether all of it could be written.
fn write(body: &OutgoingBody, bytes: &[u8]) -> bool {
    if bytes.is_empty() {
        return true;
    }
    let Ok(stream) = body.write() else { return false };
    bytes.chunks(PIECE).all(|piece| stream.blocking_write_and_flush(piece).is_ok())
}

/// Waits for the answer to begin.
fn response(coming: &FutureIncomingResponse) -> Result<IncomingResponse, SendFailure> {
    let lost = || broken("the answer was lost");
    loop {
        match coming.get() {
            Some(answer) => {
                return answer.map_err(|()| lost())?.map_err(|code| failure(&code));
            }
            None => coming.subscribe().block(),
        }
    }
}

/// Reads the whole body, but never more than the cap.
fn read(response: &IncomingResponse) -> Result<Answer, SendFailure> {
    let headers = response.headers().entries().into_iter();
    let text = |value: Vec<u8>| String::from_utf8_lossy(&value).into_owned();
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), text(value))).collect();
    let incoming = response.consume().map_err(|()| broken("the answer has no body"))?;
    let stream = incoming.stream().map_err(|()| broken("the answer has no body"))?;
    let mut body = Vec::new();
    loop {
        match stream.blocking_read(CHUNK) {
            Ok(chunk) if body.len() + chunk.len() > MAX_BODY => {
                return Err(SendFailure {
                    kind: TransportKind::TooLarge,
                    detail: format!("more than {MAX_BODY} bytes"),
                });
            }
            Ok(chunk) => body.extend_from_slice(&chunk),
            Err(StreamError::Closed) => break,
            Err(StreamError::LastOperationFailed(error)) => {
                return Err(broken(&error.to_debug_string()));
            }
        }
    }
    Ok(Answer { status: response.status(), headers, body })
}

/// The connection ended in the middle.
fn broken(detail: &str) -> SendFailure {
    SendFailure { kind: TransportKind::Broken, detail: detail.to_owned() }
}

/// Says how far the request got. Whatever is not certain counts as perhaps carried out.
fn failure(code: &ErrorCode) -> SendFailure {
    let kind = match code {
        ErrorCode::HttpRequestDenied => TransportKind::Denied,
        ErrorCode::DnsTimeout | ErrorCode::DnsError(_) => TransportKind::Dns,
        ErrorCode::DestinationNotFound
        | ErrorCode::DestinationUnavailable
        | ErrorCode::DestinationIpProhibited
        | ErrorCode::DestinationIpUnroutable
        | ErrorCode::ConnectionRefused
        | ErrorCode::ConnectionTimeout
        | ErrorCode::ConnectionLimitReached => TransportKind::Connect,
        ErrorCode::TlsProtocolError
        | ErrorCode::TlsCertificateError
        | ErrorCode::TlsAlertReceived(_) => TransportKind::Tls,
        ErrorCode::ConnectionReadTimeout
        | ErrorCode::ConnectionWriteTimeout
        | ErrorCode::HttpResponseTimeout => TransportKind::Timeout,
        ErrorCode::ConnectionTerminated | ErrorCode::HttpResponseIncomplete => {
            TransportKind::Broken
        }
        ErrorCode::HttpResponseBodySize(_)
        | ErrorCode::HttpResponseHeaderSectionSize(_)
        | ErrorCode::HttpResponseHeaderSize(_) => TransportKind::TooLarge,
        _ => TransportKind::Other,
    };
    SendFailure { kind, detail: code.name_or_detail() }
}

/// WASI's own word for what happened.
trait Named {
    fn name_or_detail(&self) -> String;
}

impl Named for ErrorCode {
    fn name_or_detail(&self) -> String {
        match self {
            Self::InternalError(Some(detail)) => detail.clone(),
            other => other.to_string(),
        }
    }
}
