//! The requester of an operation is who first asked for it, whoever settles it, resumes it or files its approval anew.

use std::collections::BTreeMap;

use refund_app::bulk::{NewLine, Options, Runner, StopLoss};
use refund_app::outcome::Standing;
use refund_app::{Ask, Ballot, Caller, DecideError, Outcome, OutcomeKind};
use refund_core::request::Request;
use refund_ledger::{
    Approval, ApprovalState, Entry, MerchantRules, NewRun, State, Store, UserName, Vote,
};
use tokio::sync::watch;

use crate::support::{
    Desk, Fate, GRACE_SECS, approve_up_to, caller, document, request, try_ask, user, yes,
};

async fn may_not_approve(desk: &Desk, name: &str, approval: &str) {
    let error = desk.application.decide(approval, yes(), &caller(name)).await.unwrap_err();
    assert!(matches!(error, DecideError::OwnRequest { .. }), "{name}: {error}");
    assert!(error.to_string().contains("four-eyes"), "{error}");
}

#[tokio::test]
async fn an_approval_that_is_filed_anew_keeps_the_requester() {
    let desk = Desk::new();
    let rules = approve_up_to(200);
    let everything = || request("op-1", "ch_1", None);
    try_ask(&desk.application, "dave", everything(), &rules).await.unwrap();
    may_not_approve(&desk, "dave", "ap_1").await;
    // A small refund of the same payment changes what "everything" is; bob executes, and it is filed anew.
    let small = request("op-2", "ch_1", Some(100));
    try_ask(&desk.application, "dave", small, &rules).await.unwrap();
    desk.approve("bob", "ap_1").await;
    let asked = desk.application.execute("ap_1", None, &caller("bob")).await.unwrap().unwrap();
    let Standing::NeedsApproval { approval: Some(second), .. } = asked.standing else {
        panic!("{asked:?}")
    };
    assert_eq!((second.id.to_string().as_str(), second.requester.as_str()), ("ap_2", "dave"));
    may_not_approve(&desk, "dave", "ap_2").await;
    desk.approve("bob", "ap_2").await;
    let made = desk.application.execute("ap_2", None, &caller("dave")).await.unwrap().unwrap();
    assert_eq!((made.kind(), desk.stripe.count_of("op-1")), (OutcomeKind::Made, 1));
    desk.audit_holds().await;
}

#[tokio::test]
async fn whoever_asks_again_is_not_the_requester() {
    let desk = Desk::new();
    let rules = approve_up_to(100);
    // Dave's request is not reached, then bob asks for the same, and carol after that.
    desk.stripe.order_unreadable(1);
    let wanted = || request("op-1", "ch_1", Some(500));
    let first = try_ask(&desk.application, "dave", wanted(), &rules).await.unwrap();
    assert_eq!(first.kind(), OutcomeKind::NoAnswer);
    for name in ["bob", "carol"] {
        let again = try_ask(&desk.application, name, wanted(), &rules).await.unwrap();
        assert_eq!(again.operation.requester, user("dave"));
    }
    may_not_approve(&desk, "dave", "ap_1").await;
    assert_eq!(desk.approve("bob", "ap_1").await.state, ApprovalState::Approved);
}

#[tokio::test]
async fn whoever_settles_an_unknown_outcome_is_not_the_requester() {
    let desk = Desk::new();
    desk.stripe.order(&[Fate::RequestLost]);
    let none = MerchantRules::default();
    let wanted = || request("op-1", "ch_1", Some(500));
    try_ask(&desk.application, "dave", wanted(), &none).await.unwrap();
    desk.clock.advance(GRACE_SECS);
    // Bob's refund of the same payment looks it up; then bob asks for it under a policy that wants an approver.
    try_ask(&desk.application, "bob", request("op-2", "ch_1", Some(1)), &none).await.unwrap();
    assert_eq!(desk.state("op-1").await, State::Planned);
    let waiting = try_ask(&desk.application, "bob", wanted(), &approve_up_to(100)).await.unwrap();
    assert_eq!(waiting.kind(), OutcomeKind::Waiting);
    assert_eq!(desk.approval("ap_1").await.requester, user("dave"));
    may_not_approve(&desk, "dave", "ap_1").await;
}

#[tokio::test]
async fn whoever_resumes_a_run_is_not_the_requester() {
    let desk = Desk::new();
    let rules = approve_up_to(100);
    let new = NewRun { id: "abc123".into(), input: "x.csv".into(), options: "{}".into() };
    let run = desk.application.open_run(new).await.unwrap();
    let line = NewLine { line: 1, request: request("op-1", "ch_1", Some(500)) };
    desk.application.add_lines(&run, vec![line], &rules, &caller("dave")).await.unwrap();
    let run = desk.application.close_input(&run).await.unwrap();
    let options = Options {
        in_flight: 1,
        spread: None,
        stop: StopLoss::default(),
        tries: 1,
        rules: None,
        allow_refunded_payments: false,
    };
    let who = caller("bob");
    let runner =
        Runner::new(&desk.application, &run, options, BTreeMap::new(), &who).await.unwrap();
    let (_never, interrupt) = watch::channel(false);
    runner.run(interrupt, &mut ()).await.unwrap();
    assert_eq!(desk.approval("ap_1").await.requester, user("dave"));
    may_not_approve(&desk, "dave", "ap_1").await;
    assert_eq!(desk.approve("bob", "ap_1").await.state, ApprovalState::Approved);
}

#[tokio::test]
async fn neither_requester_nor_corrector_approves() {
    let desk = Desk::new();
    let strict = document("1.00", "50.00", "90.00");
    let asked =
        try_ask(&desk.application, "dave", request("op-1", "ch_1", Some(9_500)), &strict).await;
    assert_eq!(asked.unwrap().kind(), OutcomeKind::Denied);
    let corrected =
        try_ask(&desk.application, "erin", request("op-1", "ch_1", Some(4_000)), &strict).await;
    let corrected = corrected.unwrap();
    assert_eq!(corrected.kind(), OutcomeKind::Waiting);
    assert_eq!(corrected.operation.requester, user("dave"));
    assert_eq!(corrected.operation.corrected_by, Some(user("erin")));
    assert_eq!(desk.approval("ap_1").await.requester, user("dave"));
    may_not_approve(&desk, "dave", "ap_1").await;
    may_not_approve(&desk, "erin", "ap_1").await;
    assert_eq!(desk.approve("bob", "ap_1").await.state, ApprovalState::Approved);
    desk.audit_holds().await;
}

#[tokio::test]
async fn one_person_under_two_spellings_is_one_approver() {
    let desk = Desk::new();
    let rules = document("1.00", "2.00", "90.00");
    try_ask(&desk.application, "Dave ", request("op-1", "ch_1", Some(500)), &rules).await.unwrap();
    for name in ["dave", "DAVE", " dave"] {
        may_not_approve(&desk, name, "ap_1").await;
    }
    desk.approve("Bob", "ap_1").await;
    let twice = desk.application.decide("ap_1", yes(), &caller("bob ")).await.unwrap_err();
    assert!(matches!(twice, DecideError::Twice { .. }), "{twice}");
    // Names that only look alike are no names.
    for name in ["d\u{430}ve", "dav\u{435}", "da\u{200b}ve", "ｄave", "dave\u{301}"] {
        assert!(UserName::parse(name).is_err(), "{name:?}");
    }
}

/// Asks without a user name.
async fn ask_unnamed(desk: &Desk, request: Request, rules: &MerchantRules) -> Outcome {
    let unnamed = Caller::new(UserName::unknown(), "test");
    desk.application.ask(Ask { request, rules: rules.clone() }, &unnamed).await.unwrap()
}

/// An earlier version took votes about what had been asked for without a user name. They approve nothing any more.
#[tokio::test]
async fn earlier_votes_do_not_count_while_the_requester_is_unknown() {
    let desk = Desk::new();
    let wanted = request("op-1", "ch_1", Some(500));
    ask_unnamed(&desk, wanted, &approve_up_to(100)).await;
    let (approval, operation) = (desk.approval("ap_1").await, desk.operation("op-1").await);
    let vote = Vote {
        voter: user("bob"),
        agrees: true,
        note: None,
        time: desk.clock.unix(),
        own_request: false,
    };
    let entry = Entry {
        before: Some(operation.state),
        actor: "an earlier version".into(),
        outcome: None,
        request_id: None,
        time: operation.updated,
    };
    desk.ledger()
        .write(move |tx| {
            tx.insert_vote(approval.id, &vote)?;
            tx.put_approval(&Approval { state: ApprovalState::Approved, ..approval })?;
            tx.record(&operation, entry)
        })
        .await
        .unwrap();
    desk.audit_holds().await;
    let waits = desk.application.execute("ap_1", None, &caller("bob")).await.unwrap().unwrap();
    assert_eq!((waits.kind(), desk.stripe.posts()), (OutcomeKind::Waiting, 0));
    assert_eq!(desk.approval("ap_1").await.state, ApprovalState::Open);
}

#[tokio::test]
async fn without_a_requester_no_vote_can_be_shown_to_be_of_a_different_person() {
    let desk = Desk::new();
    let wanted = || request("op-1", "ch_1", Some(500));
    let rules = approve_up_to(100);
    let asked = ask_unnamed(&desk, wanted(), &rules).await;
    assert!(asked.text().contains("ask again with the same operation id"), "{}", asked.text());
    let error = desk.application.decide("ap_1", yes(), &caller("alice")).await.unwrap_err();
    assert!(matches!(error, DecideError::RequesterUnknown { .. }), "{error}");
    // What the sentence advises. The first user who asks again is the requester; later ones are not.
    for name in [Some("dave"), Some("erin"), None] {
        let again = match name {
            Some(name) => try_ask(&desk.application, name, wanted(), &rules).await.unwrap(),
            None => ask_unnamed(&desk, wanted(), &rules).await,
        };
        let Standing::NeedsApproval { approval: Some(waits), .. } = again.standing else {
            panic!("{:?}", again.standing)
        };
        assert_eq!((waits.id.to_string().as_str(), waits.requester.as_str()), ("ap_1", "dave"));
    }
    may_not_approve(&desk, "dave", "ap_1").await;
    assert_eq!(desk.approve("alice", "ap_1").await.state, ApprovalState::Approved);
    let made = desk.application.execute("ap_1", None, &caller("dave")).await.unwrap().unwrap();
    assert_eq!((made.kind(), desk.stripe.count_of("op-1")), (OutcomeKind::Made, 1));
    desk.audit_holds().await;
}

#[tokio::test]
async fn whoever_corrects_without_a_name_leaves_the_requester_unknown() {
    let desk = Desk::new();
    let rules = document("1.00", "2.00", "100.00");
    let denied = request("op-1", "ch_1", Some(20_000));
    let denied = try_ask(&desk.application, "dave", denied, &rules).await.unwrap();
    assert_eq!(denied.kind(), OutcomeKind::Denied);
    let corrected = || request("op-1", "ch_1", Some(500));
    let waits = ask_unnamed(&desk, corrected(), &rules).await.text();
    assert!(waits.contains("cannot be approved"), "{waits}");
    let error = desk.application.decide("ap_1", yes(), &caller("bob")).await.unwrap_err();
    assert!(matches!(error, DecideError::RequesterUnknown { .. }), "{error}");
    try_ask(&desk.application, "erin", corrected(), &rules).await.unwrap();
    assert_eq!(desk.approval("ap_1").await.requester, user("dave"));
    for name in ["dave", "erin"] {
        may_not_approve(&desk, name, "ap_1").await;
    }
    desk.approve("bob", "ap_1").await;
    desk.audit_holds().await;
}

#[tokio::test]
async fn where_requesters_may_approve_it_need_not_be_known_who_asked() {
    let desk = Desk::new();
    let wanted = request("op-1", "ch_1", Some(500));
    ask_unnamed(&desk, wanted.clone(), &approve_up_to(100)).await;
    let permitted = Ballot { own_requests: true, ..yes() };
    let decided = desk.application.decide("ap_1", permitted, &caller("alice")).await.unwrap();
    assert_eq!((decided.approval.state, decided.approval.agreed()), (ApprovalState::Approved, 1));
    // Whoever voted may be the one who asked: the vote counts all the same.
    try_ask(&desk.application, "alice", wanted, &approve_up_to(100)).await.unwrap();
    assert_eq!(desk.state("op-1").await, State::Succeeded);
}

#[tokio::test]
async fn a_vote_says_whether_the_requester_gave_it() {
    let desk = Desk::new();
    let rules = document("1.00", "2.00", "100.00");
    let wanted = request("op-1", "ch_1", Some(500));
    try_ask(&desk.application, "dave", wanted, &rules).await.unwrap();
    desk.approve("bob", "ap_1").await;
    let permitted = Ballot { own_requests: true, ..yes() };
    desk.application.decide("ap_1", permitted, &caller("dave")).await.unwrap();
    let votes = desk.approval("ap_1").await.votes;
    assert_eq!(votes.iter().map(|vote| vote.own_request).collect::<Vec<_>>(), [false, true]);
}
