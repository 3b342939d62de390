//! Approvals: what somebody must agree to before an operation goes on.

use serde::Serialize;

use crate::error::LedgerError;
use crate::state::State;

/// What the component froze: it asks for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The hash that binds an approval to payment, amount, reason, metadata, flags and number of people.
    pub request_hash: String,
    /// What would be refunded, in the smallest unit.
    pub amount: u64,
    /// Its currency.
    pub currency: String,
    /// How many people must agree.
    pub needed: u8,
    /// Why: the verdict, a JSON object.
    pub verdict: String,
}

/// Where an approval stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalState {
    /// People may agree or object.
    Open,
    /// Enough people agreed; the refund may be made.
    Approved,
    /// Somebody objected; the operation is called off.
    Denied,
    /// Nobody decided in time, or it was not made in time.
    Expired,
    /// Something changed and a new one took its place, or the refund was made or called off without it.
    Superseded,
    /// The refund was made.
    Executed,
}

impl ApprovalState {
    const ALL: [Self; 6] =
        [Self::Open, Self::Approved, Self::Denied, Self::Expired, Self::Superseded, Self::Executed];

    /// The word in the ledger.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Superseded => "superseded",
            Self::Executed => "executed",
        }
    }

    /// The state of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Every word, for messages.
    pub fn words() -> String {
        Self::ALL.map(Self::as_str).join(", ")
    }
}

impl std::fmt::Display for ApprovalState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// An approval. Amounts are in the smallest unit, instants in Unix seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Approval {
    /// `ap_…`.
    pub id: String,
    /// The operation that waits for it.
    pub operation: String,
    /// What it takes the money from.
    pub payment: String,
    /// What would be refunded.
    pub amount: u64,
    /// Its currency.
    pub currency: String,
    /// The hash that binds it.
    pub request_hash: String,
    /// Who asked.
    pub requester: String,
    /// How many people must agree.
    pub needed: u8,
    /// Where it stands.
    pub state: ApprovalState,
    /// Why it is needed: the verdict, a JSON object.
    #[serde(serialize_with = "as_json")]
    pub verdict: String,
    /// When it was asked for.
    pub created: u64,
    /// Until when people may decide, and the refund may be made.
    pub expires: u64,
    /// When it was decided.
    pub decided: Option<u64>,
    /// Who said what, oldest first.
    pub votes: Vec<Vote>,
}

/// What somebody said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Vote {
    /// Who.
    pub voter: String,
    /// Agrees, or objects.
    pub agrees: bool,
    /// In their words.
    pub note: Option<String>,
    /// When.
    pub time: u64,
}

/// What somebody says now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ballot {
    /// Agrees, or objects.
    pub agrees: bool,
    /// In their words.
    pub note: Option<String>,
    /// The hash of what they saw: another one is refused.
    pub request_hash: Option<String>,
    /// Who asked may agree as well.
    pub own_requests: bool,
}

/// Why a ballot does not count. Nothing was changed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ApprovalError {
    /// The ledger cannot be used.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// No such approval.
    #[error("there is no approval `{0}`: `refund-node approvals list` shows those there are")]
    Unknown(String),
    /// It is not open any more.
    #[error("approval `{id}` is {state}: nothing can be decided about it any more")]
    NotOpen {
        /// Which.
        id: String,
        /// Where it stands.
        state: ApprovalState,
    },
    /// Not approved, so it cannot be carried out.
    #[error("approval `{id}` is {state}: {agreed} of {needed} people agreed so far")]
    NotApproved {
        /// Which.
        id: String,
        /// Where it stands.
        state: ApprovalState,
        /// How many agreed.
        agreed: usize,
        /// How many must.
        needed: u8,
    },
    /// It came too late.
    #[error("approval `{0}` has expired: ask again with the same operation id")]
    Expired(String),
    /// Who asked wants to agree.
    #[error(
        "`{voter}` asked for `{id}`, so somebody else must decide: four eyes see more than two"
    )]
    OwnRequest {
        /// Which.
        id: String,
        /// Who.
        voter: String,
    },
    /// A second vote.
    #[error("`{voter}` has decided about `{id}` before: everybody has one vote")]
    Twice {
        /// Which.
        id: String,
        /// Who.
        voter: String,
    },
    /// What is in the ledger, or what was seen, is not what was frozen.
    #[error("what `{0}` would carry out is not what was asked for: look at it again, or ask anew")]
    Altered(String),
    /// It may have been carried out already.
    #[error(
        "`{id}` cannot be denied: operation `{operation}` is {state}, so the refund may have been made; ask for the same refund again, with the same operation id, which finds out"
    )]
    Unsettled {
        /// Which.
        id: String,
        /// The operation.
        operation: String,
        /// Where it stands.
        state: State,
    },
    /// Nobody said who it is.
    #[error("nobody said who decides: name yourself with --as, or in REFUND_NODE_USER")]
    Nameless,
}

fn as_json<S: serde::Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    let value: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    value.serialize(serializer)
}
