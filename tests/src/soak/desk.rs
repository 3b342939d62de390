//! The processes of a round: the command in a folder, killed and frozen from outside, with every answer written down.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use refund_app::OutcomeKind;
use refund_app::outcome::table::{EXIT_BAD_INPUT, EXIT_MACHINE, EXIT_UNKNOWN};
use refund_simulator::TEST_KEY;

use super::clock::Clock;
use super::history::{Call, Code, History, Millis, Named, Said};
use super::http;
use super::reading::Heard;

/// "There is no such refund" is accepted only this long after the last request. Requests arrive at most 2.5 seconds late.
const GRACE_SECS: &str = "5";

/// A process that can be killed and frozen. Its id is used under the lock alone, before it is waited for.
pub(super) type Process = Arc<Mutex<Child>>;

/// What was done to processes, counted.
#[derive(Debug, Default)]
pub(super) struct Done {
    pub(super) kills: AtomicU32,
    pub(super) freezes: AtomicU32,
    pub(super) jumps: AtomicU32,
    pub(super) faults: AtomicU32,
}

/// A program that listens.
struct Server {
    process: Process,
    address: String,
}

/// The servers of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `serve`
    Api,
    /// `webhook listen`
    Listener,
}

/// Folder, simulator, processes and history of a round.
pub(super) struct Desk {
    refund_node: PathBuf,
    folder: tempfile::TempDir,
    pub(super) clock: Option<Clock>,
    pub(super) stripe: String,
    start: Instant,
    running: Mutex<Vec<Process>>,
    servers: [Mutex<Option<Server>>; 2],
    pub(super) history: Mutex<History>,
    pub(super) done: Done,
    /// The weather is over: nothing is killed or frozen any more.
    pub(super) is_calm: AtomicBool,
    simulator: Process,
}

/// What a lock protects is whole after a panic as well: the round is lost then anyway.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Desk {
    fn drop(&mut self) {
        let servers = self.servers.iter().filter_map(|server| lock(server).take());
        let running = lock(&self.running).drain(..).collect::<Vec<_>>();
        let processes = servers.map(|server| server.process).chain(running);
        for process in processes.chain([Arc::clone(&self.simulator)]) {
            let mut child = lock(&process);
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Starts a program that listens, and waits until it says where.
fn listen(command: &mut Command) -> Result<Server, String> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("{command:?}: {error}"))?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let (found, address) = std::sync::mpsc::channel();
    for pipe in [out.map(boxed), err.map(boxed)].into_iter().flatten() {
        let found = found.clone();
        // It reads to the end: a program blocks when its output is not read.
        std::thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                if let Some((_, rest)) = line.split_once("http://") {
                    let end = rest.find(|c: char| c != '.' && c != ':' && !c.is_ascii_digit());
                    let address = &rest[..end.unwrap_or(rest.len())];
                    let _ = found.send(address.to_owned());
                }
            }
        });
    }
    drop(found);
    let address = address.recv_timeout(Duration::from_mins(2));
    let address = address.map_err(|_| format!("{command:?} does not say where it listens"))?;
    Ok(Server { process: Arc::new(Mutex::new(child)), address })
}

fn boxed(pipe: impl Read + Send + 'static) -> Box<dyn Read + Send> {
    Box::new(pipe)
}

impl Desk {
    /// A folder and a simulator.
    pub(super) fn new(refund_node: &Path, seed: u64) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        // Its processes run in the folder.
        let refund_node = refund_node.canonicalize();
        let refund_node = refund_node.map_err(|error| format!("the command: {error}"))?;
        let mut simulate = Command::new(&refund_node);
        simulate.args(["simulate", "--port", "0", "--seed", &seed.to_string()]);
        // As far as Stripe is away, so that more of the time is spent between request and answer.
        simulate.args(["--latency", "20"]);
        let simulator = listen(&mut simulate)?;
        Ok(Self {
            refund_node,
            clock: Clock::new(folder.path()),
            folder,
            stripe: simulator.address,
            start: Instant::now(),
            running: Mutex::default(),
            servers: [Mutex::default(), Mutex::default()],
            history: Mutex::default(),
            done: Done::default(),
            is_calm: AtomicBool::new(false),
            simulator: simulator.process,
        })
    }

    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), String> {
        std::fs::write(self.folder.path().join(name), bytes).map_err(|error| error.to_string())
    }

    pub(super) fn now(&self) -> Millis {
        self.millis(Instant::now())
    }

    /// An instant in the time of the round.
    pub(super) fn millis(&self, at: Instant) -> Millis {
        at.saturating_duration_since(self.start).as_millis().try_into().unwrap_or(Millis::MAX)
    }

    pub(super) fn note(&self, note: impl Into<String>) {
        let at = self.now();
        lock(&self.history).notes.push((at, note.into()));
    }

    /// The command with the options that all calls of a round have.
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.refund_node);
        command
            .current_dir(self.folder.path())
            .env("STRIPE_SECRET_KEY", TEST_KEY)
            .env("REFUND_NODE_CACHE", crate::COMPILED)
            .env_remove("RUST_LOG")
            .env_remove("REFUND_NODE_POLICY")
            .args(["--json", "--timeout", "1", "--grace", GRACE_SECS])
            .args(["--base-url", &format!("http://{}", self.stripe)])
            .args(arguments);
        if let Some(clock) = &self.clock {
            clock.give(&mut command);
        }
        command
    }

    /// Runs a command through the ledger to its end, however that comes, and writes down what it answered.
    pub(super) fn run(
        &self,
        arguments: &[&str],
        call: Call,
        read: impl FnOnce(&str) -> Option<Heard>,
    ) -> Call {
        let mut command = self.command(&["--ledger", "ledger"]);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut call = Call { way: arguments.join(" "), begun: self.now(), ..call };
        match command.spawn() {
            Ok(mut child) => {
                let (out, err) = (child.stdout.take(), child.stderr.take());
                let process = Arc::new(Mutex::new(child));
                lock(&self.running).push(Arc::clone(&process));
                if let Some(time) = call.kill_after {
                    self.kill_after(time, &process);
                }
                let texts = [out.map(boxed), err.map(boxed)].map(|pipe| {
                    let mut text = Vec::new();
                    // What was printed before a kill is an answer as well.
                    let _ = pipe.map(|mut pipe| pipe.read_to_end(&mut text));
                    String::from_utf8_lossy(&text).into_owned()
                });
                call.code = self.end(&process);
                call.ended = self.now();
                hear(&mut call, &texts, read);
            }
            Err(error) => call.text = format!("cannot be started: {error}"),
        }
        self.record(&call);
        call
    }

    fn kill_after(&self, time: Duration, process: &Process) {
        std::thread::sleep(time);
        if kill(process) {
            count(&self.done.kills);
            self.note(format!("process {} is killed", lock(process).id()));
        }
    }

    pub(super) fn record(&self, call: &Call) {
        lock(&self.history).calls.push(call.clone());
    }

    /// Waits without holding on to the process, which may be frozen.
    fn end(&self, process: &Process) -> Option<Code> {
        let status = loop {
            match lock(process).try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) => {}
                Err(_) => return None,
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        lock(&self.running).retain(|other| !Arc::ptr_eq(other, process));
        status.code().and_then(|code| u8::try_from(code).ok()).map(Code::Exit)
    }

    /// Where a server listens; it is started again where it was killed.
    pub(super) fn server(&self, kind: Kind) -> Result<String, String> {
        let mut server = lock(&self.servers[kind as usize]);
        if let Some(server) = server.as_ref()
            && matches!(lock(&server.process).try_wait(), Ok(None))
        {
            return Ok(server.address.clone());
        }
        let arguments = match kind {
            Kind::Api => {
                "serve --port 0 --tokens tokens.toml --policy shop.json --webhook-secret-file secret"
            }
            Kind::Listener => "webhook listen --port 0 --secret-file secret",
        };
        let mut command = self.command(&["--ledger", "ledger"]);
        command.args(arguments.split(' '));
        let new = listen(&mut command)?;
        Ok(server.insert(new).address.clone())
    }

    /// Sends a request to a server, and writes down what it answered.
    pub(super) fn send(
        &self,
        kind: Kind,
        (method, path): (&str, &str),
        headers: &[(&str, &str)],
        body: &str,
        call: Call,
        read: impl FnOnce(&str) -> Option<Heard>,
    ) -> Call {
        let address = self.server(kind);
        let mut call = Call { way: format!("{method} {path} {body}"), begun: self.now(), ..call };
        call.way.truncate(call.way.floor_char_boundary(300));
        match address {
            Ok(address) => {
                let answer = http::send(&address, method, path, headers, body);
                call.ended = self.now();
                if let Some((status, text)) = answer {
                    call.code = Some(Code::Status(status));
                    call.text = text;
                    take(&mut call, read);
                }
            }
            Err(problem) => call.text = problem,
        }
        call.ended = call.ended.max(call.begun);
        self.record(&call);
        call
    }

    /// Every process that can be killed or frozen now.
    pub(super) fn processes(&self) -> Vec<Process> {
        let mut processes = lock(&self.running).clone();
        for server in &self.servers {
            // One that is being started is left alone.
            let Ok(server) = server.try_lock() else { continue };
            processes.extend(server.as_ref().map(|server| Arc::clone(&server.process)));
        }
        processes
    }
}

/// Takes what was read of an answer into the call.
fn take(call: &mut Call, read: impl FnOnce(&str) -> Option<Heard>) -> bool {
    let Some(heard) = read(call.text.trim()) else { return false };
    call.answers = heard.answers;
    call.right_code = heard.right_code;
    call.lines = heard.lines;
    true
}

/// What a command printed; where that is no JSON, what its exit code says about the operations that it was asked for.
fn hear(call: &mut Call, [out, err]: &[String; 2], read: impl FnOnce(&str) -> Option<Heard>) {
    call.text.clone_from(out);
    if !out.trim().is_empty() && take(call, read) {
        return;
    }
    call.text = format!("{} {}", out.trim(), err.trim());
    let said = match call.code {
        Some(Code::Exit(EXIT_UNKNOWN)) => Said::Outcome(OutcomeKind::Unknown, Named::default()),
        Some(Code::Exit(EXIT_MACHINE | EXIT_BAD_INPUT)) => Said::NotAsked,
        _ => return,
    };
    // What a run whose ledger fails says is about the run.
    if let [operation] = &call.asks[..] {
        call.answers = vec![(operation.clone(), said)];
    }
}

/// Kills a process.
pub(super) fn kill(process: &Process) -> bool {
    let mut child = lock(process);
    matches!(child.try_wait(), Ok(None)) && child.kill().is_ok()
}

/// Freezes a process, or lets it go on; false where that is not possible.
#[cfg(unix)]
pub(super) fn freeze(process: &Process, is_frozen: bool) -> bool {
    use rustix::process::{Pid, Signal, kill_process};
    let mut child = lock(process);
    let signal = if is_frozen { Signal::STOP } else { Signal::CONT };
    matches!(child.try_wait(), Ok(None)) && kill_process(Pid::from_child(&child), signal).is_ok()
}

/// Freezes a process, or lets it go on; false where that is not possible.
#[cfg(not(unix))]
pub(super) fn freeze(_: &Process, _: bool) -> bool {
    false
}

/// Adds to a count.
pub(super) fn count(counter: &AtomicU32) {
    counter.fetch_add(1, Ordering::Relaxed);
}
