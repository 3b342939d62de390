//! Exports `follow-ups`.

use refund_core::followups::{
    self, About, AccessReason, AlertReason, Contact, Ended, FollowUp, Kind, Message, Options,
    OrderStatus, Outcome, Severity, Task, When,
};
use refund_core::id::{ChargeId, OperationId, PaymentIntentId, PaymentRef, RefundId};
use refund_core::problem::{FieldProblem, Problems};

use crate::Component;
use crate::bindings::exports::refund_node::refunds::follow_ups as wit;
use crate::bindings::exports::refund_node::refunds::types;
use crate::types::{money, problems, read_metadata, read_money, read_refund};
use crate::webhooks::read_action;

impl wit::Guest for Component {
    fn of_action(
        action: wit::Action,
        options: wit::Options,
    ) -> Result<Vec<wit::FollowUp>, Vec<types::FieldProblem>> {
        let action = read_action(action).map_err(|problem| problems(vec![problem]))?;
        Ok(written(followups::of_action(&action, &read_options(options))))
    }

    fn of_outcome(
        outcome: wit::Outcome,
        options: wit::Options,
    ) -> Result<Vec<wit::FollowUp>, Vec<types::FieldProblem>> {
        let outcome = read_outcome(outcome).map_err(problems)?;
        Ok(written(followups::of_outcome(&outcome, &read_options(options))))
    }
}

fn read_options(options: wit::Options) -> Options {
    let when = |when: Option<wit::When>| match when {
        Some(wit::When::Full) | None => When::Full,
        Some(wit::When::Any) => When::Any,
        Some(wit::When::Never) => When::Never,
    };
    let kind = |kind: wit::Kind| match kind {
        wit::Kind::NotifyCustomer => Kind::NotifyCustomer,
        wit::Kind::RevokeAccess => Kind::RevokeAccess,
        wit::Kind::KeepAccess => Kind::KeepAccess,
        wit::Kind::CancelSubscription => Kind::CancelSubscription,
        wit::Kind::UpdateOrder => Kind::UpdateOrder,
        wit::Kind::Alert => Kind::Alert,
    };
    Options {
        revoke_access: when(options.revoke_access),
        cancel_subscription: when(options.cancel_subscription),
        only: options.only.into_iter().map(kind).collect(),
        reference_keys: options.reference_keys,
    }
}

/// Everything wrong with an outcome is told at once.
fn read_outcome(outcome: wit::Outcome) -> Result<Outcome, Vec<FieldProblem>> {
    let mut problems = Problems::default();
    let operation_id = problems.keep(OperationId::parse(&outcome.operation_id));
    let payment = problems.keep(match &outcome.payment {
        types::PaymentRef::Charge(id) => ChargeId::parse(id).map(PaymentRef::Charge),
        types::PaymentRef::PaymentIntent(id) => {
            PaymentIntentId::parse(id).map(PaymentRef::PaymentIntent)
        }
    });
    let money = problems.keep(outcome.money.as_ref().map(read_money).transpose());
    let ended = problems.keep(read_ended(outcome.ended));
    let (Some(operation_id), Some(payment), Some(money), Some(ended)) =
        (operation_id, payment, money, ended)
    else {
        return Err(problems.into_result().err().unwrap_or_default());
    };
    let metadata = read_metadata(outcome.metadata);
    Ok(Outcome { operation_id, payment, money, ended, left: outcome.left, metadata })
}

fn read_ended(ended: wit::Ended) -> Result<Ended, FieldProblem> {
    Ok(match ended {
        wit::Ended::Refund(refund) => Ended::Refund(Box::new(read_refund(refund)?)),
        wit::Ended::Denied(why) => Ended::Denied(why),
        wit::Ended::Refused(why) => Ended::Refused(why),
        wit::Ended::OutcomeUnknown(why) => Ended::OutcomeUnknown(why),
        wit::Ended::RefundedTwice(ids) => {
            Ended::RefundedTwice(ids.into_iter().map(RefundId::from_stripe).collect())
        }
    })
}

fn written(found: Vec<FollowUp>) -> Vec<wit::FollowUp> {
    found.into_iter().map(follow_up).collect()
}

fn follow_up(follow_up: FollowUp) -> wit::FollowUp {
    wit::FollowUp {
        id: follow_up.id.to_string(),
        subject: follow_up.subject,
        task: task(follow_up.task),
        about: about(follow_up.about),
    }
}

fn about(about: About) -> wit::About {
    wit::About {
        operation: about.operation,
        refund: about.refund.map(|id| id.to_string()),
        dispute: about.dispute.map(|id| id.to_string()),
        charge: about.charge.map(|id| id.to_string()),
        payment_intent: about.payment_intent.map(|id| id.to_string()),
        money: about.money.map(money),
    }
}

fn task(task: Task) -> wit::Task {
    match task {
        Task::NotifyCustomer { message: what, customer, detail } => {
            let Contact { name, email } = customer;
            let customer = wit::Contact { name, email };
            wit::Task::NotifyCustomer(wit::Notification {
                message: message(what),
                customer,
                detail,
            })
        }
        Task::RevokeAccess { why } => wit::Task::RevokeAccess(access_reason(why)),
        Task::KeepAccess { why } => wit::Task::KeepAccess(access_reason(why)),
        Task::CancelSubscription { subscription } => wit::Task::CancelSubscription(subscription),
        Task::UpdateOrder { key, order, status } => {
            wit::Task::UpdateOrder(wit::OrderUpdate { key, order, status: order_status(status) })
        }
        Task::Alert { severity, reason, detail, due_by } => wit::Task::Alert(wit::Alert {
            severity: match severity {
                Severity::Info => wit::Severity::Info,
                Severity::Warning => wit::Severity::Warning,
                Severity::Critical => wit::Severity::Critical,
            },
            reason: alert_reason(reason),
            detail,
            due_by,
        }),
    }
}

fn message(message: Message) -> wit::Message {
    match message {
        Message::RefundPending => wit::Message::RefundPending,
        Message::RefundSucceeded => wit::Message::RefundSucceeded,
        Message::RefundFailed => wit::Message::RefundFailed,
        Message::RefundNeedsAction => wit::Message::RefundNeedsAction,
        Message::RefundDenied => wit::Message::RefundDenied,
    }
}

fn access_reason(why: AccessReason) -> wit::AccessReason {
    match why {
        AccessReason::FullyRefunded => wit::AccessReason::FullyRefunded,
        AccessReason::PartlyRefunded => wit::AccessReason::PartlyRefunded,
        AccessReason::RefundFailed => wit::AccessReason::RefundFailed,
        AccessReason::RefundCanceled => wit::AccessReason::RefundCanceled,
    }
}

fn order_status(status: OrderStatus) -> wit::OrderStatus {
    match status {
        OrderStatus::RefundPending => wit::OrderStatus::RefundPending,
        OrderStatus::RefundNeedsAction => wit::OrderStatus::RefundNeedsAction,
        OrderStatus::RefundSucceeded => wit::OrderStatus::RefundSucceeded,
        OrderStatus::RefundFailed => wit::OrderStatus::RefundFailed,
        OrderStatus::RefundCanceled => wit::OrderStatus::RefundCanceled,
        OrderStatus::PartlyRefunded => wit::OrderStatus::PartlyRefunded,
        OrderStatus::FullyRefunded => wit::OrderStatus::FullyRefunded,
    }
}

fn alert_reason(reason: AlertReason) -> wit::AlertReason {
    match reason {
        AlertReason::RefundFailed => wit::AlertReason::RefundFailed,
        AlertReason::RefundRefused => wit::AlertReason::RefundRefused,
        AlertReason::OutcomeUnknown => wit::AlertReason::OutcomeUnknown,
        AlertReason::RefundedTwice => wit::AlertReason::RefundedTwice,
        AlertReason::RefundedWhileDisputed => wit::AlertReason::RefundedWhileDisputed,
        AlertReason::DisputeOpened => wit::AlertReason::DisputeOpened,
        AlertReason::DisputeClosed => wit::AlertReason::DisputeClosed,
        AlertReason::DisputeLost => wit::AlertReason::DisputeLost,
    }
}
