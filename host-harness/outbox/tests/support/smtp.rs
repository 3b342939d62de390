//! An SMTP server on loopback, of a few lines.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use refund_outbox::Sinks;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::sinks;

/// How the server answers to a recipient, and to the end of the mail.
#[derive(Clone, Copy)]
pub(crate) struct Manners {
    pub(crate) recipient: &'static str,
    pub(crate) end: Option<&'static str>,
}

pub(crate) const KIND: Manners = Manners { recipient: "250 ok", end: Some("250 taken") };

pub(crate) struct Server {
    address: SocketAddr,
    manners: Arc<Mutex<Manners>>,
    mails: Arc<Mutex<Vec<String>>>,
    _tasks: JoinSet<()>,
}

impl Server {
    pub(crate) async fn start() -> Self {
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

    pub(crate) fn behave(&self, manners: Manners) {
        *self.manners.lock().unwrap() = manners;
    }

    pub(crate) fn mails(&self) -> Vec<String> {
        self.mails.lock().unwrap().clone()
    }

    /// A document's table for a sink that writes to customers; more fields may follow.
    pub(crate) fn table(&self, name: &str) -> String {
        let port = self.address.port();
        format!(
            "[[sink]]\nname = \"{name}\"\nkind = \"smtp\"\nhost = \"127.0.0.1\"\nport = {port}\nsecurity = \"none\"\nfrom = \"Shop <refunds@shop.example>\"\nfollow_ups = [\"notify-customer\"]\ntimeout_seconds = 5\n"
        )
    }

    pub(crate) fn sinks(&self) -> Arc<Sinks> {
        sinks(&self.table("mail"), Path::new(""))
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
