//! A disk that is full at every step: each answer agrees with what is held and with what Stripe has.

use std::collections::BTreeMap;

use refund_app::bulk::{Ended, NewLine, Options, Runner, StopLoss};
use refund_app::{Application, AskError, OutcomeKind};
use refund_core::metadata::Metadata;
use refund_core::request::Request;
use refund_ledger::{Ledger, MerchantRules, NewRun, State};
use tokio::sync::watch;

use crate::support::{App, Desk, caller, request, scope, settings, try_ask, yes};

/// Operations in each round, each on a payment of its own.
const OPERATIONS: usize = 14;

fn wanted(number: usize, padding: usize) -> Request {
    let metadata = (0..padding).map(|key| (format!("note-{key}"), "x".repeat(400))).collect();
    let operation = format!("op-{number}");
    Request {
        metadata: Metadata(metadata),
        ..request(&operation, &format!("ch_{number}"), Some(500))
    }
}

/// The same ledger in a file that may not grow beyond this many pages.
fn bounded(desk: &Desk, max_pages: i64) -> App {
    let ledger = Ledger::open_bounded(&desk.file(), &scope(), max_pages).unwrap();
    Application::new(desk.component.clone(), ledger, desk.clock.clone(), settings())
}

fn pages(desk: &Desk) -> i64 {
    let connection = rusqlite::Connection::open(desk.file()).unwrap();
    connection.pragma_update(None, "wal_checkpoint", "truncate").ok();
    connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap()
}

/// What is held of an operation must not contradict Stripe.
async fn check_held(desk: &Desk, number: usize) {
    let id = format!("op-{number}");
    let made = desk.stripe.count_of(&id);
    assert!(made <= 1, "{id}: {made} refunds");
    let Ok(held) = desk.application.held(&crate::support::operation_id(&id)).await else {
        assert_eq!(made, 0, "{id} is not held");
        return;
    };
    match held.state {
        State::Succeeded => assert_eq!(made, 1, "{id}"),
        State::Planned | State::Refused | State::NeedsApproval => assert_eq!(made, 0, "{id}"),
        State::Sent | State::OutcomeUnknown => {}
        other => panic!("{id}: {other}"),
    }
}

/// An answer must not contradict Stripe either.
fn check_answer(
    desk: &Desk,
    number: usize,
    answer: &Result<refund_app::Outcome, AskError>,
) -> OutcomeKind {
    let made = desk.stripe.count_of(&format!("op-{number}"));
    match answer {
        Ok(outcome) => {
            assert_eq!((outcome.kind(), made), (OutcomeKind::Made, 1), "{outcome:?}");
            outcome.kind()
        }
        Err(error) => {
            assert!(error.to_string().contains("disk is full"), "{error}");
            if error.kind() == OutcomeKind::LedgerFailed {
                assert_eq!(made, 0, "{error}");
            }
            error.kind()
        }
    }
}

#[tokio::test]
async fn every_answer_agrees_with_what_is_held_and_with_stripe() {
    let mut seen = BTreeMap::<_, usize>::new();
    for extra in 0..5 {
        for padding in 0..4 {
            let desk = Desk::empty();
            for number in 0..OPERATIONS {
                desk.stripe.charge(&format!("ch_{number}"), 10_000);
            }
            let full = bounded(&desk, pages(&desk) + extra);
            let none = MerchantRules::default();
            for number in 0..OPERATIONS {
                let answer = try_ask(&full, "alice", wanted(number, padding), &none).await;
                let kind = check_answer(&desk, number, &answer);
                *seen.entry(kind.row().name).or_default() += 1;
                check_held(&desk, number).await;
            }
            drop(full);
            // There is space again: the same operation ids end with one refund each.
            for number in 0..OPERATIONS {
                let wanted = wanted(number, padding);
                let again = try_ask(&desk.application, "bob", wanted, &none).await.unwrap();
                let kind = again.kind();
                assert!(matches!(kind, OutcomeKind::Made | OutcomeKind::Found), "{again:?}");
                check_held(&desk, number).await;
            }
            assert_eq!(desk.stripe.total(), (OPERATIONS, OPERATIONS as u64 * 500));
            desk.audit_holds().await;
        }
    }
    for name in ["made", "unavailable", "outcome-unknown"] {
        assert!(seen.contains_key(name), "the disk was never full at the step of {name}: {seen:?}");
    }
}

#[tokio::test]
async fn a_run_on_a_full_disk_ends_with_what_is_held() {
    let mut kinds = std::collections::BTreeSet::new();
    for extra in 0..8 {
        let desk = Desk::empty();
        let (none, who) = (MerchantRules::default(), caller("alice"));
        let new = NewRun { id: "abc123".into(), input: "x.csv".into(), options: "{}".into() };
        let run = desk.application.open_run(new).await.unwrap();
        let lines = (0..OPERATIONS).map(|number| {
            desk.stripe.charge(&format!("ch_{number}"), 10_000);
            NewLine { line: number as u64 + 1, request: wanted(number, 0) }
        });
        desk.application.add_lines(&run, lines.collect(), &none, &who).await.unwrap();
        let run = desk.application.close_input(&run).await.unwrap();
        let options = Options {
            in_flight: 3,
            spread: None,
            stop: StopLoss::default(),
            tries: 1,
            rules: None,
            allow_refunded_payments: false,
        };
        let full = bounded(&desk, pages(&desk) + extra);
        let ended = match Runner::new(&full, &run, options.clone(), BTreeMap::new(), &who).await {
            Ok(runner) => {
                let (_never, interrupt) = watch::channel(false);
                runner.run(interrupt, &mut ()).await
            }
            Err(error) => Err(error),
        };
        let mut unsettled = 0;
        for number in 0..OPERATIONS {
            check_held(&desk, number).await;
            let state = desk.state(&format!("op-{number}")).await;
            unsettled += usize::from(state == State::Sent);
        }
        if let Err(error) = ended {
            kinds.insert(error.kind().row().name);
            if error.kind() == OutcomeKind::LedgerFailed {
                let text = error.to_string();
                let sent = desk.stripe.total().0;
                assert!(sent == 0 || !text.contains("Nothing was sent"), "{sent}: {text}");
            }
            // An operation that is left as sent is one whose outcome the error calls unknown.
            assert!(unsettled == 0 || error.kind() == OutcomeKind::Unknown, "{unsettled}: {error}");
        }
        drop(full);
        let (application, _) = desk.process();
        let runner = Runner::new(&application, &run, options, BTreeMap::new(), &who).await.unwrap();
        let (_never, interrupt) = watch::channel(false);
        let summary = runner.run(interrupt, &mut ()).await.unwrap();
        assert_eq!((summary.ended, summary.open), (Ended::Complete, 0));
        assert_eq!(desk.stripe.total().0, OPERATIONS);
        desk.audit_holds().await;
    }
    assert!(
        kinds.contains("outcome-unknown"),
        "the disk was never full after a request left: {kinds:?}"
    );
}

#[tokio::test]
async fn votes_and_executions_on_a_full_disk() {
    for extra in 0..4 {
        let desk = Desk::empty();
        for number in 0..OPERATIONS {
            desk.stripe.charge(&format!("ch_{number}"), 10_000);
            let rules = crate::support::approve_up_to(100);
            try_ask(&desk.application, "alice", wanted(number, 0), &rules).await.unwrap();
        }
        let full = bounded(&desk, pages(&desk) + extra);
        for number in 0..OPERATIONS {
            let id = format!("ap_{}", number + 1);
            let decided = full.decide(&id, yes(), &caller("bob")).await;
            let held = desk.approval(&id).await;
            assert_eq!(held.votes.len(), usize::from(decided.is_ok()), "{decided:?}");
            let Ok(executed) = full.execute(&id, None, &caller("bob")).await else {
                assert!(decided.is_err(), "approved and not executable");
                assert_eq!(desk.stripe.count_of(&format!("op-{number}")), 0);
                continue;
            };
            check_answer(&desk, number, &executed);
            check_held(&desk, number).await;
        }
        drop(full);
        for number in 0..OPERATIONS {
            let id = format!("ap_{}", number + 1);
            let _ = desk.application.decide(&id, yes(), &caller("bob")).await;
            let rules = crate::support::approve_up_to(100);
            let _ = desk.application.execute(&id, None, &caller("bob")).await;
            let again =
                try_ask(&desk.application, "alice", wanted(number, 0), &rules).await.unwrap();
            assert_eq!(again.kind(), OutcomeKind::Found, "{again:?}");
        }
        assert_eq!(desk.stripe.total().0, OPERATIONS);
        desk.audit_holds().await;
    }
}
