//! What follows from where a refund stands.

use super::follow_up::{
    AccessReason, AlertReason, Contact, FollowUp, Message, OrderStatus, Severity, Task,
};
use super::options::{Options, When};
use super::payment::revoked;
use super::source::Source;
use crate::metadata::Metadata;
use crate::model::{Refund, RefundStatus};

/// The same for an event and for an operation: the refund alone decides. The metadata of the payment help
/// to find customer and order where those of the refund say nothing.
pub(super) fn of_refund(
    refund: &Refund,
    payment: Option<&Metadata>,
    options: &Options,
) -> Vec<FollowUp> {
    let source = Source::of_refund(refund);
    let places: Vec<_> = [Some(&refund.metadata), payment].into_iter().flatten().collect();
    let Stand { state, message, order, kept } = stand(refund.status.as_ref());
    let mut found = Vec::new();
    if let Some(message) = message {
        let customer = Contact::of(&places);
        let detail = refund.failure_reason.clone();
        found.push(source.tell(state, Task::NotifyCustomer { message, customer, detail }));
    }
    if let Some((key, order_id)) = options.order(&places) {
        found.push(source.tell(state, Task::UpdateOrder { key, order: order_id, status: order }));
    }
    if let Some(why) = kept {
        found.push(source.tell(state, Task::KeepAccess { why }));
    } else if options.revoke_access == When::Any && refund.is_spent() {
        found.extend(Source::of_payment(refund).map(|payment| revoked(&payment, When::Any, false)));
    }
    if refund.status == Some(RefundStatus::Failed) {
        let (severity, reason) = (Severity::Critical, AlertReason::RefundFailed);
        let alert = Task::alert(severity, reason, refund.failure_reason.clone());
        found.push(source.tell(state, alert));
    }
    found
}

/// What a status means.
struct Stand {
    state: &'static str,
    message: Option<Message>,
    order: OrderStatus,
    kept: Option<AccessReason>,
}

/// A status unknown today, or none, is treated as under way, as in [`crate::webhook::interpret`].
fn stand(status: Option<&RefundStatus>) -> Stand {
    let (state, message, order, kept) = match status {
        Some(RefundStatus::Succeeded) => {
            ("succeeded", Some(Message::RefundSucceeded), OrderStatus::RefundSucceeded, None)
        }
        Some(RefundStatus::RequiresAction) => (
            "requires_action",
            Some(Message::RefundNeedsAction),
            OrderStatus::RefundNeedsAction,
            None,
        ),
        Some(RefundStatus::Failed) => (
            "failed",
            Some(Message::RefundFailed),
            OrderStatus::RefundFailed,
            Some(AccessReason::RefundFailed),
        ),
        Some(RefundStatus::Canceled) => {
            ("canceled", None, OrderStatus::RefundCanceled, Some(AccessReason::RefundCanceled))
        }
        Some(RefundStatus::Pending | RefundStatus::Other(_)) | None => {
            ("pending", Some(Message::RefundPending), OrderStatus::RefundPending, None)
        }
    };
    Stand { state, message, order, kept }
}
