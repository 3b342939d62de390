//! Deliveries to a real SMTP server on loopback, of a few lines.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use refund_outbox::{Memory, Report, Sinks, State};
use support::{Time, add, dispatcher, follow_up, sinks};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// How the server answers to a recipient, and to the end of the mail.
#[derive(Clone, Copy)]
struct Manners {
    recipient: &'static str,
    end: Option<&'static str>,
}

const KIND: Manners = Manners { recipient: "250 ok", end: Some("250 taken") };

struct Server {
    address: SocketAddr,
    manners: Arc<Mutex<Manners>>,
    mails: Arc<Mutex<Vec<String>>>,
    _tasks: JoinSet<()>,
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let manners = Arc::new(Mutex::new(KIND));
        let mails: Arc<Mutex<Vec<String>>> = Arc::default();
        let (how, kept) = (Arc::clone(&manners), Arc::clone(&mails));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let manners = *how.lock().unwrap();
                // Who hangs up in the middle has only himself to blame.
                let _ = talk(stream, manners, &kept).await;
            }
        });
        Self { address, manners, mails, _tasks: tasks }
    }

    fn behave(&self, manners: Manners) {
        *self.manners.lock().unwrap() = manners;
    }

    fn mails(&self) -> Vec<String> {
        self.mails.lock().unwrap().clone()
    }

    fn sinks(&self) -> Arc<Sinks> {
        let port = self.address.port();
        let document = format!(
            "[[sink]]\nname = \"mail\"\nkind = \"smtp\"\nhost = \"127.0.0.1\"\nport = {port}\nsecurity = \"none\"\nfrom = \"Shop <refunds@shop.example>\"\nfollow_ups = [\"notify-customer\"]\ntimeout_seconds = 5\n"
        );
        sinks(&document, Path::new(""))
    }
}

async fn talk(
    stream: TcpStream,
    manners: Manners,
    mails: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 stub\r\n").await?;
    let mut data: Option<String> = None;
    while let Some(line) = lines.next_line().await? {
        let answer = match (&mut data, line.as_str()) {
            (Some(mail), ".") => {
                mails.lock().unwrap().push(std::mem::take(mail));
                data = None;
                match manners.end {
                    Some(answer) => answer,
                    None => return Ok(()),
                }
            }
            (Some(mail), line) => {
                mail.push_str(line);
                mail.push('\n');
                continue;
            }
            (None, "DATA") => {
                data = Some(String::new());
                "354 go on"
            }
            (None, "QUIT") => return write.write_all(b"221 bye\r\n").await,
            (None, line) if line.starts_with("RCPT") => manners.recipient,
            (None, _) => "250 ok",
        };
        write.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
    Ok(())
}

fn header<'a>(mail: &'a str, name: &str) -> &'a str {
    mail.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap()
}

#[tokio::test]
async fn a_mail_arrives_and_a_repeat_is_recognisable() {
    let (time, store, server) = (Time::new(), Arc::new(Memory::default()), Server::start().await);
    let sinks = server.sinks();
    add(&store, &sinks, &[follow_up(5, "ch_1")], time.now()).await;
    let dispatcher = dispatcher(&store, &sinks, &time);

    server.behave(Manners { end: None, ..KIND });
    let lost = dispatcher.run_once().await.unwrap();
    assert_eq!(
        lost,
        Report { failed: 1, ..Report::default() },
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
        let (time, store, server) =
            (Time::new(), Arc::new(Memory::default()), Server::start().await);
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
    let (time, store, server) = (Time::new(), Arc::new(Memory::default()), Server::start().await);
    let sinks = server.sinks();
    drop(server);
    add(&store, &sinks, &[follow_up(5, "ch_1")], time.now()).await;
    assert_eq!(dispatcher(&store, &sinks, &time).run_once().await.unwrap().failed, 1);
    assert_eq!(store.all()[0].state, State::Waiting);
}
