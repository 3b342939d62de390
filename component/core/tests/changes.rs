//! Changes that move no money, over a Stripe of one refund that loses requests and answers.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::time::Duration;

use refund_core::client::{
    self, ChangeError, Connection, ConnectionInput, HttpRequest, SendFailure, Transport,
    TransportKind,
};
use refund_core::dispatch::{FailureKind, InvokeError, invoke};
use refund_core::metadata::Metadata;
use refund_core::model::{Refund, RefundStatus};
use refund_core::wire::Answer;
use refund_core::wire::requests::Method;
use serde_json::{Value, json};

/// What becomes of a request that changes the refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Carried out, and the answer is lost.
    AnswerLost,
    /// Lost on the way.
    Lost(TransportKind),
    /// A gateway gives up on it.
    Gateway,
    /// Stripe has carried out an earlier one in the meantime, and refuses this one.
    Before,
    /// Stripe refuses: the refund went through.
    TooLate,
}

/// Every change meets the same fate; what is read is answered as long as `readable`.
struct Stripe {
    fate: Fate,
    readable: bool,
    canceled: bool,
    note: Option<&'static str>,
    changes: usize,
}

impl Stripe {
    fn new(fate: Fate) -> Self {
        Self { fate, readable: true, canceled: false, note: None, changes: 0 }
    }

    fn refund(&self) -> Answer {
        let status = if self.canceled { "canceled" } else { "requires_action" };
        let body = json!({
            "id": "re_1", "object": "refund", "amount": 500, "currency": "usd", "charge": "ch_1",
            "status": status, "created": 1, "metadata": { "note": self.note, "kept": "yes" },
        });
        Answer {
            status: 200,
            headers: Vec::new(),
            body: without_nulls(body).to_string().into_bytes(),
        }
    }
}

fn without_nulls(mut refund: Value) -> Value {
    let metadata = refund["metadata"].as_object_mut().unwrap();
    metadata.retain(|_, value| !value.is_null());
    refund
}

impl Transport for Stripe {
    fn send(&mut self, request: &HttpRequest) -> Result<Answer, SendFailure> {
        let lost = |kind| Err(SendFailure { kind, detail: "scripted".into() });
        if request.method == Method::Get {
            return if self.readable { Ok(self.refund()) } else { lost(TransportKind::Connect) };
        }
        self.changes += 1;
        match self.fate {
            Fate::AnswerLost => {
                self.canceled |= request.url.ends_with("/cancel");
                self.note = (!request.url.ends_with("/cancel")).then_some("new");
                lost(TransportKind::Timeout)
            }
            Fate::Lost(kind) => lost(kind),
            Fate::Before | Fate::TooLate => {
                self.canceled = self.fate == Fate::Before;
                let error = json!({ "error": { "type": "invalid_request_error", "message": "cannot be canceled" } });
                Ok(Answer {
                    status: 400,
                    headers: Vec::new(),
                    body: error.to_string().into_bytes(),
                })
            }
            Fate::Gateway => {
                Ok(Answer { status: 502, headers: Vec::new(), body: b"<html>".to_vec() })
            }
        }
    }

    fn now(&self) -> u64 {
        1_790_000_000
    }

    fn sleep(&mut self, _: Duration) {}
}

fn cancel(stripe: &mut Stripe) -> Result<Refund, ChangeError> {
    client::cancel(stripe, &connection(), "re_1")
}

fn update(stripe: &mut Stripe) -> Result<Refund, ChangeError> {
    client::update_metadata(stripe, &connection(), "re_1", &note("new"))
}

fn connection() -> Connection {
    Connection::new(ConnectionInput::default()).unwrap()
}

fn note(value: &str) -> Metadata {
    Metadata([("note".to_owned(), value.to_owned())].into())
}

#[test]
fn a_change_whose_answer_was_lost_is_looked_for() {
    let mut stripe = Stripe::new(Fate::AnswerLost);
    assert_eq!(cancel(&mut stripe).unwrap().status, Some(RefundStatus::Canceled));
    let mut stripe = Stripe::new(Fate::AnswerLost);
    assert_eq!(update(&mut stripe).unwrap().metadata.get("note"), Some("new"));
    // A key that was to be removed and is gone shows the change too.
    let mut stripe = Stripe::new(Fate::Gateway);
    let removed = client::update_metadata(&mut stripe, &connection(), "re_1", &note(""));
    assert!(removed.is_ok(), "{removed:?}");
}

#[test]
fn a_change_that_is_not_seen_may_still_be_on_its_way() {
    for fate in
        [Fate::Lost(TransportKind::Timeout), Fate::Lost(TransportKind::Broken), Fate::Gateway]
    {
        for change in [cancel, update] {
            let mut stripe = Stripe::new(fate);
            let error = change(&mut stripe).unwrap_err();
            let ChangeError::OutcomeUnknown(unknown) = error else { panic!("{fate:?}: {error:?}") };
            assert_eq!(unknown.attempts as usize, stripe.changes);
        }
    }
    let mut blind = Stripe { readable: false, ..Stripe::new(Fate::AnswerLost) };
    assert!(matches!(cancel(&mut blind), Err(ChangeError::OutcomeUnknown(_))));
}

#[test]
fn canceling_again_tells_that_it_is_canceled() {
    let mut stripe = Stripe::new(Fate::Before);
    assert_eq!(cancel(&mut stripe).unwrap().status, Some(RefundStatus::Canceled));
    let error = cancel(&mut Stripe::new(Fate::TooLate)).unwrap_err();
    assert!(matches!(error, ChangeError::Refused(_)), "{error:?}");
    let mut blind = Stripe { readable: false, ..Stripe::new(Fate::Before) };
    assert!(matches!(cancel(&mut blind), Err(ChangeError::Refused(_))));
}

#[test]
fn what_nobody_knows_is_told_once_and_without_the_advice_for_a_failure() {
    let error =
        cancel(&mut Stripe::new(Fate::Lost(TransportKind::Timeout))).unwrap_err().to_string();
    assert_eq!(error.matches("sent").count(), 1, "{error}");
}

#[test]
fn a_request_that_never_left_changed_nothing() {
    for kind in
        [TransportKind::Denied, TransportKind::Dns, TransportKind::Connect, TransportKind::Tls]
    {
        for change in [cancel, update] {
            let error = change(&mut Stripe::new(Fate::Lost(kind))).unwrap_err();
            assert!(matches!(error, ChangeError::Transport(_)), "{error:?}");
        }
    }
}

#[test]
fn invoke_says_that_nobody_knows_and_that_calling_again_does_no_harm() {
    for (operation, input) in [
        ("refunds.cancel", json!({ "refund": "re_1" })),
        ("refunds.update-metadata", json!({ "refund": "re_1", "metadata": { "note": "new" } })),
    ] {
        let mut stripe = Stripe::new(Fate::Gateway);
        let error = invoke(&mut stripe, operation, &input.to_string()).unwrap_err();
        let InvokeError::Failed(failure) = error else { panic!("{error:?}") };
        assert_eq!((failure.kind, failure.retryable), (FailureKind::OutcomeUnknown, true));
        assert!(failure.message.contains("call again"), "{}", failure.message);
        assert!(failure.details.contains("outcome_unknown"), "{}", failure.details);
    }
}
