//! The outbox of a ledger: messages are claimed once, in order, and what a crash leaves is claimed again.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use refund_core::followups::{FollowUp, FollowUpId};
use refund_ledger::{Ledger, Scope, Store as _};
use refund_outbox::{Claimed, Key, Message, Sinks, State, Store};
use serde_json::json;
use support::{open, refund, settle};

/// A ledger with a sink.
struct Desk {
    folder: tempfile::TempDir,
    ledger: Ledger,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ledger = open(&folder.path().join("ledger.db")).with_sinks(sinks());
        Self { folder, ledger }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("ledger.db")
    }
}

fn sinks() -> Arc<Sinks> {
    let document = "[[sink]]\nname = \"shop\"\nkind = \"command\"\ncommand = [\"true\"]\n";
    Arc::new(Sinks::parse(document, Path::new(""), &|_| None).unwrap())
}

/// An alert.
fn follow_up(number: usize, subject: &str) -> FollowUp {
    serde_json::from_value(json!({
        "id": format!("fu_{number}"), "subject": subject, "type": "alert",
        "data": { "severity": "info", "reason": "dispute_closed", "detail": null, "due_by": null },
        "about": {
            "operation": null, "refund": null, "dispute": null, "charge": null, "payment_intent": null, "money": null,
        },
    }))
    .unwrap()
}

fn message(number: usize, subject: &str) -> Message {
    Message::new(&follow_up(number, subject), "shop", 0)
}

fn ids(claimed: &[Claimed]) -> Vec<&str> {
    claimed.iter().map(|one| one.message.key.id.as_str()).collect()
}

#[tokio::test]
async fn a_follow_up_is_added_once_whatever_became_of_it() {
    let desk = Desk::new();
    for _ in 0..2 {
        let found = [follow_up(1, "ch_1"), follow_up(2, "ch_1"), follow_up(1, "ch_1")];
        desk.ledger.write(move |tx| tx.add_follow_ups(&found, 10)).await.unwrap();
    }
    assert_eq!(desk.ledger.outbox().messages(None, 10).await.unwrap().len(), 2);
    let none = desk.ledger.with_sinks(Arc::default());
    none.write(|tx| tx.add_follow_ups(&[follow_up(3, "ch_1")], 10)).await.unwrap();
    assert_eq!(desk.ledger.outbox().messages(None, 10).await.unwrap().len(), 2);
    let failed = desk.ledger.write(|tx| {
        tx.add_follow_ups(&[follow_up(4, "ch_1")], 10)?;
        Err::<(), _>(refund_ledger::LedgerError::UnknownRun("none".into()))
    });
    failed.await.unwrap_err();
    assert_eq!(desk.ledger.outbox().messages(None, 10).await.unwrap().len(), 2, "undone");
}

#[tokio::test]
async fn a_crash_between_delivery_and_mark_delivers_again_under_the_same_id() {
    let desk = Desk::new();
    let crashed = open(&desk.file()).outbox();
    crashed.add(vec![message(1, "ch_1")]).await.unwrap();
    let first = crashed.claim("shop", 100, 45, 10).await.unwrap();
    assert_eq!(ids(&first), ["fu_1"]);
    // It was delivered, and that was not recorded.
    drop(crashed);
    let next = desk.ledger.outbox();
    assert_eq!(next.claim("shop", 144, 45, 10).await.unwrap(), [], "its time is not over");
    let second = next.claim("shop", 145, 45, 10).await.unwrap();
    assert_eq!((ids(&second), second[0].message.attempts), (vec!["fu_1"], 2));
    assert_eq!(second[0].message.body, first[0].message.body);
    // A claim that is over changes nothing.
    next.give_up(&first[0], "late").await.unwrap();
    next.delivered(&second[0]).await.unwrap();
    next.failed(&second[0], 999, "later still").await.unwrap();
    let kept = next.messages(None, 10).await.unwrap();
    assert_eq!((kept[0].state, kept[0].reason.as_deref()), (State::Delivered, None));
    assert_eq!(next.add(vec![message(1, "ch_1")]).await.unwrap(), 0, "delivered, and known");
}

#[tokio::test]
async fn two_processes_never_hold_one_message() {
    let desk = Desk::new();
    let (one, two) = (desk.ledger.outbox(), open(&desk.file()).outbox());
    let all: Vec<_> = (0..200).map(|n| message(n, &format!("ch_{n}"))).collect();
    assert_eq!(one.add(all).await.unwrap(), 200);
    let drain = async |outbox: &refund_ledger::Outbox| {
        let mut mine = Vec::new();
        loop {
            let claimed = outbox.claim("shop", 10, 60, 3).await.unwrap();
            if claimed.is_empty() {
                return mine;
            }
            mine.extend(claimed.into_iter().map(|one| one.message.key.id));
        }
    };
    let (mine, yours) = tokio::join!(drain(&one), drain(&two));
    let mut all: Vec<FollowUpId> = mine.into_iter().chain(yours).collect();
    let count = all.len();
    all.sort();
    all.dedup();
    assert_eq!((count, all.len()), (200, 200));
}

#[tokio::test]
async fn one_subject_is_taken_in_order_and_holds_up_no_other() {
    let desk = Desk::new();
    let outbox = desk.ledger.outbox();
    let all = [(1, "ch_1"), (2, "ch_1"), (3, "ch_2"), (4, "ch_1")];
    outbox.add(all.map(|(n, subject)| message(n, subject)).to_vec()).await.unwrap();
    let first = outbox.claim("shop", 10, 60, 10).await.unwrap();
    assert_eq!(ids(&first), ["fu_1", "fu_3"]);
    assert_eq!(outbox.claim("shop", 10, 60, 10).await.unwrap(), [], "claimed");
    assert_eq!(outbox.claim("other", 10, 60, 10).await.unwrap(), [], "not its own");
    outbox.failed(&first[0], 500, "busy").await.unwrap();
    outbox.delivered(&first[1]).await.unwrap();
    assert_eq!(outbox.claim("shop", 499, 60, 10).await.unwrap(), [], "the first one waits");
    // What comes in the meantime is behind it, another subject is not.
    outbox.add(vec![message(5, "ch_1"), message(6, "ch_2")]).await.unwrap();
    assert_eq!(ids(&outbox.claim("shop", 499, 60, 10).await.unwrap()), ["fu_6"]);
    let again = outbox.claim("shop", 500, 60, 10).await.unwrap();
    assert_eq!(ids(&again), ["fu_1"]);
    // A dead one no longer holds up its subject.
    outbox.give_up(&again[0], "no").await.unwrap();
    for id in ["fu_2", "fu_4", "fu_5"] {
        let next = outbox.claim("shop", 501, 60, 10).await.unwrap();
        assert_eq!(ids(&next), [id]);
        outbox.delivered(&next[0]).await.unwrap();
    }
}

#[tokio::test]
async fn what_is_sent_again_takes_along_what_waited_behind_it() {
    let desk = Desk::new();
    let outbox = desk.ledger.outbox();
    outbox.add(vec![message(1, "ch_1"), message(2, "ch_1")]).await.unwrap();
    let first = outbox.claim("shop", 10, 60, 1).await.unwrap();
    outbox.failed(&first[0], 9000, "down").await.unwrap();
    assert!(outbox.resend(&first[0].message.key, 20).await.unwrap());
    let first = outbox.claim("shop", 20, 60, 10).await.unwrap();
    assert_eq!((ids(&first), first[0].message.attempts), (vec!["fu_1"], 1));
    outbox.delivered(&first[0]).await.unwrap();
    assert_eq!(ids(&outbox.claim("shop", 20, 60, 10).await.unwrap()), ["fu_2"]);
    let unknown = Key { sink: "other".into(), ..first[0].message.key.clone() };
    assert!(!outbox.resend(&unknown, 20).await.unwrap());
}

#[tokio::test]
async fn a_sink_that_is_off_keeps_what_waits_across_restarts() {
    let desk = Desk::new();
    let outbox = desk.ledger.outbox();
    outbox.add(vec![message(1, "ch_1")]).await.unwrap();
    outbox.disable("shop", "gone").await.unwrap();
    let again = open(&desk.file()).outbox();
    assert_eq!(again.claim("shop", 10, 60, 10).await.unwrap(), []);
    let off = [("shop".to_owned(), "gone".to_owned())];
    assert_eq!(again.disabled().await.unwrap(), off);
    assert!(again.enable("shop").await.unwrap() && !again.enable("shop").await.unwrap());
    assert_eq!(ids(&again.claim("shop", 10, 60, 10).await.unwrap()), ["fu_1"]);
}

#[tokio::test]
async fn the_dead_are_kept_and_listed_page_by_page() {
    let desk = Desk::new();
    let outbox = desk.ledger.outbox();
    outbox.add((0..5).map(|n| message(n, &format!("ch_{n}"))).collect()).await.unwrap();
    for one in outbox.claim("shop", 10, 60, 10).await.unwrap() {
        outbox.give_up(&one, "no").await.unwrap();
    }
    let page = outbox.dead(None, 3).await.unwrap();
    let rest = outbox.dead(Some(&page[2].key), 3).await.unwrap();
    assert_eq!((page.len(), rest.len()), (3, 2));
    assert_eq!(page[0].reason.as_deref(), Some("no"));
    assert!(outbox.resend(&page[0].key, 20).await.unwrap());
    assert_eq!(ids(&outbox.claim("shop", 20, 60, 10).await.unwrap()), ["fu_0"]);
    assert_eq!(outbox.counts().await.unwrap().iter().map(|one| one.count).sum::<u64>(), 5);
}

/// A ledger of format 3 without what format 3 added.
#[tokio::test]
async fn a_ledger_of_format_2_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ledger.db");
    let made = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/format-3.ledger");
    std::fs::copy(made, &file).unwrap();
    let old = rusqlite::Connection::open(&file).unwrap();
    old.execute_batch(
        "DROP TABLE outbox; DROP TABLE sinks_off; DROP INDEX events_of_charge; PRAGMA user_version = 2",
    )
    .unwrap();
    drop(old);
    let scope = Scope { base_url: "http://127.0.0.1:13999".into(), live: false, account: None };
    let ledger = Ledger::open(&file, &scope).unwrap().with_sinks(sinks());
    ledger.write(|tx| tx.add_follow_ups(&[follow_up(1, "ch_1")], 10)).await.unwrap();
    settle(&ledger, "unknown-made", refund("re_1", "unknown-made")).await;
    assert_eq!(ledger.outbox().messages(None, 10).await.unwrap().len(), 1);
    assert_eq!(ledger.audit(None).await.unwrap().broken, []);
    let rows = ledger.history("waiting").await.unwrap();
    assert_eq!(rows.last().unwrap().outcome.as_deref(), Some("taken over from ledger format 2"));
    let version: i64 = rusqlite::Connection::open(&file)
        .unwrap()
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .unwrap();
    assert_eq!(version, 5);
}
