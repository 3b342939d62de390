//! Keeps requests within Stripe's rate limits (reference 7.1), so that they wait here and are not refused
//! there. Slows down when Stripe says 429 all the same, because somebody else uses the account too, and
//! comes back step by step.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::time::Instant;

/// Requests that may leave at once after a pause: enough to make up for a late timer.
const BURST: NonZeroU32 = NonZeroU32::MIN.saturating_add(1);
/// How much of a rate is left after a 429.
const SLOWER: f64 = 0.7;
/// How much of the full rate comes back in a quiet second.
const FASTER: f64 = 0.05;
/// Never slower than this, in requests a second.
const SLOWEST: f64 = 0.5;
/// Answers that come back within this time of a change say nothing about it.
const SETTLE: Duration = Duration::from_secs(1);
/// Longest pause that a `Retry-After` is believed for.
const LONGEST_PAUSE: Duration = Duration::from_mins(2);

/// Requests a second that Stripe permits. Leave some room when others use the same account.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// On one endpoint: verb and path without ids.
    pub endpoint: f64,
    /// On the whole account.
    pub account: f64,
}

impl Pace {
    /// What Stripe documents for live mode.
    pub const LIVE: Self = Self { endpoint: 25.0, account: 100.0 };
    /// What Stripe documents for test mode.
    pub const TEST: Self = Self { endpoint: 25.0, account: 25.0 };
}

/// All lanes of a host: one an endpoint, and one for the account.
pub(super) struct Pacer {
    endpoints: Vec<Lane>,
    account: Lane,
    refused: AtomicU64,
}

/// Where requests of one kind wait, one behind the other.
struct Lane {
    full: f64,
    /// One waits for the limiter, the others for this: a change of rate then holds for all of them.
    queue: tokio::sync::Mutex<()>,
    now: Mutex<Rate>,
}

struct Rate {
    per_second: f64,
    limiter: Arc<DefaultDirectRateLimiter>,
    paused_until: Option<Instant>,
    changed: Instant,
}

impl Pacer {
    pub(super) fn new(pace: Pace, endpoints: usize) -> Self {
        let endpoints = (0..endpoints).map(|_| Lane::new(pace.endpoint)).collect();
        Self { endpoints, account: Lane::new(pace.account), refused: AtomicU64::new(0) }
    }

    /// Waits until a request to an endpoint may leave.
    pub(super) async fn turn(&self, endpoint: usize) {
        if let Some(lane) = self.endpoints.get(endpoint) {
            lane.turn().await;
        }
        self.account.turn().await;
    }

    /// Learns from an answer: whether it was a 429, how long to pause if it said so, and whose limit.
    pub(super) fn learn(&self, endpoint: usize, refused: Option<Refused>, now: Instant) {
        let lane = self.endpoints.get(endpoint);
        if let Some(Refused { pause, of_account }) = refused {
            self.refused.fetch_add(1, Ordering::Relaxed);
            let slower = if of_account { Some(&self.account) } else { lane };
            if let Some(lane) = slower {
                lane.slow_down(pause, now);
            }
            return;
        }
        self.account.speed_up(now);
        if let Some(lane) = lane {
            lane.speed_up(now);
        }
    }

    /// How often Stripe answered 429.
    pub(super) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

/// What a 429 said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) pause: Option<Duration>,
    pub(super) of_account: bool,
}

impl Refused {
    /// Reads an answer; `None` for one that is no 429.
    pub(super) fn read<T>(answer: &http::Response<T>) -> Option<Self> {
        if answer.status() != http::StatusCode::TOO_MANY_REQUESTS {
            return None;
        }
        let text = |name: &str| answer.headers().get(name)?.to_str().ok();
        let seconds = text("retry-after").and_then(|seconds| seconds.trim().parse().ok());
        Some(Self {
            pause: seconds.map(Duration::from_secs),
            of_account: text("stripe-rate-limited-reason")
                .is_some_and(|why| why.starts_with("global")),
        })
    }
}

impl Lane {
    fn new(full: f64) -> Self {
        let full = full.max(SLOWEST);
        let rate = Rate {
            per_second: full,
            limiter: limiter(full),
            paused_until: None,
            changed: Instant::now(),
        };
        Self { full, queue: tokio::sync::Mutex::new(()), now: Mutex::new(rate) }
    }

    async fn turn(&self) {
        let _queue = self.queue.lock().await;
        let (pause, limiter) = {
            let mut now = self.rate();
            (now.paused_until.take(), Arc::clone(&now.limiter))
        };
        if let Some(until) = pause {
            tokio::time::sleep_until(until).await;
        }
        limiter.until_ready().await;
    }

    fn slow_down(&self, pause: Option<Duration>, now: Instant) {
        let mut lane = self.rate();
        if let Some(pause) = pause {
            let until = now + pause.min(LONGEST_PAUSE);
            lane.paused_until = Some(lane.paused_until.map_or(until, |known| known.max(until)));
        }
        // Many requests were under way at the old rate; their refusals are one.
        if now.duration_since(lane.changed) >= SETTLE || lane.per_second >= self.full {
            let slower = (lane.per_second * SLOWER).max(SLOWEST);
            lane.set(slower, now);
            tracing::info!(rate = slower, "Stripe asks for fewer requests: slowing down");
        }
    }

    fn speed_up(&self, now: Instant) {
        let mut lane = self.rate();
        if lane.per_second < self.full && now.duration_since(lane.changed) >= SETTLE {
            let faster = (lane.per_second + self.full * FASTER).min(self.full);
            lane.set(faster, now);
        }
    }

    fn rate(&self) -> std::sync::MutexGuard<'_, Rate> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rate {
    fn set(&mut self, rate: f64, now: Instant) {
        self.per_second = rate;
        self.limiter = limiter(rate);
        self.changed = now;
    }
}

fn limiter(rate: f64) -> Arc<DefaultDirectRateLimiter> {
    // A hundredth below what is permitted: Stripe's clock is not ours.
    let period = Duration::from_secs_f64(1.0 / (rate * 0.99));
    let quota = Quota::with_period(period).unwrap_or(Quota::per_second(NonZeroU32::MIN));
    Arc::new(RateLimiter::direct(quota.allow_burst(BURST)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn refused(pause: Option<Duration>) -> Refused {
        Refused { pause, of_account: false }
    }

    fn rate(pacer: &Pacer) -> f64 {
        pacer.endpoints[0].rate().per_second
    }

    #[test]
    fn slows_down_once_for_many_and_recovers() {
        let pacer = Pacer::new(Pace::LIVE, 1);
        let now = Instant::now();
        for _ in 0..10 {
            pacer.learn(0, Some(refused(None)), now);
        }
        assert!((rate(&pacer) - 17.5).abs() < 0.01, "{}", rate(&pacer));
        pacer.learn(0, None, now);
        assert!(rate(&pacer) < 18.0, "not at once");
        for second in 1..=20 {
            pacer.learn(0, None, now + Duration::from_secs(second));
        }
        assert!((rate(&pacer) - 25.0).abs() < 0.01, "{}", rate(&pacer));
        assert!(
            (pacer.account.rate().per_second - 100.0).abs() < 0.01,
            "the account is not to blame"
        );
        assert_eq!(pacer.refused(), 10);
    }

    #[test]
    fn never_stops_altogether() {
        let pacer = Pacer::new(Pace::LIVE, 1);
        let now = Instant::now();
        for second in 0..100 {
            pacer.learn(0, Some(refused(None)), now + Duration::from_secs(2 * second));
        }
        assert!(rate(&pacer) >= SLOWEST);
    }

    #[tokio::test]
    async fn a_retry_after_is_waited_for() {
        let pacer = Pacer::new(Pace::LIVE, 1);
        let now = Instant::now();
        pacer.learn(0, Some(refused(Some(Duration::from_secs(1)))), now);
        pacer.turn(0).await;
        assert!(now.elapsed() >= Duration::from_secs(1));
    }

    #[tokio::test]
    async fn keeps_the_rate() {
        let pacer = Pacer::new(Pace { endpoint: 200.0, account: 1000.0 }, 1);
        let start = Instant::now();
        for _ in 0..100 {
            pacer.turn(0).await;
        }
        let rate = 100.0 / start.elapsed().as_secs_f64();
        assert!(rate <= 205.0, "{rate}");
    }
}
