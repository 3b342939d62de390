//! When to send again, and after how long (reference 3.5).
//!
//! The order of the tests is the official libraries': out of tries, no answer, `Stripe-Should-Retry`,
//! 409, 5xx. Beyond them, any 429 is repeated and `Retry-After` is honoured: a refund that waits is
//! better than one that fails.

use std::time::Duration;

use sha2::{Digest, Sha256};

use super::Answer;

/// Retries when the caller says nothing: the libraries' number.
pub const DEFAULT_RETRIES: u8 = 2;
/// Most retries a caller may ask for.
pub const MAX_RETRIES: u8 = 10;

const FIRST_DELAY_MS: u64 = 500;
const LONGEST_DELAY_MS: u64 = 5_000;
/// Longest wait for a `Retry-After`. A longer one is the caller's to wait for: a sandbox that sleeps
/// for minutes is a sandbox that is killed.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(30);

/// How a try ended, without an object.
#[derive(Clone, Copy, Debug)]
pub enum Failed<'a> {
    /// There was no answer, or half of one; whether another try makes sense.
    NoAnswer {
        /// False where the host forbids the request: it would forbid it again.
        worth_repeating: bool,
    },
    /// There was this answer.
    Answered(&'a Answer),
}

/// How long to wait before the next try; `None` for no further try. `tries` were made so far, at least
/// one; `seed` spreads the waits of different operations apart.
pub fn delay(tries: u32, max_retries: u8, failed: Failed<'_>, seed: &str) -> Option<Duration> {
    if tries > u32::from(max_retries) {
        return None;
    }
    let wait = back_off(tries, seed);
    match failed {
        Failed::NoAnswer { worth_repeating } => worth_repeating.then_some(wait),
        Failed::Answered(answer) => {
            let again = answer
                .should_retry()
                .unwrap_or(matches!(answer.status, 0..=399 | 409 | 429 | 500..));
            let asked = Duration::from_secs(answer.retry_after().unwrap_or(0).into());
            (again && asked <= LONGEST_RETRY_AFTER).then(|| wait.max(asked))
        }
    }
}

/// Half a second, doubled for each try, at most five; times a factor between one half and one; never
/// below half a second. There is no randomness in the sandbox: the factor is a hash, which spreads
/// operations just as well and makes a run repeatable.
fn back_off(tries: u32, seed: &str) -> Duration {
    let doubled = FIRST_DELAY_MS << tries.saturating_sub(1).min(8);
    let longest = doubled.min(LONGEST_DELAY_MS);
    let mut hash = Sha256::new();
    hash.update(tries.to_be_bytes());
    hash.update(seed);
    let spread = u64::from(hash.finalize()[0]);
    let wait = longest / 2 + longest / 2 * spread / 255;
    Duration::from_millis(wait.max(FIRST_DELAY_MS))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn answer(status: u16, headers: &[(&str, &str)]) -> Answer {
        let headers = headers.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Answer { status, headers, body: Vec::new() }
    }

    fn again(status: u16, headers: &[(&str, &str)]) -> bool {
        delay(1, 2, Failed::Answered(&answer(status, headers)), "seed").is_some()
    }

    #[test]
    fn the_table_of_the_official_libraries() {
        for (status, headers, expected) in [
            (409, &[][..], true),
            (500, &[], true),
            (503, &[], true),
            (500, &[("stripe-should-retry", "true")], true),
            (500, &[("stripe-should-retry", "false")], false),
            (409, &[("stripe-should-retry", "false")], false),
            (400, &[("stripe-should-retry", "true")], true),
            (429, &[("stripe-should-retry", "true")], true),
            (429, &[("stripe-should-retry", "false")], false),
            (400, &[], false),
            (401, &[], false),
            (402, &[], false),
            (404, &[], false),
            (424, &[], false),
            // Where we go beyond them:
            (429, &[], true),
        ] {
            assert_eq!(again(status, headers), expected, "{status} {headers:?}");
        }
    }

    #[test]
    fn retry_after_is_honoured_up_to_a_cap() {
        let wait = |seconds: &str| {
            delay(1, 2, Failed::Answered(&answer(429, &[("retry-after", seconds)])), "seed")
        };
        assert_eq!(wait("7"), Some(Duration::from_secs(7)));
        assert_eq!(wait("30"), Some(Duration::from_secs(30)));
        assert_eq!(wait("31"), None);
        assert!(wait("0").is_some_and(|wait| wait >= Duration::from_millis(500)));
        assert!(wait("Wed, 21 Oct 2026 07:28:00 GMT").is_some());
    }

    #[test]
    fn tries_are_bounded() {
        let failed = Failed::NoAnswer { worth_repeating: true };
        assert!(delay(2, 2, failed, "s").is_some());
        assert!(delay(3, 2, failed, "s").is_none());
        assert!(delay(1, 0, failed, "s").is_none());
        assert!(delay(1, 2, Failed::NoAnswer { worth_repeating: false }, "s").is_none());
    }

    proptest! {
        #[test]
        fn waits_stay_between_half_and_five_seconds(tries in 1_u32..1000, seed in "\\PC{0,20}") {
            let wait = back_off(tries, &seed).as_millis();
            prop_assert!((500..=5000).contains(&wait));
        }
    }
}
