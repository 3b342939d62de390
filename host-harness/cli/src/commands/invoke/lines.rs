//! Every line of a file, one operation each: a line of JSON out for a line of JSON in, in the same order.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, Write, stdin, stdout};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use indicatif::ProgressBar;
use refund_bulk::input::{Bad, Objects};
use refund_host::CallError;
use refund_host::api::node::InvokeError;
use serde_json::{Map, Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{Operation, left_undone};
use crate::commands::bulk::interrupt;
use crate::exit::{self, Exit};

type Answer = Result<Result<String, InvokeError>, CallError>;

pub(super) async fn run(
    operation: Operation,
    file: &Path,
    in_flight: usize,
) -> anyhow::Result<ExitCode> {
    if in_flight == 0 {
        return Err(Exit::bad_input("in-flight `0` runs nothing: give at least 1"));
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
    under_way: VecDeque<(u64, JoinHandle<Answer>)>,
    /// The exit code so far.
    worst: u8,
    /// Why nobody hears any more what became of the lines.
    unheard: Option<std::io::Error>,
    bar: ProgressBar,
}

impl Run {
    async fn all(
        mut self,
        objects: Objects<Box<dyn BufRead>>,
        in_flight: usize,
    ) -> anyhow::Result<ExitCode> {
        // Whatever ends it, what is under way comes to its end and is told.
        let ended = self.each(objects, in_flight).await;
        self.drain(0).await;
        self.bar.finish_and_clear();
        if let Some(error) = self.unheard {
            return Err(Exit::unknown(format!(
                "what became of the lines cannot be written: {error}; make room, and run it again"
            )));
        }
        match ended? {
            Some(line) if self.worst == exit::UNKNOWN => Err(Exit::unknown(format!(
                "stopped before line {line}, and of some lines before nobody knows: run it again"
            ))),
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

    /// Tells the oldest, until no more than so many are under way.
    async fn drain(&mut self, left: usize) {
        while self.under_way.len() > left {
            let Some((line, running)) = self.under_way.pop_front() else { break };
            let (told, code) = match running.await {
                Ok(answer) => told(line, answer),
                Err(error) => host_error(line, &error, exit::UNKNOWN),
            };
            self.tell(&told, code);
        }
    }

    fn reject(&mut self, bad: &Bad) {
        let told = json!({ "line": bad.line, "unreadable": bad.reason, "text": bad.text });
        self.tell(&told, exit::BAD_INPUT);
    }

    fn tell(&mut self, told: &Value, code: u8) {
        // Unlike elsewhere a reader that went away is an error: this line is the record of money that moved.
        let written = self.bar.suspend(|| writeln!(stdout(), "{told}"));
        self.unheard = self.unheard.take().or(written.err());
        self.bar.inc(1);
        // The codes are in the order of what has to be done about them.
        self.worst = self.worst.max(code);
    }
}

/// What became of a line, and the exit code it alone would have.
fn told(line: u64, answer: Answer) -> (Value, u8) {
    match answer {
        Ok(Ok(output)) => {
            let output: Value = serde_json::from_str(&output).unwrap_or_default();
            let code = if left_undone(&output) { exit::FAILED } else { 0 };
            (json!({ "line": line, "output": output }), code)
        }
        Ok(Err(error)) => {
            let code = exit::code(&error);
            (json!({ "line": line, "error": exit::json(&error) }), code)
        }
        Err(error) => host_error(line, &error, exit::code_of_call(&error)),
    }
}

fn host_error(line: u64, error: &impl std::fmt::Display, code: u8) -> (Value, u8) {
    let error = json!({ "kind": "host", "message": error.to_string() });
    (json!({ "line": line, "error": error }), code)
}
