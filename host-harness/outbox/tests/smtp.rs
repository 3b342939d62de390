//! Deliveries to a real SMTP server on loopback, of a few lines.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use refund_outbox::{RoundReport, State};
use support::memory::Memory;
use support::smtp::{KIND, Manners, Server};
use support::{Time, add, dispatcher, follow_up};

fn header<'a>(mail: &'a str, name: &str) -> &'a str {
    mail.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap()
}

#[tokio::test]
async fn a_mail_arrives_and_a_repeat_is_recognisable() {
    let (time, store, server) = (Time::new(), Memory::default(), Server::start().await);
    let sinks = server.sinks();
    add(&store, &sinks, &[follow_up(5, "ch_1")], time.now()).await;
    let dispatcher = dispatcher(&store, &sinks, &time);

    server.behave(Manners { end: None, ..KIND });
    let lost = dispatcher.run_once().await.unwrap();
    assert_eq!(
        lost,
        RoundReport { failed: 1, ..RoundReport::default() },
        "taken, and hung up before saying so"
    );
    server.behave(KIND);
    time.pass(86_400);
    assert_eq!(dispatcher.run_once().await.unwrap().delivered, 1);

    let mails = server.mails();
    assert_eq!(mails.len(), 2);
    for mail in &mails {
        assert_eq!(header(mail, "Message-ID"), "<fu_5@shop.example>");
        assert_eq!(header(mail, "To"), "Ann <ann@example.com>");
        assert_eq!(header(mail, "Subject"), "Your refund could not be paid out");
        assert!(mail.contains("Hello Ann,") && mail.contains("12.50 USD"), "{mail}");
        assert!(mail.contains("Content-Type: text/html") && mail.contains("<br>"), "{mail}");
    }
    assert_eq!(header(&mails[0], "Date"), header(&mails[1], "Date"));
}

#[tokio::test]
async fn busy_is_tried_again_and_no_such_mailbox_is_kept_as_dead() {
    for (recipient, state) in [
        ("451 busy", State::Waiting),
        ("421 going down", State::Waiting),
        ("530 authentication required", State::Waiting),
        ("550 no such user", State::Dead),
    ] {
        let (time, store, server) = (Time::new(), Memory::default(), Server::start().await);
        let sinks = server.sinks();
        add(&store, &sinks, &[follow_up(5, "ch_1")], time.now()).await;
        server.behave(Manners { recipient, ..KIND });
        dispatcher(&store, &sinks, &time).run_once().await.unwrap();
        let message = store.all().remove(0);
        assert_eq!(message.state, state, "{recipient}: {:?}", message.reason);
        assert!(message.reason.unwrap().contains(&recipient[..3]), "{recipient}");
        assert!(server.mails().is_empty());
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_loses_nothing() {
    let (time, store, server) = (Time::new(), Memory::default(), Server::start().await);
    let sinks = server.sinks();
    drop(server);
    add(&store, &sinks, &[follow_up(5, "ch_1")], time.now()).await;
    assert_eq!(dispatcher(&store, &sinks, &time).run_once().await.unwrap().failed, 1);
    assert_eq!(store.all()[0].state, State::Waiting);
}
