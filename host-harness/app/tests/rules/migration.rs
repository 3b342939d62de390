//! A ledger that the version before wrote (format 3), opened by this one.
//!
//! `host-harness/ledger/tests/format-3.ledger` was made by that version against its own simulator, under the policy of
//! [`shop`], and truncated with `VACUUM`. Its approvals:
//!
//! | operation | approval | what happened |
//! |---|---|---|
//! | `waiting` | `ap_1` | alice asked |
//! | `half` | `ap_2` | alice asked, two must agree, bob agreed |
//! | `approved` | `ap_3` | alice asked, bob agreed |
//! | `executed` | `ap_4` | alice asked, bob agreed, carol executed |
//! | `objected` | `ap_5` | alice asked, bob objected |
//! | `own` | `ap_6` | alice asked and agreed, which was permitted (`--own-requests`) |
//! | `refiled` | `ap_8` | alice asked; filed anew in the name of bob, who executed `ap_7` |
//! | `selfmade` | `ap_10` | the same, and then alice agreed to her own request |
//! | `spelled` | `ap_11` | `Dave` asked and `dave` agreed |
//! | `two-spellings` | `ap_12` | alice asked, two must agree, `erin` and `Erin` agreed |
//!
//! Frank's run of seven lines stopped after `line-3`.

use std::collections::BTreeMap;

use refund_app::bulk::{Ended, Options, Runner, StopLoss};
use refund_app::{DecideError, OutcomeKind};
use refund_ledger::{ApprovalState, Ledger, MerchantRules, Scope, State};
use tokio::sync::watch;

use crate::support::{Desk, GRACE_SECS, caller, document, operation_id, try_ask, yes};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../ledger/tests/format-3.ledger");

fn shop() -> MerchantRules {
    document("20.00", "40.00", "200.00")
}

/// A desk over a copy of the file. Stripe has the payments of the operations.
async fn desk() -> Desk {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ledger");
    std::fs::copy(FILE, &file).unwrap();
    let scope = Scope { base_url: "http://127.0.0.1:13999".into(), live: false, account: None };
    let ledger = Ledger::open(&file, &scope).unwrap();
    let desk = Desk::over(folder, ledger);
    // A minute after the file was made.
    desk.clock.set(1_795_810_130);
    let operations = desk.ledger().page(None, 100, None).await.unwrap().operations;
    for operation in &operations {
        // These two had 5.00 of their 35.00 refunded in the Dashboard.
        let is_small = matches!(operation.id().as_str(), "refiled" | "selfmade");
        desk.stripe.charge(operation.payment().as_str(), if is_small { 3_500 } else { 10_000 });
        if is_small {
            desk.stripe.dashboard_refund(operation.payment().as_str(), 500);
        }
    }
    desk
}

async fn execute(desk: &Desk, approval: &str) -> Result<OutcomeKind, DecideError> {
    let executed = desk.application.execute(approval, None, &caller("zoe")).await?;
    Ok(executed.unwrap().kind())
}

#[tokio::test]
async fn the_audit_covers_what_was_taken_over() {
    let desk = desk().await;
    let audited = desk.ledger().audit(None).await.unwrap();
    assert_eq!(audited.broken, []);
    // 79 rows of the version before, one for each operation, and one about the scope.
    assert_eq!(audited.rows, 79 + 23 + 1);
    let rows = desk.ledger().history("approved").await.unwrap();
    let last = rows.last().unwrap();
    assert_eq!(last.actor, "migration");
    assert!(last.held.is_some() && rows[0].held.is_none());
    assert_eq!(last.outcome.as_deref(), Some("taken over from ledger format 3"));
    // What is edited from now on is found.
    desk.tamper("UPDATE votes SET voter = 'zoe' WHERE approval = 3");
    let broken = desk.ledger().audit(None).await.unwrap().broken;
    assert_eq!(broken, [refund_ledger::Broken::Operation("approved".into())]);
    let error = desk.application.execute("ap_3", None, &caller("zoe")).await.unwrap();
    assert!(error.unwrap_err().to_string().contains("the file was edited"));
    assert_eq!(desk.stripe.posts(), 0);
}

#[tokio::test]
async fn opening_it_again_changes_nothing() {
    let desk = desk().await;
    let first = desk.ledger().audit(None).await.unwrap();
    let scope = Scope { base_url: "http://127.0.0.1:13999".into(), live: false, account: None };
    let again = Ledger::open(&desk.file(), &scope).unwrap();
    assert_eq!(again.audit(None).await.unwrap(), first);
}

#[tokio::test]
async fn every_operation_has_who_asked_first() {
    let desk = desk().await;
    let operations = desk.ledger().page(None, 100, None).await.unwrap().operations;
    assert_eq!(operations.len(), 23);
    for operation in &operations {
        let expected = match operation.id().as_str() {
            "spelled" => "dave",
            id if id.starts_with("line-") => "frank",
            _ => "alice",
        };
        assert_eq!(operation.requester.as_str(), expected, "{}", operation.id());
        assert_eq!(operation.corrected_by, None);
    }
    for approval in desk.ledger().approvals(None, 0).await.unwrap() {
        let held = desk.application.held(&approval.operation).await.unwrap();
        assert_eq!(approval.requester, held.requester, "{}", approval.id);
    }
    let states = [
        ("made", State::Succeeded),
        ("failed", State::Failed),
        ("denied", State::Refused),
        ("refused", State::Refused),
        ("waiting", State::NeedsApproval),
        ("executed", State::Succeeded),
        ("objected", State::Canceled),
        ("unknown-made", State::OutcomeUnknown),
        ("unknown-lost", State::OutcomeUnknown),
        ("line-3", State::Succeeded),
        ("line-4", State::Planned),
    ];
    for (id, state) in states {
        assert_eq!(desk.state(id).await, state, "{id}");
    }
}

#[tokio::test]
async fn approvals_are_decided_and_executed() {
    let desk = desk().await;
    // Taken over as they were.
    assert_eq!(execute(&desk, "ap_3").await.unwrap(), OutcomeKind::Made);
    assert_eq!(execute(&desk, "ap_6").await.unwrap(), OutcomeKind::Made, "permitted at that time");
    // Decided now.
    let own = desk.application.decide("ap_1", yes(), &caller("alice")).await.unwrap_err();
    assert!(matches!(own, DecideError::OwnRequest { .. }), "{own}");
    assert_eq!(desk.approve("bob", "ap_1").await.state, ApprovalState::Approved);
    assert_eq!(execute(&desk, "ap_1").await.unwrap(), OutcomeKind::Made);
    let twice = desk.application.decide("ap_2", yes(), &caller("Bob")).await.unwrap_err();
    assert!(matches!(twice, DecideError::Twice { .. }), "{twice}");
    assert_eq!(desk.approve("carol", "ap_2").await.state, ApprovalState::Approved);
    assert_eq!(execute(&desk, "ap_2").await.unwrap(), OutcomeKind::Made);
    for ended in ["ap_4", "ap_5", "ap_7", "ap_9"] {
        let approval = desk.approval(ended).await;
        let again = execute(&desk, ended).await;
        if approval.state == ApprovalState::Executed {
            assert_eq!(again.unwrap(), OutcomeKind::Found, "{ended}");
        } else {
            let error = again.unwrap_err();
            assert!(matches!(error, DecideError::NotOpen { .. }), "{ended}: {error}");
        }
    }
    assert_eq!(desk.stripe.posts(), 4);
    desk.audit_holds().await;
}

#[tokio::test]
async fn the_requester_stays_the_requester_of_what_was_filed_anew() {
    let desk = desk().await;
    let own = desk.application.decide("ap_8", yes(), &caller("alice")).await.unwrap_err();
    assert!(matches!(own, DecideError::OwnRequest { .. }), "{own}");
    assert_eq!(desk.approve("bob", "ap_8").await.state, ApprovalState::Approved);
    assert_eq!(execute(&desk, "ap_8").await.unwrap(), OutcomeKind::Made);
    assert_eq!(desk.stripe.count_of("refiled"), 1);
}

/// The version before took these as approved. Their votes are counted again: they wait for another approver, and
/// nothing is sent.
#[tokio::test]
async fn votes_that_never_should_have_counted_do_not_count() {
    for (operation, approval, counted) in
        [("selfmade", "ap_10", 0), ("spelled", "ap_11", 0), ("two-spellings", "ap_12", 1)]
    {
        let desk = desk().await;
        assert_eq!(desk.approval(approval).await.agreed(), counted, "{operation}");
        let outcome = execute(&desk, approval).await.unwrap();
        assert_eq!((outcome, desk.stripe.posts()), (OutcomeKind::Waiting, 0), "{operation}");
        let waiting = desk.approval(approval).await;
        assert_eq!(waiting.state, ApprovalState::Open, "{operation}");
        assert_eq!(desk.approve("zoe", approval).await.state, ApprovalState::Approved);
        assert_eq!(execute(&desk, approval).await.unwrap(), OutcomeKind::Made);
        assert_eq!(desk.stripe.count_of(operation), 1);
        desk.audit_holds().await;
    }
}

#[tokio::test]
async fn unknown_outcomes_are_found_out() {
    let desk = desk().await;
    // Stripe has the one, and not the other.
    let made = desk.operation("unknown-made").await;
    let payment = made.payment().as_str().to_owned();
    let (lost, uncertain) = (desk.operation("unknown-lost").await, made.uncertain.unwrap());
    desk.stripe.made_elsewhere(&payment, 1_500, "unknown-made");
    desk.clock.set(lost.uncertain.unwrap() + GRACE_SECS);
    let found = desk.application.find_out(made.id(), &caller("zoe")).await.unwrap().unwrap();
    assert_eq!(found.state, State::Succeeded);
    assert!(uncertain > 0);
    let absent = desk.application.find_out(lost.id(), &caller("zoe")).await.unwrap().unwrap();
    assert_eq!((absent.state, desk.stripe.posts()), (State::Planned, 0));
    let again = try_ask(&desk.application, "alice", lost.request, &shop()).await.unwrap();
    assert_eq!((again.kind(), desk.stripe.count_of("unknown-lost")), (OutcomeKind::Made, 1));
    desk.audit_holds().await;
}

#[tokio::test]
async fn what_the_version_before_refused_is_told_again() {
    let desk = desk().await;
    for id in ["denied", "refused"] {
        let operation = desk.operation(id).await;
        assert_eq!(operation.settlement, None, "the version before did not keep why");
        assert!(operation.detail.is_some());
    }
    // What it began it may have sent, so it is not corrected.
    let operation = desk.operation("denied").await;
    let corrected = refund_core::request::Request {
        amount: Some(crate::support::usd(1_000)),
        ..operation.request
    };
    let refused = try_ask(&desk.application, "alice", corrected, &shop()).await.unwrap();
    assert_eq!(refused.kind(), OutcomeKind::Conflict);
}

#[tokio::test]
async fn a_stopped_run_is_resumed() {
    let desk = desk().await;
    let run = desk.ledger().runs().await.unwrap().remove(0);
    let options = Options {
        in_flight: 2,
        spread: None,
        stop: StopLoss::default(),
        tries: 1,
        rules: None,
        allow_refunded_payments: false,
    };
    let who = caller("zoe");
    let runner =
        Runner::new(&desk.application, &run, options, BTreeMap::new(), &who).await.unwrap();
    let (_never, interrupt) = watch::channel(false);
    let summary = runner.run(interrupt, &mut ()).await.unwrap();
    assert_eq!((summary.ended, summary.lines, summary.open), (Ended::Complete, 4, 0));
    let states = ["line-4", "line-5", "line-6"].map(|id| desk.stripe.count_of(id));
    assert_eq!((states, desk.stripe.count_of("line-3")), ([1, 1, 1], 0));
    // The rules that the run was started with hold: the seventh line is of 30.00.
    assert_eq!(desk.state("line-7").await, State::NeedsApproval);
    let waiting = desk.application.held(&operation_id("line-7")).await.unwrap();
    assert_eq!(waiting.requester.as_str(), "frank");
    desk.audit_holds().await;
}
