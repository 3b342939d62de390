//! A program that takes a follow-up on its standard input.

use std::ffi::OsString;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use crate::delivery::Delivery;
use crate::message::Message;

/// The id of the follow-up, in the program's environment.
const ID: &str = "REFUND_NODE_FOLLOW_UP_ID";
/// What the program gets of our environment. Not all of it: there may be keys in it.
const PASSED_ON: [&str; 8] =
    ["PATH", "HOME", "LANG", "TZ", "TMPDIR", "SYSTEMROOT", "TEMP", "USERPROFILE"];
/// Most of the standard error that is kept; its end tells why.
const KEPT: usize = 4096;
/// How long to wait for the end of the standard error once the program is gone: a child of its own may
/// hold it open.
const LINGER: Duration = Duration::from_millis(200);

/// A program and its arguments; no shell. The follow-up's JSON is its standard input, status 0 means
/// taken.
#[derive(Clone, Debug)]
pub struct CommandSink {
    program: OsString,
    arguments: Vec<OsString>,
}

impl CommandSink {
    /// A program, found by path or in `PATH`.
    pub fn new(program: impl Into<OsString>, arguments: Vec<OsString>) -> Self {
        Self { program: program.into(), arguments }
    }

    /// Dropping this, as a time-out does, kills the program.
    pub(crate) async fn deliver(&self, message: &Message) -> Delivery {
        let child = match self.start(message) {
            Ok(child) => child,
            Err(error) => {
                let program = self.program.display();
                return Delivery::failed(format!("{program} cannot be started: {error}"));
            }
        };
        match finish(child, message.body.as_bytes()).await {
            Ok((status, _)) if status.success() => Delivery::Delivered,
            Ok((status, last)) if last.is_empty() => Delivery::failed(status.to_string()),
            Ok((status, last)) => Delivery::failed(format!("{status}: {last}")),
            Err(error) => Delivery::failed(error.to_string()),
        }
    }

    fn start(&self, message: &Message) -> std::io::Result<Child> {
        let passed_on = PASSED_ON.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        Command::new(&self.program)
            .args(&self.arguments)
            .env_clear()
            .envs(passed_on)
            .env(ID, message.key.id.as_str())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
    }
}

/// Feeds the program, and waits for it. Its standard error is read all the while, so that it never
/// blocks on it.
async fn finish(mut child: Child, body: &[u8]) -> std::io::Result<(ExitStatus, String)> {
    let (input, errors) = (child.stdin.take(), child.stderr.take());
    let mut kept = Vec::new();
    let feed = async {
        // A program may close its input without reading; its status tells what that means.
        if let Some(mut input) = input {
            let _ = input.write_all(body).await;
        }
    };
    let status = {
        let read = keep_end(errors, &mut kept);
        tokio::pin!(read);
        let run = async { tokio::join!(feed, child.wait()).1 };
        tokio::pin!(run);
        let mut is_read = false;
        loop {
            tokio::select! {
                status = &mut run => {
                    if !is_read {
                        let _ = tokio::time::timeout(LINGER, &mut read).await;
                    }
                    break status?;
                }
                () = &mut read, if !is_read => is_read = true,
            }
        }
    };
    Ok((status, last_line(&kept)))
}

/// Reads to the end, and keeps the last [`KEPT`] bytes.
async fn keep_end(source: Option<impl AsyncRead + Unpin>, kept: &mut Vec<u8>) {
    let Some(mut source) = source else { return };
    let mut buffer = [0; KEPT];
    while let Ok(count @ 1..) = source.read(&mut buffer).await {
        kept.extend_from_slice(&buffer[..count]);
        let over = kept.len().saturating_sub(KEPT);
        kept.drain(..over);
    }
}

fn last_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    line.chars().flat_map(char::escape_debug).take(400).collect()
}
