//! Where messages are kept.

use std::error::Error;
use std::future::Future;

use crate::message::{Claimed, Key, Message};

/// The store cannot be read or written. Nothing is lost by it: what is not marked is delivered again.
#[derive(Debug, thiserror::Error)]
#[error("the outbox cannot be read or written: {0}")]
pub struct StoreError(#[from] pub Box<dyn Error + Send + Sync>);

/// Keeps messages, durably, and never drops one. Every method is one transaction, on disk before it
/// answers.
///
/// A store that also keeps the operations adds the messages in the transaction that settles the operation,
/// by way of its own; then no follow-up is lost between the two.
pub trait Store: Send + Sync {
    /// Adds messages, in order. One whose key is there already, in whatever state, is left out: the fact
    /// was told before. Says how many are new.
    fn add(&self, messages: Vec<Message>)
    -> impl Future<Output = Result<usize, StoreError>> + Send;

    /// Hands out at most so many messages of a sink, oldest first, and counts a try for each. They are
    /// the caller's for `lease` seconds; who has not marked one by then has crashed, and it is due again.
    ///
    /// Only waiting messages that are due, and only if no message of the same sink and subject that was
    /// added earlier still waits, whether due, claimed or not. None at all while the sink is disabled.
    fn claim(
        &self,
        sink: &str,
        now: u64,
        lease: u64,
        most: usize,
    ) -> impl Future<Output = Result<Vec<Claimed>, StoreError>> + Send;

    /// Fixes the body of a message before its sink gets it: from now on it is the same in every try. Gives the body
    /// that is kept; `None` for an older claim than the newest: another dispatcher has the message.
    ///
    /// A new body takes the place of the claimed one, in this message and in all other messages of the follow-up
    /// whose bodies are not fixed, so that every sink gets the same. A body that was replaced since the claim stays.
    fn fix_body(
        &self,
        claimed: &Claimed,
        new_body: Option<String>,
    ) -> impl Future<Output = Result<Option<String>, StoreError>> + Send;

    /// The sink took it. With an older claim than the newest nothing is done, here and below.
    fn delivered(&self, claimed: &Claimed) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// It failed, and is due again later, Unix seconds.
    fn failed(
        &self,
        claimed: &Claimed,
        next_try: u64,
        reason: &str,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// It failed for good: it is dead, and no longer holds up its subject.
    fn give_up(
        &self,
        claimed: &Claimed,
        reason: &str,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Turns a sink off: it wants no more. Its messages wait. Holds across restarts.
    fn disable(
        &self,
        sink: &str,
        reason: &str,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Turns a sink on again; says whether it was off.
    fn enable(&self, sink: &str) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// The sinks that are off, and why.
    fn disabled(&self) -> impl Future<Output = Result<Vec<(String, String)>, StoreError>> + Send;

    /// Dead messages, at most so many, by key, those after the given one.
    fn dead(
        &self,
        after: Option<&Key>,
        most: usize,
    ) -> impl Future<Output = Result<Vec<Message>, StoreError>> + Send;

    /// Makes a message due at once with all its tries before it, whatever its state; its id stays. Says
    /// whether there is such a message.
    fn resend(&self, key: &Key, now: u64) -> impl Future<Output = Result<bool, StoreError>> + Send;
}
