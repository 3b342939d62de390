//! HTTP/1.1 as far as a round needs it: one request a connection, and a receiver of webhooks.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(150);

/// Sends a request; status and body, or nothing where the connection broke before the end.
pub(super) fn send(
    address: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let headers: String =
        headers.iter().flat_map(|(name, value)| [*name, ": ", *value, "\r\n"]).collect();
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).ok()?;
    read(&mut BufReader::new(stream)).and_then(|(head, body)| {
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some((status, body))
    })
}

/// A head and a whole body; nothing where either is cut off.
fn read(stream: &mut BufReader<TcpStream>) -> Option<(String, String)> {
    let (mut head, mut length) = (String::new(), None);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line.trim_end().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse::<u64>().ok();
        }
        head.push_str(&line);
    }
    let mut body = String::new();
    match length {
        Some(length) => {
            stream.take(length).read_to_string(&mut body).ok()?;
            (body.len() as u64 == length).then_some((head, body))
        }
        None => stream.read_to_string(&mut body).ok().map(|_| (head, body)),
    }
}

/// A webhook that the simulator delivered.
pub(super) struct Delivery {
    pub(super) at: Instant,
    pub(super) signature: String,
    pub(super) body: String,
}

/// Takes every delivery with 200, from now until the process ends; where it listens, and what came.
pub(super) fn receiver() -> std::io::Result<(String, Receiver<Delivery>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    let (taken, deliveries) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { return };
            let mut stream = BufReader::new(stream);
            let Some((head, body)) = read(&mut stream) else { continue };
            let at = Instant::now();
            let answer = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
            let _ = stream.get_mut().write_all(answer.as_bytes());
            let signature = head.lines().find_map(|line| {
                line.split_once(": ")
                    .filter(|(name, _)| name.eq_ignore_ascii_case("stripe-signature"))
            });
            let signature = signature.map(|(_, value)| value.trim().to_owned()).unwrap_or_default();
            // Whoever listened is gone: the round is over.
            if taken.send(Delivery { at, signature, body }).is_err() {
                return;
            }
        }
    });
    Ok((address, deliveries))
}
