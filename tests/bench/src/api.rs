//! Reading over the HTTP API, beside a bulk run that writes to the same ledger from another process.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use refund_serve::{NewToken, Role};

use crate::figures::{Measured, Rows, median};
use crate::process::{Ended, KEY, Simulator, refund_node};

const GOAL: Duration = Duration::from_millis(2);
const READS: usize = 2_000;
/// Enough to be still under way when the last read is answered.
const REFUNDS: u32 = 40_000;

pub(crate) fn measure() -> Rows {
    let folder = tempfile::tempdir()?;
    let input = folder.path().join("input.csv");
    let stripe = Simulator::start(&input, REFUNDS, &["--lean"])?;
    let new = NewToken::new("bench", vec![Role::Auditor], &[1; 32]);
    let entry = &new.entry;
    std::fs::write(
        folder.path().join("tokens.toml"),
        format!("[[tokens]]\nname = \"bench\"\nroles = []\nsha256 = \"{}\"\n", entry.sha256),
    )?;
    let mut bulk = Ended(
        command(folder.path(), &stripe.url)?
            .args(["bulk", "run", "--no-pace"])
            .arg(&input)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?,
    );
    let (server, url) = serve(folder.path(), &stripe.url)?;
    let operation = first_refunded(&url, &new.secret)?;
    let mut times = Vec::with_capacity(READS);
    for _ in 0..READS {
        let start = Instant::now();
        let answer = get(&url, &format!("/v1/refunds/{operation}"), &new.secret)?;
        times.push(start.elapsed());
        anyhow::ensure!(answer.contains("200 OK"), "{answer}");
    }
    anyhow::ensure!(bulk.0.try_wait()?.is_none(), "the bulk run ended before the last read");
    drop(server);
    Ok(vec![Measured::against_goal("API, a read beside a bulk run", median(times), GOAL)])
}

fn command(folder: &Path, stripe: &str) -> anyhow::Result<Command> {
    let mut command = refund_node()?;
    command.current_dir(folder).env("STRIPE_SECRET_KEY", KEY).args(["--base-url", stripe]);
    command.args(["--ledger", "bench.ledger"]);
    Ok(command)
}

fn serve(folder: &Path, stripe: &str) -> anyhow::Result<(Ended, String)> {
    let mut child = command(folder, stripe)?
        .args(["serve", "--port", "0", "--tokens", "tokens.toml"])
        .stderr(Stdio::piped())
        .spawn()?;
    let lines = BufReader::new(child.stderr.take().context("no output")?).lines();
    let child = Ended(child);
    let mut lines = lines.map_while(Result::ok);
    let line = lines.find(|line| line.starts_with("Serving")).context("the server says nothing")?;
    let url = line.split_whitespace().nth(1).context("the server names no address")?;
    Ok((child, url.trim_end_matches(';').trim_start_matches("http://").to_owned()))
}

/// Waits for the bulk run to have made something that can be read.
fn first_refunded(address: &str, token: &str) -> anyhow::Result<String> {
    let until = Instant::now() + Duration::from_mins(1);
    while Instant::now() < until {
        let page = get(address, "/v1/refunds?state=succeeded&limit=1", token)?;
        if let Some((_, rest)) = page.split_once("\"id\":\"") {
            return Ok(rest.split('"').next().unwrap_or_default().to_owned());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    anyhow::bail!("the bulk run refunded nothing within a minute")
}

/// A request on a connection of its own, as a script makes it.
fn get(address: &str, path: &str, token: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\r\n"
    );
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
