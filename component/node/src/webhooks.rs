//! Exports `webhooks`.

use refund_core::problem::FieldProblem;
use refund_core::secret::Secret;
use refund_core::webhook::{
    self, Action, Event, ParseError, RelatedObject, Subject, VerifyError, VerifyOptions,
};

use crate::Component;
use crate::bindings::exports::refund_node::refunds::webhooks as wit;
use crate::types::{charge, dispute, read_charge, read_dispute, read_refund, refund};

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
            .map_err(verify_error)
    }

    fn parse(payload: Vec<u8>) -> Result<wit::Event, wit::ParseError> {
        webhook::parse(&payload).map(event).map_err(|error| match error {
            ParseError::NotJson { problem } => wit::ParseError::NotJson(problem),
            ParseError::NotAnEvent { problem } => wit::ParseError::NotAnEvent(problem),
            ParseError::BadObject { problem } => wit::ParseError::BadObject(problem),
        })
    }

    fn interpret(event: wit::Event) -> wit::Action {
        match read_event(event) {
            Ok(event) => action(webhook::interpret(&event)),
            Err(problem) => wit::Action::Ignore(problem.to_string()),
        }
    }
}

fn verify_error(error: VerifyError) -> wit::VerifyError {
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

fn event(event: Event) -> wit::Event {
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
            Subject::Refund(object) => wit::Subject::Refund(refund(*object)),
            Subject::Charge(object) => wit::Subject::Charge(charge(*object)),
            Subject::Dispute(object) => wit::Subject::Dispute(dispute(*object)),
            Subject::Reference(object) => wit::Subject::Reference(related(object)),
            Subject::Other(json) => wit::Subject::Other(json),
        },
    }
}

fn read_event(event: wit::Event) -> Result<Event, FieldProblem> {
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
            wit::Subject::Refund(object) => Subject::Refund(Box::new(read_refund(object)?)),
            wit::Subject::Charge(object) => Subject::Charge(Box::new(read_charge(object)?)),
            wit::Subject::Dispute(object) => Subject::Dispute(Box::new(read_dispute(object)?)),
            wit::Subject::Reference(object) => Subject::Reference(read_related(object)),
            wit::Subject::Other(json) => Subject::Other(json),
        },
    })
}

fn related(object: RelatedObject) -> wit::RelatedObject {
    wit::RelatedObject { id: object.id, kind: object.kind, url: object.url }
}

fn read_related(object: wit::RelatedObject) -> RelatedObject {
    RelatedObject { id: object.id, kind: object.kind, url: object.url }
}

fn action(action: Action) -> wit::Action {
    match action {
        Action::RefundSucceeded(object) => wit::Action::RefundSucceeded(refund(*object)),
        Action::RefundPending(object) => wit::Action::RefundPending(refund(*object)),
        Action::RefundRequiresAction(object) => wit::Action::RefundRequiresAction(refund(*object)),
        Action::RefundFailed(object) => wit::Action::RefundFailed(refund(*object)),
        Action::RefundCanceled(object) => wit::Action::RefundCanceled(refund(*object)),
        Action::ChargeRefunded(object) => wit::Action::ChargeRefunded(charge(*object)),
        Action::DisputeOpened(object) => wit::Action::DisputeOpened(dispute(*object)),
        Action::DisputeUpdated(object) => wit::Action::DisputeUpdated(dispute(*object)),
        Action::DisputeClosed(object) => wit::Action::DisputeClosed(dispute(*object)),
        Action::Fetch(object) => wit::Action::Fetch(related(object)),
        Action::Ignore(why) => wit::Action::Ignore(why),
    }
}
