//! An operation for which nothing was sent may be asked for again with corrected values.

use refund_app::OutcomeKind;
use refund_app::bulk::{LineAdmitted, NewLine};
use refund_core::metadata::Metadata;
use refund_core::request::Request;
use refund_ledger::{ApprovalState, MerchantRules, NewRun, State};

use crate::support::{
    Desk, Fate, GRACE_SECS, approve_up_to, caller, never_above, request, settings, try_ask, user,
};

async fn kind(desk: &Desk, request: Request, rules: &MerchantRules) -> OutcomeKind {
    try_ask(&desk.application, "alice", request, rules).await.unwrap().kind()
}

#[tokio::test]
async fn what_was_denied_may_be_corrected() {
    let desk = Desk::new();
    let rules = never_above(1_000);
    assert_eq!(
        kind(&desk, request("op-1", "ch_1", Some(2_000)), &rules).await,
        OutcomeKind::Denied
    );
    assert_eq!(kind(&desk, request("op-1", "ch_1", Some(1_000)), &rules).await, OutcomeKind::Made);
    let operation = desk.operation("op-1").await;
    assert_eq!(operation.corrected_by, Some(user("alice")));
    assert_eq!((desk.stripe.total(), operation.attempts), ((1, 1_000), 2));
    // Each try is in the audit, with its own request.
    let rows = desk.ledger().history("op-1").await.unwrap();
    let mut hashes: Vec<_> = rows.iter().map(|row| row.request_hash.as_str()).collect();
    hashes.dedup();
    assert_eq!(hashes.len(), 2);
    assert!(rows.iter().any(|row| {
        row.outcome.as_ref().is_some_and(|text| text.contains("asked again with corrected values"))
    }));
    desk.audit_holds().await;
}

/// Found by the simulation: seed 16.
#[tokio::test]
async fn a_correction_without_rules_does_not_take_them_off() {
    let desk = Desk::new();
    let (rules, none) = (never_above(1_000), MerchantRules::default());
    assert_eq!(
        kind(&desk, request("op-1", "ch_1", Some(2_000)), &rules).await,
        OutcomeKind::Denied
    );
    let corrected = request("op-1", "ch_1", Some(1_500));
    assert_eq!(kind(&desk, corrected, &none).await, OutcomeKind::Denied);
    assert_eq!(desk.operation("op-1").await.rules, rules.into());
    assert_eq!(desk.stripe.posts(), 0);
    desk.audit_holds().await;
}

#[tokio::test]
async fn what_was_invalid_may_be_corrected() {
    let desk = Desk::new();
    let none = MerchantRules::default();
    let with = |key: &str| Request {
        metadata: Metadata([(key.to_owned(), "other".to_owned())].into()),
        ..request("op-1", "ch_1", Some(500))
    };
    assert_eq!(kind(&desk, with("refund_node_operation"), &none).await, OutcomeKind::Invalid);
    assert_eq!(kind(&desk, with("ticket"), &none).await, OutcomeKind::Made);
    // A reason that was missing or wrong, a payment that does not exist.
    let wrong = Request { reason: Some("bored".into()), ..request("op-2", "ch_1", Some(500)) };
    assert_eq!(kind(&desk, wrong, &none).await, OutcomeKind::Invalid);
    let right = Request { reason: Some("duplicate".into()), ..request("op-2", "ch_1", Some(500)) };
    assert_eq!(kind(&desk, right, &none).await, OutcomeKind::Made);
    assert_eq!(kind(&desk, request("op-3", "ch_none", None), &none).await, OutcomeKind::Refused);
    assert_eq!(kind(&desk, request("op-3", "ch_1", Some(1)), &none).await, OutcomeKind::Made);
    assert_eq!(desk.stripe.total(), (3, 1_001));
    desk.audit_holds().await;
}

#[tokio::test]
async fn what_was_sent_is_not_corrected() {
    let none = MerchantRules::default();
    for (fate, state) in [
        (Fate::Answered, State::Succeeded),
        (Fate::AnswerLost, State::Succeeded),
        (Fate::RequestLost, State::OutcomeUnknown),
        (Fate::Refused(400), State::Refused),
        (Fate::Refused(429), State::Planned),
    ] {
        let desk = Desk::new();
        desk.stripe.order(&[fate]);
        desk.ask("op-1", 500).await;
        assert_eq!(desk.state("op-1").await, state, "{fate:?}");
        let posts = desk.stripe.posts();
        let other = try_ask(&desk.application, "bob", request("op-1", "ch_1", Some(600)), &none);
        let other = other.await.unwrap();
        assert_eq!(
            (other.kind(), other.kind().row().http),
            if state.is_unsettled() {
                (OutcomeKind::Unknown, 504)
            } else {
                (OutcomeKind::Conflict, 409)
            },
            "{fate:?}"
        );
        assert_eq!(
            (desk.stripe.posts(), desk.operation("op-1").await.requester),
            (posts, user("alice"))
        );
        assert_eq!(desk.operation("op-1").await.request.amount.unwrap().amount, 500, "{fate:?}");
    }
    // Nor what was sent, and of which Stripe has nothing.
    let desk = Desk::new();
    desk.stripe.order(&[Fate::RequestLost]);
    desk.ask("op-1", 500).await;
    desk.clock.advance(GRACE_SECS);
    desk.ask("op-2", 1).await;
    assert_eq!(desk.state("op-1").await, State::Planned);
    assert_eq!(desk.ask("op-1", 600).await.kind(), OutcomeKind::Conflict);
}

#[tokio::test]
async fn what_a_crash_may_have_sent_is_not_corrected() {
    let desk = Desk::new();
    crate::operations::crash(&desk, "op-1").await;
    let id = crate::support::operation_id("op-1");
    desk.application.find_out(&id, &caller("bob")).await.unwrap();
    desk.clock.advance(GRACE_SECS);
    desk.application.find_out(&id, &caller("bob")).await.unwrap();
    assert_eq!(desk.state("op-1").await, State::Planned);
    assert_eq!(desk.ask("op-1", 600).await.kind(), OutcomeKind::Conflict);
    assert_eq!(desk.ask("op-1", 500).await.kind(), OutcomeKind::Made);
    assert_eq!(desk.stripe.total(), (1, 500));
}

/// The same where a later call was denied, after a lookup or without one.
#[tokio::test]
async fn a_denial_after_a_crash_does_not_say_that_nothing_was_sent() {
    for is_looked_up in [true, false] {
        let desk = Desk::new();
        crate::operations::crash(&desk, "op-1").await;
        let rules = never_above(100);
        if is_looked_up {
            let id = crate::support::operation_id("op-1");
            for _ in 0..2 {
                desk.application.find_out(&id, &caller("bob")).await.unwrap();
                desk.clock.advance(GRACE_SECS);
            }
        } else {
            desk.ask_under("op-1", 500, &rules).await;
            desk.clock.advance(GRACE_SECS);
        }
        let asked = desk.ask_under("op-1", 500, &rules).await;
        assert_eq!(asked.kind(), OutcomeKind::Denied, "{asked:?}");
        assert_eq!(desk.ask("op-1", 90).await.kind(), OutcomeKind::Conflict);
        assert_eq!(desk.stripe.posts(), 0);
    }
}

#[tokio::test]
async fn what_never_left_may_be_corrected() {
    let desk = Desk::new();
    desk.stripe.order(&[Fate::NotReached]);
    assert_eq!(desk.ask("op-1", 500).await.kind(), OutcomeKind::NoAnswer);
    assert_eq!(desk.ask("op-1", 600).await.kind(), OutcomeKind::Made);
    assert_eq!(desk.stripe.total(), (1, 600));
}

#[tokio::test]
async fn what_waits_is_corrected_only_after_its_approval_has_ended() {
    let desk = Desk::new();
    let rules = approve_up_to(100);
    let wanted = |amount| request("op-1", "ch_1", Some(amount));
    assert_eq!(kind(&desk, wanted(500), &rules).await, OutcomeKind::Waiting);
    assert_eq!(kind(&desk, wanted(600), &rules).await, OutcomeKind::Conflict);
    desk.approve("bob", "ap_1").await;
    assert_eq!(kind(&desk, wanted(600), &rules).await, OutcomeKind::Conflict, "approved");
    desk.application.withdraw("ap_1", &caller("alice")).await.unwrap();
    assert_eq!(kind(&desk, wanted(600), &rules).await, OutcomeKind::Waiting);
    let second = desk.approval("ap_2").await;
    assert_eq!((second.money.amount, second.votes.len()), (600, 0), "nobody agreed to this");
    // One whose time is over need not be ended by hand.
    desk.clock.advance(settings().approval_secs + 1);
    assert_eq!(kind(&desk, wanted(700), &rules).await, OutcomeKind::Waiting);
    assert_eq!(desk.approval("ap_3").await.money.amount, 700);
    assert_eq!(desk.approval("ap_2").await.state, ApprovalState::Expired);
    assert_eq!(desk.stripe.posts(), 0);
    desk.audit_holds().await;
}

#[tokio::test]
async fn what_was_called_off_stays_called_off() {
    let desk = Desk::new();
    let rules = approve_up_to(100);
    kind(&desk, request("op-1", "ch_1", Some(500)), &rules).await;
    desk.application.decide("ap_1", crate::support::no(), &caller("bob")).await.unwrap();
    assert_eq!(kind(&desk, request("op-1", "ch_1", Some(50)), &rules).await, OutcomeKind::Conflict);
    assert_eq!(desk.stripe.posts(), 0);
}

#[tokio::test]
async fn what_is_being_sent_is_not_corrected() {
    let desk = Desk::new();
    desk.component.close_gate();
    let asking = {
        let application = desk.application.clone();
        tokio::spawn(async move {
            let wanted = request("op-1", "ch_1", Some(500));
            try_ask(&application, "alice", wanted, &MerchantRules::default()).await
        })
    };
    desk.component.until_begun(1).await;
    let other = desk.ask("op-1", 600).await;
    assert_eq!(other.kind(), OutcomeKind::Unknown, "the request may have left");
    desk.component.let_one_through();
    assert_eq!(asking.await.unwrap().unwrap().kind(), OutcomeKind::Made);
    assert_eq!(desk.stripe.total(), (1, 500));
}

#[tokio::test]
async fn a_denied_line_of_a_run_is_corrected_by_the_next_file() {
    let desk = Desk::new();
    let rules = never_above(1_000);
    assert_eq!(
        kind(&desk, request("op-1", "ch_1", Some(2_000)), &rules).await,
        OutcomeKind::Denied
    );
    let new = NewRun { id: "abc123".into(), input: "x.csv".into(), options: "{}".into() };
    let run = desk.application.open_run(new).await.unwrap();
    let line = NewLine { line: 1, request: request("op-1", "ch_1", Some(900)) };
    let admitted =
        desk.application.add_lines(&run, vec![line], &rules, &caller("bob")).await.unwrap();
    assert_eq!(admitted, [LineAdmitted::Corrected]);
    let operation = desk.operation("op-1").await;
    assert_eq!((operation.state, operation.requester), (State::Planned, user("alice")));
    assert_eq!(operation.corrected_by, Some(user("bob")));
    desk.audit_holds().await;
}
