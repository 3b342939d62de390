//! The only HTTP in the component: one request over waki, its answer read up to a cap, and the clocks.

use std::time::Duration;

use refund_core::client::{HttpRequest, SendFailure, Transport, TransportKind};
use refund_core::wire::Answer;
use refund_core::wire::requests::Method;
use waki::header::{HeaderMap, HeaderName, HeaderValue};
use waki::{ErrorCode, RequestBuilder, Response};

use crate::bindings::wasi::clocks::{monotonic_clock, wall_clock};

/// Largest answer. A full page of a hundred charges is about 400 kB.
const MAX_BODY: usize = 8 << 20;
/// How much is read at a time.
const CHUNK: u64 = 64 << 10;
/// The host bounds the rest of the call.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// WASI HTTP and the host's clocks.
pub(crate) struct Wasi;

impl Transport for Wasi {
    fn send(&mut self, request: &HttpRequest) -> Result<Answer, SendFailure> {
        let method = match request.method {
            Method::Get => waki::Method::Get,
            Method::Post => waki::Method::Post,
        };
        let mut builder = RequestBuilder::new(method, &request.url)
            .connect_timeout(CONNECT_TIMEOUT)
            .headers(&headers(request)?);
        if let Some(body) = &request.body {
            builder = builder.body(body.as_bytes().to_vec());
        }
        read(&builder.send().map_err(|error| failure(&error))?)
    }

    fn now(&self) -> u64 {
        wall_clock::now().seconds
    }

    fn sleep(&mut self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        monotonic_clock::subscribe_duration(nanos).block();
    }
}

fn headers(request: &HttpRequest) -> Result<HeaderMap, SendFailure> {
    let mut headers = HeaderMap::new();
    for (name, value) in &request.headers {
        // Neither the name nor the reason holds the value, which may be a key.
        let value = HeaderValue::from_str(value).map_err(|_| SendFailure {
            kind: TransportKind::Denied,
            detail: format!("header {name} has characters that no header may have"),
        })?;
        headers.insert(HeaderName::from_static(name), value);
    }
    Ok(headers)
}

/// Reads the whole body, but never more than the cap.
fn read(response: &Response) -> Result<Answer, SendFailure> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = response.headers().iter();
    let headers = headers.map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk(CHUNK).map_err(|error| failure(&error))? {
        if body.len() + chunk.len() > MAX_BODY {
            return Err(SendFailure {
                kind: TransportKind::TooLarge,
                detail: format!("more than {MAX_BODY} bytes"),
            });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status: response.status_code(), headers, body })
}

/// Says how far the request got. Whatever is not certain counts as perhaps carried out.
fn failure(error: &anyhow::Error) -> SendFailure {
    let Some(code) = error.downcast_ref::<ErrorCode>() else {
        return SendFailure { kind: TransportKind::Broken, detail: error.to_string() };
    };
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
