//! The outbox of a ledger: what follows from which move, once, in order, and what a crash leaves.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use refund_core::followups::{FollowUp, FollowUpId};
use refund_core::id::{OperationId, PaymentRef};
use refund_core::metadata::Metadata;
use refund_core::money::{Currency, Money};
use refund_ledger::{
    Ballot, Effect, Journal, Kept, Ledger, NewOperation, Outcome, Received, Request, Scope,
    State as Stand, Wish,
};
use refund_outbox::{Claimed, Key, Message, Sinks, State, Store};
use serde_json::{Value, json};

/// A ledger with a sink that is never called, unless a test runs a dispatcher.
struct Desk {
    folder: tempfile::TempDir,
    ledger: Ledger,
}

impl Desk {
    fn new() -> Self {
        Self::with("command = [\"false\"]")
    }

    fn with(target: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ledger = open(&folder.path().join("ledger.db"));
        let ledger = ledger.with_sinks(sinks(&[("shop", target)]));
        Self { folder, ledger }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("ledger.db")
    }

    /// What is in the outbox, in the order it was found: the message to the customer, the reason of the
    /// alert, or the kind.
    async fn told(&self) -> Vec<String> {
        let messages = self.ledger.outbox().messages(None, 1000).await.unwrap();
        messages.iter().rev().map(|one| word(&one.body)).collect()
    }

    async fn begin(&self) {
        self.ledger.begin(operation()).await.unwrap();
    }

    async fn settle(&self, outcome: Outcome) -> Stand {
        self.ledger.settle("op-1", outcome).await.unwrap().state
    }
}

fn open(file: &Path) -> Ledger {
    let scope = Scope { base_url: "http://127.0.0.1:1".into(), live: false, account: None };
    Ledger::open(file, &scope, "test").unwrap()
}

fn sinks(named: &[(&str, &str)]) -> Arc<Sinks> {
    let one = |(name, target): &(&str, &str)| {
        format!("[[sink]]\nname = \"{name}\"\nkind = \"command\"\n{target}\n")
    };
    let document: String = named.iter().map(one).collect();
    Arc::new(Sinks::parse(&document, Path::new(""), &|_| None).unwrap())
}

fn word(body: &str) -> String {
    let body: Value = serde_json::from_str(body).unwrap();
    let data = &body["data"];
    let words = [&data["message"], &data["reason"], &data["status"], &body["type"]];
    words.into_iter().find_map(Value::as_str).unwrap().to_owned()
}

fn operation() -> NewOperation {
    let amount = Some(Money { amount: 500, currency: Currency::parse("usd").unwrap() });
    let metadata = [("order_id", "6735"), ("customer_email", "ann@example.com")];
    let metadata = metadata.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let request =
        Request::new(OperationId::parse("op-1").unwrap(), PaymentRef::parse("ch_1").unwrap());
    NewOperation::new(&Request { amount, metadata: Metadata(metadata.into()), ..request })
}

fn refund(id: &str, status: &str) -> Kept {
    Kept {
        id: id.into(),
        amount: 500,
        currency: "usd".into(),
        status: Some(status.into()),
        charge: Some("ch_1".into()),
        payment_intent: None,
        operation: Some("op-1".into()),
        created: 1,
        failure_reason: None,
        metadata: Metadata([("refund_node_operation".to_owned(), "op-1".to_owned())].into()),
    }
}

fn made(status: &str, left: Option<u64>) -> Outcome {
    let refund = refund("re_1", status);
    Outcome { left, refund: Some(refund.clone()), ..Outcome::without_refund(refund.state(), "") }
}

fn event(id: &str, refund: Kept) -> Received {
    Received {
        id: id.into(),
        kind: "refund.updated".into(),
        created: 1,
        object: Some(refund.id.clone()),
        refund: Some(refund),
        follow_ups: Vec::new(),
    }
}

fn follow_up(number: usize, subject: &str, what: Value) -> FollowUp {
    let mut json = json!({
        "id": format!("fu_{number}"), "subject": subject, "type": "alert",
        "data": { "severity": "info", "reason": "dispute_closed", "detail": null, "due_by": null },
        "about": {
            "operation": null, "refund": null, "dispute": null, "charge": null, "payment_intent": null, "money": null,
        },
    });
    if !what.is_null() {
        json["type"] = "update-order".into();
        json["data"] = what;
    }
    serde_json::from_value(json).unwrap()
}

fn message(number: usize, subject: &str) -> Message {
    Message::new(&follow_up(number, subject, Value::Null), "shop", 0)
}

fn ids(claimed: &[Claimed]) -> Vec<&str> {
    claimed.iter().map(|one| one.message.key.id.as_str()).collect()
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

#[tokio::test]
async fn the_document_says_when_access_ends() {
    let named = |options: &str| {
        let document =
            format!("{options}[[sink]]\nname = 'shop'\nkind = 'command'\ncommand = ['false']");
        Arc::new(Sinks::parse(&document, Path::new(""), &|_| None).unwrap())
    };
    for (options, expected) in [
        ("", "keep-access"),
        ("[follow_ups]\nrevoke_access = 'any'\n", "revoke-access"),
        ("[follow_ups]\nonly = ['alert']\n", ""),
    ] {
        let mut desk = Desk::new();
        desk.ledger = desk.ledger.with_sinks(named(options));
        desk.begin().await;
        desk.settle(made("succeeded", Some(300))).await;
        let messages = desk.ledger.outbox().messages(None, 1000).await.unwrap();
        let about_access = messages.iter().map(|one| one.kind.to_string());
        let about_access: Vec<_> = about_access.filter(|kind| kind.ends_with("access")).collect();
        assert_eq!(about_access.join(" "), expected, "{options}");
    }
}

#[tokio::test]
async fn five_events_and_the_operation_tell_one_fact_once() {
    let desk = Desk::new();
    desk.begin().await;
    desk.settle(made("succeeded", Some(0))).await;
    let told = desk.told().await;
    // The customer and the order are in the request; nothing is left of the payment.
    assert_eq!(
        told,
        ["refund_succeeded", "refund_succeeded", "revoke-access", "fully_refunded"],
        "message, order, access, order"
    );
    for number in 0..5 {
        let event = event(&format!("evt_{number}"), refund("re_1", "succeeded"));
        let effect = desk.ledger.receive(event).await.unwrap();
        assert_eq!(effect, Effect::Known { operation: "op-1".into() });
    }
    assert_eq!(desk.told().await, told, "nothing new");
    let messages = desk.ledger.outbox().messages(None, 10).await.unwrap();
    let first: Value = serde_json::from_str(&messages.last().unwrap().body).unwrap();
    assert_eq!(first["data"]["customer"]["email"], "ann@example.com");
    assert_eq!((&first["about"]["refund"], &first["subject"]), (&json!("re_1"), &json!("ch_1")));
}

#[tokio::test]
async fn nobody_is_told_of_success_after_failure() {
    let desk = Desk::new();
    desk.begin().await;
    desk.settle(made("pending", None)).await;
    desk.ledger.receive(event("evt_2", refund("re_1", "failed"))).await.unwrap();
    let late = desk.ledger.receive(event("evt_1", refund("re_1", "succeeded"))).await.unwrap();
    assert_eq!(late, Effect::Known { operation: "op-1".into() });
    let told = desk.told().await;
    assert!(told.contains(&"refund_pending".to_owned()), "{told:?}");
    assert_eq!(told.iter().filter(|word| *word == "refund_failed").count(), 2, "{told:?}");
    assert!(!told.contains(&"refund_succeeded".to_owned()), "{told:?}");
}

#[tokio::test]
async fn a_webhook_that_overtakes_the_answer_tells_the_truth() {
    let desk = Desk::new();
    desk.begin().await;
    desk.ledger.receive(event("evt_1", refund("re_1", "failed"))).await.unwrap();
    assert_eq!(desk.settle(made("succeeded", Some(0))).await, Stand::Failed);
    let told = desk.told().await;
    assert!(told.contains(&"refund_failed".to_owned()), "{told:?}");
    for never in ["refund_succeeded", "fully_refunded", "revoke-access"] {
        assert!(!told.contains(&never.to_owned()), "{told:?}");
    }
    // The other way round: the answer still knows what is left.
    let desk = Desk::new();
    desk.begin().await;
    desk.ledger.receive(event("evt_1", refund("re_1", "succeeded"))).await.unwrap();
    assert_eq!(desk.settle(made("pending", Some(0))).await, Stand::Succeeded);
    let told = desk.told().await;
    assert!(told.contains(&"revoke-access".to_owned()), "{told:?}");
    assert!(!told.contains(&"refund_pending".to_owned()), "{told:?}");
}

#[tokio::test]
async fn refunds_made_elsewhere_go_forward_as_well() {
    let desk = Desk::new();
    let elsewhere = |status: &str| Kept {
        operation: None,
        metadata: Metadata::default(),
        ..refund("re_9", status)
    };
    for (id, status) in [("evt_3", "failed"), ("evt_2", "succeeded"), ("evt_1", "pending")] {
        let effect = desk.ledger.receive(event(id, elsewhere(status))).await.unwrap();
        assert_eq!(effect, Effect::Elsewhere);
    }
    assert_eq!(desk.told().await, ["refund_failed", "keep-access", "refund_failed"]);
    // Read again by a comparison with Stripe: no news, however it stands.
    let desk = Desk::new();
    desk.ledger.see(elsewhere("succeeded")).await.unwrap();
    assert_eq!(desk.told().await, [""; 0]);
}

#[tokio::test]
async fn what_needs_a_look_raises_an_alert() {
    let desk = Desk::new();
    desk.begin().await;
    desk.settle(Outcome::without_refund(Stand::OutcomeUnknown, "no answer")).await;
    assert_eq!(desk.told().await, ["outcome_unknown"]);
    // A comparison with Stripe finds it, and a second one.
    desk.ledger.see(refund("re_1", "succeeded")).await.unwrap();
    let twice = desk.ledger.see(refund("re_2", "succeeded")).await.unwrap();
    assert_eq!(twice, Effect::Twice { operation: "op-1".into(), known: "re_1".into() });
    let told = desk.told().await;
    assert_eq!(told.last().map(String::as_str), Some("refunded_twice"), "{told:?}");
    assert_eq!(told.iter().filter(|word| *word == "refund_succeeded").count(), 2, "{told:?}");
}

#[tokio::test]
async fn a_no_is_told_apart_by_who_said_it() {
    for (denied, word) in [(true, "refund_denied"), (false, "refund_refused")] {
        let desk = Desk::new();
        desk.begin().await;
        let outcome = Outcome { denied, ..Outcome::without_refund(Stand::Refused, "too late") };
        desk.settle(outcome).await;
        assert_eq!(desk.told().await, [word]);
    }
    let desk = Desk::new();
    desk.begin().await;
    let wish = Wish {
        request_hash: "hash".into(),
        amount: 500,
        currency: "usd".into(),
        needed: 1,
        verdict: "{}".into(),
    };
    let asks =
        Outcome { wish: Some(wish), ..Outcome::without_refund(Stand::NeedsApproval, "too much") };
    desk.settle(asks).await;
    assert_eq!(desk.told().await, [""; 0], "nothing is decided");
    let no = Ballot::default();
    desk.ledger.in_the_name_of("bob").decide("ap_1", no).await.unwrap();
    assert_eq!(desk.told().await, ["refund_denied"]);
}

#[tokio::test]
async fn a_late_event_does_not_set_the_order_back() {
    let desk = Desk::new();
    let charge = |id: &str, created: u64, number: usize, status: &str| Received {
        id: id.into(),
        kind: "charge.refunded".into(),
        created,
        object: Some("ch_1".into()),
        refund: None,
        follow_ups: vec![
            follow_up(number, "ch_1", json!({ "key": "order", "order": "1", "status": status })),
            follow_up(number + 1, "ch_1", Value::Null),
        ],
    };
    desk.ledger.receive(charge("evt_2", 20, 20, "fully_refunded")).await.unwrap();
    desk.ledger.receive(charge("evt_1", 10, 10, "partly_refunded")).await.unwrap();
    assert_eq!(desk.told().await, ["fully_refunded", "dispute_closed", "dispute_closed"]);
}

#[tokio::test]
async fn a_move_that_is_undone_tells_nothing() {
    let desk = Desk::new();
    desk.begin().await;
    // Something that only a hand in the file can do: the outbox takes nothing.
    let file = rusqlite::Connection::open(desk.file()).unwrap();
    file.execute_batch(
        "CREATE TRIGGER broken BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'full'); END",
    )
    .unwrap();
    let error = desk.ledger.settle("op-1", made("succeeded", None)).await.unwrap_err();
    assert!(error.to_string().contains("full"), "{error}");
    let operation = desk.ledger.operation("op-1").await.unwrap().unwrap();
    assert_eq!(operation.state, Stand::Sent, "neither the move nor what follows from it");
    file.execute_batch("DROP TRIGGER broken").unwrap();
    desk.settle(made("succeeded", None)).await;
    assert_eq!(desk.told().await.len(), 2);
}

#[tokio::test]
async fn without_sinks_nothing_is_kept() {
    let desk = Desk::new();
    let ledger = desk.ledger.with_sinks(Arc::default());
    ledger.begin(operation()).await.unwrap();
    ledger.settle("op-1", made("succeeded", Some(0))).await.unwrap();
    assert_eq!((ledger.follow_ups(), desk.told().await.len()), (None, 0));
}

#[tokio::test]
async fn a_crash_between_delivery_and_mark_delivers_again_under_the_same_id() {
    let desk = Desk::new();
    let crashed = open(&desk.file()).outbox();
    crashed.add(vec![message(1, "ch_1")]).await.unwrap();
    let first = crashed.claim("shop", 100, 45, 10).await.unwrap();
    assert_eq!(ids(&first), ["fu_1"]);
    // It was delivered, and nobody wrote that down.
    drop(crashed);
    let next = desk.ledger.outbox();
    assert_eq!(next.claim("shop", 144, 45, 10).await.unwrap(), [], "its time is not over");
    let second = next.claim("shop", 145, 45, 10).await.unwrap();
    assert_eq!((ids(&second), second[0].message.attempts), (vec!["fu_1"], 2));
    assert_eq!(second[0].message.body, first[0].message.body);
    // Who comes too late changes nothing.
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
    assert_eq!(outbox.claim("shop", 10, 60, 10).await.unwrap(), [], "in somebody's hands");
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

#[tokio::test]
async fn a_receiver_that_is_dead_loses_nothing() {
    let desk = Desk::with("command = [\"/nowhere/no-such-program\"]\ntimeout_seconds = 5");
    desk.begin().await;
    desk.settle(made("succeeded", Some(0))).await;
    let report = desk.ledger.dispatcher().run_once().await.unwrap();
    assert_eq!(
        (report.delivered, report.failed),
        (0, 1),
        "the rest of the subject waits behind it"
    );
    assert_eq!(desk.ledger.outbox().messages(Some(State::Waiting), 10).await.unwrap().len(), 4);
    // Alive again.
    let alive = desk.ledger.with_sinks(sinks(&[("shop", "command = [\"true\"]")]));
    let waiting = alive.outbox().messages(Some(State::Waiting), 10).await.unwrap();
    let oldest = &waiting.last().unwrap().key;
    assert!(alive.outbox().resend(oldest, now()).await.unwrap());
    let report = alive.dispatcher().run_once().await.unwrap();
    assert_eq!((report.delivered, report.failed, report.dead), (4, 0, 0));
    let delivered = alive.outbox().messages(Some(State::Delivered), 10).await.unwrap();
    assert_eq!(delivered.len(), 4);
}

#[tokio::test]
async fn each_sink_has_a_message_of_its_own() {
    let desk = Desk::new();
    let both = "command = [\"true\"]";
    let only = "command = [\"true\"]\nfollow_ups = [\"notify-customer\"]";
    let ledger = desk.ledger.with_sinks(sinks(&[("all", both), ("mails", only)]));
    ledger.begin(operation()).await.unwrap();
    ledger.settle("op-1", made("succeeded", None)).await.unwrap();
    let messages = ledger.outbox().messages(None, 10).await.unwrap();
    let mut to: Vec<_> = messages.iter().map(|one| one.key.sink.as_str()).collect();
    to.sort_unstable();
    assert_eq!(to, ["all", "all", "mails"]);
    let prefix = &messages.last().unwrap().key.id.as_str()[..12];
    let found = ledger.outbox().beginning(prefix).await.unwrap();
    assert_eq!(found.len(), 2, "the same follow-up, for two");
}

#[tokio::test]
async fn a_ledger_of_format_2_is_taken_along() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ledger.db");
    let ledger = open(&file);
    ledger.begin(operation()).await.unwrap();
    drop(ledger);
    let old = rusqlite::Connection::open(&file).unwrap();
    old.execute_batch(
        "DROP TABLE outbox; DROP TABLE sinks_off; DROP INDEX events_of_charge; PRAGMA user_version = 2",
    )
    .unwrap();
    drop(old);
    let ledger = open(&file).with_sinks(sinks(&[("shop", "command = [\"true\"]")]));
    ledger.settle("op-1", made("succeeded", None)).await.unwrap();
    assert_eq!(ledger.outbox().messages(None, 10).await.unwrap().len(), 2);
    assert_eq!(ledger.audit(None).await.unwrap().broken, []);
    let version: i64 = rusqlite::Connection::open(&file)
        .unwrap()
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .unwrap();
    assert_eq!(version, 3);
}
