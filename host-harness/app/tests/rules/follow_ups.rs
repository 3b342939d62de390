//! What follows from which move: once, in order, and never good news after bad.

use std::path::Path;
use std::sync::Arc;

use refund_app::OutcomeKind;
use refund_core::followups::FollowUp;
use refund_core::metadata::Metadata;
use refund_core::request::Request;
use refund_ledger::{Effect, Event, MerchantRules, State, Store};
use refund_outbox::{Sinks, State as Delivery, Store as _};
use serde_json::{Value, json};

use crate::support::{
    App, Desk, Fate, START, approve_up_to, caller, never_above, no, operation_id, refund, request,
    try_ask,
};

/// A desk whose ledger has a sink that is never called, unless a test runs a dispatcher.
struct Shop {
    desk: Desk,
    application: App,
}

impl Shop {
    /// Its payment, `ch_1`, is of this many cents.
    fn new(paid: u64) -> Self {
        Self::with(paid, "command = [\"false\"]")
    }

    fn with(paid: u64, target: &str) -> Self {
        Self::over(paid, sinks(&[("shop", target)]))
    }

    fn over(paid: u64, sinks: Arc<Sinks>) -> Self {
        let desk = Desk::with_payment(paid);
        let application = desk.with_ledger(desk.ledger().with_sinks(sinks));
        Self { desk, application }
    }

    /// Asks for 5.00 in the name of a customer who is known.
    async fn ask(&self) -> OutcomeKind {
        self.ask_under(&MerchantRules::default()).await
    }

    async fn ask_under(&self, rules: &MerchantRules) -> OutcomeKind {
        try_ask(&self.application, "alice", wanted(), rules).await.unwrap().kind()
    }

    async fn receive(&self, id: &str, refund: &refund_core::model::Refund) -> Effect {
        let event = Event {
            id: id.into(),
            kind: "refund.updated".into(),
            created: START,
            object: Some(refund.id.to_string()),
            status: None,
        };
        self.take(event, Some(refund.clone()), Vec::new()).await
    }

    async fn take(
        &self,
        event: Event,
        refund: Option<refund_core::model::Refund>,
        follow_ups: Vec<FollowUp>,
    ) -> Effect {
        crate::support::take(self.application.store(), event, refund, follow_ups, START)
            .await
            .unwrap()
    }

    async fn see(&self, refund: refund_core::model::Refund) -> Effect {
        self.application.see(refund, &caller("reconcile")).await.unwrap()
    }

    /// What is in the outbox, in the order in which it was added: the message to the customer, the reason of the alert,
    /// the status of the order, or the kind.
    async fn follow_ups(&self) -> Vec<String> {
        let messages = self.application.store().outbox().messages(None, 1000).await.unwrap();
        messages.iter().rev().map(|one| word(&one.body)).collect()
    }
}

fn wanted() -> Request {
    let metadata = [("order_id", "6735"), ("customer_email", "ann@example.com")];
    let metadata = metadata.map(|(key, value)| (key.to_owned(), value.to_owned()));
    Request { metadata: Metadata(metadata.into()), ..request("op-1", "ch_1", Some(500)) }
}

fn sinks(named: &[(&str, &str)]) -> Arc<Sinks> {
    let one = |(name, target): &(&str, &str)| {
        format!("[[sink]]\nname = \"{name}\"\nkind = \"command\"\n{target}\n")
    };
    parse(&named.iter().map(one).collect::<String>())
}

fn parse(document: &str) -> Arc<Sinks> {
    Arc::new(Sinks::parse(document, Path::new(""), &|_| None).unwrap())
}

fn word(body: &str) -> String {
    let body: Value = serde_json::from_str(body).unwrap();
    let data = &body["data"];
    let words = [&data["message"], &data["reason"], &data["status"], &body["type"]];
    words.into_iter().find_map(Value::as_str).unwrap().to_owned()
}

fn count(words: &[String], wanted: &str) -> usize {
    words.iter().filter(|word| *word == wanted).count()
}

#[tokio::test]
async fn the_document_says_when_access_ends() {
    for (options, expected) in [
        ("", "keep-access"),
        ("[follow_ups]\nrevoke_access = 'any'\n", "revoke-access"),
        ("[follow_ups]\nonly = ['alert']\n", ""),
    ] {
        let document =
            format!("{options}[[sink]]\nname = 'shop'\nkind = 'command'\ncommand = ['false']");
        let shop = Shop::over(800, parse(&document));
        assert_eq!(shop.ask().await, OutcomeKind::Made);
        let messages = shop.application.store().outbox().messages(None, 1000).await.unwrap();
        let about_access = messages.iter().map(|one| one.kind.to_string());
        let about_access: Vec<_> = about_access.filter(|kind| kind.ends_with("access")).collect();
        assert_eq!(about_access.join(" "), expected, "{options}");
    }
}

#[tokio::test]
async fn five_events_and_the_operation_are_one_fact() {
    let shop = Shop::new(500);
    shop.ask().await;
    let first = shop.follow_ups().await;
    // The customer and the order are in the request; nothing is left of the payment.
    assert_eq!(
        first,
        ["refund_succeeded", "refund_succeeded", "revoke-access", "fully_refunded"],
        "message, order, access, order"
    );
    for number in 0..5 {
        let seen = refund("re_1", "op-1", 500, "succeeded");
        let effect = shop.receive(&format!("evt_{number}"), &seen).await;
        assert_eq!(effect, Effect::Known { operation: operation_id("op-1") });
    }
    assert_eq!(shop.follow_ups().await, first, "nothing new");
    let messages = shop.application.store().outbox().messages(None, 10).await.unwrap();
    let first: Value = serde_json::from_str(&messages.last().unwrap().body).unwrap();
    assert_eq!(first["data"]["customer"]["email"], "ann@example.com");
    assert_eq!((&first["about"]["refund"], &first["subject"]), (&json!("re_1"), &json!("ch_1")));
}

#[tokio::test]
async fn success_is_not_reported_after_failure() {
    let shop = Shop::new(10_000);
    shop.desk.stripe.order_status("pending");
    shop.ask().await;
    shop.receive("evt_2", &refund("re_1", "op-1", 500, "failed")).await;
    let late = shop.receive("evt_1", &refund("re_1", "op-1", 500, "succeeded")).await;
    assert_eq!(late, Effect::Known { operation: operation_id("op-1") });
    let words = shop.follow_ups().await;
    assert!(words.contains(&"refund_pending".to_owned()), "{words:?}");
    assert_eq!(count(&words, "refund_failed"), 2, "{words:?}");
    assert_eq!(count(&words, "refund_succeeded"), 0, "{words:?}");
}

/// An event arrives while the answer is under way.
async fn overtaken(answer: &str, event: &str) -> (OutcomeKind, State, Vec<String>) {
    let shop = Shop::new(500);
    shop.desk.stripe.order_status(answer);
    shop.desk.component.close_gate();
    let asked = {
        let application = shop.application.clone();
        tokio::spawn(async move {
            try_ask(&application, "alice", wanted(), &MerchantRules::default()).await
        })
    };
    shop.desk.component.until_begun(1).await;
    shop.receive("evt_1", &refund("re_1", "op-1", 500, event)).await;
    shop.desk.component.let_one_through();
    let outcome = asked.await.unwrap().unwrap();
    (outcome.kind(), outcome.operation.state, shop.follow_ups().await)
}

#[tokio::test]
async fn an_event_that_overtakes_the_answer_decides_what_follows() {
    let (kind, state, words) = overtaken("succeeded", "failed").await;
    assert_eq!((kind, state), (OutcomeKind::Failed, State::Failed));
    assert!(words.contains(&"refund_failed".to_owned()), "{words:?}");
    for never in ["refund_succeeded", "fully_refunded", "revoke-access"] {
        assert_eq!(count(&words, never), 0, "{words:?}");
    }
    // The other way round: the answer still knows what is left.
    let (kind, state, words) = overtaken("pending", "succeeded").await;
    assert_eq!((kind, state), (OutcomeKind::Made, State::Succeeded), "this call made it");
    assert!(words.contains(&"revoke-access".to_owned()), "{words:?}");
    assert_eq!(count(&words, "refund_pending"), 0, "{words:?}");
}

#[tokio::test]
async fn refunds_made_elsewhere_go_forward_as_well() {
    let shop = Shop::new(10_000);
    let elsewhere = |status: &str| refund("re_9", "", 500, status);
    for (id, status) in [("evt_3", "failed"), ("evt_2", "succeeded"), ("evt_1", "pending")] {
        assert_eq!(shop.receive(id, &elsewhere(status)).await, Effect::Elsewhere);
    }
    assert_eq!(shop.follow_ups().await, ["refund_failed", "keep-access", "refund_failed"]);
    // Read again by a comparison with Stripe: no news, whatever its status.
    let shop = Shop::new(10_000);
    shop.see(elsewhere("succeeded")).await;
    assert_eq!(shop.follow_ups().await, [""; 0]);
}

#[tokio::test]
async fn what_needs_a_look_raises_an_alert() {
    let shop = Shop::new(10_000);
    shop.desk.stripe.order(&[Fate::RequestLost]);
    assert_eq!(shop.ask().await, OutcomeKind::Unknown);
    assert_eq!(shop.follow_ups().await, ["outcome_unknown"]);
    // A comparison with Stripe finds it, and a second one.
    shop.see(refund("re_1", "op-1", 500, "succeeded")).await;
    let twice = shop.see(refund("re_2", "op-1", 500, "succeeded")).await;
    let known = refund("re_1", "op-1", 500, "succeeded").id;
    assert_eq!(twice, Effect::Twice { operation: operation_id("op-1"), known });
    let words = shop.follow_ups().await;
    assert_eq!(words.last().map(String::as_str), Some("refunded_twice"), "{words:?}");
    assert_eq!(count(&words, "refund_succeeded"), 2, "{words:?}");
}

#[tokio::test]
async fn denied_and_refused_are_told_apart() {
    let shop = Shop::new(10_000);
    assert_eq!(shop.ask_under(&never_above(100)).await, OutcomeKind::Denied);
    assert_eq!(shop.follow_ups().await, ["refund_denied"]);
    let shop = Shop::new(10_000);
    shop.desk.stripe.order(&[Fate::Refused(402)]);
    assert_eq!(shop.ask().await, OutcomeKind::Refused);
    assert_eq!(shop.follow_ups().await, ["refund_refused"]);
    let shop = Shop::new(10_000);
    assert_eq!(shop.ask_under(&approve_up_to(100)).await, OutcomeKind::Waiting);
    assert_eq!(shop.follow_ups().await, [""; 0], "nothing is decided");
    shop.application.decide("ap_1", no(), &caller("bob")).await.unwrap();
    assert_eq!(shop.follow_ups().await, ["refund_denied"]);
}

#[tokio::test]
async fn a_late_event_does_not_set_the_order_back() {
    let shop = Shop::new(10_000);
    let charge = async |id: &str, created: u64, number: usize, status: &str| {
        let event = Event {
            id: id.into(),
            kind: "charge.refunded".into(),
            created,
            object: Some("ch_1".into()),
            status: None,
        };
        let order = json!({ "key": "order", "order": "1", "status": status });
        let follow_ups = vec![follow_up(number, Some(order)), follow_up(number + 1, None)];
        shop.take(event, None, follow_ups).await
    };
    charge("evt_2", 20, 20, "fully_refunded").await;
    charge("evt_1", 10, 10, "partly_refunded").await;
    assert_eq!(shop.follow_ups().await, ["fully_refunded", "dispute_closed", "dispute_closed"]);
}

/// The state of an order, or an alert.
fn follow_up(number: usize, order: Option<Value>) -> FollowUp {
    let (kind, data) = match order {
        Some(order) => ("update-order", order),
        None => (
            "alert",
            json!({ "severity": "info", "reason": "dispute_closed", "detail": null, "due_by": null }),
        ),
    };
    serde_json::from_value(json!({
        "id": format!("fu_{number}"), "subject": "ch_1", "type": kind, "data": data,
        "about": {
            "operation": null, "refund": null, "dispute": null, "charge": null, "payment_intent": null, "money": null,
        },
    }))
    .unwrap()
}

#[tokio::test]
async fn nothing_follows_from_a_move_that_is_undone() {
    let shop = Shop::new(10_000);
    // Something that only a hand in the file can do: the outbox takes nothing.
    shop.desk.tamper(
        "CREATE TRIGGER broken BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'full'); END",
    );
    let error =
        try_ask(&shop.application, "alice", wanted(), &MerchantRules::default()).await.unwrap_err();
    assert!(error.to_string().contains("full"), "{error}");
    assert_eq!((error.kind(), error.kind().row().exit), (OutcomeKind::Unknown, 6));
    assert_eq!(shop.desk.state("op-1").await, State::Sent, "neither the move nor what follows");
    shop.desk.tamper("DROP TRIGGER broken");
    assert_eq!(shop.ask().await, OutcomeKind::Found);
    assert_eq!((shop.desk.stripe.count_of("op-1"), shop.follow_ups().await.len()), (1, 2));
}

#[tokio::test]
async fn without_sinks_nothing_is_kept() {
    let shop = Shop::over(500, Arc::default());
    assert_eq!(shop.ask().await, OutcomeKind::Made);
    let options = shop.application.store().read(|tx| Ok(tx.follow_up_options())).await.unwrap();
    assert_eq!((options, shop.follow_ups().await.len()), (None, 0));
}

#[tokio::test]
async fn a_receiver_that_is_down_loses_nothing() {
    let down = "command = [\"/nowhere/no-such-program\"]\ntimeout_seconds = 5";
    let shop = Shop::with(500, down);
    shop.ask().await;
    let ledger = shop.application.store();
    let report = ledger.dispatcher().run_once().await.unwrap();
    assert_eq!(
        (report.delivered, report.failed),
        (0, 1),
        "the rest of the subject waits behind it"
    );
    assert_eq!(ledger.outbox().messages(Some(Delivery::Waiting), 10).await.unwrap().len(), 4);
    // Up again.
    let up = ledger.with_sinks(sinks(&[("shop", "command = [\"true\"]")]));
    let waiting = up.outbox().messages(Some(Delivery::Waiting), 10).await.unwrap();
    let oldest = &waiting.last().unwrap().key;
    assert!(up.outbox().resend(oldest, START - 1).await.unwrap());
    let report = up.dispatcher().run_once().await.unwrap();
    assert_eq!((report.delivered, report.failed, report.dead), (4, 0, 0));
    let delivered = up.outbox().messages(Some(Delivery::Delivered), 10).await.unwrap();
    assert_eq!(delivered.len(), 4);
}

#[tokio::test]
async fn each_sink_has_a_message_of_its_own() {
    let all = "command = [\"true\"]";
    let mails = "command = [\"true\"]\nfollow_ups = [\"notify-customer\"]";
    let shop = Shop::over(10_000, sinks(&[("all", all), ("mails", mails)]));
    shop.ask().await;
    let outbox = shop.application.store().outbox();
    let messages = outbox.messages(None, 10).await.unwrap();
    let mut to: Vec<_> = messages
        .iter()
        .filter(|one| one.kind.to_string() == "notify-customer")
        .map(|one| one.key.sink.as_str())
        .collect();
    to.sort_unstable();
    assert_eq!(to, ["all", "mails"]);
    assert_eq!(messages.iter().filter(|one| one.key.sink == "mails").count(), 1);
    let notice = messages.iter().find(|one| one.key.sink == "mails").unwrap();
    let found = outbox.beginning(&notice.key.id.as_str()[..12]).await.unwrap();
    assert_eq!(found.len(), 2, "the same follow-up, for two");
}
