//! Bytes: the body of a request up to a cap, and the answer.

use refund_wrapper::Problem;

use crate::bindings::wasi::http::types::{
    Fields, IncomingBody, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};
use crate::bindings::wasi::io::streams::StreamError;
use crate::error::Error;

/// Largest body. A file of evidence has up to 5 MiB, which is 7 MB in base64; all else is far smaller.
pub(crate) const MOST: usize = 8 << 20;
/// How much is read at a time.
const CHUNK: u64 = 64 << 10;
/// Largest piece that WASI takes at once, flushed.
const PIECE: usize = 4096;

/// What is sent.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn ok(body: String) -> Self {
        Self { status: 200, headers: Vec::new(), body }
    }
}

/// The body as text. One that says of itself that it is too large is not read.
pub(crate) fn body(request: &IncomingRequest, length: Option<u64>) -> Result<String, Error> {
    if length.is_some_and(|length| length > MOST as u64) {
        return Err(Error::too_large());
    }
    let bytes = request.consume().and_then(|body| read(&body)).map_err(|()| cut_off())?;
    if bytes.len() > MOST {
        return Err(Error::too_large());
    }
    let not_text = |_| Problem::new("body", "is not UTF-8", "send a JSON object").into();
    String::from_utf8(bytes).map_err(not_text)
}

/// All of it, or the beginning of one that is too large.
fn read(body: &IncomingBody) -> Result<Vec<u8>, ()> {
    let stream = body.stream()?;
    let mut bytes = Vec::new();
    while bytes.len() <= MOST {
        match stream.blocking_read(CHUNK) {
            Ok(chunk) => bytes.extend_from_slice(&chunk),
            Err(StreamError::Closed) => break,
            Err(StreamError::LastOperationFailed(_)) => return Err(()),
        }
    }
    Ok(bytes)
}

fn cut_off() -> Error {
    Problem::new("body", "did not arrive whole", "send it again").into()
}

/// Sends an answer. Who has gone away by then gets none, and finds out with the same request.
pub(crate) fn send(answer: Answer, out: ResponseOutparam) {
    let headers = Fields::new();
    let common = [
        ("content-type", "application/json".to_owned()),
        ("content-length", answer.body.len().to_string()),
        ("cache-control", "no-store".to_owned()),
    ];
    for (name, value) in common.into_iter().chain(answer.headers) {
        // A host that has its own mind about a header keeps it.
        let _ = headers.append(name, &value.into_bytes());
    }
    let response = OutgoingResponse::new(headers);
    let _ = response.set_status_code(answer.status);
    let body = response.body();
    ResponseOutparam::set(out, Ok(response));
    if let Ok(body) = body {
        write(body, answer.body.as_bytes());
    }
}

fn write(body: OutgoingBody, bytes: &[u8]) {
    if let Ok(stream) = body.write() {
        for piece in bytes.chunks(PIECE) {
            if stream.blocking_write_and_flush(piece).is_err() {
                return;
            }
        }
    }
    let _ = OutgoingBody::finish(body, None);
}
