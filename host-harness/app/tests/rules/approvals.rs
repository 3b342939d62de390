//! Approvals: who may decide, when, and about what.

use std::time::Duration;

use refund_app::outcome::Standing;
use refund_app::{AskError, DecideError, OutcomeKind, Settings};
use refund_core::metadata::Metadata;
use refund_ledger::{ApprovalState, LedgerError, MerchantRules, NewRun, RunState, State, Store};

use crate::support::{
    Desk, Fate, approve_up_to, caller, document, no, operation_id, refund, request, settings,
    try_ask, yes,
};

/// Alice asks for 5.00, where one approver must agree.
async fn ask(desk: &Desk) -> String {
    ask_under(desk, &approve_up_to(100)).await
}

/// The same where two must agree.
async fn ask_for_two(desk: &Desk) -> String {
    ask_under(desk, &document("1.00", "2.00", "100.00")).await
}

async fn ask_under(desk: &Desk, rules: &MerchantRules) -> String {
    let outcome = desk.ask_under("op-1", 500, rules).await;
    let Standing::NeedsApproval { approval: Some(approval), .. } = &outcome.standing else {
        panic!("{outcome:?}")
    };
    let row = outcome.kind().row();
    assert_eq!((row.exit, row.http), (3, 202));
    assert_eq!(approval.requester.as_str(), "alice");
    approval.id.to_string()
}

async fn state_of(desk: &Desk, approval: &str) -> ApprovalState {
    desk.approval(approval).await.state
}

#[tokio::test]
async fn from_a_request_to_a_refund() {
    let desk = Desk::new();
    let id = ask(&desk).await;
    let early = desk.application.execute(&id, None, &caller("bob")).await.unwrap_err();
    assert!(matches!(early, DecideError::NotApproved { agreed: 0, needed: 1, .. }), "{early}");
    let approval = desk.approve("bob", &id).await;
    assert_eq!((approval.state, approval.requester.as_str()), (ApprovalState::Approved, "alice"));
    assert_eq!(desk.stripe.posts(), 0, "approving sends nothing");
    let made = desk.application.execute(&id, None, &caller("bob")).await.unwrap().unwrap();
    assert_eq!((made.kind(), desk.stripe.count_of("op-1")), (OutcomeKind::Made, 1));
    assert_eq!(state_of(&desk, &id).await, ApprovalState::Executed);
    let late = desk.application.decide(&id, yes(), &caller("carol")).await.unwrap_err();
    let executed = ApprovalState::Executed;
    assert!(matches!(late, DecideError::NotOpen { state, .. } if state == executed), "{late}");
    desk.audit_holds().await;
    let remarks = desk.remarks("op-1").await;
    assert!(remarks.contains(&"bob approved ap_1 (1 of 1)".to_owned()), "{remarks:?}");
}

#[tokio::test]
async fn the_requester_does_not_approve_and_each_approver_has_one_vote() {
    let desk = Desk::new();
    let id = ask_for_two(&desk).await;
    let own = desk.application.decide(&id, yes(), &caller("alice")).await.unwrap_err();
    assert!(matches!(own, DecideError::OwnRequest { .. }), "{own}");
    assert_eq!(desk.approve("bob", &id).await.state, ApprovalState::Open);
    let twice = desk.application.decide(&id, yes(), &caller("bob")).await.unwrap_err();
    assert!(matches!(twice, DecideError::Twice { .. }), "{twice}");
    let unknown = desk.application.decide("ap_99", yes(), &caller("bob")).await.unwrap_err();
    assert!(matches!(unknown, DecideError::Unknown(_)), "{unknown}");
    // The merchant may permit it.
    let permitted = refund_app::Ballot { own_requests: true, ..yes() };
    let own = desk.application.decide(&id, permitted, &caller("alice")).await.unwrap().approval;
    assert_eq!((own.state, own.votes.len()), (ApprovalState::Approved, 2));
    let made = desk.application.execute(&id, None, &caller("bob")).await.unwrap().unwrap();
    assert_eq!(made.kind(), OutcomeKind::Made);
    desk.audit_holds().await;
}

#[tokio::test]
async fn an_objection_calls_the_operation_off_for_good() {
    let desk = Desk::new();
    let id = ask_for_two(&desk).await;
    desk.approve("bob", &id).await;
    let denied = desk.application.decide(&id, no(), &caller("carol")).await.unwrap();
    assert_eq!(denied.approval.state, ApprovalState::Denied);
    assert_eq!(denied.operation.state, State::Canceled);
    let again = desk.ask("op-1", 500).await;
    assert_eq!((again.kind(), again.kind().row().exit), (OutcomeKind::Canceled, 4));
    assert!(
        again.text().contains("carol denied operation `op-1`: not this one"),
        "{}",
        again.text()
    );
    let late = desk.application.decide(&id, yes(), &caller("dora")).await.unwrap_err();
    let denied = ApprovalState::Denied;
    assert!(matches!(late, DecideError::NotOpen { state, .. } if state == denied), "{late}");
    assert_eq!(desk.stripe.posts(), 0);
    desk.audit_holds().await;
}

#[tokio::test]
async fn what_may_have_been_refunded_is_not_called_off() {
    let desk = Desk::new();
    let id = ask(&desk).await;
    // The threshold was raised, and the same was asked for again.
    desk.component.close_gate();
    let again = {
        let application = desk.application.clone();
        tokio::spawn(async move {
            let wanted = request("op-1", "ch_1", Some(500));
            try_ask(&application, "alice", wanted, &approve_up_to(1_000)).await
        })
    };
    desk.component.until_begun(2).await;
    let refused = desk.application.decide(&id, no(), &caller("bob")).await.unwrap_err();
    assert!(matches!(refused, DecideError::Unsettled { state: State::Sent, .. }), "{refused}");
    desk.stripe.order(&[Fate::RequestLost]);
    desk.component.let_one_through();
    assert_eq!(again.await.unwrap().unwrap().kind(), OutcomeKind::Unknown);
    let refused = desk.application.decide(&id, no(), &caller("bob")).await.unwrap_err();
    assert!(refused.to_string().contains("same operation id"), "{refused}");
    assert_eq!(desk.state("op-1").await, State::OutcomeUnknown);
    assert_eq!(desk.approval(&id).await.votes, []);
    desk.audit_holds().await;
}

#[tokio::test]
async fn what_was_refunded_without_it_is_not_called_off() {
    let desk = Desk::new();
    let id = ask(&desk).await;
    // The threshold was raised, and the same was asked for again.
    let raised = approve_up_to(1_000);
    assert_eq!(desk.ask_under("op-1", 500, &raised).await.kind(), OutcomeKind::Made);
    assert_eq!(state_of(&desk, &id).await, ApprovalState::Superseded);
    desk.application.decide(&id, no(), &caller("bob")).await.unwrap_err();
    // Nor where an earlier version left the approval open.
    let approval = desk.approval(&id).await;
    let reopened = refund_ledger::Approval { state: ApprovalState::Open, ..approval };
    desk.ledger()
        .write(move |tx| {
            tx.put_approval(&reopened)?;
            let operation = tx.operation(&reopened.operation)?.unwrap();
            let entry = refund_ledger::Entry {
                before: Some(operation.state),
                actor: "an earlier version".into(),
                outcome: None,
                request_id: None,
                time: operation.updated,
            };
            tx.record(&operation, entry)
        })
        .await
        .unwrap();
    let refused = desk.application.decide(&id, no(), &caller("bob")).await.unwrap_err();
    assert!(matches!(refused, DecideError::Unsettled { .. }), "{refused}");
    assert_eq!(desk.ask("op-1", 500).await.kind(), OutcomeKind::Found);
    assert_eq!(state_of(&desk, &id).await, ApprovalState::Superseded);
    assert_eq!(desk.state("op-1").await, State::Succeeded);
    desk.audit_holds().await;
}

#[tokio::test]
async fn an_approval_ends_with_the_run_that_is_canceled() {
    let desk = Desk::new();
    let rules = approve_up_to(100);
    let id = ask(&desk).await;
    desk.approve("bob", &id).await;
    let new = NewRun { id: "abc123".into(), input: "x.csv".into(), options: "{}".into() };
    let run = desk.application.open_run(new).await.unwrap();
    let line = refund_app::bulk::NewLine { line: 1, request: request("op-1", "ch_1", Some(500)) };
    desk.application.add_lines(&run, vec![line], &rules, &caller("alice")).await.unwrap();
    let run = desk.application.close_input(&run).await.unwrap();
    assert_eq!(run.state, RunState::Ready);
    // Nothing left when it was executed, so the operation is planned, and its approval holds.
    desk.stripe.order(&[Fate::NotReached]);
    let unreached = desk.application.execute(&id, None, &caller("bob")).await.unwrap().unwrap();
    assert_eq!(
        (unreached.kind(), unreached.operation.state),
        (OutcomeKind::NoAnswer, State::Planned)
    );
    assert_eq!(state_of(&desk, &id).await, ApprovalState::Approved);
    let canceled = desk.application.cancel_run(&run, &caller("alice")).await.unwrap();
    assert_eq!((canceled, desk.state("op-1").await), (1, State::Canceled));
    assert_eq!(state_of(&desk, &id).await, ApprovalState::Superseded);
    let error = desk.application.execute(&id, None, &caller("bob")).await.unwrap_err();
    assert!(matches!(error, DecideError::NotOpen { .. }), "{error}");
    desk.audit_holds().await;
}

#[tokio::test]
async fn a_refund_that_is_found_ends_the_approval() {
    let desk = Desk::new();
    let id = ask(&desk).await;
    // The threshold was raised, and the answer was lost.
    desk.stripe.order(&[Fate::RequestLost]);
    let lost = desk.ask_under("op-1", 500, &approve_up_to(1_000)).await;
    assert_eq!(lost.kind(), OutcomeKind::Unknown);
    let found = refund("re_1", "op-1", 500, "succeeded");
    desk.application.see(found, &caller("stripe")).await.unwrap();
    assert_eq!(desk.state("op-1").await, State::Succeeded);
    assert_eq!(state_of(&desk, &id).await, ApprovalState::Superseded);
    desk.application.decide(&id, no(), &caller("bob")).await.unwrap_err();
    desk.audit_holds().await;
}

#[tokio::test]
async fn an_approved_refund_that_was_found_meanwhile_is_executed_and_not_sent_again() {
    let desk = Desk::new();
    let id = ask(&desk).await;
    desk.approve("bob", &id).await;
    let found = refund("re_1", "op-1", 500, "succeeded");
    desk.receive("evt_1", "refund.created", &found).await;
    assert_eq!(state_of(&desk, &id).await, ApprovalState::Executed);
    let again = desk.application.execute(&id, None, &caller("bob")).await.unwrap().unwrap();
    assert_eq!(again.kind(), OutcomeKind::Found, "{again:?}");
    for ballot in [yes(), no()] {
        let late = desk.application.decide(&id, ballot, &caller("carol")).await.unwrap_err();
        assert!(matches!(late, DecideError::NotOpen { .. }), "{late}");
    }
    assert_eq!((desk.stripe.posts(), desk.state("op-1").await), (0, State::Succeeded));
    desk.audit_holds().await;
}

#[tokio::test]
async fn an_approver_decides_about_what_was_seen() {
    let desk = Desk::new();
    let id = ask(&desk).await;
    let other = refund_app::Ballot { request_hash: Some("another".into()), ..yes() };
    let error = desk.application.decide(&id, other, &caller("bob")).await.unwrap_err();
    assert!(matches!(error, DecideError::Altered(_)), "{error}");
    let hash = desk.approval(&id).await.request_hash;
    let seen = refund_app::Ballot { request_hash: Some(hash), ..yes() };
    desk.application.decide(&id, seen, &caller("bob")).await.unwrap();
    desk.tamper("UPDATE operations SET request = replace(request, '500', '900')");
    let error = desk.application.execute(&id, None, &caller("bob")).await.unwrap().unwrap_err();
    assert!(error.to_string().contains("the file was edited"), "{error}");
    assert!(error.to_string().contains("Nothing was sent"), "{error}");
    assert_eq!((error.kind().row().exit, desk.stripe.posts()), (1, 0));
}

/// What a ledger says of an operation that was edited in the file.
fn is_altered(error: &DecideError) -> bool {
    matches!(error, DecideError::Ledger(LedgerError::Altered(_)))
}

#[tokio::test]
async fn an_edit_of_the_file_is_still_noticed_after_an_approval_ends() {
    const EDIT: &str = "UPDATE operations SET amount = 900 WHERE id = 'op-1'";
    let desk = Desk::new();
    let id = ask(&desk).await;
    desk.tamper(EDIT);
    let refused = desk.application.withdraw(&id, &caller("alice")).await.unwrap_err();
    assert!(is_altered(&refused), "{refused}");
    // When its time is over as well, and another one is decided in spite of it.
    desk.clock.advance(settings().approval_secs + 1);
    desk.stripe.charge("ch_2", 10_000);
    let other = request("op-2", "ch_2", Some(500));
    try_ask(&desk.application, "alice", other, &approve_up_to(100)).await.unwrap();
    desk.approve("bob", "ap_2").await;
    refuses_what_was_edited(&desk, "op-1", 500).await;
    assert!(!desk.ledger().audit(None).await.unwrap().broken.is_empty());
}

async fn refuses_what_was_edited(desk: &Desk, operation: &str, amount: u64) {
    let (wanted, none) = (request(operation, "ch_1", Some(amount)), MerchantRules::default());
    let again = try_ask(&desk.application, "alice", wanted, &none).await;
    let is_noticed = matches!(
        again,
        Err(AskError::Ledger(LedgerError::Altered(_))
            | AskError::Unsettled { error: LedgerError::Altered(_), .. })
    );
    assert!(is_noticed, "{operation}: {again:?}");
}

/// What decides whether another refund of the payment may leave is compared with the audit as well.
#[tokio::test]
async fn an_edit_of_another_operation_on_the_payment_is_noticed() {
    for edit in [
        "DELETE FROM operations WHERE id = 'op-1'",
        "DELETE FROM votes; DELETE FROM approvals; DELETE FROM operations WHERE id = 'op-1'",
        "UPDATE operations SET state = 'refused', uncertain = NULL WHERE id = 'op-1'",
        "UPDATE operations SET payment = 'ch_9', charge = NULL WHERE id = 'op-1'",
    ] {
        let desk = Desk::new();
        desk.stripe.order(&[Fate::RequestLost]);
        desk.ask("op-1", 500).await;
        desk.tamper(edit);
        refuses_what_was_edited(&desk, "op-2", 400).await;
        refuses_what_was_edited(&desk, "op-1", 500).await;
        assert_eq!((desk.stripe.posts(), desk.stripe.total()), (1, (0, 0)), "{edit}");
    }
    let desk = Desk::new();
    desk.ask_under("op-1", 500, &approve_up_to(100)).await;
    desk.tamper("DELETE FROM approvals; DELETE FROM operations");
    refuses_what_was_edited(&desk, "op-1", 500).await;
}

#[tokio::test]
async fn an_edit_of_the_file_is_still_noticed_when_a_run_is_canceled() {
    let desk = Desk::new();
    let new = NewRun { id: "abc123".into(), input: "x.csv".into(), options: "{}".into() };
    let run = desk.application.open_run(new).await.unwrap();
    let line = refund_app::bulk::NewLine { line: 1, request: request("op-1", "ch_1", Some(500)) };
    let none = MerchantRules::default();
    desk.application.add_lines(&run, vec![line], &none, &caller("alice")).await.unwrap();
    desk.application.close_input(&run).await.unwrap();
    desk.tamper("UPDATE operations SET amount = 900 WHERE id = 'op-1'");
    let refused = desk.application.cancel_run(&run, &caller("alice")).await.unwrap_err();
    assert!(matches!(refused, LedgerError::Altered(_)), "{refused}");
}

#[tokio::test]
async fn the_turn_of_pipelines_is_no_operation() {
    let desk = Desk::new();
    let taken = desk.ask(refund_app::rules::turn::holder().unwrap().as_str(), 500).await;
    assert_eq!((taken.kind(), desk.stripe.posts()), (OutcomeKind::Conflict, 0));
    assert!(taken.text().contains("pipelines hold their turn under it"), "{}", taken.text());
}

#[tokio::test]
async fn time_runs_out() {
    let desk = Desk::new();
    let rules = approve_up_to(100);
    let brief = Settings { approval_secs: 0, ..settings() };
    let (application, _) = desk.process_with(brief);
    let wanted = || request("op-1", "ch_1", Some(500));
    try_ask(&application, "alice", wanted(), &rules).await.unwrap();
    desk.clock.advance(1);
    let late = desk.application.decide("ap_1", yes(), &caller("bob")).await.unwrap_err();
    assert!(matches!(late, DecideError::Expired(_)), "{late}");
    // Asking again files a new one; one that is approved and not executed in time is not executed either.
    let second = ask(&desk).await;
    assert_eq!(second, "ap_2");
    desk.approve("bob", &second).await;
    desk.clock.advance(settings().approval_secs + 1);
    assert_eq!(state_of(&desk, &second).await, ApprovalState::Expired, "before a write ends it");
    let now = desk.clock.unix();
    let expired = desk.ledger().approvals(Some(ApprovalState::Expired), now).await.unwrap();
    assert_eq!(expired.len(), 2);
    let approved = desk.ledger().approvals(Some(ApprovalState::Approved), now).await.unwrap();
    assert_eq!(approved, []);
    let error = desk.application.execute(&second, None, &caller("bob")).await.unwrap_err();
    assert!(matches!(error, DecideError::Expired(_)), "{error}");
    assert_eq!(ask(&desk).await, "ap_3");
    let sent = desk.component.attempts();
    assert!(sent.iter().all(|attempt| attempt.approval.is_none()), "{sent:?}");
    assert_eq!(desk.stripe.posts(), 0);
    let ends = desk.remarks("op-1").await;
    assert_eq!(ends.iter().filter(|text| text.ends_with("expired")).count(), 2, "{ends:?}");
    desk.audit_holds().await;
}

#[tokio::test]
async fn what_is_being_executed_does_not_expire_under_way() {
    let desk = Desk::new();
    let id = ask(&desk).await;
    desk.approve("bob", &id).await;
    desk.component.close_gate();
    let executing = {
        let (application, id) = (desk.application.clone(), id.clone());
        tokio::spawn(async move { application.execute(&id, None, &caller("bob")).await })
    };
    desk.component.until_begun(2).await;
    assert!(desk.component.attempts()[1].approval.is_some());
    desk.clock.advance(settings().approval_secs + 1);
    // A decision about another one, which ends what is overdue.
    desk.application.decide("ap_99", yes(), &caller("carol")).await.unwrap_err();
    desk.component.let_one_through();
    assert_eq!(executing.await.unwrap().unwrap().unwrap().kind(), OutcomeKind::Made);
    assert_eq!(state_of(&desk, &id).await, ApprovalState::Executed);
    let remarks = desk.remarks("op-1").await;
    assert!(!remarks.iter().any(|text| text.ends_with("expired")), "{remarks:?}");
    desk.audit_holds().await;
}

#[tokio::test]
async fn another_amount_needs_another_approval() {
    let desk = Desk::new();
    let rules = approve_up_to(100);
    let everything = || request("op-1", "ch_1", None);
    try_ask(&desk.application, "alice", everything(), &rules).await.unwrap();
    desk.approve("bob", "ap_1").await;
    // The same again changes nothing.
    assert_eq!(state_of(&desk, "ap_1").await, ApprovalState::Approved);
    desk.stripe.dashboard_refund("ch_1", 1_000);
    let asked = desk.application.execute("ap_1", None, &caller("bob")).await.unwrap().unwrap();
    let Standing::NeedsApproval { approval: Some(second), .. } = &asked.standing else {
        panic!("{asked:?}")
    };
    assert_eq!((second.id.to_string().as_str(), second.money.amount), ("ap_2", 9_000));
    assert_eq!(state_of(&desk, "ap_1").await, ApprovalState::Superseded);
    assert_eq!(desk.stripe.posts(), 0, "what was agreed to before is not what is asked for now");
    let early = desk.application.execute("ap_2", None, &caller("bob")).await.unwrap_err();
    assert!(matches!(early, DecideError::NotApproved { .. }), "{early}");
    let withdrawn = desk.application.withdraw("ap_2", &caller("bob")).await.unwrap();
    assert_eq!(withdrawn.state, ApprovalState::Expired);
    assert!(desk.application.withdraw("ap_2", &caller("bob")).await.is_err());
    desk.audit_holds().await;
}

#[tokio::test]
async fn the_same_approval_stays_while_nothing_changes() {
    let desk = Desk::new();
    let first = ask(&desk).await;
    assert_eq!(ask(&desk).await, first);
    // Metadata is part of what is approved: with a live approval the operation is not corrected.
    let other = refund_core::request::Request {
        metadata: Metadata([("ticket".into(), "7".into())].into()),
        ..request("op-1", "ch_1", Some(500))
    };
    let refused = try_ask(&desk.application, "alice", other, &approve_up_to(100)).await.unwrap();
    assert_eq!((refused.kind(), refused.kind().row().http), (OutcomeKind::Conflict, 409));
    assert!(refused.text().contains("approvals expire ap_1"), "{}", refused.text());
    assert_eq!(desk.operation("op-1").await.id(), &operation_id("op-1"));
    assert_eq!(state_of(&desk, &first).await, ApprovalState::Open);
}

#[tokio::test]
async fn two_executions_at_once_make_one_refund() {
    let desk = Desk::new();
    let id = ask(&desk).await;
    desk.approve("bob", &id).await;
    desk.component.close_gate();
    let executing = {
        let (application, id) = (desk.application.clone(), id.clone());
        tokio::spawn(async move { application.execute(&id, None, &caller("bob")).await })
    };
    desk.component.until_begun(2).await;
    // Another process executes the same approval, and another approver wants to decide about it.
    let patient = Settings { patience: Duration::from_hours(24), ..settings() };
    let (two, component) = desk.process_with(patient);
    let late = two.decide(&id, yes(), &caller("carol")).await.unwrap_err();
    assert!(matches!(late, DecideError::NotOpen { .. }), "{late}");
    let waiting = {
        let (two, id) = (two.clone(), id.clone());
        tokio::spawn(async move { two.execute(&id, None, &caller("carol")).await })
    };
    tokio::task::yield_now().await;
    desk.component.let_one_through();
    assert_eq!(executing.await.unwrap().unwrap().unwrap().kind(), OutcomeKind::Made);
    assert_eq!(waiting.await.unwrap().unwrap().unwrap().kind(), OutcomeKind::Found);
    assert_eq!((component.calls().creates, desk.stripe.count_of("op-1")), (0, 1));
    desk.audit_holds().await;
}
