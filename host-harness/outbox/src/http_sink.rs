//! Signed HTTP after Standard Webhooks 1.0.0.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use http::{Method, Request, Response, StatusCode, Uri};
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::delivery::Delivery;
use crate::message::Message;
use crate::secret::SigningSecret;
use crate::signature::{Signed, sign};

/// The longest wait a receiver can ask for, in seconds.
const LONGEST_WAIT: u64 = 86_400;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A receiver over HTTP. Redirects are not followed, and what it answers is not read.
pub struct HttpSink {
    url: Uri,
    secrets: Vec<SigningSecret>,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl HttpSink {
    /// Takes an https URL, or plain http on loopback; and one secret, or several during a roll.
    pub fn new(url: &str, secrets: Vec<SigningSecret>) -> Result<Self, &'static str> {
        let url: Uri = url.parse().map_err(|_| "is no URL")?;
        let host = url.host().filter(|host| !host.is_empty()).ok_or("has no host")?;
        if url.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err("has a user name in it, which is a secret in the wrong place");
        }
        match url.scheme_str() {
            Some("https") => {}
            Some("http") if is_loopback(host) => {}
            Some("http") => return Err("is not encrypted, and not on loopback: use https"),
            _ => return Err("is neither https nor http"),
        }
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let tls = HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1();
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .build(tls.wrap_connector(tcp));
        Ok(Self { url, secrets, client })
    }

    pub(crate) async fn deliver(&self, message: &Message, now: u64) -> Delivery {
        let signed = sign(message.key.id.as_str(), now, message.body.as_bytes(), &self.secrets);
        let request = match self.request(&signed, message.body.clone()) {
            Ok(request) => request,
            Err(error) => return Delivery::Undeliverable { reason: error.to_string() },
        };
        match self.client.request(request).await {
            Ok(response) => judge(&response),
            Err(error) => Delivery::failed(explain(&error)),
        }
    }

    fn request(&self, signed: &Signed, body: String) -> http::Result<Request<Full<Bytes>>> {
        Request::builder()
            .method(Method::POST)
            .uri(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, concat!("refund-node/", env!("CARGO_PKG_VERSION")))
            .header("webhook-id", &signed.id)
            .header("webhook-timestamp", signed.timestamp)
            .header("webhook-signature", &signed.signature)
            .body(Full::from(body))
    }
}

/// Any 2xx is a yes, 410 is "never again", everything else is "later", redirects included.
fn judge<B>(response: &Response<B>) -> Delivery {
    match response.status() {
        status if status.is_success() => Delivery::Delivered,
        StatusCode::GONE => Delivery::Gone { reason: "it answered 410 Gone".to_owned() },
        status => {
            let after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
            Delivery::Failed {
                reason: format!("it answered {status}"),
                retry_after: after
                    .and_then(|text| text.trim().parse::<u64>().ok())
                    .map(|seconds| seconds.min(LONGEST_WAIT)),
            }
        }
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// An error and what caused it, in one line.
fn explain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

impl fmt::Debug for HttpSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpSink").field("host", &self.url.host()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        for (url, good) in [
            ("https://shop.example/hooks?x=1", true),
            ("http://127.0.0.1:8080/", true),
            ("http://[::1]:8080/", true),
            ("http://localhost/", true),
            ("http://shop.example/", false),
            ("http://127.0.0.1.shop.example/", false),
            ("https://user:secret@shop.example/", false),
            ("ftp://shop.example/", false),
            ("/hooks", false),
            ("", false),
        ] {
            assert_eq!(HttpSink::new(url, Vec::new()).is_ok(), good, "{url}");
        }
    }

    #[test]
    fn answers() {
        let of = |status: u16, after: Option<&str>| {
            let mut response = Response::builder().status(status);
            if let Some(after) = after {
                response = response.header(RETRY_AFTER, after);
            }
            judge(&response.body(()).unwrap())
        };
        assert_eq!(of(200, None), Delivery::Delivered);
        assert_eq!(of(204, None), Delivery::Delivered);
        assert!(matches!(of(410, None), Delivery::Gone { .. }));
        for (status, after, expected) in [
            (301, None, None),
            (404, None, None),
            (429, Some("30"), Some(30)),
            (503, Some("99999999"), Some(LONGEST_WAIT)),
            (503, Some("soon"), None),
        ] {
            let Delivery::Failed { retry_after, .. } = of(status, after) else {
                panic!("{status}")
            };
            assert_eq!(retry_after, expected, "{status}");
        }
    }
}
