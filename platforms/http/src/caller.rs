//! What the headers of a request say about who calls.

use refund_wrapper::{Connection, Problem};

use crate::bindings::wasi::http::types::Headers;
use crate::error::Error;
use crate::key::{self, Mode};

/// Real money is moved only for somebody who says so.
#[cfg(not(feature = "simulator"))]
const LIVE: &str = "x-refund-node-live";
/// Stripe's own name for it.
const ACCOUNT: &str = "stripe-account";
#[cfg(feature = "simulator")]
const BASE_URL: &str = "x-refund-node-base-url";

/// The headers.
pub(crate) struct Caller(Headers);

impl Caller {
    pub(crate) fn new(headers: Headers) -> Self {
        Self(headers)
    }

    /// The only kind of input there is. A browser asks before it sends this kind to somebody else's site.
    pub(crate) fn sends_json(&self) -> Result<(), Error> {
        let kind = self.one("content-type")?.unwrap_or_default();
        let essence = kind.split(';').next().unwrap_or_default().trim();
        if essence.eq_ignore_ascii_case("application/json") {
            return Ok(());
        }
        Err(Error::content_type(&kind))
    }

    /// How long the body is, where that was said.
    pub(crate) fn length(&self) -> Option<u64> {
        self.one("content-length").ok().flatten()?.parse().ok()
    }

    /// Where the node finds Stripe, and as whom.
    pub(crate) fn connection(&self) -> Result<Connection, Error> {
        let api_key = self.key()?;
        Ok(Connection { base_url: self.base_url()?, account: self.one(ACCOUNT)?, api_key })
    }

    fn key(&self) -> Result<String, Error> {
        let authorization = self.one("authorization")?.ok_or_else(Error::missing_key)?;
        let key = key::bearer(&authorization).ok_or_else(Error::missing_key)?;
        if key::mode(key).map_err(Error::wrong_key)? == Mode::Live && !self.is_live()? {
            return Err(Error::live_key());
        }
        Ok(key.to_owned())
    }

    #[cfg(not(feature = "simulator"))]
    fn is_live(&self) -> Result<bool, Error> {
        Ok(self.one(LIVE)?.is_some_and(|value| value == "true"))
    }

    /// No simulator needs a key that moves money.
    #[cfg(feature = "simulator")]
    #[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "as in the other edition")]
    fn is_live(&self) -> Result<bool, Error> {
        Ok(false)
    }

    /// Always Stripe: a caller who could name another place would have this server send requests there.
    #[cfg(not(feature = "simulator"))]
    #[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "as in the other edition")]
    fn base_url(&self) -> Result<Option<String>, Error> {
        Ok(None)
    }

    /// Never Stripe.
    #[cfg(feature = "simulator")]
    fn base_url(&self) -> Result<Option<String>, Error> {
        let url = self.one(BASE_URL)?.filter(|url| key::is_loopback(url));
        let problem = || {
            Problem::new(
                BASE_URL,
                "is not a simulator on this machine",
                "send it like http://127.0.0.1:12111: this edition never talks to Stripe itself",
            )
        };
        url.map(Some).ok_or_else(|| problem().into())
    }

    /// A header that is there once, or not at all: of two, nobody knows which was meant.
    fn one(&self, name: &str) -> Result<Option<String>, Error> {
        let bad =
            |problem: &str| Problem::new(name, problem, "send it once, in visible ASCII").into();
        let mut values = self.0.get(name);
        match (values.pop(), values.is_empty()) {
            (None, _) => Ok(None),
            (Some(_), false) => Err(bad("is there several times")),
            (Some(value), true) => match String::from_utf8(value) {
                Ok(text) => Ok(Some(text)),
                Err(_) => Err(bad("has characters that no header may have")),
            },
        }
    }
}
