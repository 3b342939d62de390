//! Headers that a guest may not set.

use http::HeaderName;
use http::header::AUTHORIZATION;

/// The host sets them, they belong to one connection (RFC 9110, 7.6.1), or they change where a request goes, as whom,
/// or what it does, after the allow-list was consulted. A superset of what WASI forbids.
pub(super) const FORBIDDEN: [&str; 28] = [
    "authorization",
    "connection",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "stripe-context",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-forwarded-server",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-url",
    "x-real-ip",
    "x-rewrite-url",
];

/// Whether a guest may not set a header. The key is the host's, unless the guest brings its own.
pub(super) fn is_forbidden(name: &HeaderName, guest_key: bool) -> bool {
    FORBIDDEN.contains(&name.as_str()) && !(guest_key && *name == AUTHORIZATION)
}
