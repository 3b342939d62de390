//! Bugs that are put into the simulation's own parts, to show that the judge finds them.
//!
//! The product has none of them. Each stands for a bug that the product, its store, or what it relies on could have.

/// A bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planted {
    /// The ledger answers that a transaction is committed, and has lost it: one in ten.
    LostCommit,
    /// The ledger does not keep that a process works on a payment.
    NoPaymentLock,
    /// The ledger does not say that earlier operations on a payment are unsettled.
    UnsettledNotSeen,
    /// The ledger answers reads with what an operation was before its last move.
    StaleReads,
    /// The ledger leaves moves out of the audit.
    NoAudit,
    /// The ledger files every approval for one approver.
    OneApproverIsEnough,
    /// The ledger gives every approval as one whose time is not over.
    ApprovalsNeverExpire,
    /// The ledger says that a run has no open lines.
    NoOpenLines,
    /// The ledger does not say which payments of a run it has refunded before.
    PriorRefundsNotSeen,
    /// The component makes a new idempotency key for each request.
    NewKeyEachRequest,
    /// The component does not apply the merchant's rules.
    RulesNotApplied,
    /// The component takes its own question for the approval.
    ApprovesItself,
    /// The host does not count requests that change something.
    ChangesNotCounted,
    /// The component lists no refunds.
    ListsNothing,
    /// The component leaves out the newest refund of a page when all refunds are listed.
    ListsTooLittle,
    /// A lookup makes the refund.
    LookupMakesRefund,
    /// A plan makes the refunds.
    PlanMakesRefunds,
    /// Every signature holds.
    EverySignatureHolds,
    /// Stripe does not know idempotency keys.
    StripeForgetsKeys,
    /// Stripe loses the operation id in the metadata.
    StripeLosesMetadata,
    /// A request reaches Stripe long after the process gave it up.
    LateRequests,
    /// Wall clocks differ by up to some hours.
    WildClocks,
    /// A person is answered that nothing was made where the outcome is unknown.
    UnknownIsNothing,
    /// A person is answered that a refund is waiting where it was denied.
    DeniedIsWaiting,
    /// A person is answered that a decision counts before it is recorded.
    DecisionNotRecorded,
    /// Whoever sends a run is given a line more than came to an end.
    LineTooMany,
}

impl Planted {
    /// Every bug.
    pub const ALL: [Self; 26] = [
        Self::LostCommit,
        Self::NoPaymentLock,
        Self::UnsettledNotSeen,
        Self::StaleReads,
        Self::NoAudit,
        Self::OneApproverIsEnough,
        Self::ApprovalsNeverExpire,
        Self::NoOpenLines,
        Self::PriorRefundsNotSeen,
        Self::NewKeyEachRequest,
        Self::RulesNotApplied,
        Self::ApprovesItself,
        Self::ChangesNotCounted,
        Self::ListsNothing,
        Self::ListsTooLittle,
        Self::LookupMakesRefund,
        Self::PlanMakesRefunds,
        Self::EverySignatureHolds,
        Self::StripeForgetsKeys,
        Self::StripeLosesMetadata,
        Self::LateRequests,
        Self::WildClocks,
        Self::UnknownIsNothing,
        Self::DeniedIsWaiting,
        Self::DecisionNotRecorded,
        Self::LineTooMany,
    ];
}
