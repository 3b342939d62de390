//! A follow-up on its way to one sink.

use std::fmt;

use refund_core::followups::{FollowUp, FollowUpId, Kind};
use serde::{Deserialize, Serialize};

/// Which follow-up, and for whom. There is one message of a key, ever.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    /// The follow-up; the same in every delivery.
    pub id: FollowUpId,
    /// The name of the sink.
    pub sink: String,
}

/// A message, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Which it is.
    #[serde(flatten)]
    pub key: Key,
    /// What kind of follow-up.
    pub kind: Kind,
    /// Messages of one sink with the same subject are delivered in the order they were added.
    pub subject: String,
    /// The follow-up as JSON. It is signed and sent byte for byte, every time. Name and address of a customer may be
    /// filled in before the first time.
    pub body: String,
    /// When it was added, Unix seconds.
    pub created: u64,
    /// How often it was handed to the sink.
    pub attempts: u32,
    /// When it is due, Unix seconds.
    pub next_try: u64,
    /// Where it stands.
    pub state: State,
    /// Why the last try failed.
    pub reason: Option<String>,
}

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// To be delivered.
    Waiting,
    /// The sink took it.
    Delivered,
    /// Given up: kept until somebody sends it again.
    Dead,
}

/// A message in somebody's hands, for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// The message; this try is counted.
    pub message: Message,
    /// Names this claim: who comes with an older one comes too late, and changes nothing.
    pub claim: u64,
    /// Whether the body is fixed: the sink may have got it.
    pub is_fixed: bool,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Waiting, Self::Delivered, Self::Dead];

    /// Its word, the same as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }

    /// The state of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A follow-up as receivers get it.
pub(crate) fn body(follow_up: &FollowUp) -> String {
    // Follow-ups always serialise: they hold no maps with keys that are not text.
    serde_json::to_string(follow_up).unwrap_or_default()
}

impl Message {
    /// A follow-up for a sink, due at once.
    pub fn new(follow_up: &FollowUp, sink: &str, now: u64) -> Self {
        Self {
            key: Key { id: follow_up.id.clone(), sink: sink.to_owned() },
            kind: follow_up.task.kind(),
            subject: follow_up.subject.clone(),
            body: body(follow_up),
            created: now,
            attempts: 0,
            next_try: now,
            state: State::Waiting,
            reason: None,
        }
    }
}
