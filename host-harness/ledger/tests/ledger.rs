//! The ledger as a store: what two processes, a crash, a damaged file and a full disk do to it.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::io::{Seek, SeekFrom, Write};
use std::sync::Barrier;

use refund_core::id::PaymentRef;
use refund_ledger::{InMemory, Ledger, LedgerError, NewRun, Operation, Scope, State, Store};
use support::{NOW, approve, begin, held, id, open, place, planned, refund, scope, settle, write};

#[tokio::test]
async fn one_process_at_a_time_works_on_a_payment() {
    let place = place();
    let (one, two) = (open(&place.file), open(&place.file));
    assert!(begin(&one, planned("op-1", "ch_1", 500)).await.unwrap().is_some());
    assert_eq!(begin(&two, planned("op-2", "ch_1", 500)).await.unwrap(), None);
    assert_eq!(begin(&one, planned("op-2", "ch_1", 500)).await.unwrap(), None, "nor this one");
    assert!(begin(&two, planned("op-3", "ch_3", 500)).await.unwrap().is_some(), "another payment");
    settle(&one, "op-1", refund("re_1", "op-1")).await;
    // The refund says that pi_1 is ch_1.
    assert!(begin(&two, planned("op-2", "ch_1", 500)).await.unwrap().is_some());
    assert_eq!(begin(&one, planned("op-4", "pi_1", 500)).await.unwrap(), None);
    let done = held(&two, "op-1").await;
    assert_eq!((done.state, done.refund.unwrap().id.as_str()), (State::Succeeded, "re_1"));
}

#[tokio::test]
async fn work_that_began_under_another_name_of_the_payment_counts() {
    let place = place();
    let (one, two) = (open(&place.file), open(&place.file));
    assert!(begin(&one, planned("op-1", "pi_1", 500)).await.unwrap().is_some());
    // It becomes known that they are one payment while the first one is under way.
    let seen = refund("re_9", "");
    let (intent, charge) = (seen.payment_intent.unwrap(), seen.charge.unwrap());
    two.write(move |tx| tx.keep_charge(&intent, &charge)).await.unwrap();
    for payment in ["pi_1", "ch_1"] {
        assert_eq!(begin(&two, planned("op-2", payment, 500)).await.unwrap(), None, "{payment}");
    }
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
async fn what_a_crash_left_open_is_free_and_unsettled() {
    let place = place();
    let crashed = open(&place.file);
    assert!(begin(&crashed, planned("op-1", "ch_1", 500)).await.unwrap().is_some());
    drop(crashed);
    let next = open(&place.file);
    let unsettled = next.write(|tx| {
        let payment = tx.payment_key(&PaymentRef::parse("ch_1").unwrap())?;
        assert_eq!(tx.working_on(&payment)?, None, "its process is gone");
        tx.unsettled_on(&payment, &id("op-2"))
    });
    assert_eq!(unsettled.await.unwrap(), [id("op-1")]);
    assert_eq!(held(&next, "op-1").await.state, State::Sent);
}

#[tokio::test]
async fn a_damaged_file_is_refused_and_left_alone() {
    let place = place();
    let ledger = open(&place.file);
    for n in 0..200 {
        begin(&ledger, planned(&format!("op-{n}"), &format!("ch_{n}"), 5)).await.unwrap();
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
    let error = Ledger::open(&place.file, &scope()).unwrap_err();
    assert!(matches!(error, LedgerError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("no refund is made without it"), "{error}");
    assert_eq!(std::fs::read(&place.file).unwrap(), before);
    std::fs::write(&place.file, "this is a text file, and no database at all").unwrap();
    let error = Ledger::open(&place.file, &scope()).unwrap_err();
    assert!(matches!(error, LedgerError::Damaged { .. }), "{error}");
}

#[tokio::test]
async fn a_ledger_is_for_one_account_and_mode() {
    let place = place();
    drop(open(&place.file));
    for other in [
        Scope { live: true, ..scope() },
        Scope { account: Some("acct_1".into()), ..scope() },
        Scope { base_url: "https://api.stripe.com".into(), ..scope() },
    ] {
        let error = Ledger::open(&place.file, &other).unwrap_err();
        assert!(matches!(error, LedgerError::OtherScope { .. }), "{error}");
    }
    let connection = rusqlite::Connection::open(&place.file).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    let error = Ledger::open(&place.file, &scope()).unwrap_err();
    assert!(matches!(error, LedgerError::TooNew { found: 99, .. }), "{error}");
}

#[tokio::test]
async fn a_full_disk_is_reported_to_every_caller_and_loses_nothing() {
    let place = place();
    let ledger = open(&place.file);
    assert!(begin(&ledger, planned("op-1", "ch_1", 500)).await.unwrap().is_some());
    drop(ledger);
    // No page may be added any more: what a full disk looks like from inside.
    let connection = rusqlite::Connection::open(&place.file).unwrap();
    let pages: i64 = connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    drop(connection);
    let ledger = Ledger::open_bounded(&place.file, &scope(), pages).unwrap();
    let mut refused = 0;
    for n in 0..300 {
        let operation = planned(&format!("op-full-{n}"), &format!("ch_full{n}"), 5);
        match begin(&ledger, operation).await {
            Ok(begun) => assert!(begun.is_some()),
            Err(error) => {
                assert!(error.to_string().contains("disk is full"), "{error}");
                refused += 1;
            }
        }
    }
    assert!(refused > 0);
    drop(ledger);
    let ledger = open(&place.file);
    assert_eq!(held(&ledger, "op-1").await.state, State::Sent);
    assert_eq!(ledger.audit(None).await.unwrap().broken, []);
}

#[tokio::test]
async fn lines_are_shared_between_processes_and_freed_by_their_end() {
    let place = place();
    let (one, two) = (open(&place.file), open(&place.file));
    let new = NewRun { id: "abc123".into(), input: "x.csv".into(), options: "{}".into() };
    let run = one.write(move |tx| tx.open_run(&new, NOW)).await.unwrap();
    let lines = run.clone();
    one.write(move |tx| {
        for line in 1..=10 {
            let operation = planned(&format!("op-{line}"), &format!("ch_{line}"), 5);
            write(tx, None, &operation)?;
            tx.insert_line(&lines, line, &operation, false)?;
            tx.insert_line(&lines, line, &operation, false)?;
        }
        assert_eq!(tx.line_of(&lines, &id("op-2"))?, Some(2));
        assert_eq!(tx.line_of(&lines, &id("op-none"))?, None);
        tx.count_repeated_line(&lines)
    })
    .await
    .unwrap();
    let claim = async |ledger: &Ledger| {
        let run = run.clone();
        ledger.write(move |tx| tx.claim_lines(&run, 6)).await.unwrap()
    };
    let free = async |ledger: &Ledger| {
        let run = run.clone();
        ledger.write(move |tx| tx.free_lines(&run)).await.unwrap();
    };
    let (a, b) = (claim(&one).await, claim(&two).await);
    assert_eq!((a.len(), b.len()), (6, 4));
    assert!(a.iter().all(|line| !b.contains(line)));
    let closing = run.clone();
    one.write(move |tx| tx.end_lines(&closing, &[1], true)).await.unwrap();
    free(&two).await;
    assert!(claim(&two).await.is_empty(), "the other process is alive");
    let theirs = run.clone();
    assert_eq!(two.read(move |tx| tx.lines_of_others(&theirs)).await.unwrap(), 5);
    drop(one);
    free(&two).await;
    assert_eq!(claim(&two).await.len(), 5);
    let open = run.clone();
    assert_eq!(two.read(move |tx| tx.open_lines(&open)).await.unwrap(), 9);
    assert_eq!(two.runs().await.unwrap()[0].repeated, 1);
}

#[tokio::test]
async fn a_line_waits_for_an_earlier_line_on_its_payment() {
    let place = place();
    let ledger = open(&place.file);
    let new = NewRun { id: "abc123".into(), input: "x.csv".into(), options: "{}".into() };
    let run = ledger.write(move |tx| tx.open_run(&new, NOW)).await.unwrap();
    let claimed = ledger.write(move |tx| {
        for (line, payment) in [(1, "ch_1"), (2, "pi_1"), (3, "ch_1"), (4, "ch_2")] {
            let operation = planned(&format!("op-{line}"), payment, 5);
            write(tx, None, &operation)?;
            tx.insert_line(&run, line, &operation, false)?;
        }
        let ambiguous = tx.ambiguous_payments(&run)?;
        assert_eq!(ambiguous, [PaymentRef::parse("pi_1").unwrap()], "it may be ch_1");
        let seen = refund("re_9", "");
        tx.keep_charge(&seen.payment_intent.unwrap(), &seen.charge.unwrap())?;
        assert_eq!(tx.ambiguous_payments(&run)?, []);
        let first = tx.claim_lines(&run, 10)?;
        tx.end_lines(&run, &[1], true)?;
        Ok((first, tx.claim_lines(&run, 10)?))
    });
    let (first, second) = claimed.await.unwrap();
    assert_eq!(first.iter().map(|one| one.line).collect::<Vec<_>>(), [1, 4]);
    assert_eq!(second.iter().map(|one| one.line).collect::<Vec<_>>(), [2]);
}

#[tokio::test]
async fn many_callers_share_a_sync() {
    let place = place();
    let ledger = open(&place.file);
    let calls = (0..200).map(|n| {
        let ledger = ledger.clone();
        async move { begin(&ledger, planned(&format!("op-{n}"), &format!("ch_{n}"), 5)).await }
    });
    let calls: Vec<_> = calls.map(tokio::spawn).collect();
    for call in calls {
        assert!(call.await.unwrap().unwrap().is_some());
    }
    // Two rows for each operation, and one about the scope.
    let audited = ledger.audit(None).await.unwrap();
    assert_eq!((audited.rows, audited.broken.len()), (401, 0));
}

#[tokio::test]
async fn work_that_fails_is_undone_and_that_of_others_is_not() {
    let place = place();
    let ledger = open(&place.file);
    let calls = (0..20).map(|n| {
        let ledger = ledger.clone();
        async move {
            ledger
                .write(move |tx| {
                    write(tx, None, &planned(&format!("op-{n}"), "ch_1", 5))?;
                    if n % 2 == 0 { Err(LedgerError::UnknownRun("none".into())) } else { Ok(()) }
                })
                .await
                .is_ok()
        }
    });
    let calls: Vec<_> = calls.map(tokio::spawn).collect();
    for (n, call) in calls.into_iter().enumerate() {
        assert_eq!(call.await.unwrap(), n % 2 == 1);
    }
    let kept = ledger.page(None, 100, None).await.unwrap().operations;
    assert_eq!(kept.len(), 10);
    assert_eq!(ledger.audit(None).await.unwrap().broken, []);
}

#[tokio::test]
async fn a_scratch_copy_changes_nothing() {
    let place = place();
    let ledger = open(&place.file);
    begin(&ledger, planned("op-1", "ch_1", 500)).await.unwrap();
    let head = ledger.audit(None).await.unwrap();
    let copy = Ledger::scratch(&place.file, &scope()).unwrap();
    assert_eq!(held(&copy, "op-1").await, held(&ledger, "op-1").await);
    begin(&copy, planned("op-2", "ch_2", 500)).await.unwrap();
    approve(&copy, "op-2").await;
    assert_eq!(copy.audit(None).await.unwrap().broken, []);
    let folder = copy.path().parent().unwrap().to_owned();
    drop(copy);
    assert!(!folder.exists(), "it is thrown away");
    assert_eq!(ledger.audit(None).await.unwrap(), head);
    let none = Ledger::scratch(&place.folder.path().join("none"), &scope()).unwrap();
    assert_eq!(none.page(None, 10, None).await.unwrap().operations, []);
    let live = Scope { live: true, ..scope() };
    let error = Ledger::scratch(&place.file, &live).unwrap_err();
    assert!(matches!(error, LedgerError::OtherScope { .. }), "{error}");
}

#[tokio::test]
async fn the_ledger_in_memory_is_the_same_store() {
    let one = InMemory::new("one", |_| true).unwrap();
    let two = one.for_process("two", |name| name == "two");
    one.transact(|tx| {
        let operation = planned("op-1", "ch_1", 500);
        write(tx, None, &operation)?;
        let payment = tx.payment_key(operation.payment())?;
        tx.take_payment(&payment, operation.id())
    })
    .unwrap();
    let working = two.transact(|tx| {
        let payment = tx.payment_key(&PaymentRef::parse("ch_1").unwrap())?;
        tx.working_on(&payment)
    });
    assert_eq!(working.unwrap(), None, "process one is gone, as process two sees it");
    let held: Option<Operation> = two.transact(|tx| tx.operation(&id("op-1"))).unwrap();
    assert_eq!(held.unwrap().state, State::Planned);
    assert_eq!(one.audit().unwrap().broken, []);
}
