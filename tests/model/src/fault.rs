//! Bugs that are planted in what surrounds the rules: a search that finds none of them would prove nothing.

use std::fmt;

/// A bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The grace period is 0 seconds.
    GraceIgnored,
    /// A call sees the time at which it began for as long as it lasts.
    ClockStandsStill,
    /// The ledger says that it has the request that is asked for, whatever it has.
    FingerprintNotCompared,
    /// Every call sends with a key of its own.
    KeyNotKept,
    /// A lost answer is taken for a request that never left.
    LostTakenForUnsent,
    /// A lookup takes a refund that was made in the Dashboard for the one of its operation.
    ForeignRefundTaken,
    /// A payment that another process works on is taken all the same.
    PaymentNotTaken,
    /// A crash takes back the commit that marked an operation as sent.
    CrashLosesCommit,
    /// An approval stays approved once it was executed.
    ApprovalStaysApproved,
    /// An approval never expires.
    ApprovalNeverExpires,
    /// The requester may approve.
    OwnVoteCounts,
    /// Some moves leave no row in the audit.
    MoveNotRecorded,
}

impl Fault {
    /// Every bug.
    pub const ALL: [Self; 12] = [
        Self::GraceIgnored,
        Self::ClockStandsStill,
        Self::FingerprintNotCompared,
        Self::KeyNotKept,
        Self::LostTakenForUnsent,
        Self::ForeignRefundTaken,
        Self::PaymentNotTaken,
        Self::CrashLosesCommit,
        Self::ApprovalStaysApproved,
        Self::ApprovalNeverExpires,
        Self::OwnVoteCounts,
        Self::MoveNotRecorded,
    ];
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::GraceIgnored => "the grace period is ignored",
            Self::ClockStandsStill => "the clock stands still during a call",
            Self::FingerprintNotCompared => "the fingerprint of a request is not compared",
            Self::KeyNotKept => "every call sends with a key of its own",
            Self::LostTakenForUnsent => "a lost answer is taken for a request that never left",
            Self::ForeignRefundTaken => "a lookup takes a refund of the Dashboard",
            Self::PaymentNotTaken => "a payment that is taken is taken again",
            Self::CrashLosesCommit => "a crash loses what was committed",
            Self::ApprovalStaysApproved => "an approval is not single-use",
            Self::ApprovalNeverExpires => "an approval never expires",
            Self::OwnVoteCounts => "the requester may approve",
            Self::MoveNotRecorded => "some moves leave no row in the audit",
        })
    }
}
