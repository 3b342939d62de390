//! Every line of a file, one operation each: a line of JSON out for a line of JSON in, in the same order.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, Write, stdin, stdout};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use indicatif::ProgressBar;
use refund_app::OutcomeKind;
use refund_app::outcome::table::{EXIT_BAD_INPUT, EXIT_UNKNOWN, worse};
use refund_bulk::input::{Bad, Objects};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::operation::Operation;
use super::output::{NoOutput, Output};
use crate::exit::Exit;
use crate::stop::interrupt;
use crate::terminal::clean_json;

pub(super) async fn run(
    operation: Operation,
    file: &Path,
    in_flight: usize,
) -> anyhow::Result<ExitCode> {
    if in_flight == 0 {
        return Err(Exit::bad_input("--in-flight `0` runs nothing: give at least 1"));
    }
    let source: Box<dyn BufRead> = if file == Path::new("-") {
        Box::new(BufReader::new(stdin()))
    } else {
        let opened = File::open(file)
            .with_context(|| format!("{} cannot be read", file.display()))
            .map_err(|error| Exit::bad_input(format!("{error:#}")))?;
        Box::new(BufReader::new(opened))
    };
    let objects = Objects::new(source).map_err(Exit::bad_input)?;
    let in_flight = if operation.alone { 1 } else { in_flight };
    let run = Run {
        operation: Arc::new(operation),
        stopped: interrupt(),
        under_way: VecDeque::new(),
        worst: 0,
        unheard: None,
        bar: ProgressBar::new_spinner(),
    };
    run.all(objects, in_flight).await
}

/// What is under way, in the order of the lines.
struct Run {
    operation: Arc<Operation>,
    stopped: watch::Receiver<bool>,
    under_way: VecDeque<(u64, JoinHandle<Result<Output, NoOutput>>)>,
    /// The exit code so far.
    worst: u8,
    /// Why what became of the lines cannot be written any more.
    unheard: Option<std::io::Error>,
    bar: ProgressBar,
}

impl Run {
    async fn all(
        mut self,
        objects: Objects<Box<dyn BufRead>>,
        in_flight: usize,
    ) -> anyhow::Result<ExitCode> {
        // Whatever ends it, what is under way comes to its end and is reported.
        let ended = self.each(objects, in_flight).await;
        self.drain(0).await;
        self.bar.finish_and_clear();
        if let Some(error) = self.unheard {
            return Err(Exit::of(
                OutcomeKind::Unknown,
                format!(
                    "what became of the lines cannot be written: {error}; make room, and run it again"
                ),
            ));
        }
        match ended? {
            Some(line) if self.worst == EXIT_UNKNOWN => Err(Exit::of(
                OutcomeKind::Unknown,
                format!(
                    "stopped before line {line}, and the outcome of some lines before is unknown: run it again"
                ),
            )),
            Some(line) => Err(Exit::stopped(format!("stopped before line {line}: run it again"))),
            None => Ok(ExitCode::from(self.worst)),
        }
    }

    /// Starts every line; the number of the one before which it was stopped.
    async fn each(
        &mut self,
        mut objects: Objects<Box<dyn BufRead>>,
        in_flight: usize,
    ) -> anyhow::Result<Option<u64>> {
        while let Some((line, object)) = objects.next_object()? {
            if *self.stopped.borrow() || self.unheard.is_some() {
                return Ok(Some(line));
            }
            match object {
                Ok(input) => self.start(line, input),
                Err(bad) => {
                    self.drain(0).await;
                    self.reject(&bad);
                }
            }
            self.drain(in_flight - 1).await;
        }
        Ok(None)
    }

    fn start(&mut self, line: u64, input: Map<String, Value>) {
        let operation = Arc::clone(&self.operation);
        let running = tokio::spawn(async move { operation.run(input).await });
        self.under_way.push_back((line, running));
    }

    /// Reports the oldest, until at most `left` are under way.
    async fn drain(&mut self, left: usize) {
        while self.under_way.len() > left {
            let Some((line, running)) = self.under_way.pop_front() else { break };
            let (reported, code) = match running.await {
                Ok(Ok(Output { json, code, .. })) => {
                    (Reported::Output { line, output: json }, code)
                }
                Ok(Err(problem)) => {
                    let code = problem.code();
                    (Reported::Error { line, error: problem.json() }, code)
                }
                Err(error) => {
                    let message = format!("the call was lost: {error}");
                    (Reported::Lost { line, message }, EXIT_UNKNOWN)
                }
            };
            self.report(&reported, code);
        }
    }

    fn reject(&mut self, bad: &Bad) {
        let rejected =
            Reported::Unreadable { line: bad.line, unreadable: &bad.reason, text: &bad.text };
        self.report(&rejected, EXIT_BAD_INPUT);
    }

    fn report(&mut self, reported: &Reported<'_>, code: u8) {
        let text = serde_json::to_string(reported).unwrap_or_default();
        // Unlike elsewhere a reader that went away is an error: this line is the record of money that moved.
        let written = self.bar.suspend(|| writeln!(stdout(), "{}", clean_json(&text)));
        self.unheard = self.unheard.take().or(written.err());
        self.bar.inc(1);
        self.worst = worse(self.worst, code);
    }
}

/// What became of a line.
#[derive(Serialize)]
#[serde(untagged)]
enum Reported<'a> {
    Output { line: u64, output: Box<RawValue> },
    Error { line: u64, error: Option<Box<RawValue>> },
    Lost { line: u64, message: String },
    Unreadable { line: u64, unreadable: &'a str, text: &'a str },
}
