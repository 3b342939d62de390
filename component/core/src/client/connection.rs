//! Which Stripe to talk to, and as whom.

use serde::Deserialize;

use super::transport::HttpRequest;
use crate::API_VERSION;
use crate::id::AccountId;
use crate::problem::{FieldProblem, Problems};
use crate::secret::Secret;
use crate::wire::Body;
use crate::wire::requests::{Method, Request};
use crate::wire::retry::{DEFAULT_RETRIES, MAX_RETRIES};

const STRIPE: &str = "https://api.stripe.com";
/// Where Stripe itself takes files (reference 4).
const STRIPE_FILES: &str = "https://files.stripe.com";

/// A connection as a caller gives it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConnectionInput {
    /// Scheme, host and port; `https://api.stripe.com` when absent.
    #[serde(deserialize_with = "crate::optional::value")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub base_url: Option<String>,
    /// Acts for a connected account, `acct_…`.
    #[serde(deserialize_with = "crate::optional::value")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub account: Option<String>,
    /// The secret key, only for hosts that cannot add it at their boundary.
    #[serde(deserialize_with = "crate::optional::value")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub api_key: Option<Secret>,
    /// How often a request may be repeated after the first try, 0 to 10; 2 when absent.
    pub max_retries: Option<u8>,
}

impl ConnectionInput {
    /// Whether a caller says anything about the connection.
    pub(crate) fn is_given(&self) -> bool {
        let Self { base_url, account, api_key, max_retries } = self;
        base_url.is_some() || account.is_some() || api_key.is_some() || max_retries.is_some()
    }
}

/// A connection, checked.
#[derive(Clone, Debug)]
pub struct Connection {
    base_url: String,
    account: Option<AccountId>,
    api_key: Option<Secret>,
    pub(super) max_retries: u8,
}

impl Connection {
    /// Checks a connection; all problems at once.
    pub fn new(input: ConnectionInput) -> Result<Self, Vec<FieldProblem>> {
        let mut problems = Problems::default();
        let base_url = problems.keep(check_base_url(input.base_url.as_deref().unwrap_or(STRIPE)));
        let account = input.account.as_deref().and_then(|id| problems.keep(AccountId::parse(id)));
        if let Some(Err(problem)) = input.api_key.as_ref().map(check_key) {
            problems.push(problem);
        }
        let max_retries = input.max_retries.unwrap_or(DEFAULT_RETRIES);
        if max_retries > MAX_RETRIES {
            problems.push(FieldProblem::new(
                "max_retries",
                max_retries,
                format!("is more than {MAX_RETRIES}"),
                "repeat the call later instead",
            ));
        }
        problems.into_result()?;
        Ok(Self {
            base_url: base_url.unwrap_or_default(),
            account,
            api_key: input.api_key,
            max_retries,
        })
    }

    /// Adds host and headers to a request.
    pub(super) fn complete(&self, request: &Request) -> HttpRequest {
        let mut headers = vec![("stripe-version", API_VERSION.to_owned())];
        headers.push(("user-agent", concat!("refund-node/", env!("CARGO_PKG_VERSION")).to_owned()));
        if request.method == Method::Post {
            // WASI sends a body of unknown length in chunks unless the length is named.
            let body = request.body.as_ref();
            let length = body.map_or(0, |body| body.as_bytes().len());
            headers.push(("content-length", length.to_string()));
            let kind = body.map_or(Body::FORM.into(), Body::content_type);
            headers.push(("content-type", kind.into_owned()));
        }
        if let Some(key) = &request.idempotency_key {
            headers.push(("idempotency-key", key.to_string()));
        }
        if let Some(account) = &self.account {
            headers.push(("stripe-account", account.to_string()));
        }
        if let Some(key) = &self.api_key {
            headers.push(("authorization", format!("Bearer {}", key.reveal())));
        }
        HttpRequest {
            method: request.method,
            url: format!("{}{}", self.host_of(request), request.path),
            headers,
            body: request.body.clone(),
        }
    }
}

impl Connection {
    /// Stripe takes files at a host of its own; a simulator or proxy takes everything at one.
    fn host_of(&self, request: &Request) -> &str {
        match request.body {
            Some(Body::Multipart(_)) if self.base_url == STRIPE => STRIPE_FILES,
            _ => &self.base_url,
        }
    }
}

/// Scheme and host, perhaps a port; nothing behind. The host decides which are allowed. In one spelling, because
/// Stripe has to be known as Stripe in each.
fn check_base_url(url: &str) -> Result<String, FieldProblem> {
    let lower = url.to_ascii_lowercase();
    let trimmed = lower.strip_suffix('/').unwrap_or(&lower);
    let trimmed = match trimmed.split_once(':') {
        Some(("https", _)) => trimmed.strip_suffix(":443").unwrap_or(trimmed),
        Some(("http", _)) => trimmed.strip_suffix(":80").unwrap_or(trimmed),
        _ => trimmed,
    };
    let authority = trimmed.strip_prefix("https://").or_else(|| trimmed.strip_prefix("http://"));
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    match authority {
        Some(authority) if !authority.is_empty() && authority.chars().all(plain) => {
            Ok(trimmed.to_owned())
        }
        _ => Err(FieldProblem::new(
            "base_url",
            url,
            "is not scheme, host and port",
            format!("write it like {STRIPE} or http://127.0.0.1:12111"),
        )),
    }
}

/// A key that cannot work is told before it is sent. The value is never repeated.
fn check_key(key: &Secret) -> Result<(), FieldProblem> {
    let text = key.reveal();
    let problem = |problem: &str, fix: &str| {
        Err(FieldProblem::new("api_key", "", problem.to_owned(), fix.to_owned()))
    };
    if text.trim().is_empty() {
        return problem("is blank", "give a secret or restricted key");
    }
    if text.starts_with("pk_") {
        return problem(
            "is a publishable key, which may not refund",
            "give a secret key (sk_…) or a restricted key (rk_…)",
        );
    }
    if !text.bytes().all(|b| b.is_ascii_graphic()) {
        return problem(
            "contains white space or other characters no key has",
            "copy it from the Dashboard unchanged",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(input: ConnectionInput) -> Vec<String> {
        Connection::new(input).err().unwrap_or_default().into_iter().map(|p| p.field).collect()
    }

    #[test]
    fn every_problem_is_named() {
        let input = ConnectionInput {
            base_url: Some("ftp://x".into()),
            account: Some("ch_1".into()),
            api_key: Some(Secret::new("pk_test_1")),
            max_retries: Some(11),
        };
        assert_eq!(problems(input), ["base_url", "account", "api_key", "max_retries"]);
        assert!(problems(ConnectionInput::default()).is_empty());
    }

    #[test]
    fn base_urls_are_plain() {
        for (url, good) in [
            ("https://api.stripe.com", true),
            ("https://api.stripe.com/", true),
            ("http://127.0.0.1:12111", true),
            ("http://[::1]:12111", true),
            ("https://user@host", false),
            ("https://host/path", false),
            ("https://host?x", false),
            ("https://", false),
            ("host", false),
            ("https://ho st", false),
        ] {
            assert_eq!(check_base_url(url).is_ok(), good, "{url}");
        }
    }

    #[test]
    fn stripe_is_stripe_however_it_is_spelled() {
        for url in
            ["https://api.stripe.com/", "https://API.Stripe.com", "https://api.stripe.com:443"]
        {
            assert_eq!(check_base_url(url).as_deref(), Ok(STRIPE), "{url}");
        }
        for other in
            ["http://127.0.0.1:12111", "https://proxy.example:8443", "http://api.stripe.com:443"]
        {
            assert_eq!(check_base_url(other).as_deref(), Ok(other), "{other}");
        }
    }

    #[test]
    fn a_bad_key_is_never_repeated() {
        let input = ConnectionInput {
            api_key: Some(Secret::new("pk_live_verysecret")),
            ..ConnectionInput::default()
        };
        let problems = Connection::new(input).unwrap_err();
        assert!(!format!("{problems:?}").contains("verysecret"));
    }
}
