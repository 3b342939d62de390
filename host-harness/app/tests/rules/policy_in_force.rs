//! The policy in force when an operation is executed decides; only recorded votes of approvers approve.

use refund_app::outcome::Standing;
use refund_app::{AskError, DecideError, OutcomeKind};
use refund_core::eligibility::Verdict;
use refund_core::policy::Terms;
use refund_ledger::{
    ApprovalState, Entry, HeldRules, LedgerError, MerchantRules, Operation, State, Store,
};

use crate::support::{
    Desk, Fate, approve_up_to, caller, document, never_above, no, operation_id, request, try_ask,
};

/// Alice asks for 5.00 under a policy that wants one approver, and bob agrees.
async fn approved(desk: &Desk) -> &'static str {
    let outcome = desk.ask_under("op-1", 500, &document("1.00", "50.00", "90.00")).await;
    assert_eq!(outcome.kind(), OutcomeKind::Waiting);
    let approval = desk.approve("bob", "ap_1").await;
    assert_eq!((approval.needed, approval.state), (1, ApprovalState::Approved));
    "ap_1"
}

async fn execute(desk: &Desk, rules: &MerchantRules) -> refund_app::Outcome {
    let who = caller("bob");
    desk.application.execute("ap_1", Some(rules.clone()), &who).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_stricter_policy_wants_more_approvers_for_the_same_approval() {
    let desk = Desk::new();
    let id = approved(&desk).await;
    let strict = document("1.00", "2.00", "90.00");
    let outcome = execute(&desk, &strict).await;
    let Standing::NeedsApproval { approval: Some(approval), .. } = &outcome.standing else {
        panic!("{outcome:?}")
    };
    assert_eq!((approval.id.to_string().as_str(), approval.needed), (id, 2));
    assert_eq!(approval.verdict.as_ref().map(Verdict::approvals), Some(2));
    assert_eq!((approval.state, approval.agreed()), (ApprovalState::Open, 1));
    assert_eq!(approval.decided, None);
    assert_eq!((outcome.kind().row().exit, desk.stripe.posts()), (3, 0));
    let early = desk.application.execute(id, Some(strict.clone()), &caller("bob")).await;
    assert!(
        matches!(early, Err(DecideError::NotApproved { agreed: 1, needed: 2, .. })),
        "{early:?}"
    );
    let approved = desk.approve("carol", id).await;
    assert_eq!(approved.state, ApprovalState::Approved);
    assert_eq!(approved.decided, Some(desk.clock.unix()));
    assert_eq!(execute(&desk, &strict).await.kind(), OutcomeKind::Made);
    assert_eq!(desk.stripe.count_of("op-1"), 1);
    desk.audit_holds().await;
}

#[tokio::test]
async fn a_policy_that_now_denies_it_ends_the_approval() {
    let desk = Desk::new();
    approved(&desk).await;
    let outcome = execute(&desk, &document("1.00", "2.00", "4.00")).await;
    assert_eq!((outcome.kind(), outcome.kind().row().exit), (OutcomeKind::Denied, 4));
    assert!(outcome.text().contains("4.00 usd"), "the reason: {}", outcome.text());
    assert_eq!(desk.approval("ap_1").await.state, ApprovalState::Superseded);
    assert_eq!(desk.stripe.posts(), 0);
    // Under the old policy again, it has to be approved again.
    let asked = desk.ask_under("op-1", 500, &document("1.00", "50.00", "90.00")).await;
    assert_eq!(asked.kind(), OutcomeKind::Waiting);
    assert_eq!(desk.approval("ap_2").await.votes, []);
    desk.audit_holds().await;
}

#[tokio::test]
async fn a_looser_policy_counts_the_votes_that_are_there() {
    let desk = Desk::new();
    let strict = document("1.00", "2.00", "90.00");
    assert_eq!(desk.ask_under("op-1", 500, &strict).await.kind(), OutcomeKind::Waiting);
    assert_eq!(desk.approve("bob", "ap_1").await.state, ApprovalState::Open);
    // Now one approver is enough. The requester asks again: it is approved, and is executed by whoever executes.
    let loose = document("1.00", "50.00", "90.00");
    let again = desk.ask_under("op-1", 500, &loose).await;
    assert_eq!(again.kind(), OutcomeKind::Waiting);
    let approval = desk.approval("ap_1").await;
    assert_eq!((approval.needed, approval.state), (1, ApprovalState::Approved));
    assert_eq!(execute(&desk, &loose).await.kind(), OutcomeKind::Made);
    desk.audit_holds().await;
}

#[tokio::test]
async fn the_rules_of_the_last_attempt_hold_where_none_are_given() {
    let desk = Desk::new();
    approved(&desk).await;
    let kept = desk.application.execute("ap_1", None, &caller("bob")).await.unwrap().unwrap();
    assert_eq!(kept.kind(), OutcomeKind::Made);
    let verdict = kept.created().unwrap().verdict.unwrap();
    assert_eq!(verdict.ruling.unwrap().policy, "Shop");
}

/// What sets no rule takes none off an operation that waits for approval.
#[tokio::test]
async fn what_sets_no_rule_does_not_take_the_place_of_a_policy() {
    for given in [
        MerchantRules { self_serve: true, ..MerchantRules::default() },
        MerchantRules::policy(terms(r#"{"fraud":"allow","disputes":"allow"}"#)),
        MerchantRules::policy(terms(r#"{"fee_rate":{"basis_points":290,"fixed":30}}"#)),
    ] {
        let desk = Desk::new();
        let held = approve_up_to(100);
        assert_eq!(desk.ask_under("op-1", 500, &held).await.kind(), OutcomeKind::Waiting);
        let again = desk.ask_under("op-1", 500, &given).await;
        assert_eq!((again.kind(), desk.stripe.posts()), (OutcomeKind::Waiting, 0), "{given:?}");
    }
}

fn terms(json: &str) -> Terms {
    serde_json::from_str(json).unwrap()
}

#[tokio::test]
async fn an_approved_state_without_votes_approves_nothing() {
    let desk = Desk::new();
    desk.ask_under("op-1", 500, &approve_up_to(100)).await;
    // Written with its row of the audit, as a faulty version might: nothing was edited, and nobody voted.
    let mut forged = desk.approval("ap_1").await;
    forged.state = ApprovalState::Approved;
    desk.ledger()
        .write(move |tx| {
            tx.put_approval(&forged)?;
            let operation = tx.operation(&forged.operation)?.unwrap();
            let entry = Entry {
                before: Some(operation.state),
                actor: "faulty".into(),
                outcome: None,
                request_id: None,
                time: operation.updated,
            };
            tx.record(&operation, entry)
        })
        .await
        .unwrap();
    desk.audit_holds().await;
    let outcome = desk.application.execute("ap_1", None, &caller("bob")).await.unwrap();
    let paid = desk.stripe.count_of("op-1");
    assert_eq!(paid, 0, "{outcome:?}");
    assert_eq!(desk.component.attempts().last().unwrap().approval, None);
    assert_eq!(outcome.unwrap().kind(), OutcomeKind::Waiting);
    let approval = desk.approval("ap_1").await;
    assert_eq!((approval.state, approval.needed), (ApprovalState::Open, 1));
    desk.approve("carol", "ap_1").await;
    let made = desk.application.execute("ap_1", None, &caller("bob")).await.unwrap().unwrap();
    assert_eq!(made.kind(), OutcomeKind::Made);
}

#[tokio::test]
async fn a_hash_that_is_known_approves_nothing() {
    let desk = Desk::new();
    let rules = approve_up_to(100);
    desk.ask_under("op-1", 500, &rules).await;
    // The requester knows the hash, and there is no way to pass it on: asking again waits again.
    for _ in 0..3 {
        assert_eq!(desk.ask_under("op-1", 500, &rules).await.kind(), OutcomeKind::Waiting);
    }
    assert!(desk.component.attempts().iter().all(|attempt| attempt.approval.is_none()));
    desk.application.decide("ap_1", no(), &caller("bob")).await.unwrap();
    let canceled = desk.ask_under("op-1", 500, &never_above(1_000)).await;
    assert_eq!(
        (canceled.kind(), canceled.operation.state),
        (OutcomeKind::Canceled, State::Canceled)
    );
    assert_eq!(desk.stripe.posts(), 0);
}

/// What an earlier version wrote about the rules of an operation, and this one does not know.
async fn write_unknown_rules(desk: &Desk, id: &str) {
    let before = desk.operation(id).await;
    let rules = HeldRules::read(r#"{"document":{"name":"shop"}}"#);
    assert!(matches!(rules, HeldRules::Unreadable { .. }));
    let operation = Operation { rules, ..before };
    desk.ledger()
        .write(move |tx| {
            let (before, time) = (Some(operation.state), operation.updated);
            tx.put_operation(&operation)?;
            let actor = "an earlier version".into();
            tx.record(&operation, Entry { before, actor, outcome: None, request_id: None, time })
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn under_rules_that_cannot_be_read_nothing_is_sent_until_some_are_given() {
    let desk = Desk::new();
    let outcome = desk.ask_under("op-1", 500, &approve_up_to(100)).await;
    assert_eq!(outcome.kind(), OutcomeKind::Waiting);
    desk.approve("bob", "ap_1").await;
    write_unknown_rules(&desk, "op-1").await;
    let before = desk.operation("op-1").await;

    let wanted = request("op-1", "ch_1", Some(500));
    let refused = try_ask(&desk.application, "alice", wanted, &MerchantRules::default()).await;
    let Err(AskError::Ledger(problem @ LedgerError::Policy { .. })) = refused else {
        panic!("{refused:?}")
    };
    assert!(problem.to_string().contains("--policy"), "{problem}");
    let executed = desk.application.execute("ap_1", None, &caller("bob")).await.unwrap();
    assert!(matches!(executed, Err(AskError::Ledger(LedgerError::Policy { .. }))), "{executed:?}");
    assert_eq!((desk.stripe.posts(), desk.operation("op-1").await), (0, before));
    assert_eq!(desk.approval("ap_1").await.state, ApprovalState::Approved);

    // The payment is free, and rules that are given hold.
    assert_eq!(desk.ask("op-2", 100).await.kind(), OutcomeKind::Made);
    assert_eq!(execute(&desk, &approve_up_to(100)).await.kind(), OutcomeKind::Made);
    assert_eq!(desk.operation("op-1").await.rules, approve_up_to(100).into());
    desk.audit_holds().await;
}

#[tokio::test]
async fn a_lost_answer_is_looked_up_whether_or_not_the_rules_can_be_read() {
    let desk = Desk::new();
    desk.stripe.order(&[Fate::Late(20)]);
    assert_eq!(desk.ask_under("op-1", 500, &never_above(900)).await.kind(), OutcomeKind::Unknown);
    desk.clock.advance(20);
    write_unknown_rules(&desk, "op-1").await;
    let found = desk.application.find_out(&operation_id("op-1"), &caller("bob")).await.unwrap();
    assert_eq!(found.map(|one| one.state), Some(State::Succeeded));
    assert_eq!(desk.stripe.count_of("op-1"), 1);
    desk.audit_holds().await;
}
