//! Processes of the command under test, and what a process takes: time, computing time, memory. Linux tells.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

/// A key of the simulator's.
pub(crate) const KEY: &str = "sk_test_simulator";

/// The command, which is built into the same folder as this one.
pub(crate) fn refund_node() -> anyhow::Result<Command> {
    let name = format!("refund-node{}", std::env::consts::EXE_SUFFIX);
    Ok(Command::new(std::env::current_exe()?.with_file_name(name)))
}

/// The simulator in a process of its own.
pub(crate) struct Simulator {
    pub(crate) url: String,
    _process: Ended,
}

impl Simulator {
    /// Starts one whose charges are in a CSV file.
    pub(crate) fn start(csv: &Path, charges: u32, more: &[&str]) -> anyhow::Result<Self> {
        let mut child = refund_node()?
            .args(["simulate", "--port", "0", "--charges", &charges.to_string(), "--csv"])
            .arg(csv)
            .args(more)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
        let process = Ended(child);
        let first = lines.next().context("the simulator says nothing")??;
        let url = first.split_whitespace().find(|word| word.starts_with("http://"));
        let url = url.context("the simulator names no address")?.trim_end_matches(';').to_owned();
        // The second line says that the charges are written.
        lines.next().context("the simulator made no charges")??;
        Ok(Self { url, _process: process })
    }
}

/// A process that is ended when dropped.
pub(crate) struct Ended(pub(crate) Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a process took.
pub(crate) struct Took {
    pub(crate) output: String,
    pub(crate) time: Duration,
    /// Most memory, in bytes.
    pub(crate) memory: u64,
}

/// Runs a command to its end, successful or not.
pub(crate) fn run_any(command: &mut Command) -> anyhow::Result<(Took, bool)> {
    let start = Instant::now();
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let id = child.id();
    let mut stdout = child.stdout.take().context("no output")?;
    let reading = std::thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).map(|_| text)
    });
    let mut memory = 0;
    let status = loop {
        memory = memory.max(peak(id));
        match child.try_wait()? {
            Some(status) => break status,
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    };
    let time = start.elapsed();
    let output = reading.join().map_err(|_| anyhow::anyhow!("the output was lost"))??;
    Ok((Took { output, time, memory }, status.success()))
}

/// Runs a command that must succeed to its end.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<Took> {
    let (took, succeeded) = run_any(command)?;
    ensure!(succeeded, "{} failed", command.get_program().display());
    Ok(took)
}

/// Computing time so far, in the process and in the system for it: fields 14 and 15 of `stat`, in hundredths of a second.
pub(crate) fn computing(process: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name of the program, in brackets, may hold anything.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    let ticks: u64 = fields.filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

/// Most memory so far.
fn peak(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or_default() * 1024
}
