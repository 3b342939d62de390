//! Rate limits (reference 7.1): account-wide and per endpoint. Each is a bucket that holds what is
//! permitted in a second and fills evenly, so that two bursts around the turn of a second count together.

use std::collections::HashMap;
use std::time::Duration;

use crate::error::ApiError;

/// Requests a second on one endpoint.
const PER_ENDPOINT: u32 = 25;
/// Requests a second on one account.
const LIVE: u32 = 100;
const TEST: u32 = 25;

/// What is left of each limit.
#[derive(Default)]
pub(crate) struct Limiter {
    accounts: HashMap<bool, Bucket>,
    endpoints: HashMap<(bool, String), Bucket>,
}

struct Bucket {
    tokens: f64,
    filled: Duration,
}

impl Bucket {
    fn full(rate: u32, now: Duration) -> Self {
        Self { tokens: rate.into(), filled: now }
    }

    fn take(&mut self, rate: u32, now: Duration) -> bool {
        let since = now.saturating_sub(self.filled).as_secs_f64();
        self.tokens = (self.tokens + since * f64::from(rate)).min(rate.into());
        self.filled = now;
        let one_left = self.tokens >= 1.0;
        if one_left {
            self.tokens -= 1.0;
        }
        one_left
    }
}

impl Limiter {
    /// Lets a request through, or says why not.
    pub(crate) fn pass(
        &mut self,
        now: Duration,
        live: bool,
        endpoint: String,
    ) -> Result<(), (ApiError, &'static str)> {
        let whole = if live { LIVE } else { TEST };
        let account = self.accounts.entry(live).or_insert_with(|| Bucket::full(whole, now));
        let endpoint = self.endpoints.entry((live, endpoint));
        let endpoint = endpoint.or_insert_with(|| Bucket::full(PER_ENDPOINT, now));
        if !account.take(whole, now) {
            Err((too_many(), "global-rate"))
        } else if !endpoint.take(PER_ENDPOINT, now) {
            Err((too_many(), "endpoint-rate"))
        } else {
            Ok(())
        }
    }
}

/// The refusal.
pub(crate) fn too_many() -> ApiError {
    ApiError::with_status(429, "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.").code("rate_limit")
}
