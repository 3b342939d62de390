//! Exports `webhooks`.

use refund_core::problem::FieldProblem;
use refund_core::secret::Secret;
use refund_core::webhook::{
    self, Action, Event, ParseError, RelatedObject, Subject, VerifyError, VerifyOptions,
};

use crate::Component;
use crate::bindings::exports::refund_node::refunds::webhooks as wit;
use crate::types::{
    charge_from_wit, charge_to_wit, dispute_from_wit, dispute_to_wit, refund_from_wit,
    refund_to_wit,
};

impl wit::Guest for Component {
    fn verify(
        payload: Vec<u8>,
        header: Option<String>,
        secrets: Vec<String>,
        options: wit::VerifyOptions,
        now: u64,
    ) -> Result<wit::Verified, wit::VerifyError> {
        let secrets: Vec<_> = secrets.into_iter().map(Secret::new).collect();
        let options = VerifyOptions {
            tolerance: options.tolerance,
            future_tolerance: options.future_tolerance,
        };
        webhook::verify(&payload, header.as_deref(), &secrets, options, now)
            .map(|verified| wit::Verified {
                timestamp: verified.timestamp,
                secret_index: verified.secret_index,
            })
            .map_err(verify_error_to_wit)
    }

    fn parse(payload: Vec<u8>) -> Result<wit::Event, wit::ParseError> {
        webhook::parse(&payload).map(event_to_wit).map_err(|error| match error {
            ParseError::NotJson { problem } => wit::ParseError::NotJson(problem),
            ParseError::NotAnEvent { problem } => wit::ParseError::NotAnEvent(problem),
            ParseError::BadObject { problem } => wit::ParseError::BadObject(problem),
        })
    }

    fn interpret(event: wit::Event) -> wit::Action {
        match event_from_wit(event) {
            Ok(event) => action_to_wit(webhook::interpret(&event)),
            Err(problem) => wit::Action::Ignore(problem.to_string()),
        }
    }
}

fn verify_error_to_wit(error: VerifyError) -> wit::VerifyError {
    match error {
        VerifyError::NoHeader => wit::VerifyError::NoHeader,
        VerifyError::NoSecret => wit::VerifyError::NoSecret,
        VerifyError::BlankSecret { index } => wit::VerifyError::BlankSecret(index),
        VerifyError::BadHeader { problem } => wit::VerifyError::BadHeader(problem),
        VerifyError::NoTimestamp => wit::VerifyError::NoTimestamp,
        VerifyError::NoSignature => wit::VerifyError::NoSignature,
        VerifyError::BadSignature => wit::VerifyError::BadSignature,
        VerifyError::BadEncoding => wit::VerifyError::BadEncoding,
        VerifyError::Mismatch => wit::VerifyError::Mismatch,
        VerifyError::TooOld { age, tolerance } => {
            wit::VerifyError::TooOld(wit::TooOld { age, tolerance })
        }
        VerifyError::TooNew { lead, tolerance } => {
            wit::VerifyError::TooNew(wit::TooNew { lead, tolerance })
        }
    }
}

fn event_to_wit(event: Event) -> wit::Event {
    wit::Event {
        id: event.id,
        kind: event.kind,
        created: event.created,
        livemode: event.livemode,
        thin: event.thin,
        api_version: event.api_version,
        account: event.account,
        request_id: event.request_id,
        subject: match event.subject {
            Subject::Refund(object) => wit::Subject::Refund(refund_to_wit(*object)),
            Subject::Charge(object) => wit::Subject::Charge(charge_to_wit(*object)),
            Subject::Dispute(object) => wit::Subject::Dispute(dispute_to_wit(*object)),
            Subject::Reference(object) => wit::Subject::Reference(related_to_wit(object)),
            Subject::Other(json) => wit::Subject::Other(json),
        },
    }
}

fn event_from_wit(event: wit::Event) -> Result<Event, FieldProblem> {
    Ok(Event {
        id: event.id,
        kind: event.kind,
        created: event.created,
        livemode: event.livemode,
        thin: event.thin,
        api_version: event.api_version,
        account: event.account,
        request_id: event.request_id,
        subject: match event.subject {
            wit::Subject::Refund(object) => Subject::Refund(Box::new(refund_from_wit(object)?)),
            wit::Subject::Charge(object) => Subject::Charge(Box::new(charge_from_wit(object)?)),
            wit::Subject::Dispute(object) => Subject::Dispute(Box::new(dispute_from_wit(object)?)),
            wit::Subject::Reference(object) => Subject::Reference(related_from_wit(object)),
            wit::Subject::Other(json) => Subject::Other(json),
        },
    })
}

fn related_to_wit(object: RelatedObject) -> wit::RelatedObject {
    wit::RelatedObject { id: object.id, kind: object.kind, url: object.url }
}

fn related_from_wit(object: wit::RelatedObject) -> RelatedObject {
    RelatedObject { id: object.id, kind: object.kind, url: object.url }
}

fn action_to_wit(action: Action) -> wit::Action {
    match action {
        Action::RefundSucceeded(object) => wit::Action::RefundSucceeded(refund_to_wit(*object)),
        Action::RefundPending(object) => wit::Action::RefundPending(refund_to_wit(*object)),
        Action::RefundRequiresAction(object) => {
            wit::Action::RefundRequiresAction(refund_to_wit(*object))
        }
        Action::RefundFailed(object) => wit::Action::RefundFailed(refund_to_wit(*object)),
        Action::RefundCanceled(object) => wit::Action::RefundCanceled(refund_to_wit(*object)),
        Action::ChargeRefunded(object) => wit::Action::ChargeRefunded(charge_to_wit(*object)),
        Action::DisputeOpened(object) => wit::Action::DisputeOpened(dispute_to_wit(*object)),
        Action::DisputeUpdated(object) => wit::Action::DisputeUpdated(dispute_to_wit(*object)),
        Action::DisputeClosed(object) => wit::Action::DisputeClosed(dispute_to_wit(*object)),
        Action::Fetch(object) => wit::Action::Fetch(related_to_wit(object)),
        Action::Ignore(why) => wit::Action::Ignore(why),
    }
}
