//! Situations that a search must reach: an invariant that holds because nothing happens says nothing.

use std::fmt;

macro_rules! situations {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// Something that happened on the way.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Situation {
            $($(#[$doc])* $name,)*
        }

        impl Situation {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];
        }

        impl fmt::Display for Situation {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(Self::$name => $text,)*
                })
            }
        }
    };
}

situations! {
    /// This call made it.
    Made = "a refund is made",
    /// Stripe repeated the first answer to the key.
    Replayed = "Stripe repeats the answer of an earlier request",
    /// The client found it after the answer was lost.
    Reconciled = "a refund is found after its answer was lost",
    /// An earlier call had made it.
    Found = "a refund of an earlier call is found",
    /// It failed later.
    Failed = "a call answers that the refund failed",
    /// The operation was called off.
    Canceled = "a call answers that the operation was called off",
    /// An approver must decide.
    Waiting = "a call answers that an approver must decide",
    /// A rule forbids it.
    Denied = "a call answers that a rule forbids it",
    /// Stripe refuses.
    Refused = "a call answers that Stripe refused",
    /// The id belongs to another request.
    Conflict = "a call answers that the operation id belongs to another refund",
    /// Nothing left.
    NoAnswer = "a call answers that no request left",
    /// Nothing says what became of it.
    Unknown = "a call answers that the outcome is unknown",
    /// Another process works on the payment.
    Busy = "a call gives up since another process works on the payment",
    /// An earlier operation is in the way.
    Blocked = "a call answers that an earlier operation must be settled first",
    /// The ledger failed, nothing was sent.
    LedgerFailed = "a call answers that the ledger failed and nothing was sent",
    /// The ledger failed after a request had left.
    NotRecorded = "a call answers that the ledger failed after a request had left",
    /// Another process is in the way, and it waits.
    Waits = "a call waits for another process",
    /// A request of a caller that does not wait any more is carried out.
    LandsUnheard = "a request is carried out whose sender does not wait any more",
    /// A request arrives whose key was forgotten.
    KeyLapsed = "a request is sent again after its key lapsed",
    /// A lookup says that there is none.
    FoundAbsent = "a lookup after the grace period finds that no refund was made",
    /// A lookup finds one.
    FoundPresent = "a lookup finds a refund",
    /// A lookup cannot say.
    StillUnknown = "a lookup leaves the outcome unknown",
    /// Another operation was settled on the way.
    AlsoSettled = "a call settles an earlier operation on the way",
    /// An event says more than the ledger.
    EventMoves = "an event moves an operation",
    /// An event comes while a request is under way.
    EventOvertakes = "an event overtakes the answer of a request",
    /// An event tells nothing.
    EventTooLate = "an event comes too late to move anything",
    /// An event comes twice.
    EventRepeated = "an event is delivered twice",
    /// A refund that was made elsewhere.
    EventElsewhere = "an event is about a refund made elsewhere",
    /// A vote that does not count.
    OwnVote = "the requester's own vote is refused",
    /// A second vote.
    VotedTwice = "a second vote of an approver is refused",
    /// Enough agreed.
    Approved = "enough approvers agree",
    /// One objected.
    Objected = "an approver calls an operation off",
    /// An objection that comes too late.
    ObjectedTooLate = "an objection is refused since the refund may have been made",
    /// Executed.
    Executed = "an approved refund is made",
    /// Not executed in time.
    ApprovalExpired = "an approval expires",
    /// The rules in force want more approvers.
    MoreApprovers = "an approved refund needs more approvers under the rules in force",
    /// Asked again with other values.
    Corrected = "an operation is asked for again with corrected values",
    /// Asked again with other values too early.
    CorrectionWaits = "a correction is refused while an approval is open",
}
