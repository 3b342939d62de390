#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use super::*;

const OPERATION: &str = "op";

fn refund(amount: u64, known: Millis) -> Refund {
    let status = "succeeded".to_owned();
    Refund { id: "re_1".into(), operation: OPERATION.into(), amount, status, known }
}

fn named(amount: u64) -> Named {
    Named { id: Some("re_1".into()), amount: Some(amount) }
}

/// A call from 100 to 200 ms.
fn call(said: Said) -> Call {
    Call {
        way: "refund create".into(),
        asks: vec![OPERATION.into()],
        begun: 100,
        ended: 200,
        answers: vec![(OPERATION.into(), said)],
        ..Call::default()
    }
}

/// An ask without an answer.
fn unheard(begun: Millis, ended: Millis) -> Call {
    Call { asks: vec![OPERATION.into()], begun, ended, ..Call::default() }
}

fn disagreements(calls: Vec<Call>, refunds: Vec<Refund>) -> usize {
    let history = History { calls, notes: Vec::new() };
    compare(&history, &Settled { refunds, ..Settled::default() }).len()
}

#[test]
fn every_outcome_and_every_state_has_its_row() {
    for kind in OutcomeKind::ALL {
        assert_eq!(OUTCOMES.iter().filter(|(one, _)| *one == kind).count(), 1, "{kind:?}");
    }
    for (state, _) in STATES {
        assert_eq!(STATES.iter().filter(|(one, _)| *one == state).count(), 1, "{state}");
    }
    assert_eq!(STATES.len(), State::words().split(", ").count());
}

/// For every outcome a right answer, and a wrong one where one can be wrong.
#[test]
fn a_wrong_answer_of_every_kind_disagrees() {
    for (kind, rule) in OUTCOMES {
        let said = |amount| call(Said::Outcome(kind, named(amount)));
        let (right, wrong): (Vec<_>, Vec<Vec<_>>) = match rule {
            Agrees::Anything => (vec![refund(10, 50)], vec![]),
            Agrees::Refund => (
                vec![refund(10, 50)],
                vec![vec![], vec![refund(11, 50)], vec![refund(10, 50), refund(10, 50)]],
            ),
            Agrees::MadeByThisCall => (
                vec![refund(10, 150)],
                vec![vec![], vec![refund(10, 50)], vec![refund(10, 150), refund(10, 150)]],
            ),
            Agrees::FailedRefund => {
                let failed = Refund { status: "failed".into(), ..refund(10, 50) };
                (vec![failed], vec![vec![], vec![refund(10, 50)]])
            }
            Agrees::NoRefund | Agrees::CalledOff | Agrees::NoRefundBeforeApproval => {
                (vec![], vec![vec![refund(10, 50)], vec![refund(10, 150)]])
            }
            Agrees::NothingByThisCall => (vec![], vec![vec![refund(10, 150)]]),
        };
        assert_eq!(disagreements(vec![said(10)], right), 0, "{kind:?}");
        for refunds in wrong {
            assert_eq!(disagreements(vec![said(10)], refunds.clone()), 1, "{kind:?} {refunds:?}");
        }
    }
}

#[test]
fn a_wrong_state_disagrees() {
    for (state, rule) in STATES {
        let said = || vec![call(Said::Held(state, Named::default()))];
        let wrong = match rule {
            Agrees::Anything => continue,
            Agrees::Refund | Agrees::FailedRefund => vec![],
            _ => vec![refund(10, 50)],
        };
        assert_eq!(disagreements(said(), wrong), 1, "{state}");
    }
}

#[test]
fn no_refund_is_right_until_another_call_makes_one() {
    let denied = || call(Said::Outcome(OutcomeKind::Denied, Named::default()));
    let after = disagreements(vec![denied(), unheard(300, 400)], vec![refund(10, 350)]);
    assert_eq!(after, 0, "it was asked for again");
    let beside = disagreements(vec![unheard(50, 120), denied()], vec![refund(10, 110)]);
    assert_eq!(beside, 0, "another call made it at the same time");
    let before = disagreements(vec![unheard(50, 99), denied()], vec![refund(10, 110)]);
    assert_eq!(before, 1, "an earlier call had made it, or this one did");
    let later = disagreements(vec![denied(), unheard(300, 400)], vec![refund(10, 250)]);
    assert_eq!(later, 1, "the later call began after the refund was made");
    let known = disagreements(vec![denied(), unheard(300, 400)], vec![refund(10, 99)]);
    assert_eq!(known, 1, "it existed before the call");
}

#[test]
fn only_one_call_makes_a_refund() {
    let made = || call(Said::Outcome(OutcomeKind::Made, named(10)));
    assert_eq!(disagreements(vec![made(), made()], vec![refund(10, 150)]), 2);
}

#[test]
fn what_waits_is_not_made_before_an_approver_agrees() {
    let waiting = || call(Said::Outcome(OutcomeKind::Waiting, Named::default()));
    let agrees = |begun| Call { approves: Some(OPERATION.into()), ..unheard(begun, begun + 50) };
    assert_eq!(disagreements(vec![waiting(), agrees(300)], vec![refund(10, 320)]), 0);
    assert_eq!(disagreements(vec![waiting(), agrees(300)], vec![refund(10, 250)]), 1);
    assert_eq!(disagreements(vec![waiting(), unheard(300, 400)], vec![refund(10, 320)]), 1);
}

#[test]
fn a_plan_says_what_is_done() {
    let plan = || vec![call(Said::Planned(10)), unheard(300, 400)];
    assert_eq!(disagreements(plan(), vec![refund(10, 350)]), 0);
    assert_eq!(disagreements(plan(), vec![refund(11, 350)]), 1);
    assert_eq!(disagreements(plan(), vec![]), 1);
    let said = Lines { refunded: 2, amount: Some(20) };
    let history =
        History { calls: vec![Call { lines: Some(said), ..unheard(0, 10) }], ..History::default() };
    let run = vec![OPERATION.to_owned()];
    let settled = Settled { refunds: vec![refund(10, 50)], run, ..Settled::default() };
    assert_eq!(compare(&history, &settled).len(), 1);
}

#[test]
fn what_was_not_asked_for_was_not_made() {
    let not_asked = || call(Said::NotAsked);
    assert_eq!(disagreements(vec![not_asked()], vec![refund(10, 150)]), 1);
    assert_eq!(disagreements(vec![not_asked(), unheard(300, 400)], vec![refund(10, 350)]), 0);
}

#[test]
fn a_vote_is_in_the_ledger_and_a_denial_is_for_good() {
    let decided =
        |agrees| call(Said::Voted { approval: "ap_1".into(), voter: "bob".into(), agrees });
    let votes = |agrees| BTreeMap::from([("ap_1".to_owned(), vec![("bob".to_owned(), agrees)])]);
    let found = |call: Call, votes, refunds| {
        let history = History { calls: vec![call, unheard(300, 400)], notes: Vec::new() };
        compare(&history, &Settled { refunds, votes, ..Settled::default() }).len()
    };
    assert_eq!(found(decided(true), votes(true), vec![refund(10, 350)]), 0);
    assert_eq!(found(decided(true), votes(false), vec![]), 1);
    assert_eq!(found(decided(false), votes(false), vec![]), 0);
    assert_eq!(found(decided(false), votes(false), vec![refund(10, 350)]), 1);
}

#[test]
fn a_delivery_that_was_taken_is_in_the_ledger() {
    let delivered =
        |status| Call { name: WEBHOOKS[0], code: Some(Code::Status(status)), ..Call::default() };
    for (status, taken, rejected) in [(200, 1, 0), (400, 0, 1), (503, 0, 0)] {
        let history = History { calls: vec![delivered(status)], notes: Vec::new() };
        let right = Settled { taken, rejected, ..Settled::default() };
        assert_eq!(compare(&history, &right), []);
        let lost = compare(&history, &Settled::default()).len();
        assert_eq!(lost, usize::from(status != 503), "{status}");
    }
}

#[test]
fn a_code_fits_what_is_said() {
    let unknown = |code, right| Call {
        code: Some(code),
        right_code: right,
        ..call(Said::Outcome(OutcomeKind::Unknown, Named::default()))
    };
    let found = |code, right| disagreements(vec![unknown(code, right)], vec![]);
    assert_eq!(found(Code::Exit(6), Some(Code::Exit(6))), 0);
    assert_eq!(found(Code::Exit(5), Some(Code::Exit(6))), 1);
    assert_eq!(found(Code::Status(502), Some(Code::Status(504))), 1);
    assert_eq!(found(Code::Exit(101), None), 1, "a panic");
    assert_eq!(found(Code::Exit(0), None), 1, "done, and nothing says what");
}

#[test]
fn an_operation_that_ended_wrong_is_counted() {
    let settled = |wanted, refunds| Settled {
        wanted: BTreeMap::from([(OPERATION.to_owned(), wanted)]),
        refunds,
        ..Settled::default()
    };
    let counts = |settled: &Settled| (twice(settled).len(), lost(settled).len());
    let one = || vec![refund(10, 1)];
    assert_eq!(counts(&settled(Wanted::Refund(10), one())), (0, 0));
    assert_eq!(counts(&settled(Wanted::Refund(9), one())), (0, 1));
    assert_eq!(counts(&settled(Wanted::Approved(10), vec![])), (0, 1));
    assert_eq!(counts(&settled(Wanted::Nothing, one())), (0, 1));
    assert_eq!(counts(&settled(Wanted::Corrected(9), one())), (0, 1));
    assert_eq!(counts(&settled(Wanted::Corrected(10), vec![])), (0, 0));
    let two = vec![refund(10, 1), refund(10, 2)];
    assert_eq!(counts(&settled(Wanted::Refund(10), two)), (1, 0));
}
