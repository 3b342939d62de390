//! Approvals by themselves: who may decide, when, and about what.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::time::Duration;

use refund_core::id::{OperationId, PaymentRef};
use refund_core::metadata::Metadata;
use refund_core::money::{Currency, Money};
use refund_ledger::{
    ApprovalError, ApprovalState, Ballot, Begun, Journal, Kept, Ledger, NewOperation, Outcome,
    Request, Scope, State, Wish,
};

/// A ledger in a folder of its own.
struct Desk {
    folder: tempfile::TempDir,
    ledger: Ledger,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let scope = Scope { base_url: "http://127.0.0.1:1".into(), live: false, account: None };
        let ledger = Ledger::open(&folder.path().join("ledger.db"), &scope, "test").unwrap();
        Self { ledger: ledger.in_the_name_of("alice"), folder }
    }

    fn as_user(&self, name: &str) -> Ledger {
        self.ledger.in_the_name_of(name)
    }

    /// Begins an operation, and lets the component ask for people.
    async fn asks(&self, ledger: &Ledger, needed: u8, hash: &str) -> String {
        let begun = ledger.begin(operation()).await.unwrap();
        assert!(matches!(begun, Begun::Go { .. }), "{begun:?}");
        let wish = Wish {
            request_hash: hash.into(),
            amount: 500,
            currency: "usd".into(),
            needed,
            verdict: r#"{"decision":"needs_approval"}"#.into(),
        };
        let outcome = Outcome {
            wish: Some(wish),
            ..Outcome::without_refund(State::NeedsApproval, "too much")
        };
        ledger.settle("op-1", outcome).await.unwrap();
        ledger.approval_of("op-1").await.unwrap().unwrap().id
    }

    /// Something that only a hand in the file can do.
    fn tamper(&self, sql: &str) {
        rusqlite::Connection::open(self.folder.path().join("ledger.db"))
            .unwrap()
            .execute_batch(sql)
            .unwrap();
    }

    async fn audit_holds(&self) {
        assert_eq!(self.ledger.audit(None).await.unwrap().broken, []);
    }

    /// How often something stands in the audit.
    async fn remarks(&self, word: &str) -> usize {
        let rows = self.ledger.history("op-1").await.unwrap();
        rows.iter()
            .filter(|row| row.outcome.as_ref().is_some_and(|text| text.contains(word)))
            .count()
    }

    async fn state(&self) -> State {
        self.ledger.operation("op-1").await.unwrap().unwrap().state
    }
}

fn operation() -> NewOperation {
    let amount = Some(Money { amount: 500, currency: Currency::parse("usd").unwrap() });
    let request =
        Request::new(OperationId::parse("op-1").unwrap(), PaymentRef::parse("ch_1").unwrap());
    NewOperation::new(&Request { amount, ..request })
}

fn yes() -> Ballot {
    Ballot { agrees: true, ..Ballot::default() }
}

fn no() -> Ballot {
    Ballot { note: Some("not this one".into()), ..Ballot::default() }
}

fn refunded() -> Outcome {
    let refund = Kept {
        id: "re_1".into(),
        amount: 500,
        currency: "usd".into(),
        status: Some("succeeded".into()),
        charge: Some("ch_1".into()),
        payment_intent: None,
        operation: Some("op-1".into()),
        created: 1,
        failure_reason: None,
        metadata: Metadata::default(),
    };
    Outcome { refund: Some(refund), ..Outcome::without_refund(State::Succeeded, "") }
}

#[tokio::test]
async fn from_a_request_to_a_refund() {
    let desk = Desk::new();
    let id = desk.asks(&desk.ledger, 1, "hash").await;
    let error = desk.ledger.approved(&id).await.unwrap_err();
    assert!(matches!(error, ApprovalError::NotApproved { agreed: 0, needed: 1, .. }), "{error}");
    let approval = desk.as_user("bob").decide(&id, yes()).await.unwrap();
    assert_eq!((approval.state, approval.requester.as_str()), (ApprovalState::Approved, "alice"));
    assert_eq!(desk.ledger.approved(&id).await.unwrap(), "op-1");
    assert!(matches!(desk.ledger.begin_again("op-1").await.unwrap(), Begun::Go { .. }));
    desk.ledger.settle("op-1", refunded()).await.unwrap();
    assert_eq!(desk.ledger.approval(&id).await.unwrap().state, ApprovalState::Executed);
    let error = desk.as_user("carol").decide(&id, yes()).await.unwrap_err();
    assert!(
        matches!(error, ApprovalError::NotOpen { state: ApprovalState::Executed, .. }),
        "{error}"
    );
    desk.audit_holds().await;
    let told: Vec<_> = desk
        .ledger
        .history("op-1")
        .await
        .unwrap()
        .into_iter()
        .filter_map(|row| row.outcome)
        .collect();
    assert!(told.iter().any(|text| text == "bob approved ap_1 (1 of 1)"), "{told:?}");
}

#[tokio::test]
async fn who_asked_does_not_agree_and_nobody_votes_twice() {
    let desk = Desk::new();
    let id = desk.asks(&desk.ledger, 2, "hash").await;
    let own = desk.ledger.decide(&id, yes()).await.unwrap_err();
    assert!(matches!(own, ApprovalError::OwnRequest { .. }), "{own}");
    assert_eq!(desk.as_user("bob").decide(&id, yes()).await.unwrap().state, ApprovalState::Open);
    let twice = desk.as_user("bob").decide(&id, yes()).await.unwrap_err();
    assert!(matches!(twice, ApprovalError::Twice { .. }), "{twice}");
    let unknown = desk.as_user("bob").decide("ap_99", yes()).await.unwrap_err();
    assert!(matches!(unknown, ApprovalError::Unknown(_)), "{unknown}");
    // The merchant may permit it.
    let own = desk.ledger.decide(&id, Ballot { own_requests: true, ..yes() }).await.unwrap();
    assert_eq!((own.state, own.votes.len()), (ApprovalState::Approved, 2));
    desk.audit_holds().await;
}

#[tokio::test]
async fn who_objects_calls_it_off_for_good() {
    let desk = Desk::new();
    let id = desk.asks(&desk.ledger, 2, "hash").await;
    desk.as_user("bob").decide(&id, yes()).await.unwrap();
    let denied = desk.as_user("carol").decide(&id, no()).await.unwrap();
    assert_eq!((denied.state, desk.state().await), (ApprovalState::Denied, State::Canceled));
    let again = desk.ledger.begin(operation()).await.unwrap();
    assert!(matches!(again, Begun::Done(_)), "{again:?}");
    let late = desk.as_user("dora").decide(&id, yes()).await.unwrap_err();
    assert!(matches!(late, ApprovalError::NotOpen { state: ApprovalState::Denied, .. }), "{late}");
    desk.audit_holds().await;
}

#[tokio::test]
async fn what_may_have_been_carried_out_is_not_called_off() {
    let desk = Desk::new();
    let id = desk.asks(&desk.ledger, 1, "hash").await;
    let under_way = desk.ledger.begin_again("op-1").await.unwrap();
    assert!(matches!(under_way, Begun::Go { .. }), "{under_way:?}");
    let refused = desk.as_user("bob").decide(&id, no()).await.unwrap_err();
    assert!(matches!(refused, ApprovalError::Unsettled { state: State::Sent, .. }), "{refused}");
    let lost = Outcome { uncertain: Some(1), ..Outcome::without_refund(State::OutcomeUnknown, "") };
    desk.ledger.settle("op-1", lost).await.unwrap();
    let refused = desk.as_user("bob").decide(&id, no()).await.unwrap_err();
    assert!(refused.to_string().contains("same operation id"), "{refused}");
    assert_eq!(desk.state().await, State::OutcomeUnknown);
    assert_eq!(desk.ledger.approval(&id).await.unwrap().votes, []);
    desk.audit_holds().await;
}

#[tokio::test]
async fn what_was_refunded_without_it_is_not_called_off() {
    let desk = Desk::new();
    let id = desk.asks(&desk.ledger, 1, "hash").await;
    // The threshold was raised, and the same was asked for again.
    assert!(matches!(desk.ledger.begin_again("op-1").await.unwrap(), Begun::Go { .. }));
    desk.ledger.settle("op-1", refunded()).await.unwrap();
    assert_eq!(desk.ledger.approval(&id).await.unwrap().state, ApprovalState::Superseded);
    desk.as_user("bob").decide(&id, no()).await.unwrap_err();
    // Nor where an older version left the question open.
    desk.tamper("UPDATE approvals SET state = 'open'");
    let refused = desk.as_user("bob").decide(&id, no()).await.unwrap_err();
    assert!(matches!(refused, ApprovalError::Unsettled { .. }), "{refused}");
    assert!(matches!(desk.ledger.begin_again("op-1").await.unwrap(), Begun::Done(_)));
    assert_eq!(desk.ledger.approval(&id).await.unwrap().state, ApprovalState::Superseded);
    assert_eq!(desk.state().await, State::Succeeded);
    desk.audit_holds().await;
}

#[tokio::test]
async fn nobody_is_asked_about_what_was_called_off() {
    let desk = Desk::new();
    let id = desk.asks(&desk.ledger, 1, "hash").await;
    desk.as_user("bob").decide(&id, yes()).await.unwrap();
    let called_off = Outcome::without_refund(State::Canceled, "the run was called off");
    desk.ledger.settle("op-1", called_off).await.unwrap();
    assert_eq!(desk.ledger.approval(&id).await.unwrap().state, ApprovalState::Superseded);
    let error = desk.ledger.approved(&id).await.unwrap_err();
    assert!(matches!(error, ApprovalError::NotApproved { .. }), "{error}");
    desk.audit_holds().await;
}

#[tokio::test]
async fn a_refund_that_is_found_ends_the_question() {
    let desk = Desk::new();
    let id = desk.asks(&desk.ledger, 1, "hash").await;
    assert!(matches!(desk.ledger.begin_again("op-1").await.unwrap(), Begun::Go { .. }));
    let lost = Outcome { uncertain: Some(1), ..Outcome::without_refund(State::OutcomeUnknown, "") };
    desk.ledger.settle("op-1", lost).await.unwrap();
    desk.ledger.see(refunded().refund.unwrap()).await.unwrap();
    assert_eq!(desk.state().await, State::Succeeded);
    assert_eq!(desk.ledger.approval(&id).await.unwrap().state, ApprovalState::Superseded);
    desk.as_user("bob").decide(&id, no()).await.unwrap_err();
    desk.audit_holds().await;
}

#[tokio::test]
async fn what_was_altered_is_refused() {
    let desk = Desk::new();
    let id = desk.asks(&desk.ledger, 1, "hash").await;
    let seen = Ballot { request_hash: Some("another".into()), ..yes() };
    let error = desk.as_user("bob").decide(&id, seen).await.unwrap_err();
    assert!(matches!(error, ApprovalError::Altered(_)), "{error}");
    let seen = Ballot { request_hash: Some("hash".into()), ..yes() };
    desk.as_user("bob").decide(&id, seen).await.unwrap();
    desk.tamper("UPDATE operations SET request = replace(request, '500', '900')");
    let error = desk.ledger.approved(&id).await.unwrap_err();
    assert!(matches!(error, ApprovalError::Altered(_)), "{error}");
}

#[tokio::test]
async fn time_runs_out() {
    let desk = Desk::new();
    let brief = desk.ledger.approval_time(Duration::ZERO);
    let open = desk.asks(&brief, 1, "hash").await;
    desk.tamper("UPDATE approvals SET expires = expires - 1");
    let late = desk.as_user("bob").decide(&open, yes()).await.unwrap_err();
    assert!(matches!(late, ApprovalError::Expired(_)), "{late}");
    // Asking again opens a new one; approved and not carried out in time is not carried out either.
    let second = desk.asks(&desk.ledger, 1, "hash").await;
    assert_ne!(open, second);
    desk.as_user("bob").decide(&second, yes()).await.unwrap();
    desk.tamper("UPDATE approvals SET expires = 1 WHERE state = 'approved'");
    let shown = desk.ledger.approval(&second).await.unwrap();
    assert_eq!(shown.state, ApprovalState::Expired, "nobody wrote it down yet");
    let expired = desk.ledger.approvals(Some(ApprovalState::Expired)).await.unwrap();
    assert_eq!(expired.len(), 2);
    assert!(desk.ledger.approvals(Some(ApprovalState::Approved)).await.unwrap().is_empty());
    let Begun::Go { operation, .. } = desk.ledger.begin_again("op-1").await.unwrap() else {
        panic!()
    };
    assert!(!operation.is_approved(), "an approval that expired is in no request");
    let error = desk.ledger.approved(&second).await.unwrap_err();
    assert!(matches!(error, ApprovalError::Expired(_)), "{error}");
    let left: Option<String> = rusqlite::Connection::open(desk.folder.path().join("ledger.db"))
        .unwrap()
        .query_row("SELECT approval FROM operations", [], |row| row.get(0))
        .unwrap();
    assert_eq!(left, None, "an approval that expired goes into no request");
    assert_eq!(desk.remarks("expired").await, 2, "both ends are in the audit");
    desk.audit_holds().await;
}

#[tokio::test]
async fn what_is_being_carried_out_does_not_expire_under_way() {
    let desk = Desk::new();
    let id = desk.asks(&desk.ledger, 1, "hash").await;
    desk.as_user("bob").decide(&id, yes()).await.unwrap();
    let Begun::Go { operation, .. } = desk.ledger.begin_again("op-1").await.unwrap() else {
        panic!()
    };
    assert!(operation.is_approved());
    desk.tamper("UPDATE approvals SET expires = 1");
    // Somebody decides about something else, which ends what is overdue.
    desk.as_user("carol").decide("ap_99", yes()).await.unwrap_err();
    assert!(desk.ledger.operation("op-1").await.unwrap().unwrap().is_approved());
    desk.ledger.settle("op-1", refunded()).await.unwrap();
    assert_eq!(desk.ledger.approval(&id).await.unwrap().state, ApprovalState::Executed);
    assert_eq!(desk.remarks("expired").await, 0);
    desk.audit_holds().await;
}

#[tokio::test]
async fn something_else_takes_its_place() {
    let desk = Desk::new();
    let first = desk.asks(&desk.ledger, 1, "hash").await;
    desk.as_user("bob").decide(&first, yes()).await.unwrap();
    // The same again changes nothing; another amount needs another approval.
    assert_eq!(desk.asks(&desk.ledger, 1, "hash").await, first);
    let second = desk.asks(&desk.ledger, 1, "other").await;
    assert_ne!(first, second);
    assert_eq!(desk.ledger.approval(&first).await.unwrap().state, ApprovalState::Superseded);
    assert!(desk.ledger.approved(&second).await.is_err());
    let operation = desk.ledger.operation("op-1").await.unwrap().unwrap();
    assert!(!operation.is_approved(), "what was agreed to before is not what is asked now");
    let withdrawn = desk.ledger.withdraw(&second).await.unwrap();
    assert_eq!(withdrawn.state, ApprovalState::Expired);
    assert!(desk.ledger.withdraw(&second).await.is_err());
    desk.audit_holds().await;
}
