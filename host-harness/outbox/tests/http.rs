//! Deliveries over real HTTP on loopback, to receivers that misbehave.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::path::Path;
use std::time::{Duration, Instant};

use refund_core::followups::FollowUp;
use refund_outbox::{Delivery, RoundReport, SigningSecret, State, Store, schedule, sign};
use support::memory::Memory;
use support::{Answer, Receiver, Time, add, dispatcher, follow_up, http, sinks};

const DAY: u64 = 86_400;

fn five() -> Vec<FollowUp> {
    (0..5).map(|number| follow_up(number, &format!("ch_{number}"))).collect()
}

fn failed(failed: u64) -> RoundReport {
    RoundReport { failed, ..RoundReport::default() }
}

fn delivered(delivered: u64) -> RoundReport {
    RoundReport { delivered, ..RoundReport::default() }
}

#[tokio::test]
async fn a_receiver_that_dies_fails_hangs_and_comes_back_gets_everything() {
    let (time, store) = (Time::new(), Memory::default());
    let receiver = Receiver::start(Answer::Status(500)).await;
    let address = receiver.address;
    let sinks = sinks(&http("shop", address), Path::new(""));
    assert_eq!(add(&store, &sinks, &five(), time.now()).await, 5);
    assert_eq!(add(&store, &sinks, &five(), time.now()).await, 0, "told twice is told once");
    let dispatcher = dispatcher(&store, &sinks, &time);

    drop(receiver);
    assert_eq!(dispatcher.run_once().await.unwrap(), failed(5), "nobody listens");
    assert_eq!(dispatcher.run_once().await.unwrap(), RoundReport::default(), "not due yet");
    time.pass(DAY);
    let receiver = Receiver::start_at(address, Answer::Status(500)).await;
    assert_eq!(dispatcher.run_once().await.unwrap(), failed(5));
    receiver.answer(Answer::Hang);
    time.pass(DAY);
    assert_eq!(dispatcher.run_once().await.unwrap(), failed(5));
    let reasons: Vec<_> = store.all().into_iter().filter_map(|one| one.reason).collect();
    assert!(reasons.iter().all(|reason| reason.contains("within 1 s")), "{reasons:?}");
    receiver.answer(Answer::Redirect);
    time.pass(DAY);
    assert_eq!(dispatcher.run_once().await.unwrap(), failed(5), "redirects are not followed");
    receiver.answer(Answer::Status(204));
    time.pass(DAY);
    assert_eq!(dispatcher.run_once().await.unwrap(), delivered(5));
    time.pass(30 * DAY);
    assert_eq!(dispatcher.run_once().await.unwrap(), RoundReport::default());

    let mut ids = receiver.ids();
    assert_eq!(ids.len(), 20, "500, hung, redirected, taken");
    ids.sort();
    ids.dedup();
    assert_eq!(ids, ["fu_0", "fu_1", "fu_2", "fu_3", "fu_4"]);
    assert!(store.all().iter().all(|one| (one.state, one.attempts) == (State::Delivered, 5)));
}

#[tokio::test]
async fn what_is_sent_is_signed_with_every_secret() {
    let (time, store) = (Time::new(), Memory::default());
    let receiver = Receiver::start(Answer::Status(200)).await;
    let document = http("shop", receiver.address).replace("\"SECRET\"", "\"BOTH\"");
    let sinks = sinks(&document, Path::new(""));
    let follow_up = follow_up(7, "ch_1");
    add(&store, &sinks, std::slice::from_ref(&follow_up), time.now()).await;
    dispatcher(&store, &sinks, &time).run_once().await.unwrap();

    let got = &receiver.got()[0];
    let secrets =
        [support::OLD_SECRET, support::SECRET].map(|one| SigningSecret::parse(one).unwrap());
    let signed = sign("fu_7", time.now(), got.body.as_bytes(), &secrets);
    assert_eq!(signed.signature.split(' ').count(), 2);
    for (name, value) in [
        ("webhook-id", "fu_7"),
        ("webhook-timestamp", "1790000000"),
        ("webhook-signature", &signed.signature),
        ("content-type", "application/json"),
    ] {
        assert_eq!(got.header(name), value);
    }
    assert_eq!(serde_json::from_str::<FollowUp>(&got.body).unwrap(), follow_up);
}

#[tokio::test]
async fn a_crash_between_delivery_and_mark_delivers_again_under_the_same_id() {
    let (time, store) = (Time::new(), Memory::default());
    let receiver = Receiver::start(Answer::Hang).await;
    let sinks = sinks(&http("shop", receiver.address), Path::new(""));
    add(&store, &sinks, &[follow_up(0, "ch_1")], time.now()).await;
    {
        // Received, but this process dies before it hears so.
        let doomed = dispatcher(&store, &sinks, &time);
        let run = doomed.run_once();
        tokio::pin!(run);
        while receiver.got().is_empty() {
            let pause = tokio::time::sleep(Duration::from_millis(5));
            tokio::select! { _ = &mut run => panic!("it ended"), () = pause => {} }
        }
    }
    receiver.answer(Answer::Status(200));
    let next = dispatcher(&store, &sinks, &time);
    assert_eq!(next.run_once().await.unwrap(), RoundReport::default(), "the claim still holds");
    time.pass(60);
    assert_eq!(next.run_once().await.unwrap(), delivered(1));
    assert_eq!(receiver.ids(), ["fu_0", "fu_0"]);
    assert_eq!(receiver.got()[0].body, receiver.got()[1].body);
}

#[tokio::test]
async fn a_later_message_of_a_subject_waits_for_the_earlier_one() {
    let (time, store) = (Time::new(), Memory::default());
    let receiver = Receiver::start(Answer::Status(503)).await;
    let sinks = sinks(&http("shop", receiver.address), Path::new(""));
    let all = [follow_up(0, "ch_1"), follow_up(1, "ch_1"), follow_up(2, "ch_2")];
    add(&store, &sinks, &all, time.now()).await;
    let dispatcher = dispatcher(&store, &sinks, &time);
    assert_eq!(dispatcher.run_once().await.unwrap(), failed(2));
    let mut tried = receiver.ids();
    tried.sort();
    assert_eq!(tried, ["fu_0", "fu_2"], "fu_1 is due, and waits");
    receiver.answer(Answer::Status(200));
    time.pass(DAY);
    assert_eq!(dispatcher.run_once().await.unwrap(), delivered(3));
    let ids = receiver.ids();
    let at = |id: &str| ids.iter().rposition(|one| one == id).unwrap();
    assert!(at("fu_0") < at("fu_1"), "{ids:?}");
}

#[tokio::test]
async fn after_the_last_try_a_message_is_kept_and_can_be_sent_again() {
    let (time, store) = (Time::new(), Memory::default());
    let receiver = Receiver::start(Answer::Status(500)).await;
    let sinks = sinks(&http("shop", receiver.address), Path::new(""));
    add(&store, &sinks, &[follow_up(0, "ch_1"), follow_up(1, "ch_1")], time.now()).await;
    let dispatcher = dispatcher(&store, &sinks, &time);
    for _ in 1..schedule::TRIES {
        assert_eq!(dispatcher.run_once().await.unwrap(), failed(1));
        time.pass(DAY);
    }
    let last = dispatcher.run_once().await.unwrap();
    assert_eq!(
        last,
        RoundReport { dead: 1, failed: 1, ..RoundReport::default() },
        "the next one goes on"
    );
    let dead = store.dead(None, 10).await.unwrap();
    assert_eq!((dead.len(), dead[0].attempts), (1, schedule::TRIES));
    assert_eq!(dead[0].reason.as_deref(), Some("it answered 500 Internal Server Error"));

    receiver.answer(Answer::Status(200));
    time.pass(DAY);
    assert!(store.resend(&dead[0].key, time.now()).await.unwrap());
    assert_eq!(dispatcher.run_once().await.unwrap(), delivered(2));
    assert!(receiver.ids().ends_with(&["fu_0".to_owned(), "fu_1".to_owned()]));
}

#[tokio::test]
async fn gone_turns_the_sink_off_and_keeps_its_messages() {
    let (time, store) = (Time::new(), Memory::default());
    let receiver = Receiver::start(Answer::Status(410)).await;
    let sinks = sinks(&http("shop", receiver.address), Path::new(""));
    add(&store, &sinks, &five()[..1], time.now()).await;
    let dispatcher = dispatcher(&store, &sinks, &time);
    assert_eq!(dispatcher.run_once().await.unwrap(), failed(1));
    add(&store, &sinks, &five(), time.now()).await;
    time.pass(DAY);
    assert_eq!(dispatcher.run_once().await.unwrap(), RoundReport::default());
    let off = store.disabled().await.unwrap();
    assert_eq!(off, [("shop".to_owned(), "it answered 410 Gone".to_owned())]);
    assert!(store.all().iter().all(|one| one.state == State::Waiting));

    receiver.answer(Answer::Status(200));
    assert!(store.enable("shop").await.unwrap());
    assert_eq!(dispatcher.run_once().await.unwrap(), delivered(5));
}

#[tokio::test]
async fn a_receiver_says_when_it_wants_it_again() {
    let (time, store) = (Time::new(), Memory::default());
    let receiver = Receiver::start(Answer::Later(429, 3600)).await;
    let sinks = sinks(&http("shop", receiver.address), Path::new(""));
    add(&store, &sinks, &[follow_up(0, "ch_1")], time.now()).await;
    dispatcher(&store, &sinks, &time).run_once().await.unwrap();
    assert_eq!(store.all()[0].next_try, time.now() + 3600);
}

#[tokio::test]
async fn a_sink_that_hangs_holds_up_no_other() {
    let (time, store) = (Time::new(), Memory::default());
    let stuck = Receiver::start(Answer::Hang).await;
    let quick = Receiver::start(Answer::Status(200)).await;
    let document = [
        http("stuck", stuck.address).replace("timeout_seconds = 1", "timeout_seconds = 3"),
        http("quick", quick.address),
    ];
    let sinks = sinks(&document.concat(), Path::new(""));
    let many: Vec<_> = (0..40).map(|number| follow_up(number, &format!("ch_{number}"))).collect();
    assert_eq!(add(&store, &sinks, &many, time.now()).await, 80);
    let dispatcher = dispatcher(&store, &sinks, &time);
    let start = Instant::now();
    let all_arrived = async {
        while quick.got().len() < 40 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    };
    dispatcher.run_until(all_arrived).await;
    let waiting = |sink: &str| {
        let all = store.all();
        all.iter().filter(|one| one.key.sink == sink && one.state == State::Waiting).count()
    };
    assert_eq!((waiting("quick"), waiting("stuck")), (0, 40));
    assert_eq!(stuck.got().len(), 4, "no more than the sink's concurrency at a time");
}

#[tokio::test]
async fn who_asks_for_it_is_told_of_every_try() {
    let (time, store) = (Time::new(), Memory::default());
    let receiver = Receiver::start(Answer::Status(500)).await;
    let sinks = sinks(&http("shop", receiver.address), Path::new(""));
    add(&store, &sinks, &[follow_up(1, "ch_1")], time.now()).await;
    let (tell, told) = std::sync::mpsc::channel();
    let dispatcher = dispatcher(&store, &sinks, &time).telling(move |message, delivery| {
        tell.send((message.attempts, *delivery == Delivery::Delivered)).unwrap();
    });
    dispatcher.run_once().await.unwrap();
    receiver.answer(Answer::Status(200));
    time.pass(DAY);
    dispatcher.run_once().await.unwrap();
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [(1, false), (2, true)]);
}
