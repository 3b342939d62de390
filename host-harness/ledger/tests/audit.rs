//! The audit: whatever decides about money follows from it, and what was edited is found.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::path::Path;

use refund_core::policy::Terms;
use refund_ledger::{Audited, Broken, Ledger, LedgerError, MerchantRules, Operation, State, Store};
use support::{Place, approve, begin, id, open, place, planned, refund, settle, tamper, write};

/// `op-1` is refunded, `op-2` is approved, `op-3` is planned under a policy.
async fn filled() -> (Place, Audited) {
    let place = place();
    let ledger = open(&place.file);
    begin(&ledger, planned("op-1", "ch_1", 500)).await.unwrap();
    settle(&ledger, "op-1", refund("re_1", "op-1")).await;
    let waiting = planned("op-2", "ch_2", 500);
    ledger.write(move |tx| write(tx, None, &waiting)).await.unwrap();
    approve(&ledger, "op-2").await;
    let policy = Terms { window_days: Some(30), ..Terms::default() };
    let ruled =
        Operation { rules: MerchantRules::policy(policy).into(), ..planned("op-3", "ch_3", 500) };
    ledger.write(move |tx| write(tx, None, &ruled)).await.unwrap();
    let good = ledger.audit(None).await.unwrap();
    // The scope, three moves of the first, two of the second, one of the third.
    assert_eq!((good.rows, &good.broken[..]), (7, &[][..]));
    (place, good)
}

async fn audit(file: &Path, head: Option<String>) -> Vec<Broken> {
    open(file).audit(head).await.unwrap().broken
}

async fn check_held(file: &Path, operation: &str) -> Result<(), LedgerError> {
    let operation = id(operation);
    open(file).read(move |tx| tx.check_held(&operation)).await
}

#[tokio::test]
async fn a_row_that_was_changed_or_removed_is_found() {
    for (sql, broken, at_the_end) in [
        ("UPDATE audit SET amount = 1 WHERE seq = 3", Broken::Changed(3), false),
        ("UPDATE audit SET actor = 'mallory' WHERE seq = 3", Broken::Changed(3), false),
        ("UPDATE audit SET time = time - 1 WHERE seq = 3", Broken::Changed(3), false),
        ("UPDATE audit SET outcome = 'x' WHERE seq = 3", Broken::Changed(3), false),
        ("UPDATE audit SET held = NULL WHERE seq = 3", Broken::Changed(3), false),
        ("UPDATE audit SET hash = x'00' WHERE seq = 7", Broken::Changed(7), true),
        ("DELETE FROM audit WHERE seq = 3", Broken::Missing(3), false),
        ("DELETE FROM audit WHERE seq = 7", Broken::Operation("op-3".into()), true),
        (
            "UPDATE audit SET seq = -1 WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = 4;
             UPDATE audit SET seq = 4 WHERE seq = -1",
            Broken::Changed(3),
            false,
        ),
    ] {
        let (place, good) = filled().await;
        tamper(&place.file, sql);
        let found = audit(&place.file, None).await;
        assert!(found.contains(&broken), "{sql}: {found:?}");
        let found = audit(&place.file, Some(good.head.clone())).await;
        assert_eq!(found.contains(&Broken::Head(good.head)), at_the_end, "{sql}: {found:?}");
    }
}

/// Rows were removed from the end, and the tables set back to fit: only the head that was noted elsewhere tells.
#[tokio::test]
async fn an_end_that_was_cut_off_is_found_by_the_head_that_was_noted() {
    let (place, good) = filled().await;
    tamper(
        &place.file,
        "DELETE FROM operations WHERE id = 'op-3'; DELETE FROM audit WHERE seq = 7",
    );
    assert_eq!(audit(&place.file, None).await, []);
    let head = good.head;
    assert_eq!(audit(&place.file, Some(head.clone())).await, [Broken::Head(head)]);
}

/// Every value of the tables that decides about money. The second field names the operation that must not be executed
/// any more.
const EDITS: [(&str, Option<&str>); 33] = [
    ("UPDATE operations SET state = 'refused' WHERE id = 'op-1'", Some("op-1")),
    ("UPDATE operations SET state = 'planned' WHERE id = 'op-2'", Some("op-2")),
    ("UPDATE operations SET refund = 're_2' WHERE id = 'op-1'", Some("op-1")),
    ("UPDATE operations SET refund = NULL, refunded = NULL WHERE id = 'op-1'", Some("op-1")),
    ("UPDATE operations SET refunded = 1 WHERE id = 'op-1'", Some("op-1")),
    (
        "UPDATE operations SET request = replace(request, '500', '900') WHERE id = 'op-2'",
        Some("op-2"),
    ),
    ("UPDATE operations SET amount = 900 WHERE id = 'op-2'", Some("op-2")),
    ("UPDATE operations SET currency = 'eur' WHERE id = 'op-2'", Some("op-2")),
    ("UPDATE operations SET payment = 'ch_9' WHERE id = 'op-2'", Some("op-2")),
    ("UPDATE operations SET charge = 'ch_9' WHERE id = 'op-1'", Some("op-1")),
    ("UPDATE operations SET request_hash = 'x' WHERE id = 'op-2'", Some("op-2")),
    ("UPDATE operations SET requester = 'bob' WHERE id = 'op-2'", Some("op-2")),
    ("UPDATE operations SET corrected_by = 'bob' WHERE id = 'op-2'", Some("op-2")),
    ("UPDATE operations SET policy = NULL WHERE id = 'op-3'", Some("op-3")),
    ("UPDATE operations SET settlement = NULL WHERE id = 'op-1'", Some("op-1")),
    ("UPDATE operations SET fee = 999999 WHERE id = 'op-1'", Some("op-1")),
    ("UPDATE operations SET detail = 'made by mallory' WHERE id = 'op-1'", Some("op-1")),
    ("UPDATE operations SET uncertain = 1 WHERE id = 'op-1'", Some("op-1")),
    ("UPDATE operations SET attempts = 0, changes_sent = 0 WHERE id = 'op-1'", Some("op-1")),
    ("UPDATE operations SET audit = 2 WHERE id = 'op-1'", Some("op-1")),
    ("UPDATE policies SET json = '{}'", Some("op-3")),
    ("UPDATE approvals SET needed = 2", Some("op-2")),
    ("UPDATE approvals SET requester = 'zed'", Some("op-2")),
    ("UPDATE approvals SET amount = 1, verdict = '{}'", Some("op-2")),
    ("UPDATE approvals SET state = 'open'", Some("op-2")),
    ("UPDATE approvals SET request_hash = 'x'", Some("op-2")),
    ("UPDATE approvals SET expires = expires + 1000000", Some("op-2")),
    ("INSERT INTO votes VALUES (1, 'ghost', 1, NULL, 1, 0)", Some("op-2")),
    ("DELETE FROM votes", Some("op-2")),
    ("UPDATE votes SET voter = 'zed'", Some("op-2")),
    ("UPDATE votes SET own_request = 1", Some("op-2")),
    ("DELETE FROM aliases", None),
    ("UPDATE meta SET value = 'https://api.stripe.com in live mode' WHERE key = 'scope'", None),
];

#[tokio::test]
async fn a_table_that_was_edited_is_found_and_not_executed() {
    for (sql, operation) in EDITS {
        let (place, _) = filled().await;
        if let Some(operation) = operation {
            check_held(&place.file, operation).await.unwrap();
        }
        tamper(&place.file, sql);
        let ledger = Ledger::open_existing(&place.file).unwrap();
        let found = ledger.audit(None).await.unwrap().broken;
        assert!(!found.is_empty(), "{sql}");
        let Some(operation) = operation else { continue };
        let checked = ledger.read(move |tx| tx.check_held(&id(operation))).await;
        let error = checked.expect_err(sql);
        assert!(matches!(&error, LedgerError::Altered(altered) if altered == operation), "{error}");
        assert!(error.to_string().contains("audit verify"), "{error}");
    }
}

#[tokio::test]
async fn an_operation_that_was_added_or_removed_is_found() {
    let forged = "INSERT INTO operations (id, payment, request, request_hash, state, updated, audit)
         SELECT 'op-9', payment, replace(request, 'op-1', 'op-9'), request_hash, state, updated, audit
         FROM operations WHERE id = 'op-1'";
    let (place, _) = filled().await;
    tamper(&place.file, forged);
    assert!(audit(&place.file, None).await.contains(&Broken::Operation("op-9".into())));
    assert!(check_held(&place.file, "op-9").await.is_err());
    let (place, _) = filled().await;
    tamper(&place.file, "DELETE FROM operations WHERE id = 'op-1'");
    assert!(audit(&place.file, None).await.contains(&Broken::Operation("op-1".into())));
    let (place, _) = filled().await;
    tamper(&place.file, "PRAGMA foreign_keys = off; DELETE FROM approvals");
    let found = audit(&place.file, None).await;
    assert!(found.contains(&Broken::Operation("op-2".into())), "{found:?}");
    assert!(found.contains(&Broken::Approval("ap_1".into())), "{found:?}");
}

/// A forged approval whose row of the audit was forged as well: the chain shows it.
#[tokio::test]
async fn covering_the_tracks_breaks_the_chain() {
    let (place, _) = filled().await;
    let forged = "DELETE FROM votes; UPDATE approvals SET needed = 0;
         UPDATE audit SET held = (SELECT held FROM audit WHERE seq = 5) WHERE seq = 6";
    tamper(&place.file, forged);
    assert!(audit(&place.file, None).await.contains(&Broken::Changed(6)));
    assert!(check_held(&place.file, "op-2").await.is_err());
}

#[tokio::test]
async fn the_first_row_is_about_what_the_ledger_is_for() {
    let place = place();
    let ledger = open(&place.file);
    let audited = ledger.audit(None).await.unwrap();
    assert_eq!((audited.rows, audited.broken), (1, Vec::new()));
    assert_eq!(ledger.history("").await.unwrap()[0].after, "scope");
}

#[tokio::test]
async fn the_audit_cannot_be_changed_through_the_ledger() {
    let place = place();
    let ledger = open(&place.file);
    begin(&ledger, planned("op-1", "ch_1", 500)).await.unwrap();
    let connection = rusqlite::Connection::open(&place.file).unwrap();
    for sql in ["UPDATE audit SET amount = 1", "DELETE FROM audit"] {
        let error = connection.execute_batch(sql).unwrap_err();
        assert!(error.to_string().contains("append-only"), "{error}");
    }
}

#[tokio::test]
async fn every_move_is_in_the_history() {
    let (place, _) = filled().await;
    let rows = open(&place.file).history("op-1").await.unwrap();
    let moves: Vec<_> =
        rows.iter().map(|row| (row.before.as_deref(), row.after.as_str())).collect();
    assert_eq!(moves, [(None, "planned"), (Some("planned"), "sent"), (Some("sent"), "succeeded")]);
    assert!(rows.iter().all(|row| row.held.is_some() && row.actor == "alice (test)"));
    assert_eq!(State::parse(&rows[2].after), Some(State::Succeeded));
    assert_eq!(rows[2].refund.as_deref(), Some("re_1"));
}
