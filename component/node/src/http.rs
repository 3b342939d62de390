//! What the interfaces that need HTTP share: the connection, and how a call fails.

use refund_core::client::{
    CallError, ChangeError, Connection, ConnectionInput, TransportFailure, TransportKind,
};
use refund_core::id::{ChargeId, PaymentIntentId, PaymentRef};
use refund_core::problem::FieldProblem;
use refund_core::secret::Secret;
use refund_core::wire::{Refusal, RefusalKind};

use crate::bindings::exports::refund_node::refunds::types as wit;
use crate::types::problems_to_wit;

pub(crate) fn connection_from_wit(
    connection: wit::Connection,
) -> Result<Connection, Vec<FieldProblem>> {
    Connection::new(ConnectionInput {
        base_url: connection.base_url,
        account: connection.account,
        api_key: connection.api_key.map(Secret::new),
        max_retries: connection.max_retries,
    })
}

/// The same for calls that only read.
pub(crate) fn connect(to: wit::Connection) -> Result<Connection, wit::CallError> {
    connection_from_wit(to).map_err(|found| wit::CallError::Invalid(problems_to_wit(found)))
}

pub(crate) fn payment_from_wit(payment: &wit::PaymentRef) -> Result<PaymentRef, FieldProblem> {
    match payment {
        wit::PaymentRef::Charge(id) => ChargeId::parse(id).map(PaymentRef::Charge),
        wit::PaymentRef::PaymentIntent(id) => {
            PaymentIntentId::parse(id).map(PaymentRef::PaymentIntent)
        }
    }
}

pub(crate) fn call_error_to_wit(error: CallError) -> wit::CallError {
    match error {
        CallError::Invalid { problems: found } => wit::CallError::Invalid(problems_to_wit(found)),
        CallError::Refused(found) => wit::CallError::Refused(refusal_to_wit(found)),
        CallError::Transport(found) => wit::CallError::Transport(transport_failure_to_wit(found)),
    }
}

/// The connection of a call that changes something.
pub(crate) fn connect_to_change(to: wit::Connection) -> Result<Connection, wit::ChangeError> {
    connection_from_wit(to).map_err(|found| wit::ChangeError::Invalid(problems_to_wit(found)))
}

pub(crate) fn change_error_to_wit(error: ChangeError) -> wit::ChangeError {
    match error {
        ChangeError::Invalid { problems: found } => {
            wit::ChangeError::Invalid(problems_to_wit(found))
        }
        ChangeError::Refused(found) => wit::ChangeError::Refused(refusal_to_wit(found)),
        ChangeError::Transport(found) => {
            wit::ChangeError::Transport(transport_failure_to_wit(found))
        }
        ChangeError::OutcomeUnknown(unknown) => {
            wit::ChangeError::OutcomeUnknown(wit::ChangeUnknown {
                attempts: unknown.attempts,
                detail: unknown.detail,
            })
        }
    }
}

pub(crate) fn refusal_to_wit(refusal: Refusal) -> wit::Refusal {
    let kind = match refusal.kind {
        RefusalKind::InvalidRequest => wit::RefusalKind::InvalidRequest,
        RefusalKind::Authentication => wit::RefusalKind::Authentication,
        RefusalKind::Permission => wit::RefusalKind::Permission,
        RefusalKind::NotFound => wit::RefusalKind::NotFound,
        RefusalKind::Idempotency => wit::RefusalKind::Idempotency,
        RefusalKind::Card => wit::RefusalKind::Card,
        RefusalKind::RateLimited => wit::RefusalKind::RateLimited,
        RefusalKind::Locked => wit::RefusalKind::Locked,
        RefusalKind::Api => wit::RefusalKind::Api,
    };
    wit::Refusal {
        kind,
        status: refusal.status,
        code: refusal.code,
        param: refusal.param,
        message: refusal.message,
        request_id: refusal.request_id,
        retry_after: refusal.retry_after,
    }
}

pub(crate) fn transport_failure_to_wit(failure: TransportFailure) -> wit::TransportFailure {
    let kind = match failure.kind {
        TransportKind::Denied => wit::TransportKind::Denied,
        TransportKind::Dns => wit::TransportKind::Dns,
        TransportKind::Connect => wit::TransportKind::Connect,
        TransportKind::Tls => wit::TransportKind::Tls,
        TransportKind::Timeout => wit::TransportKind::Timeout,
        TransportKind::Broken => wit::TransportKind::Broken,
        TransportKind::TooLarge => wit::TransportKind::TooLarge,
        TransportKind::Unreadable => wit::TransportKind::Unreadable,
        TransportKind::Other => wit::TransportKind::Other,
    };
    wit::TransportFailure { kind, detail: failure.detail, attempts: failure.attempts }
}
