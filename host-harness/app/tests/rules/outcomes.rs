//! What a caller is told is what is held: exit codes and HTTP statuses follow the settled state, and whether a request
//! left decides what a failure means.

use std::collections::BTreeMap;

use refund_app::bulk::{NewLine, Options, RunError, Runner, StopLoss};
use refund_app::outcome::Standing;
use refund_app::{AskError, OperationError, OutcomeKind};
use refund_core::client::CreateError;
use refund_core::problem::FieldProblem;
use refund_core::wire::{Refusal, RefusalKind};
use refund_ledger::{MerchantRules, NewRun, Settlement, State};
use tokio::sync::watch;

use crate::support::{
    Calls, Desk, Fate, GRACE_SECS, approve_up_to, caller, never_above, operation_id, request,
    try_ask,
};

/// Nothing that ends an operation can be written any more.
const UNWRITABLE: &str = "CREATE TRIGGER unwritable BEFORE UPDATE ON operations WHEN OLD.state = 'sent' AND NEW.state <> 'sent'
     BEGIN SELECT RAISE(ABORT, 'no space left'); END";

#[tokio::test]
async fn an_answer_does_not_hide_an_unknown_outcome() {
    let desk = Desk::new();
    desk.stripe.order(&[Fate::RequestLost]);
    let first = desk.ask("op-a", 6_000).await;
    assert_eq!((first.kind(), first.kind().row().exit), (OutcomeKind::Unknown, 6));
    // Somebody refunds in the Dashboard, so that the amount is more than what is left.
    let dashboard = desk.stripe.dashboard_refund("ch_1", 5_000);
    desk.clock.advance(5);
    let again = desk.ask("op-a", 6_000).await;
    assert_eq!(again.kind(), OutcomeKind::Unknown, "the answer now is a denial: {again:?}");
    assert_eq!((again.kind().row().exit, again.kind().row().http), (6, 504));
    assert_eq!(again.operation, desk.operation("op-a").await, "as the ledger holds it");
    assert_eq!(again.error(), None, "no typed error says that there is no refund");
    assert!(again.text().contains("may have been made"), "{}", again.text());
    let posts = desk.stripe.posts();
    // The next operation on the payment does not send the first one.
    desk.stripe.end_refund(&dashboard, "failed");
    let second = desk.ask("op-b", 4_000).await;
    assert!(
        matches!(&second.standing, Standing::Blocked { operation, .. } if operation.as_str() == "op-a")
    );
    assert_eq!((second.kind().row().exit, second.kind().row().http), (6, 504));
    assert_eq!(desk.stripe.posts(), posts, "nothing was sent for either");
    desk.clock.advance(GRACE_SECS);
    let second = desk.ask("op-b", 4_000).await;
    assert_eq!(second.kind(), OutcomeKind::Made);
    assert!(second.text().contains("no refund was made for it"), "{}", second.text());
    assert_eq!((desk.stripe.count_of("op-a"), desk.stripe.count_of("op-b")), (0, 1));
    desk.audit_holds().await;
}

/// A caller that goes on with other refunds decides by the error whether that can succeed.
#[tokio::test]
async fn a_certain_no_has_the_error_of_the_component() {
    let desk = Desk::new();
    desk.stripe.order(&[Fate::Refused(402)]);
    let refused = desk.ask("op-a", 500).await.error();
    assert!(matches!(refused, Some(CreateError::Refused(_))), "{refused:?}");
    let denied = desk.ask_under("op-b", 500, &never_above(100)).await.error();
    assert!(matches!(denied, Some(CreateError::Denied { .. })), "{denied:?}");
    let problem = FieldProblem::new("reason", "unread", "Stripe does not know it", "leave it out");
    let invalid = CreateError::Invalid { problems: vec![problem.clone()] };
    desk.component.answer(Err(OperationError::Failed(invalid)), 0);
    let invalid = desk.ask("op-c", 500).await.error();
    assert_eq!(invalid, Some(CreateError::Invalid { problems: vec![problem] }));
    assert_eq!(desk.ask("op-d", 500).await.error(), None);
    let conflict = desk.ask("op-d", 501).await.error();
    let Some(CreateError::OperationConflict(conflict)) = conflict else { panic!("{conflict:?}") };
    assert_eq!(conflict.operation_id, "op-d");
}

/// The same id with other values, while it is not known whether the refund was made: another id could pay again.
#[tokio::test]
async fn a_conflict_with_an_unknown_outcome_says_so() {
    let desk = Desk::new();
    desk.stripe.order(&[Fate::RequestLost]);
    desk.ask("op-a", 6_000).await;
    let other = desk.ask("op-a", 5_000).await;
    assert_eq!((other.kind(), other.kind().row().exit), (OutcomeKind::Unknown, 6));
    assert!(other.text().contains("belongs to another refund"), "{}", other.text());
    assert!(other.text().contains("never use a new id"), "{}", other.text());
    assert!(!other.text().contains("hoose another"), "{}", other.text());
    assert_eq!(desk.stripe.posts(), 1);
    desk.clock.advance(GRACE_SECS);
    desk.ask("op-a", 6_000).await;
    let other = desk.ask("op-a", 5_000).await;
    assert!(!other.text().contains("unknown"), "{}", other.text());
}

#[tokio::test]
async fn a_denial_is_believed_once_no_earlier_request_can_be_carried_out() {
    let desk = Desk::new();
    desk.stripe.order(&[Fate::RequestLost]);
    desk.ask("op-a", 6_000).await;
    desk.stripe.dashboard_refund("ch_1", 5_000);
    desk.clock.advance(GRACE_SECS);
    let denied = desk.ask("op-a", 6_000).await;
    assert_eq!((denied.kind(), denied.kind().row().exit), (OutcomeKind::Denied, 4));
    assert_eq!(denied.operation.state, State::Refused);
    // What never looked at the payment is not believed, however late.
    let desk = Desk::new();
    desk.stripe.order(&[Fate::RequestLost]);
    desk.ask("op-a", 6_000).await;
    desk.clock.advance(10 * GRACE_SECS);
    desk.stripe.order_unreadable(1);
    let unread = desk.ask("op-a", 6_000).await;
    assert_eq!(unread.kind(), OutcomeKind::Unknown, "{unread:?}");
}

#[tokio::test]
async fn the_grace_period_counts_from_the_last_request() {
    let desk = Desk::new();
    // The first request is lost for good; the second one, 100 seconds later, is carried out after 20 seconds.
    desk.stripe.order(&[Fate::RequestLost, Fate::Late(20)]);
    desk.ask("op-a", 6_000).await;
    desk.clock.advance(100);
    let second = desk.ask("op-a", 6_000).await;
    let Standing::Unknown { since, definite_from } = second.standing else { panic!("{second:?}") };
    assert_eq!(since, Some(desk.clock.unix()));
    assert_eq!(definite_from, Some(desk.clock.unix() + GRACE_SECS));
    desk.clock.advance(4);
    let dashboard = desk.stripe.dashboard_refund("ch_1", 5_000);
    let third = desk.ask("op-a", 6_000).await;
    assert_eq!(
        third.kind(),
        OutcomeKind::Unknown,
        "a denial 4 s after the last request: {third:?}"
    );
    desk.stripe.end_refund(&dashboard, "failed");
    desk.clock.advance(16);
    // It was carried out now. A second operation finds that, and pays only what is left.
    let other = desk.ask("op-b", 4_000).await;
    assert_eq!(other.kind(), OutcomeKind::Made);
    assert_eq!(other.also_settled[0].state, State::Succeeded);
    assert_eq!((desk.stripe.count_of("op-a"), desk.stripe.count_of("op-b")), (1, 1));
    assert_eq!(desk.ask("op-a", 6_000).await.kind(), OutcomeKind::Found);
    desk.audit_holds().await;
}

#[tokio::test]
async fn a_call_that_sends_nothing_does_not_prolong_the_grace_period() {
    let desk = Desk::new();
    desk.stripe.order(&[Fate::RequestLost]);
    desk.ask("op-a", 500).await;
    let last = desk.clock.unix();
    desk.clock.advance(30);
    desk.stripe.order_unreadable(1);
    let unread = desk.ask("op-a", 500).await;
    assert_eq!(unread.operation.uncertain, Some(last));
}

#[tokio::test]
async fn a_component_that_fails_after_it_sent_leaves_the_outcome_unknown() {
    for (changes_sent, kind, state, exit) in [
        (0, OutcomeKind::NoAnswer, State::Planned, 5),
        (1, OutcomeKind::Unknown, State::OutcomeUnknown, 6),
        (3, OutcomeKind::Unknown, State::OutcomeUnknown, 6),
    ] {
        let desk = Desk::new();
        desk.component.trap(changes_sent);
        let outcome = desk.ask("op-1", 500).await;
        assert_eq!((outcome.kind(), outcome.operation.state), (kind, state), "{changes_sent}");
        assert_eq!(outcome.kind().row().exit, exit);
        assert_eq!(outcome.operation.changes_sent, changes_sent);
        desk.audit_holds().await;
    }
}

#[tokio::test]
async fn a_component_that_sent_is_not_believed_to_have_sent_nothing() {
    let refused = |kind: RefusalKind| {
        CreateError::Refused(Refusal {
            kind,
            status: 500,
            code: None,
            param: None,
            message: "no".into(),
            request_id: None,
            retry_after: None,
        })
    };
    for error in [CreateError::Invalid { problems: Vec::new() }, refused(RefusalKind::Api)] {
        let desk = Desk::new();
        desk.component.answer(Err(OperationError::Failed(error.clone())), 1);
        let outcome = desk.ask("op-1", 500).await;
        assert_eq!(outcome.kind(), OutcomeKind::Unknown, "{error}");
    }
    // Stripe's no to the request itself is believed.
    let desk = Desk::new();
    let refusal = refused(RefusalKind::InvalidRequest);
    desk.component.answer(Err(OperationError::Failed(refusal)), 1);
    assert_eq!(desk.ask("op-1", 500).await.kind(), OutcomeKind::Refused);
}

#[tokio::test]
async fn a_ledger_that_fails_after_the_request_left_is_an_unknown_outcome() {
    let desk = Desk::new();
    desk.tamper(UNWRITABLE);
    let wanted = || request("op-1", "ch_1", Some(500));
    let none = MerchantRules::default();
    let error = try_ask(&desk.application, "alice", wanted(), &none).await.unwrap_err();
    assert!(
        matches!(&error, AskError::NotRecorded { operation, .. } if operation.as_str() == "op-1")
    );
    assert_eq!((error.kind().row().exit, error.kind().row().http), (6, 504));
    let text = error.to_string();
    assert!(text.contains("no space left") && text.contains("may have been made"), "{text}");
    assert!(!text.contains("Nothing was sent") && text.contains("never use a new id"), "{text}");
    assert_eq!((desk.stripe.count_of("op-1"), desk.state("op-1").await), (1, State::Sent));
    // Again, where the answer says that the refund exists, and still cannot be written.
    let error = try_ask(&desk.application, "alice", wanted(), &none).await.unwrap_err();
    assert_eq!(error.kind(), OutcomeKind::Unknown, "{error}");
    desk.tamper("DROP TRIGGER unwritable");
    assert_eq!(desk.ask("op-1", 500).await.kind(), OutcomeKind::Found);
    assert_eq!(desk.stripe.count_of("op-1"), 1);
    desk.audit_holds().await;
}

#[tokio::test]
async fn a_ledger_that_fails_before_anything_left_says_so() {
    let desk = Desk::new();
    desk.tamper(UNWRITABLE);
    let wanted = request("op-1", "ch_1", Some(500));
    let error = try_ask(&desk.application, "alice", wanted, &never_above(100)).await.unwrap_err();
    assert!(matches!(error, AskError::Ledger(_)), "{error}");
    assert_eq!((error.kind().row().exit, error.kind().row().http), (1, 503));
    assert!(error.to_string().contains("Nothing was sent by this call"), "{error}");
    assert_eq!(desk.stripe.posts(), 0);
    // And where nothing can be written at all.
    desk.tamper(
        "CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no space left'); END",
    );
    desk.stripe.charge("ch_2", 10_000);
    let none = MerchantRules::default();
    let error = try_ask(&desk.application, "alice", request("op-2", "ch_2", Some(500)), &none);
    assert_eq!(error.await.unwrap_err().kind(), OutcomeKind::LedgerFailed);
    assert_eq!(desk.component.calls(), Calls { creates: 1, ..Calls::default() });
}

#[tokio::test]
async fn a_run_whose_ledger_fails_after_a_request_left_ends_with_an_unknown_outcome() {
    let desk = Desk::new();
    desk.tamper(UNWRITABLE);
    let new = NewRun { id: "abc123".into(), input: "x.csv".into(), options: "{}".into() };
    let run = desk.application.open_run(new).await.unwrap();
    let line =
        |line: u64| NewLine { line, request: request(&format!("op-{line}"), "ch_1", Some(500)) };
    let none = MerchantRules::default();
    let who = caller("alice");
    desk.application.add_lines(&run, vec![line(1), line(2)], &none, &who).await.unwrap();
    let run = desk.application.close_input(&run).await.unwrap();
    let options = Options {
        in_flight: 1,
        spread: None,
        stop: StopLoss::default(),
        tries: 1,
        rules: None,
        allow_refunded_payments: false,
    };
    let runner =
        Runner::new(&desk.application, &run, options, BTreeMap::new(), &who).await.unwrap();
    let (_never, interrupt) = watch::channel(false);
    let error = runner.run(interrupt, &mut ()).await.unwrap_err();
    assert!(matches!(error, RunError::Ask(AskError::NotRecorded { .. })), "{error}");
    assert_eq!(error.kind().row().exit, 6);
    assert_eq!(desk.stripe.total(), (1, 500), "nothing is started after it");
}

/// Five lines on payments of their own.
async fn run_of_five(desk: &Desk, in_flight: usize) -> Result<refund_app::bulk::Summary, RunError> {
    let new = NewRun { id: "abc123".into(), input: "x.csv".into(), options: "{}".into() };
    let run = desk.application.open_run(new).await.unwrap();
    let lines = (1..=5).map(|line| {
        desk.stripe.charge(&format!("ch_line{line}"), 500);
        let request = request(&format!("op-{line}"), &format!("ch_line{line}"), Some(500));
        NewLine { line, request }
    });
    let (none, who) = (MerchantRules::default(), caller("alice"));
    desk.application.add_lines(&run, lines.collect(), &none, &who).await.unwrap();
    let run = desk.application.close_input(&run).await.unwrap();
    let options = Options {
        in_flight,
        spread: None,
        stop: StopLoss::default(),
        tries: 1,
        rules: None,
        allow_refunded_payments: false,
    };
    let runner =
        Runner::new(&desk.application, &run, options, BTreeMap::new(), &who).await.unwrap();
    let (_never, interrupt) = watch::channel(false);
    runner.run(interrupt, &mut ()).await
}

/// The ledger fails between two lines: what was sent is recorded, what is under way comes to its end, and the error does
/// not say that nothing was sent.
#[tokio::test]
async fn a_run_whose_ledger_fails_between_two_lines_says_what_is_recorded() {
    let closing = "CREATE TRIGGER unwritable BEFORE UPDATE ON lines WHEN NEW.open = 0
         BEGIN SELECT RAISE(ABORT, 'no space left'); END";
    let claiming = "CREATE TRIGGER unwritable BEFORE UPDATE ON lines WHEN NEW.holder IS NOT NULL AND NEW.line >= 5
         BEGIN SELECT RAISE(ABORT, 'no space left'); END";
    for (trigger, in_flight) in [(closing, 1), (closing, 5), (claiming, 2), (claiming, 4)] {
        let desk = Desk::new();
        desk.tamper(trigger);
        let error = run_of_five(&desk, in_flight).await.unwrap_err();
        assert!(matches!(error, RunError::Stuck { .. }), "{in_flight}: {error:?}");
        let (text, made) = (error.to_string(), desk.stripe.total().0);
        assert!(text.contains("no space left") && text.contains("bulk resume"), "{text}");
        assert!(!text.contains("Nothing was sent"), "{text}");
        assert!(text.contains(&format!("{made} lines of this session")), "{made}: {text}");
        assert_eq!(error.kind(), OutcomeKind::LedgerFailed, "every outcome is recorded");
        for line in 1..=5 {
            let id = format!("op-{line}");
            let expected =
                if desk.stripe.count_of(&id) == 1 { State::Succeeded } else { State::Planned };
            assert_eq!(desk.state(&id).await, expected, "{id}");
        }
        desk.tamper("DROP TRIGGER unwritable");
        let (application, _) = desk.process();
        drop(application);
        desk.audit_holds().await;
    }
}

#[tokio::test]
async fn every_outcome_says_the_state_of_the_money_and_what_to_do() {
    let none = MerchantRules::default();
    for (fate, rules, kind) in [
        (Fate::Answered, none.clone(), OutcomeKind::Made),
        (Fate::NotReached, none.clone(), OutcomeKind::NoAnswer),
        (Fate::Refused(400), none.clone(), OutcomeKind::Refused),
        (Fate::Refused(402), none.clone(), OutcomeKind::Refused),
        (Fate::Refused(500), none.clone(), OutcomeKind::Unknown),
        (Fate::RequestLost, none, OutcomeKind::Unknown),
        (Fate::Answered, never_above(100), OutcomeKind::Denied),
        (Fate::Answered, approve_up_to(100), OutcomeKind::Waiting),
    ] {
        let desk = Desk::new();
        desk.stripe.order(&[fate]);
        let outcome = desk.ask_under("op-1", 500, &rules).await;
        assert_eq!(outcome.kind(), kind, "{fate:?}");
        let row = kind.row();
        let sentences = outcome.sentences();
        assert_eq!(sentences[1], row.money, "{sentences:?}");
        assert!(sentences.iter().all(|one| !one.is_empty() && one.ends_with('.')), "{sentences:?}");
        let made = matches!(kind, OutcomeKind::Made);
        assert_eq!((outcome.created().is_some(), desk.stripe.count_of("op-1") == 1), (made, made));
        desk.audit_holds().await;
    }
}

#[tokio::test]
async fn a_refund_of_another_time_is_read_again() {
    let desk = Desk::new();
    let made = desk.ask("op-1", 500).await;
    assert_eq!(made.created().unwrap().attempts, 1);
    desk.stripe.end_refund("re_1", "failed");
    let again = desk.ask("op-1", 500).await;
    assert_eq!((again.kind(), again.operation.state), (OutcomeKind::Failed, State::Failed));
    assert_eq!((again.kind().row().exit, again.kind().row().http), (5, 502));
    assert!(again.text().contains("the customer does not have it"), "{}", again.text());
    // Where Stripe cannot be read, the answer is what is held.
    desk.stripe.order_unreadable(1);
    let unread = desk.ask("op-1", 500).await;
    assert_eq!((unread.kind(), unread.refund), (OutcomeKind::Failed, None));
    let settlement = unread.operation.settlement;
    assert!(matches!(settlement, Some(Settlement::Refunded { .. })), "{settlement:?}");
    assert_eq!(desk.stripe.count_of("op-1"), 1);
}

/// The ledger can be read and not written: what it holds of an earlier request is said all the same.
#[tokio::test]
async fn a_ledger_that_cannot_be_written_does_not_hide_what_may_have_been_refunded() {
    let desk = Desk::new();
    desk.stripe.charge("ch_2", 10_000);
    desk.stripe.order(&[Fate::RequestLost]);
    desk.ask("op-a", 6_000).await;
    desk.tamper(
        "CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no space left'); END",
    );
    let none = MerchantRules::default();
    for (operation, payment, kind) in [
        ("op-a", "ch_1", OutcomeKind::Unknown),
        ("op-b", "ch_1", OutcomeKind::Unknown),
        ("op-c", "ch_2", OutcomeKind::LedgerFailed),
    ] {
        let wanted = request(operation, payment, Some(6_000));
        let failed = try_ask(&desk.application, "alice", wanted, &none).await.unwrap_err();
        assert_eq!(failed.kind(), kind, "{operation}: {failed}");
        assert_eq!(failed.to_string().contains("`op-a`"), kind == OutcomeKind::Unknown, "{failed}");
    }
    let again = desk.application.ask_again(&operation_id("op-a"), None, &caller("alice")).await;
    assert_eq!(again.unwrap_err().kind(), OutcomeKind::Unknown);
    assert_eq!(desk.stripe.posts(), 1);
}
