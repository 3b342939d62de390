//! The process that calls a platform's embedding, fed line by line.

use std::collections::VecDeque;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde::Serialize;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::answer::{Answer, Hello, holds_key};
use crate::case::Credential;
use crate::{Platform, Terms};

/// Last lines of stderr that are told.
const TOLD: usize = 10;
/// How long a runner may take to end once nothing more is asked.
const FAREWELL: Duration = Duration::from_secs(10);

/// One line of stdin.
#[derive(Serialize)]
pub(crate) struct Call<'a> {
    pub(crate) operation: &'a str,
    pub(crate) input: &'a Value,
    pub(crate) credential: Credential,
}

/// A runner that has said hello. It is killed when dropped.
pub(crate) struct Runner {
    pipes: Pipes,
    hello: Hello,
    /// Why nothing can be asked any more.
    lost: Option<String>,
}

struct Pipes {
    child: Child,
    stdin: ChildStdin,
    stdout: Lines<BufReader<ChildStdout>>,
    stderr: Stderr,
    patience: Duration,
}

impl Runner {
    /// Starts it, and waits until it is ready.
    pub(crate) async fn start(platform: &Platform, base_url: &str, terms: &Terms) -> Result<Self> {
        let mut pipes = Pipes::open(&platform.command, base_url, &terms.component, terms.patience)?;
        match pipes.hello().await {
            Ok(hello) => Ok(Self { pipes, hello, lost: None }),
            Err(error) => Err(pipes.obituary(&error).await),
        }
    }

    pub(crate) fn hello(&self) -> &Hello {
        &self.hello
    }

    /// Asks, and waits for the answer. A runner that died or hangs is not asked again.
    pub(crate) async fn ask(&mut self, call: &Call<'_>) -> Result<Answer> {
        if let Some(reason) = &self.lost {
            bail!("the runner was lost in an earlier case: {reason}");
        }
        let line = serde_json::to_string(call)? + "\n";
        match self.pipes.exchange(&line).await {
            Ok(answer) => Answer::read(&answer),
            Err(error) => {
                self.lost = Some(error.to_string());
                Err(self.pipes.obituary(&error).await)
            }
        }
    }

    /// Nothing more is asked: lets it end. Whether a key was among what it told people.
    pub(crate) async fn end(self) -> bool {
        let Pipes { mut child, stdin, stdout: _stdout, stderr, .. } = self.pipes;
        drop(stdin);
        if timeout(FAREWELL, child.wait()).await.is_err() {
            // Already gone is as good as ended.
            let _ = child.kill().await;
        }
        stderr.all().await.has_key
    }
}

impl Pipes {
    fn open(
        command: &[String],
        base_url: &str,
        component: &Path,
        patience: Duration,
    ) -> Result<Self> {
        let (program, arguments) = command.split_first().context("the runner has no command")?;
        let mut child = Command::new(program)
            .args(arguments)
            .env("REFUND_NODE_COMPONENT", std::path::absolute(component)?)
            .env("REFUND_NODE_BASE_URL", base_url)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("`{program}` cannot be started"))?;
        let stdin = child.stdin.take().context("the runner has no stdin")?;
        let stdout = child.stdout.take().context("the runner has no stdout")?;
        let stderr = child.stderr.take().context("the runner has no stderr")?;
        let stdout = BufReader::new(stdout).lines();
        Ok(Self { child, stdin, stdout, stderr: Stderr::listen(stderr), patience })
    }

    async fn hello(&mut self) -> Result<Hello> {
        let line = self.line().await?;
        ensure!(!holds_key(&line), "the runner's first line holds a key");
        serde_json::from_str(&line).with_context(|| format!("the runner's first line is `{line}`"))
    }

    async fn exchange(&mut self, line: &str) -> Result<String> {
        let written = self.stdin.write_all(line.as_bytes()).await;
        // One that is gone cannot be written to; what it was is told by its end.
        if written.is_ok() {
            self.stdin.flush().await?;
        }
        self.line().await
    }

    async fn line(&mut self) -> Result<String> {
        match timeout(self.patience, self.stdout.next_line()).await {
            Err(_) => bail!("the runner did not answer within {:?}", self.patience),
            Ok(line) => line?.context("the runner ended"),
        }
    }

    /// Ends what is lost, and tells what is known about it.
    async fn obituary(&mut self, error: &anyhow::Error) -> anyhow::Error {
        // One that hangs does not end by itself.
        let status = match timeout(Duration::from_secs(1), self.child.wait()).await {
            Ok(Ok(status)) => status.to_string(),
            _ => "killed".to_owned(),
        };
        let _ = self.child.start_kill();
        let said = self.stderr.so_far().await;
        anyhow!("{error:#} ({status}); last on stderr:\n{said}")
    }
}

/// What a runner tells people: its last lines, and whether a key was in any.
#[derive(Clone, Default)]
struct Said {
    last: VecDeque<String>,
    has_key: bool,
}

struct Stderr {
    said: Arc<Mutex<Said>>,
    task: JoinHandle<()>,
}

impl Stderr {
    fn listen(stderr: ChildStderr) -> Self {
        let said = Arc::new(Mutex::new(Said::default()));
        let heard = Arc::clone(&said);
        let task = tokio::spawn(async move {
            let mut lines = BufReader::new(stderr).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                heard.lock().unwrap_or_else(PoisonError::into_inner).hear(line);
            }
        });
        Self { said, task }
    }

    /// Everything, once the process has ended; children of its own may keep the pipe open.
    async fn all(mut self) -> Said {
        let _ = timeout(Duration::from_secs(1), &mut self.task).await;
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn so_far(&mut self) -> String {
        // What the process wrote last may still be on its way.
        tokio::time::sleep(Duration::from_millis(100)).await;
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.last.iter().flat_map(|line| ["  | ", line, "\n"]).collect()
    }
}

impl Said {
    fn hear(&mut self, line: String) {
        let has_key = holds_key(&line);
        self.has_key |= has_key;
        if self.last.len() == TOLD {
            self.last.pop_front();
        }
        self.last.push_back(if has_key { "(a line with a key in it)".to_owned() } else { line });
    }
}
