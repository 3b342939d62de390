//! Approvals.

use std::collections::BTreeSet;
use std::fmt;

use refund_core::eligibility::Verdict;
use refund_core::id::{OperationId, PaymentRef};
use refund_core::money::Money;
use serde::Serialize;

use super::operation::Fingerprint;
use super::user::UserName;
use crate::words::words;

/// An approval's id: `ap_` and a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApprovalId(pub(crate) i64);

impl ApprovalId {
    /// Reads `ap_17`.
    pub fn parse(text: &str) -> Option<Self> {
        text.strip_prefix("ap_")?.parse().ok().map(Self)
    }

    /// The approval of this number.
    pub fn numbered(number: i64) -> Self {
        Self(number)
    }
}

impl fmt::Display for ApprovalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ap_{}", self.0)
    }
}

impl Serialize for ApprovalId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

words! {
    /// Where an approval stands.
    #[derive(Serialize)]
    #[serde(rename_all = "snake_case")]
    ApprovalState {
        /// Approvers may decide.
        Open = "open",
        /// Enough approvers agreed; the refund may be made.
        Approved = "approved",
        /// An approver denied it; the operation is called off.
        Denied = "denied",
        /// It was not decided, or not executed, in time.
        Expired = "expired",
        /// The request or the rules changed, or the refund was made or called off without it.
        Superseded = "superseded",
        /// The refund was made.
        Executed = "executed",
    }
}

impl ApprovalState {
    /// Whether it may still be decided or executed.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Open | Self::Approved)
    }
}

/// An approval to file.
#[derive(Clone, Debug, PartialEq)]
pub struct NewApproval {
    /// The operation that waits for it.
    pub operation: OperationId,
    /// The hash that the component made of payment, amount, reason, metadata, flags and number of approvers.
    pub request_hash: String,
    /// The operation's request when it was filed.
    pub fingerprint: Fingerprint,
    /// What would be refunded.
    pub money: Money,
    /// Who asked for the operation: [`Operation::asked_by`](super::operation::Operation::asked_by).
    pub requester: UserName,
    /// How many approvers must agree.
    pub needed: u8,
    /// Why.
    pub verdict: Verdict,
    /// When it is filed, Unix seconds.
    pub created: u64,
    /// Until when approvers may decide and the refund may be made, Unix seconds.
    pub expires: u64,
}

/// An approval. Instants are Unix seconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Approval {
    /// `ap_…`.
    pub id: ApprovalId,
    /// The operation that waits for it.
    pub operation: OperationId,
    /// What the refund is taken from.
    pub payment: PaymentRef,
    /// What would be refunded.
    pub money: Money,
    /// The hash that binds it.
    pub request_hash: String,
    /// The operation's request when it was filed.
    pub fingerprint: Fingerprint,
    /// Who asked for the operation: [`Operation::asked_by`](super::operation::Operation::asked_by).
    pub requester: UserName,
    /// How many approvers must agree.
    pub needed: u8,
    /// Where it stands.
    pub state: ApprovalState,
    /// Why it is needed; absent where an earlier version wrote something else.
    pub verdict: Option<Verdict>,
    /// When it was filed.
    pub created: u64,
    /// Until when approvers may decide and the refund may be made.
    pub expires: u64,
    /// When it was decided or ended.
    pub decided: Option<u64>,
    /// The decisions, oldest first.
    pub votes: Vec<Vote>,
}

impl Approval {
    /// How many approvers agreed, each counted once. A vote of the requester counts only where the merchant permitted that;
    /// while the requester is unknown, so does every vote. An earlier version recorded votes under several spellings of one
    /// name, and named another requester.
    pub fn agreed(&self) -> usize {
        let is_another =
            |voter: &UserName| self.requester != UserName::unknown() && *voter != self.requester;
        let counts = |vote: &&Vote| vote.agrees && (vote.own_request || is_another(&vote.voter));
        let voters: BTreeSet<_> =
            self.votes.iter().filter(counts).map(|vote| &vote.voter).collect();
        voters.len()
    }
}

/// One approver's decision.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Vote {
    /// Who.
    pub voter: UserName,
    /// Agrees, or objects.
    pub agrees: bool,
    /// In their words.
    pub note: Option<String>,
    /// When, Unix seconds.
    pub time: u64,
    /// Whether the voter asked for the operation, or may have, and the merchant permitted that.
    pub own_request: bool,
}
