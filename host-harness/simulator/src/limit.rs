//! Rate limits (reference 7.1): account-wide and per endpoint, counted per second of the simulator's
//! clock.

use std::collections::HashMap;

use crate::error::ApiError;

/// Requests a second on one endpoint.
const PER_ENDPOINT: u32 = 25;

/// Counts requests of the running second.
#[derive(Default)]
pub(crate) struct Limiter {
    second: u64,
    total: HashMap<bool, u32>,
    endpoints: HashMap<(bool, String), u32>,
}

impl Limiter {
    /// Lets a request through, or says why not.
    pub(crate) fn pass(
        &mut self,
        now: u64,
        live: bool,
        endpoint: String,
    ) -> Result<(), (ApiError, &'static str)> {
        if self.second != now {
            *self = Self { second: now, ..Self::default() };
        }
        let total = self.total.entry(live).or_default();
        *total += 1;
        let of_endpoint = self.endpoints.entry((live, endpoint)).or_default();
        *of_endpoint += 1;
        let reason = if *total > if live { 100 } else { 25 } {
            "global-rate"
        } else if *of_endpoint > PER_ENDPOINT {
            "endpoint-rate"
        } else {
            return Ok(());
        };
        Err((too_many(), reason))
    }
}

/// The refusal.
pub(crate) fn too_many() -> ApiError {
    ApiError::with_status(429, "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.").code("rate_limit")
}
