//! The allow-list.

use std::fmt;
use std::net::IpAddr;

use http::uri::{Authority, Scheme};
use http::{Method, Uri};

use super::address::is_public;

/// What the operations of the contract send: method and path, `{id}` standing for one segment.
const STRIPE: [(Method, &str); 21] = [
    (Method::GET, "/v1/charges"),
    (Method::GET, "/v1/charges/{id}"),
    (Method::GET, "/v1/payment_intents/{id}"),
    (Method::GET, "/v1/refunds"),
    (Method::POST, "/v1/refunds"),
    (Method::GET, "/v1/refunds/{id}"),
    (Method::POST, "/v1/refunds/{id}"),
    (Method::POST, "/v1/refunds/{id}/cancel"),
    (Method::GET, "/v1/balance"),
    (Method::GET, "/v1/disputes"),
    (Method::GET, "/v1/disputes/{id}"),
    (Method::POST, "/v1/disputes/{id}"),
    (Method::POST, "/v1/disputes/{id}/close"),
    (Method::GET, "/v1/balance_transactions/{id}"),
    (Method::GET, "/v1/invoices/{id}"),
    (Method::GET, "/v1/invoices/{id}/lines"),
    (Method::GET, "/v1/invoice_payments"),
    (Method::GET, "/v1/credit_notes"),
    (Method::GET, "/v1/credit_notes/{id}/lines"),
    (Method::GET, "/v1/subscriptions/{id}"),
    (Method::GET, "/v1/customers/{id}"),
];

/// What the operations upload. Stripe itself takes files at another host than everything else.
const FILES: (Method, &str) = (Method::POST, "/v1/files");

/// Where requests may go. An empty list denies all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allow(Vec<Rule>);

/// One place: scheme, host, port, method and path, all of them exact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    origin: Origin,
    method: Method,
    /// Segments of the path; `None` stands for any one segment.
    path: Vec<Option<String>>,
}

/// Scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Origin {
    https: bool,
    host: String,
    port: u16,
}

/// A place that can never be allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AllowError {
    /// No scheme and host.
    #[error(
        "`{0}` is not scheme, host and port: write it like https://api.stripe.com or http://127.0.0.1:12111"
    )]
    NotAnOrigin(String),
    /// Keys do not travel in the clear.
    #[error(
        "`{0}` is not encrypted: plain http is for loopback alone (127.0.0.1, [::1], localhost), use https"
    )]
    PlainText(String),
    /// A private or otherwise special address.
    #[error("`{0}` is a private or reserved address: only public ones and loopback can be allowed")]
    PrivateAddress(String),
    /// The path is no pattern.
    #[error("`{0}` is no path: it begins with a slash, and `{{id}}` stands for one segment")]
    BadPath(String),
}

impl Allow {
    /// What the refund node sends to Stripe, and nothing else.
    pub fn stripe() -> Self {
        Self::operations_at(&Origin::https("api.stripe.com"), &Origin::https("files.stripe.com"))
    }

    /// The same at another base URL: a simulator on loopback, or a proxy over https. Files go there too, unless
    /// it is Stripe itself, which takes them at a host of their own.
    pub fn stripe_at(base_url: &str) -> Result<Self, AllowError> {
        let origin = Origin::parse(base_url)?;
        if origin == Origin::https("api.stripe.com") {
            return Ok(Self::stripe());
        }
        Ok(Self::operations_at(&origin, &origin))
    }

    /// Adds one more place.
    pub fn and(mut self, base_url: &str, method: Method, path: &str) -> Result<Self, AllowError> {
        self.0.push(Rule::new(&Origin::parse(base_url)?, method, path)?);
        Ok(self)
    }

    /// Both lists together.
    #[must_use]
    pub fn or(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    fn operations_at(origin: &Origin, files: &Origin) -> Self {
        let calls = STRIPE.into_iter().map(|call| (origin, call)).chain([(files, FILES)]);
        let rules = calls.filter_map(|(at, (method, path))| Rule::new(at, method, path).ok());
        Self(rules.collect())
    }

    /// The rules.
    pub fn rules(&self) -> &[Rule] {
        &self.0
    }

    /// The number of the rule by which a request may go out; `None` for one that may not.
    pub(crate) fn permits(&self, method: &Method, uri: &Uri) -> Option<usize> {
        let origin = Origin::of(uri)?;
        let segments = segments(uri.path())?;
        self.0.iter().position(|rule| rule.permits(&origin, method, &segments))
    }
}

impl Rule {
    fn new(origin: &Origin, method: Method, path: &str) -> Result<Self, AllowError> {
        let segments = segments(path).ok_or_else(|| AllowError::BadPath(path.to_owned()))?;
        let path = segments.into_iter().map(|one| (one != "{id}").then(|| one.to_owned()));
        Ok(Self { origin: origin.clone(), method, path: path.collect() })
    }

    fn permits(&self, origin: &Origin, method: &Method, segments: &[&str]) -> bool {
        self.origin == *origin
            && self.method == *method
            && self.path.len() == segments.len()
            && self.path.iter().zip(segments).all(|(wanted, segment)| match wanted {
                Some(wanted) => wanted == segment,
                None => is_id(segment),
            })
    }

    /// The verb.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Scheme and host, as in `https://api.stripe.com`; the port where it is not the scheme's own.
    pub fn origin(&self) -> String {
        let Origin { host, port, .. } = &self.origin;
        let usual = if self.origin.https { 443 } else { 80 };
        let port = if *port == usual { String::new() } else { format!(":{port}") };
        format!("{}://{host}{port}", self.origin.scheme())
    }

    /// The path; `{id}` stands for any one segment.
    pub fn path(&self) -> String {
        let segments = self.path.iter().map(|one| one.as_deref().unwrap_or("{id}"));
        segments.flat_map(|one| ["/", one]).collect()
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Origin { host, port, .. } = &self.origin;
        write!(f, "{} {}://{host}:{port}{}", self.method, self.origin.scheme(), self.path())
    }
}

impl Origin {
    fn https(host: &str) -> Self {
        Self { https: true, host: host.to_owned(), port: 443 }
    }

    fn parse(base_url: &str) -> Result<Self, AllowError> {
        let bad = || AllowError::NotAnOrigin(base_url.to_owned());
        let uri: Uri = base_url.parse().map_err(|_| bad())?;
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(bad());
        }
        let origin = Self::of(&uri).ok_or_else(bad)?;
        let address: Option<IpAddr> = origin.host.trim_matches(['[', ']']).parse().ok();
        let loopback = origin.host == "localhost" || address.is_some_and(|ip| ip.is_loopback());
        if address.is_some_and(|ip| !ip.is_loopback() && !is_public(ip)) {
            return Err(AllowError::PrivateAddress(base_url.to_owned()));
        }
        if !origin.https && !loopback {
            return Err(AllowError::PlainText(base_url.to_owned()));
        }
        Ok(origin)
    }

    fn scheme(&self) -> &'static str {
        if self.https { "https" } else { "http" }
    }

    /// Scheme, host and port of a URL without user information.
    fn of(uri: &Uri) -> Option<Self> {
        let scheme = uri.scheme()?;
        let https = *scheme == Scheme::HTTPS;
        if !https && *scheme != Scheme::HTTP {
            return None;
        }
        let authority: &Authority = uri.authority()?;
        if authority.as_str().contains('@') || authority.host().is_empty() {
            return None;
        }
        // `Authority::port` is none as well for a port that is no number of 16 bits.
        let port = match authority.as_str().strip_prefix(authority.host())? {
            "" if https => 443,
            "" => 80,
            port => read_port(port.strip_prefix(':')?)?,
        };
        Some(Self { https, host: authority.host().to_ascii_lowercase(), port })
    }
}

/// Digits alone: `u16` itself would also read a sign.
fn read_port(text: &str) -> Option<u16> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// The segments of a path; `None` for a path that a server might read differently than we do: empty or
/// dotted segments, and anything escaped.
fn segments(path: &str) -> Option<Vec<&str>> {
    let segments: Vec<_> = path.strip_prefix('/')?.split('/').collect();
    let plain = |segment: &&str| {
        !matches!(*segment, "" | "." | "..") && !segment.contains(['%', '\\', ';'])
    };
    segments.iter().all(plain).then_some(segments)
}

fn is_id(segment: &str) -> bool {
    segment.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permits(allow: &Allow, method: &Method, url: &str) -> bool {
        url.parse().is_ok_and(|uri| allow.permits(method, &uri).is_some())
    }

    #[test]
    fn only_what_the_operations_send() {
        let allow = Allow::stripe();
        for (method, url, good) in [
            (Method::POST, "https://api.stripe.com/v1/refunds", true),
            (Method::GET, "https://api.stripe.com/v1/refunds?charge=ch_1&limit=100", true),
            (Method::POST, "https://api.stripe.com/v1/refunds/re_1/cancel", true),
            (Method::GET, "https://api.stripe.com/v1/disputes/dp_1", true),
            (Method::POST, "https://api.stripe.com/v1/disputes/dp_1", true),
            (Method::POST, "https://api.stripe.com/v1/disputes/dp_1/close", true),
            (Method::GET, "https://api.stripe.com/v1/invoices/in_1/lines?limit=100", true),
            (Method::GET, "https://api.stripe.com/v1/invoices", false),
            (Method::POST, "https://api.stripe.com/v1/invoices/in_1", false),
            (Method::GET, "https://api.stripe.com/v1/invoice_payments?invoice=in_1", true),
            (Method::POST, "https://api.stripe.com/v1/credit_notes", false),
            (Method::GET, "https://api.stripe.com/v1/credit_notes/cn_1/lines?limit=100", true),
            (Method::GET, "https://api.stripe.com/v1/credit_notes/cn_1", false),
            (Method::POST, "https://api.stripe.com/v1/credit_notes/cn_1/lines", false),
            (Method::GET, "https://api.stripe.com/v1/subscriptions/sub_1", true),
            (Method::DELETE, "https://api.stripe.com/v1/subscriptions/sub_1", false),
            (Method::POST, "https://files.stripe.com/v1/files", true),
            (Method::GET, "https://files.stripe.com/v1/files", false),
            (Method::POST, "https://files.stripe.com/v1/refunds", false),
            (Method::POST, "http://files.stripe.com/v1/files", false),
            (Method::POST, "https://api.stripe.com/v1/files", false),
            (Method::POST, "https://api.stripe.com/v1/disputes", false),
            (Method::GET, "https://api.stripe.com:443/v1/charges/ch_1", true),
            (Method::GET, "https://API.STRIPE.COM/v1/charges/ch_1", true),
            (Method::DELETE, "https://api.stripe.com/v1/refunds/re_1", false),
            (Method::POST, "https://api.stripe.com/v1/charges", false),
            (Method::POST, "https://api.stripe.com/v1/transfers", false),
            (Method::GET, "https://api.stripe.com/v1/refunds/", false),
            (Method::GET, "https://api.stripe.com/v1/refunds/re_1/x", false),
            (Method::GET, "https://api.stripe.com/v1/charges/../balance", false),
            (Method::GET, "https://api.stripe.com/v1/charges/%2e%2e", false),
            (Method::GET, "https://api.stripe.com/v1//charges", false),
            (Method::GET, "https://api.stripe.com/v1/charges/a%2Fb", false),
            (Method::GET, "http://api.stripe.com/v1/refunds", false),
            (Method::GET, "https://api.stripe.com:8443/v1/refunds", false),
            // 443 once its upper bits are dropped.
            (Method::GET, "https://api.stripe.com:65979/v1/refunds", false),
            (Method::GET, "https://api.stripe.com:+443/v1/refunds", false),
            (Method::GET, "https://api.stripe.com:/v1/refunds", false),
            (Method::GET, "https://api.stripe.com.evil.example/v1/refunds", false),
            (Method::GET, "https://api.stripe.com@evil.example/v1/refunds", false),
            (Method::GET, "https://evil.example/v1/refunds", false),
            (Method::GET, "/v1/refunds", false),
        ] {
            assert_eq!(permits(&allow, &method, url), good, "{method} {url}");
        }
        assert!(!permits(&Allow::default(), &Method::GET, "https://api.stripe.com/v1/refunds"));
    }

    #[test]
    fn some_places_can_never_be_allowed() {
        for (url, good) in [
            ("http://127.0.0.1:1234", true),
            ("http://[::1]:1234", true),
            ("http://localhost:1234/", true),
            ("https://proxy.example", true),
            ("https://8.8.8.8", true),
            ("http://proxy.example", false),
            ("https://10.0.0.1", false),
            ("https://169.254.169.254", false),
            ("https://[fd00::1]", false),
            ("https://[::ffff:10.0.0.1]", false),
            ("https://0.0.0.0", false),
            ("https://user@proxy.example", false),
            ("https://proxy.example/path", false),
            ("ftp://proxy.example", false),
            ("proxy.example", false),
            ("", false),
        ] {
            assert_eq!(Allow::stripe_at(url).is_ok(), good, "{url}");
        }
    }

    #[test]
    fn another_stripe_takes_files_at_the_same_place() {
        let allow = Allow::stripe_at("http://127.0.0.1:1234").unwrap();
        assert!(permits(&allow, &Method::POST, "http://127.0.0.1:1234/v1/files"));
        assert!(!permits(&allow, &Method::POST, "https://files.stripe.com/v1/files"));
    }

    #[test]
    fn stripe_by_its_address_is_stripe() {
        for url in
            ["https://api.stripe.com", "https://api.stripe.com:443", "https://API.stripe.com/"]
        {
            let allow = Allow::stripe_at(url).unwrap();
            assert!(permits(&allow, &Method::POST, "https://files.stripe.com/v1/files"), "{url}");
            assert!(!permits(&allow, &Method::POST, "https://api.stripe.com/v1/files"), "{url}");
        }
    }

    #[test]
    fn one_more_place() {
        let allow =
            Allow::default().and("https://files.example", Method::GET, "/v1/{id}/x").unwrap();
        assert!(permits(&allow, &Method::GET, "https://files.example/v1/a_1/x"));
        assert!(!permits(&allow, &Method::GET, "https://files.example/v1/a-1/x"));
        assert!(Allow::default().and("https://files.example", Method::GET, "v1").is_err());
    }
}
