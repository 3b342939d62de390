//! Bodies of follow-ups in the ledger's outbox: filled in once, and then the same.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::Path;

use refund_core::followups::{FollowUp, FoundContact};
use refund_ledger::{Ledger, Outbox, Scope};
use refund_outbox::{Claimed, Message, Store};
use serde_json::json;

const NOW: u64 = 1_790_000_000;

fn open(file: &Path) -> Ledger {
    let scope = Scope { base_url: "https://api.stripe.com".to_owned(), live: false, account: None };
    Ledger::open(file, &scope).unwrap()
}

fn follow_up() -> FollowUp {
    let json = json!({
        "id": "fu_1", "subject": "ch_1", "type": "notify-customer",
        "data": { "message": "refund_failed", "detail": null, "customer": { "name": null, "email": null } },
        "about": {
            "operation": null, "refund": "re_1", "dispute": null, "charge": "ch_1", "payment_intent": null,
            "money": null,
        },
    });
    serde_json::from_value(json).unwrap()
}

fn body(email: &str) -> String {
    let found = FoundContact { email: Some(email.to_owned()), ..FoundContact::default() };
    serde_json::to_string(&follow_up().with_contact(&found)).unwrap()
}

async fn claim(outbox: &Outbox, sink: &str, now: u64) -> Claimed {
    outbox.claim(sink, now, 10, 1).await.unwrap().remove(0)
}

async fn bodies(outbox: &Outbox) -> Vec<String> {
    let mut messages = outbox.messages(None, 10).await.unwrap();
    messages.sort_by(|a, b| a.key.cmp(&b.key));
    messages.into_iter().map(|message| message.body).collect()
}

#[tokio::test]
async fn a_body_is_filled_in_for_every_sink_until_a_sink_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(&folder.path().join("shop.ledger")).outbox();
    let sinks = ["a", "b", "c"];
    let messages = sinks.map(|sink| Message::new(&follow_up(), sink, NOW)).to_vec();
    let bare = messages[0].body.clone();
    outbox.add(messages).await.unwrap();

    let first = claim(&outbox, "a", NOW).await;
    assert!(!first.is_fixed);
    assert_eq!(
        outbox.fix_body(&first, None).await.unwrap().as_ref(),
        Some(&bare),
        "goes on as it is"
    );
    let (late, found) = (claim(&outbox, "b", NOW).await, Some(body("ann@example.com")));
    let second = claim(&outbox, "b", NOW + 10).await;
    assert_eq!(outbox.fix_body(&late, found.clone()).await.unwrap(), None, "another has it");
    assert_eq!(outbox.fix_body(&second, found.clone()).await.unwrap(), found);
    assert_eq!(
        bodies(&outbox).await,
        [bare.clone(), body("ann@example.com"), body("ann@example.com")]
    );
    // One that looked longer finds what another put there.
    let third = claim(&outbox, "c", NOW).await;
    let stale =
        Claimed { message: Message { body: bare.clone(), ..third.message.clone() }, ..third };
    assert_eq!(outbox.fix_body(&stale, Some(body("bea@example.com"))).await.unwrap(), found);

    outbox.failed(&first, NOW + 5, "busy").await.unwrap();
    let again = claim(&outbox, "a", NOW + 5).await;
    assert!(again.is_fixed && again.message.body == bare);
}

/// What an earlier version tried was sent as it stands.
#[tokio::test]
async fn what_an_earlier_format_tried_is_fixed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.ledger");
    std::fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/format-3.ledger"), &file).unwrap();
    let old = rusqlite::Connection::open(&file).unwrap();
    let (body, now) = (serde_json::to_string(&follow_up()).unwrap(), i64::try_from(NOW).unwrap());
    for (sink, attempts) in [("tried", 1), ("new", 0)] {
        old.execute(
            "INSERT INTO outbox (id, sink, kind, subject, body, created, attempts, next_try, state)
             VALUES ('fu_1', ?, 'notify-customer', 'ch_1', ?, ?, ?, ?, 'waiting')",
            rusqlite::params![sink, body, now, attempts, now],
        )
        .unwrap();
    }
    drop(old);
    let outbox = Ledger::open_existing(&file).unwrap().outbox();
    assert!(claim(&outbox, "tried", NOW).await.is_fixed);
    assert!(!claim(&outbox, "new", NOW).await.is_fixed);
}
