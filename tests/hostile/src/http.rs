//! Requests of every kind, straight through the imports: no library that would be polite.

use crate::bindings::wasi::http::outgoing_handler;
use crate::bindings::wasi::http::types::{
    Fields, FutureIncomingResponse, IncomingResponse, Method, OutgoingBody, OutgoingRequest, Scheme,
};
use crate::bindings::wasi::io::streams::{InputStream, StreamError};

/// A request, and how far a guest comes with it.
pub(crate) struct Request {
    method: String,
    scheme: String,
    authority: String,
    path: String,
    headers: Vec<(String, String)>,
}

/// How far it came; the text names the end.
pub(crate) type Reached<T> = Result<T, String>;

impl Request {
    /// `METHOD scheme://authority/path`, then one `name: value` a line. What stands between is taken as it
    /// is, however broken; `\r` and `\n` stand for those characters.
    pub(crate) fn read(text: &str) -> Self {
        let mut lines = text.lines().map(|line| line.replace("\\r", "\r").replace("\\n", "\n"));
        let first = lines.next().unwrap_or_default();
        let (method, url) = first.split_once(' ').unwrap_or(("GET", &first));
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let headers = lines
            .filter_map(|line| line.split_once(": ").map(|(n, v)| (n.to_owned(), v.to_owned())));
        Self {
            method: method.to_owned(),
            scheme: scheme.to_owned(),
            authority: authority.to_owned(),
            path: format!("/{path}"),
            headers: headers.collect(),
        }
    }

    /// Sends it, without waiting.
    pub(crate) fn send(&self) -> Reached<FutureIncomingResponse> {
        let request = self.outgoing()?;
        outgoing_handler::handle(request, None).map_err(|code| format!("{code:?}"))
    }

    /// Sends it and waits for the answer to begin.
    pub(crate) fn fetch(&self) -> Reached<IncomingResponse> {
        wait(&self.send()?)
    }

    /// Sends it with a body that does not end, until somebody says no.
    pub(crate) fn upload_for_ever(&self) -> Reached<IncomingResponse> {
        let request = self.outgoing()?;
        let body = request.body().map_err(|()| "body refused")?;
        let stream = body.write().map_err(|()| "stream refused")?;
        let answer = outgoing_handler::handle(request, None).map_err(|code| format!("{code:?}"))?;
        let piece = [b'x'; 4096];
        while stream.blocking_write_and_flush(&piece).is_ok() {}
        drop(stream);
        // The body may be gone already; the answer tells why.
        let _ = OutgoingBody::finish(body, None);
        wait(&answer)
    }

    fn outgoing(&self) -> Reached<OutgoingRequest> {
        let fields = Fields::new();
        for (name, value) in &self.headers {
            let added = fields.append(name, value.as_bytes());
            added.map_err(|error| format!("header {name}: {error:?}"))?;
        }
        let request = OutgoingRequest::new(fields);
        let method = match self.method.as_str() {
            "GET" => Method::Get,
            "POST" => Method::Post,
            "DELETE" => Method::Delete,
            other => Method::Other(other.to_owned()),
        };
        let scheme = match self.scheme.as_str() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            other => Scheme::Other(other.to_owned()),
        };
        request.set_method(&method).map_err(|()| "method refused")?;
        request.set_scheme(Some(&scheme)).map_err(|()| "scheme refused")?;
        request.set_authority(Some(&self.authority)).map_err(|()| "authority refused")?;
        request.set_path_with_query(Some(&self.path)).map_err(|()| "path refused")?;
        Ok(request)
    }
}

fn wait(answer: &FutureIncomingResponse) -> Reached<IncomingResponse> {
    answer.subscribe().block();
    let answer = answer.get().ok_or("no answer")?.map_err(|()| "taken twice")?;
    answer.map_err(|code| format!("{code:?}"))
}

/// Reads to the end, and counts.
pub(crate) fn read_all(answer: &IncomingResponse) -> Reached<u64> {
    let body = answer.consume().map_err(|()| "no body")?;
    let stream = body.stream().map_err(|()| "no stream")?;
    let mut length = 0;
    loop {
        match stream.blocking_read(64 << 10) {
            Ok(part) => length += part.len() as u64,
            Err(StreamError::Closed) => return Ok(length),
            Err(StreamError::LastOperationFailed(error)) => {
                return Err(format!("after {length} bytes: {}", error.to_debug_string()));
            }
        }
    }
}

/// The first part of the body, as text.
pub(crate) fn read_some(answer: &IncomingResponse) -> String {
    let first = |stream: InputStream| stream.blocking_read(4096).unwrap_or_default();
    let body = answer.consume().ok();
    let part = body.and_then(|body| body.stream().ok().map(first)).unwrap_or_default();
    String::from_utf8_lossy(&part).into_owned()
}
