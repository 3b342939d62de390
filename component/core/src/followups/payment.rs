//! What follows from how much is left of a payment. Pending refunds count as given back, as everywhere.

use super::follow_up::{AccessReason, AlertReason, FollowUp, OrderStatus, Severity, Task};
use super::options::{Options, When};
use super::source::{Source, subscription};
use crate::metadata::Metadata;
use crate::model::Charge;

/// A charge that was refunded, in part or whole, here or elsewhere.
pub(super) fn of_charge(charge: &Charge, options: &Options) -> Vec<FollowUp> {
    let source = Source::of_charge(charge);
    let captured = charge.captured_amount();
    let left = if charge.is_fully_refunded() {
        0
    } else {
        captured.saturating_sub(charge.amount_refunded)
    };
    let mut found = of_rest(&source, left, &[&charge.metadata], options);
    if charge.amount_refunded > captured {
        found.push(
            source.tell("over", Task::alert(Severity::Critical, AlertReason::RefundedTwice, None)),
        );
    }
    if charge.disputed {
        found.push(source.tell(
            "disputed",
            Task::alert(Severity::Critical, AlertReason::RefundedWhileDisputed, None),
        ));
    }
    found
}

/// What follows from what is left, in the smallest unit.
pub(super) fn of_rest(
    source: &Source,
    left: u64,
    places: &[&Metadata],
    options: &Options,
) -> Vec<FollowUp> {
    let nothing_left = left == 0;
    let state = format!("left {left}");
    let mut found = Vec::new();
    if options.revoke_access.applies(nothing_left) {
        found.push(revoked(source, options.revoke_access, nothing_left));
    } else {
        let why =
            if nothing_left { AccessReason::FullyRefunded } else { AccessReason::PartlyRefunded };
        found.push(source.tell(&state, Task::KeepAccess { why }));
    }
    if options.cancel_subscription.applies(nothing_left)
        && let Some(subscription) = subscription(places)
    {
        found.push(source.tell("canceled", Task::CancelSubscription { subscription }));
    }
    if let Some((key, order)) = options.order(places) {
        let status =
            if nothing_left { OrderStatus::FullyRefunded } else { OrderStatus::PartlyRefunded };
        found.push(source.tell(&state, Task::UpdateOrder { key, order, status }));
    }
    found
}

/// Where any refund revokes, the first one does, and the next tell nothing new.
pub(super) fn revoked(payment: &Source, when: When, nothing_left: bool) -> FollowUp {
    let why = if nothing_left { AccessReason::FullyRefunded } else { AccessReason::PartlyRefunded };
    let state = if when == When::Any { "any" } else { "left 0" };
    payment.tell(state, Task::RevokeAccess { why })
}
