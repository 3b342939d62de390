//! Requests over real HTTP, as somebody sends them who knows nothing of the simulator's insides.
#![allow(dead_code, reason = "no test file needs all of it")]

use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use refund_simulator::{Simulator, TEST_KEY};
use serde_json::Value;

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Value,
}

/// A second at which the clock stands.
pub(crate) const NOW: u64 = 1_790_000_000;

pub(crate) async fn start() -> Simulator {
    Simulator::builder().seed(1).start_at(NOW).start().await.unwrap()
}

pub(crate) async fn send(
    stripe: &Simulator,
    method: &str,
    path: &str,
    body: impl AsRef<[u8]>,
    headers: &[(&str, &str)],
) -> Option<Answer> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let mut request = Request::builder().method(method).uri(format!("{}{path}", stripe.base_url()));
    if headers.iter().all(|(name, _)| *name != "authorization") {
        request = request.header("authorization", format!("Bearer {TEST_KEY}"));
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::<Bytes>::from(body.as_ref().to_vec())).unwrap();
    let (parts, body) = client.request(request).await.ok()?.into_parts();
    let bytes = body.collect().await.ok()?.to_bytes();
    let body = serde_json::from_slice(&bytes).unwrap_or_default();
    Some(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
}

/// The body of an answer that is a success.
pub(crate) async fn ok(stripe: &Simulator, method: &str, path: &str, body: &str) -> Value {
    let answer = send(stripe, method, path, body, &[]).await.unwrap();
    assert_eq!(answer.status, 200, "{method} {path}: {}", answer.body);
    answer.body
}

/// The error of an answer that is a refusal.
pub(crate) async fn refused(stripe: &Simulator, method: &str, path: &str, body: &str) -> Value {
    let answer = send(stripe, method, path, body, &[]).await.unwrap();
    assert!((400..500).contains(&answer.status), "{method} {path} {}", answer.body);
    assert_eq!(answer.body["error"]["type"], "invalid_request_error");
    answer.body["error"].clone()
}

/// The ids of a list, in its order.
pub(crate) fn ids(list: &Value) -> Vec<&str> {
    list["data"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect()
}

pub(crate) fn id(object: &Value) -> &str {
    object["id"].as_str().unwrap()
}

/// The newest events, newest first.
pub(crate) async fn events(stripe: &Simulator) -> Vec<String> {
    let list = ok(stripe, "GET", "/v1/events?limit=100", "").await;
    let kind = |event: &Value| event["type"].as_str().unwrap().to_owned();
    list["data"].as_array().unwrap().iter().map(kind).collect()
}

/// A file in parts, as the libraries send it: without a true content type.
pub(crate) fn multipart(boundary: &str, purpose: &str, name: &str, contents: &[u8]) -> Vec<u8> {
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\n{purpose}\r\n\
         --{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    );
    [head.as_bytes(), contents, format!("\r\n--{boundary}--\r\n").as_bytes()].concat()
}

pub(crate) async fn upload(stripe: &Simulator, purpose: &str, contents: &[u8]) -> Answer {
    let headers = [("content-type", "multipart/form-data; boundary=b0")];
    let body = multipart("b0", purpose, "receipt.pdf", contents);
    send(stripe, "POST", "/v1/files", body, &headers).await.unwrap()
}
