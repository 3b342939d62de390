//! When to try again: the schedule that Standard Webhooks recommends, and a little jitter.

use sha2::{Digest, Sha256};

use crate::message::Key;

/// Seconds between the tries, about two days in all. The first one is made at once; when there is no
/// delay left the message is dead.
pub const DELAYS: [u64; 9] = [5, 300, 1800, 7200, 18_000, 36_000, 36_000, 36_000, 36_000];

/// Most tries.
#[expect(clippy::cast_possible_truncation, reason = "ten")]
pub const TRIES: u32 = DELAYS.len() as u32 + 1;

/// When to try again after so many tries, Unix seconds; `None` when that was the last one. A tenth of the
/// delay at most is added, so that what failed together does not come back together. It is a hash of
/// message and try: reproducible, and different for each message.
pub fn next_try(key: &Key, attempts: u32, now: u64) -> Option<u64> {
    let delay = *DELAYS.get(usize::try_from(attempts).ok()?.checked_sub(1)?)?;
    let mut hash = Sha256::new();
    hash.update(key.id.as_str());
    hash.update(&key.sink);
    hash.update(attempts.to_be_bytes());
    let jitter = u64::from(hash.finalize()[0]) * delay / 10 / 255;
    Some(now.saturating_add(delay + jitter))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(id: &str) -> Key {
        let id = serde_json::from_value(serde_json::json!(id)).unwrap();
        Key { id, sink: "shop".to_owned() }
    }

    #[test]
    fn ten_tries_within_about_two_days() {
        let mut now = 0;
        for attempt in 1..TRIES {
            now = next_try(&key("fu_1"), attempt, now).unwrap();
        }
        assert!((171_305..=188_436).contains(&now), "{now}");
        assert_eq!(next_try(&key("fu_1"), TRIES, now), None);
        assert_eq!(next_try(&key("fu_1"), u32::MAX, now), None);
    }

    proptest! {
        #[test]
        fn a_tenth_more_at_most(id in "fu_[0-9a-f]{4}", attempt in 1..TRIES, now: u32) {
            let now = u64::from(now);
            let delay = DELAYS[attempt as usize - 1];
            let at = next_try(&key(&id), attempt, now).unwrap();
            prop_assert!((now + delay..=now + delay + delay / 10).contains(&at));
        }
    }
}
