//! Values as SQLite has them, and the time.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::error::LedgerError;

/// Unix seconds, for what has no rule: the outbox, the scope. Rules are given the time.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// SQLite has signed numbers alone; no amount of Stripe's comes near the limit.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

/// A stored value that no version of this program wrote.
pub(super) fn unreadable(what: &str, value: impl fmt::Display) -> LedgerError {
    LedgerError::Damaged {
        path: String::new(),
        problem: format!("{what} `{value}` is not a value that this program writes"),
    }
}
