//! The ledger by itself: what two processes, a crash and a damaged file do to it.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Barrier;

use refund_core::id::{OperationId, PaymentRef};
use refund_core::metadata::Metadata;
use refund_core::money::{Currency, Money};
use refund_ledger::{
    Begun, Broken, Effect, Journal, Kept, Ledger, LedgerError, NewLine, NewOperation, NewRun,
    Outcome, Planned, Received, Request, Scope, State,
};

fn scope() -> Scope {
    Scope { base_url: "http://127.0.0.1:1".into(), live: false, account: None }
}

fn open(path: &Path) -> Ledger {
    Ledger::open(path, &scope(), "test").unwrap()
}

struct Place {
    _folder: tempfile::TempDir,
    file: PathBuf,
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    Place { file: folder.path().join("ledger.db"), _folder: folder }
}

fn operation(id: &str, payment: &str, amount: u64) -> NewOperation {
    let currency = Currency::parse("usd").unwrap();
    NewOperation::new(&Request {
        amount: Some(Money { amount, currency }),
        ..Request::new(OperationId::parse(id).unwrap(), PaymentRef::parse(payment).unwrap())
    })
}

fn refund(id: &str, status: &str) -> Kept {
    Kept {
        id: id.into(),
        amount: 500,
        currency: "usd".into(),
        status: Some(status.into()),
        charge: Some("ch_1".into()),
        payment_intent: Some("pi_1".into()),
        operation: Some("op-1".into()),
        created: 1,
        failure_reason: None,
        metadata: Metadata::default(),
    }
}

fn made(id: &str) -> Outcome {
    Outcome {
        refund: Some(refund(id, "succeeded")),
        detail: None,
        ..Outcome::without_refund(State::Succeeded, "")
    }
}

fn is_go(begun: &Begun) -> bool {
    matches!(begun, Begun::Go { .. })
}

#[tokio::test]
async fn one_id_is_one_operation_across_processes() {
    let place = place();
    let (one, two) = (open(&place.file), open(&place.file));
    assert!(is_go(&one.begin(operation("op-1", "ch_1", 500)).await.unwrap()));
    let busy = two.begin(operation("op-1", "ch_1", 500)).await.unwrap();
    assert_eq!(busy, Begun::Busy { operation: "op-1".into() });
    let other = two.begin(operation("op-1", "ch_1", 501)).await.unwrap();
    assert!(matches!(other, Begun::Conflict(_)), "{other:?}");
    one.settle("op-1", made("re_1")).await.unwrap();
    let Begun::Done(done) = two.begin(operation("op-1", "ch_1", 500)).await.unwrap() else {
        panic!("done")
    };
    assert_eq!((done.state, done.refund.as_deref()), (State::Succeeded, Some("re_1")));
}

#[test]
fn a_new_file_is_opened_by_many_at_once() {
    for _ in 0..20 {
        let place = place();
        let together = Barrier::new(6);
        std::thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| {
                    together.wait();
                    drop(open(&place.file));
                });
            }
        });
    }
}

#[tokio::test]
async fn operations_on_one_payment_wait_for_each_other() {
    let place = place();
    let (one, two) = (open(&place.file), open(&place.file));
    assert!(is_go(&one.begin(operation("op-1", "ch_1", 500)).await.unwrap()));
    let busy = two.begin(operation("op-2", "ch_1", 500)).await.unwrap();
    assert_eq!(busy, Begun::Busy { operation: "op-1".into() });
    assert!(is_go(&two.begin(operation("op-3", "ch_3", 500)).await.unwrap()), "another payment");
    one.settle("op-1", made("re_1")).await.unwrap();
    // The refund told that pi_1 is ch_1.
    assert!(is_go(&two.begin(operation("op-2", "ch_1", 500)).await.unwrap()));
    let busy = one.begin(operation("op-4", "pi_1", 500)).await.unwrap();
    assert_eq!(busy, Begun::Busy { operation: "op-2".into() });
}

#[tokio::test]
async fn what_a_crash_left_open_comes_first() {
    let place = place();
    let crashed = open(&place.file);
    assert!(is_go(&crashed.begin(operation("op-1", "ch_1", 500)).await.unwrap()));
    drop(crashed);
    let next = open(&place.file);
    let begun = next.begin(operation("op-2", "ch_1", 500)).await.unwrap();
    assert_eq!(begun, Begun::Unsettled(vec!["op-1".into()]));
    let Begun::Go { earlier, .. } = next.begin_again("op-1").await.unwrap() else { panic!("go") };
    assert!(earlier.is_some(), "the earlier request may have arrived");
    let settled = next.settle("op-1", made("re_1")).await.unwrap();
    assert_eq!((settled.attempts, settled.uncertain), (2, None));
    assert!(is_go(&next.begin_again("op-2").await.unwrap()));
}

#[tokio::test]
async fn a_webhook_that_overtakes_the_answer_is_not_undone() {
    let place = place();
    let ledger = open(&place.file);
    ledger.begin(operation("op-1", "ch_1", 500)).await.unwrap();
    let effect = ledger.see(refund("re_1", "failed")).await.unwrap();
    assert!(matches!(effect, Effect::Moved { to: State::Failed, .. }), "{effect:?}");
    let settled = ledger.settle("op-1", made("re_1")).await.unwrap();
    assert_eq!(settled.state, State::Failed);
}

#[tokio::test]
async fn events_count_once_in_any_order() {
    let place = place();
    let ledger = open(&place.file);
    ledger.begin(operation("op-1", "ch_1", 500)).await.unwrap();
    ledger.settle("op-1", made("re_1")).await.unwrap();
    let event = |id: &str, refund: Kept| Received {
        id: id.into(),
        kind: "refund.updated".into(),
        created: 1,
        object: Some(refund.id.clone()),
        refund: Some(refund),
        follow_ups: Vec::new(),
    };
    let failed = event("evt_2", refund("re_1", "failed"));
    let moved =
        Effect::Moved { operation: "op-1".into(), from: State::Succeeded, to: State::Failed };
    assert_eq!(ledger.receive(failed.clone()).await.unwrap(), moved);
    assert_eq!(ledger.receive(failed).await.unwrap(), Effect::Repeated);
    let older = event("evt_1", refund("re_1", "succeeded"));
    let known = Effect::Known { operation: "op-1".into() };
    assert_eq!(ledger.receive(older).await.unwrap(), known);
    let twice = Effect::Twice { operation: "op-1".into(), known: "re_1".into() };
    assert_eq!(ledger.receive(event("evt_3", refund("re_2", "succeeded"))).await.unwrap(), twice);
    let foreign = Kept { operation: None, ..refund("re_3", "succeeded") };
    assert_eq!(ledger.receive(event("evt_4", foreign)).await.unwrap(), Effect::Elsewhere);
    let state = ledger.operation("op-1").await.unwrap().unwrap().state;
    assert_eq!(state, State::Failed);
    assert_eq!(
        ledger.counters().await.unwrap(),
        [("accepted".to_owned(), 4), ("repeated".to_owned(), 1)]
    );
}

/// Changes the file behind the ledger's back.
fn tamper(file: &Path, sql: &str) {
    let connection = rusqlite::Connection::open(file).unwrap();
    connection
        .execute_batch("DROP TRIGGER audit_is_not_changed; DROP TRIGGER audit_is_not_shortened")
        .unwrap();
    connection.execute_batch(sql).unwrap();
}

#[tokio::test]
async fn the_audit_shows_what_was_changed() {
    for (sql, broken) in [
        ("UPDATE audit SET amount = 1 WHERE seq = 2", Broken::Changed(2)),
        ("DELETE FROM audit WHERE seq = 2", Broken::Missing(2)),
        ("DELETE FROM audit WHERE seq = 3", Broken::Operation("op-1".into())),
        ("UPDATE operations SET state = 'refused'", Broken::Operation("op-1".into())),
    ] {
        let place = place();
        let ledger = open(&place.file);
        ledger.begin(operation("op-1", "ch_1", 500)).await.unwrap();
        ledger.settle("op-1", made("re_1")).await.unwrap();
        let good = ledger.audit(None).await.unwrap();
        assert_eq!((good.rows, good.broken.len()), (3, 0));
        drop(ledger);
        tamper(&place.file, sql);
        let audited = open(&place.file).audit(None).await.unwrap();
        assert!(audited.broken.contains(&broken), "{sql}: {audited:?}");
        let headed = open(&place.file).audit(Some(good.head.clone())).await.unwrap();
        let ends_elsewhere = sql.contains("seq = 3");
        assert_eq!(headed.broken.contains(&Broken::Head(good.head)), ends_elsewhere, "{sql}");
    }
}

#[tokio::test]
async fn the_audit_cannot_be_changed_through_the_ledger() {
    let place = place();
    let ledger = open(&place.file);
    ledger.begin(operation("op-1", "ch_1", 500)).await.unwrap();
    let connection = rusqlite::Connection::open(&place.file).unwrap();
    for sql in ["UPDATE audit SET amount = 1", "DELETE FROM audit"] {
        let error = connection.execute_batch(sql).unwrap_err();
        assert!(error.to_string().contains("append-only"), "{error}");
    }
}

#[tokio::test]
async fn a_damaged_file_is_refused_and_left_alone() {
    let place = place();
    let ledger = open(&place.file);
    for n in 0..200 {
        ledger.begin(operation(&format!("op-{n}"), &format!("ch_{n}"), 5)).await.unwrap();
    }
    drop(ledger);
    let connection = rusqlite::Connection::open(&place.file).unwrap();
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    drop(connection);
    let mut file = std::fs::OpenOptions::new().write(true).open(&place.file).unwrap();
    file.seek(SeekFrom::Start(4096 * 7)).unwrap();
    file.write_all(&[0xA5; 4096 * 3]).unwrap();
    drop(file);
    let before = std::fs::read(&place.file).unwrap();
    let error = Ledger::open(&place.file, &scope(), "test").unwrap_err();
    assert!(matches!(error, LedgerError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("nothing is sent"), "{error}");
    assert_eq!(std::fs::read(&place.file).unwrap(), before);
    std::fs::write(&place.file, "this is a text file, and no database at all").unwrap();
    let error = Ledger::open(&place.file, &scope(), "test").unwrap_err();
    assert!(matches!(error, LedgerError::Damaged { .. }), "{error}");
}

#[tokio::test]
async fn a_ledger_is_for_one_account_and_mode() {
    let place = place();
    open(&place.file);
    let live = Scope { live: true, ..scope() };
    let error = Ledger::open(&place.file, &live, "test").unwrap_err();
    assert!(matches!(error, LedgerError::OtherScope { .. }), "{error}");
    let connection = rusqlite::Connection::open(&place.file).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    let error = Ledger::open(&place.file, &scope(), "test").unwrap_err();
    assert!(matches!(error, LedgerError::TooNew { found: 99, .. }), "{error}");
}

#[tokio::test]
async fn a_full_disk_is_told_to_every_caller_and_forgets_nothing() {
    let place = place();
    let ledger = open(&place.file);
    assert!(is_go(&ledger.begin(operation("op-1", "ch_1", 500)).await.unwrap()));
    drop(ledger);
    // No page may be added any more: what a full disk looks like from inside.
    let connection = rusqlite::Connection::open(&place.file).unwrap();
    let pages: i64 = connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    drop(connection);
    let ledger = Ledger::open_bounded(&place.file, &scope(), "test", pages).unwrap();
    let mut refused = 0;
    for n in 0..300 {
        let id = format!("op-full-{n}");
        match ledger.begin(operation(&id, &format!("ch_full{n}"), 5)).await {
            Ok(begun) => assert!(is_go(&begun)),
            Err(error) => {
                assert!(error.to_string().contains("disk is full"), "{error}");
                refused += 1;
            }
        }
    }
    assert!(refused > 0);
    drop(ledger);
    let ledger = open(&place.file);
    assert_eq!(ledger.operation("op-1").await.unwrap().unwrap().state, State::Sent);
    assert_eq!(ledger.audit(None).await.unwrap().broken, []);
}

fn line(number: u64, id: &str, amount: u64) -> NewLine {
    NewLine { line: number, operation: operation(id, &format!("ch_{number}"), amount) }
}

#[tokio::test]
async fn lines_are_shared_between_processes_and_freed_by_their_end() {
    let place = place();
    let (one, two) = (open(&place.file), open(&place.file));
    let new = NewRun { id: "abc123".into(), input: "x.csv".into(), options: "{}".into() };
    let run = one.open_run(new).await.unwrap();
    let lines = (1..=10).map(|n| line(n, &format!("op-{n}"), 5)).collect();
    let planned = one.plan(&run, lines).await.unwrap();
    assert!(planned.iter().all(|planned| *planned == Planned::New));
    let mut repeated = line(11, "op-1", 5);
    repeated.operation = operation("op-1", "ch_1", 5);
    let conflict = line(12, "op-2", 5);
    let planned = one.plan(&run, vec![repeated, conflict]).await.unwrap();
    assert_eq!(planned, [Planned::Repeated(1), Planned::Conflict(Some(2))]);
    let (a, b) = (one.claim(&run, 6).await.unwrap(), two.claim(&run, 6).await.unwrap());
    assert_eq!((a.len(), b.len()), (6, 4));
    assert!(a.iter().all(|line| !b.contains(line)));
    one.close_lines(&run, vec![1]).await.unwrap();
    two.free_lines(&run).await.unwrap();
    assert!(two.claim(&run, 6).await.unwrap().is_empty(), "the other one is alive");
    assert_eq!(two.busy_lines(&run).await.unwrap(), 5);
    drop(one);
    two.free_lines(&run).await.unwrap();
    assert_eq!(two.claim(&run, 6).await.unwrap().len(), 5);
    assert_eq!(two.open_lines(&run).await.unwrap(), 9);
}

#[tokio::test]
async fn many_callers_share_a_sync() {
    let place = place();
    let ledger = open(&place.file);
    let calls = (0..200).map(|n| {
        let ledger = ledger.clone();
        async move { ledger.begin(operation(&format!("op-{n}"), &format!("ch_{n}"), 5)).await }
    });
    let calls: Vec<_> = calls.map(tokio::spawn).collect();
    for call in calls {
        assert!(is_go(&call.await.unwrap().unwrap()));
    }
    let audited = ledger.audit(None).await.unwrap();
    assert_eq!((audited.rows, audited.broken.len()), (400, 0));
}
