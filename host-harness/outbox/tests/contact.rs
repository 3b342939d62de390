//! Addresses of customers that are looked for when a follow-up is delivered.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use refund_core::followups::{FollowUp, FoundContact, Look, LookResult, Place};
use refund_core::id::PaymentRef;
use refund_outbox::{
    ContactFinder, Dispatcher, Message, PaymentNotRead, RoundReport, Sinks, State, Store,
};
use serde_json::json;
use support::memory::Memory;
use support::smtp::{KIND, Manners, Server};
use support::{Answer, Receiver, Time, add, dispatcher, http, sinks};

const DAY: u64 = 86_400;

/// What the finder says next, and how often it was asked.
#[derive(Clone)]
struct Finder {
    answer: Arc<Mutex<Result<FoundContact, PaymentNotRead>>>,
    asked: Arc<AtomicUsize>,
}

impl Finder {
    fn new(answer: Result<FoundContact, PaymentNotRead>) -> Self {
        Self { answer: Arc::new(Mutex::new(answer)), asked: Arc::default() }
    }

    fn answer(&self, answer: Result<FoundContact, PaymentNotRead>) {
        *self.answer.lock().unwrap() = answer;
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl ContactFinder for Finder {
    fn find<'a>(
        &'a self,
        payment: &'a PaymentRef,
    ) -> BoxFuture<'a, Result<FoundContact, PaymentNotRead>> {
        Box::pin(async move {
            assert_eq!(payment.as_str(), "ch_1");
            self.asked.fetch_add(1, Ordering::SeqCst);
            // Long enough for every sink to come and ask.
            tokio::time::sleep(Duration::from_millis(30)).await;
            self.answer.lock().unwrap().clone()
        })
    }
}

fn found(email: &str) -> FoundContact {
    let looked_at = vec![Look { place: Place::ReceiptEmail, result: LookResult::Address }];
    let (name, email) = (Some("Ann".to_owned()), Some(email.to_owned()));
    FoundContact { name, email, looked_at }
}

fn nothing() -> FoundContact {
    let look = |place, result| Look { place, result };
    let looked_at = vec![
        look(Place::ChargeMetadata, LookResult::Nothing),
        look(Place::ReceiptEmail, LookResult::Nothing),
        look(Place::Customer, LookResult::NotReadable),
    ];
    FoundContact { looked_at, ..FoundContact::default() }
}

fn not_now() -> Result<FoundContact, PaymentNotRead> {
    Err(PaymentNotRead("Stripe did not answer".to_owned()))
}

/// About a refund of `ch_1`, without an address.
fn follow_up(number: usize) -> FollowUp {
    of_kind(
        number,
        "notify-customer",
        &json!({
            "message": "refund_failed", "detail": null, "customer": { "name": null, "email": null },
        }),
    )
}

fn of_kind(number: usize, kind: &str, data: &serde_json::Value) -> FollowUp {
    let json = json!({
        "id": format!("fu_{number}"), "subject": "ch_1", "type": kind, "data": data,
        "about": {
            "operation": null, "refund": "re_1", "dispute": null, "charge": "ch_1", "payment_intent": "pi_1",
            "money": { "amount": 1250, "currency": "usd" },
        },
    });
    serde_json::from_value(json).unwrap()
}

struct Stage {
    time: Time,
    store: Memory,
    sinks: Arc<Sinks>,
    finder: Finder,
}

impl Stage {
    async fn new(document: &str, answer: Result<FoundContact, PaymentNotRead>) -> Self {
        let stage = Self {
            time: Time::new(),
            store: Memory::default(),
            sinks: sinks(document, Path::new("")),
            finder: Finder::new(answer),
        };
        add(&stage.store, &stage.sinks, &[follow_up(1)], stage.time.now()).await;
        stage
    }

    fn dispatcher(&self) -> Dispatcher<Memory> {
        dispatcher(&self.store, &self.sinks, &self.time).finding(self.finder.clone())
    }

    async fn run(&self) -> RoundReport {
        self.dispatcher().run_once().await.unwrap()
    }

    fn message(&self, sink: &str) -> Message {
        self.store.all().into_iter().find(|one| one.key.sink == sink).unwrap()
    }

    fn email(&self, sink: &str) -> Option<String> {
        let body: FollowUp = serde_json::from_str(&self.message(sink).body).unwrap();
        body.customer().unwrap().email.clone()
    }
}

#[tokio::test]
async fn it_is_found_once_kept_first_and_the_same_for_every_sink_and_try() {
    let (server, receiver) = (Server::start().await, Receiver::start(Answer::Status(500)).await);
    server.behave(Manners { recipient: "451 busy", ..KIND });
    let document = server.table("mail") + &http("shop", receiver.address);
    let stage = Stage::new(&document, Ok(found("ann@example.com"))).await;
    assert_eq!(stage.run().await, RoundReport { failed: 2, ..RoundReport::default() });
    // What others say later is not asked for.
    stage.finder.answer(Ok(found("bea@example.com")));
    server.behave(KIND);
    receiver.answer(Answer::Status(204));
    stage.time.pass(DAY);
    assert_eq!(stage.run().await, RoundReport { delivered: 2, ..RoundReport::default() });
    assert_eq!(stage.finder.asked(), 1, "both sinks share one look");
    let bodies: Vec<_> = receiver.got().into_iter().map(|got| got.body).collect();
    assert_eq!(bodies, [stage.message("shop").body, stage.message("mail").body]);
    assert_eq!(stage.email("mail").as_deref(), Some("ann@example.com"));
    assert!(server.mails()[0].contains("To: Ann <ann@example.com>"), "{:?}", server.mails());
}

#[tokio::test]
async fn what_cannot_be_read_now_is_looked_for_later_and_other_sinks_do_not_wait() {
    let (server, receiver) = (Server::start().await, Receiver::start(Answer::Status(204)).await);
    let fixed = server.table("desk") + "to = [\"desk@shop.example\"]\n";
    let document = server.table("mail") + &fixed + &http("shop", receiver.address);
    let stage = Stage::new(&document, not_now()).await;
    assert_eq!(stage.run().await, RoundReport { delivered: 2, failed: 1, dead: 0 });
    let waiting = stage.message("mail");
    assert_eq!((waiting.state, waiting.attempts), (State::Waiting, 1));
    let reason = waiting.reason.unwrap();
    assert!(reason.contains("no address") && reason.contains("Stripe did not answer"), "{reason}");
    assert!(server.mails()[0].contains("desk@shop.example"));
    // Later Stripe answers. What went out without an address stays as it is, even if it goes out again.
    stage.finder.answer(Ok(found("ann@example.com")));
    stage.time.pass(DAY);
    assert_eq!(stage.run().await, RoundReport { delivered: 1, ..RoundReport::default() });
    assert!(server.mails()[1].contains("To: Ann <ann@example.com>"));
    stage.store.resend(&stage.message("shop").key, stage.time.now()).await.unwrap();
    assert_eq!(stage.run().await, RoundReport { delivered: 1, ..RoundReport::default() });
    let got = receiver.got();
    assert_eq!((got.len(), &got[0].body), (2, &got[1].body));
    assert_eq!(stage.email("shop"), None);
}

#[tokio::test]
async fn without_an_address_anywhere_the_mail_is_dead_and_a_resend_looks_again() {
    let (server, receiver) = (Server::start().await, Receiver::start(Answer::Status(204)).await);
    let document = server.table("mail") + &http("shop", receiver.address);
    let stage = Stage::new(&document, Ok(nothing())).await;
    assert_eq!(stage.run().await, RoundReport { delivered: 1, failed: 0, dead: 1 });
    let dead = stage.message("mail");
    assert_eq!(
        dead.reason.as_deref(),
        Some(
            "no address of the customer is known: there is none in the refund's metadata, the charge's metadata, \
             receipt_email; this key cannot read the customer's e-mail. Put customer_email into the metadata of the \
             payment at Stripe, then run `refund-node follow-ups resend fu_1`"
        )
    );
    stage.finder.answer(Ok(found("ann@example.com")));
    stage.store.resend(&dead.key, stage.time.now()).await.unwrap();
    assert_eq!(stage.run().await, RoundReport { delivered: 1, ..RoundReport::default() });
    assert!(server.mails()[0].contains("To: Ann <ann@example.com>"));
}

#[tokio::test]
async fn a_host_that_cannot_read_payments_says_so() {
    let server = Server::start().await;
    let stage = Stage::new(&server.table("mail"), Ok(nothing())).await;
    let keyless = dispatcher(&stage.store, &stage.sinks, &stage.time);
    assert_eq!(
        keyless.run_once().await.unwrap(),
        RoundReport { failed: 1, ..RoundReport::default() }
    );
    let reason = stage.message("mail").reason.unwrap();
    assert!(reason.contains("this host does not read payments"), "{reason}");
}

#[tokio::test]
async fn nothing_is_read_for_what_has_an_address_or_needs_none() {
    let receiver = Receiver::start(Answer::Status(204)).await;
    let stage = Stage::new(&http("shop", receiver.address), not_now()).await;
    let addressed = follow_up(2).with_contact(&found("ann@example.com"));
    let revoked = of_kind(3, "revoke-access", &json!({ "why": "fully_refunded" }));
    stage.store.resend(&stage.message("shop").key, stage.time.now()).await.unwrap();
    add(&stage.store, &stage.sinks, &[addressed, revoked], stage.time.now()).await;
    assert_eq!(stage.run().await.delivered, 3);
    assert_eq!(stage.finder.asked(), 1, "for the one without an address");
    // A refund that names no payment has no place to look at.
    let mut nowhere = follow_up(4);
    (nowhere.about.charge, nowhere.about.payment_intent) = (None, None);
    let server = Server::start().await;
    let stage = Stage { sinks: server.sinks(), store: Memory::default(), ..stage };
    add(&stage.store, &stage.sinks, &[nowhere], stage.time.now()).await;
    assert_eq!(stage.run().await.dead, 1);
    let reason = stage.message("mail").reason.unwrap();
    assert!(reason.contains("in the refund's metadata. The refund names no payment"), "{reason}");
    assert_eq!(stage.finder.asked(), 1);
}

#[tokio::test]
async fn a_crash_after_a_delivery_does_not_change_the_body() {
    let receiver = Receiver::start(Answer::Hang).await;
    let stage = Stage::new(&http("shop", receiver.address), not_now()).await;
    {
        let doomed = stage.dispatcher();
        let run = doomed.run_once();
        tokio::pin!(run);
        while receiver.got().is_empty() {
            let pause = tokio::time::sleep(Duration::from_millis(5));
            tokio::select! { _ = &mut run => panic!("it ended"), () = pause => {} }
        }
    }
    stage.finder.answer(Ok(found("ann@example.com")));
    receiver.answer(Answer::Status(204));
    stage.time.pass(60);
    assert_eq!(stage.run().await.delivered, 1);
    let got = receiver.got();
    assert_eq!((got.len(), &got[0].body), (2, &got[1].body));
    assert_eq!(stage.finder.asked(), 1);
}

#[tokio::test]
async fn who_comes_too_late_delivers_nothing() {
    let receiver = Receiver::start(Answer::Status(204)).await;
    let stage = Stage::new(&http("shop", receiver.address), Ok(found("ann@example.com"))).await;
    let late = stage.dispatcher();
    let run = late.run_once();
    tokio::pin!(run);
    while stage.finder.asked() == 0 {
        let pause = tokio::time::sleep(Duration::from_millis(1));
        tokio::select! { _ = &mut run => panic!("it ended"), () = pause => {} }
    }
    // Its claim ends while it looks; another dispatcher has the message.
    stage.time.pass(60);
    let claimed = stage.store.claim("shop", stage.time.now(), 60, 1).await.unwrap();
    assert_eq!(run.await.unwrap(), RoundReport::default());
    assert!(receiver.got().is_empty());
    let kept = stage.store.fix_body(&claimed[0], None).await.unwrap().unwrap();
    assert_eq!(kept, claimed[0].message.body);
}

#[tokio::test]
async fn an_address_that_is_found_cannot_name_more_than_one_recipient() {
    for email in [
        "ann@example.com\r\nBcc: evil@example.com",
        "a@example.com,evil@example.com",
        "<a@example.com> <evil@example.com>",
        "\"a\\\" <evil@example.com>, \\\"b\"@example.com",
        "a@example.com> SIZE=1",
        "a@example.com\u{0}",
    ] {
        let server = Server::start().await;
        let stage = Stage::new(&server.table("mail"), Ok(found(email))).await;
        let report = stage.run().await;
        let mails = server.mails();
        assert!(mails.iter().all(|mail| !mail.contains("\nTo: evil") && !mail.contains("\nBcc:")));
        assert_eq!((report.dead, mails.len()), (1, 0), "{email}: {mails:?}");
    }
}
