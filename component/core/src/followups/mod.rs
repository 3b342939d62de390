//! Follow-ups: what is left to do once a refund moved or a dispute was opened. Tell the customer, take
//! access away, cancel the subscription, set the order's state, wake somebody.
//!
//! They come from two sides, from webhooks and from the operations this host executed, and both tell of
//! the same facts: one refund makes up to five events (reference 5.4), and the answer to the operation
//! besides. Hence every follow-up has an id that is a hash of the fact alone, see [`FollowUpId`]: told
//! twice, it is still one. Whoever keeps follow-ups drops an id that is there already.
//!
//! What is pure cannot know the order of things: whether `succeeded` is news or comes late, after
//! `failed`. Hand in only what moves a refund forward (pending, succeeded, failed); the ledger's states
//! do that. A customer is then told each message at most once, and never good news after bad.

mod contact;
mod follow_up;
mod options;
mod outcome;
mod payment;
mod refund;
mod source;

pub use contact::{FoundContact, Look, LookResult, Place, Reading, Sources};
pub use follow_up::{
    About, AccessReason, AlertReason, Contact, FollowUp, FollowUpId, Kind, Message, OrderStatus,
    Severity, Task,
};
pub use options::{Options, When};
pub use outcome::{Ended, Outcome, of_outcome};

use crate::model::{Dispute, Refund};
use crate::webhook::Action;
use source::Source;

/// What follows from an event, once it was interpreted.
///
/// A `charge.refunded` event alone tells whether a payment was refunded in whole, and the other events
/// alone tell of which refund: subscribe to both. Nothing follows from an event that only says what to
/// fetch: fetch it, and give what was found.
pub fn of_action(action: &Action, options: &Options) -> Vec<FollowUp> {
    let found = match action {
        Action::RefundSucceeded(one)
        | Action::RefundPending(one)
        | Action::RefundRequiresAction(one)
        | Action::RefundFailed(one)
        | Action::RefundCanceled(one) => return of_refund(one, options),
        Action::ChargeRefunded(charge) => payment::of_charge(charge, options),
        Action::DisputeOpened(dispute) => vec![opened(dispute)],
        Action::DisputeClosed(dispute) => vec![closed(dispute)],
        Action::DisputeUpdated(_) | Action::Fetch(_) | Action::Ignore(_) => Vec::new(),
    };
    options.wanted(found)
}

/// What follows from where a refund stands, however that became known: from an event, or by reading it.
pub fn of_refund(refund: &Refund, options: &Options) -> Vec<FollowUp> {
    options.wanted(refund::of_refund(refund, None, options))
}

fn opened(dispute: &Dispute) -> FollowUp {
    let task = Task::Alert {
        severity: Severity::Critical,
        reason: AlertReason::DisputeOpened,
        detail: Some(dispute.reason.clone()).filter(|reason| !reason.is_empty()),
        due_by: dispute.evidence_due_by(),
    };
    Source::of_dispute(dispute).tell("opened", task)
}

/// A dispute is opened once and closed once, but an appeal may close it again: its status is part of the
/// fact.
fn closed(dispute: &Dispute) -> FollowUp {
    let lost = dispute.status == "lost";
    let (severity, reason) = if lost {
        (Severity::Warning, AlertReason::DisputeLost)
    } else {
        (Severity::Info, AlertReason::DisputeClosed)
    };
    let status = Some(dispute.status.clone()).filter(|status| !status.is_empty());
    let task = Task::alert(severity, reason, status);
    Source::of_dispute(dispute).tell(&dispute.status, task)
}

#[cfg(test)]
mod tests;
