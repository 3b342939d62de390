//! What a process takes: time, computing time, memory. Linux tells.

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

/// What it took.
pub(super) struct Took {
    pub(super) output: String,
    pub(super) time: Duration,
    /// Most memory, in bytes.
    pub(super) memory: u64,
}

/// Runs a command to its end.
pub(super) fn run(command: &mut Command) -> anyhow::Result<Took> {
    let start = Instant::now();
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let id = child.id();
    let mut stdout = child.stdout.take().context("no output")?;
    let reading = std::thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).map(|_| text)
    });
    let mut stderr = child.stderr.take().context("no messages")?;
    let told = std::thread::spawn(move || {
        let mut text = String::new();
        let _ = stderr.read_to_string(&mut text);
        text
    });
    let mut memory = 0;
    while child.try_wait()?.is_none() {
        memory = memory.max(peak(id));
        std::thread::sleep(Duration::from_millis(2));
    }
    let time = start.elapsed();
    let status = child.wait()?;
    let output = reading.join().map_err(|_| anyhow::anyhow!("the output was lost"))??;
    let told = told.join().unwrap_or_default();
    ensure!(status.success(), "{} ended with {status}: {told}", command.get_program().display());
    Ok(Took { output, time, memory })
}

/// Computing time so far, in the process and in the system for it: fields 14 and 15 of `stat`, in hundredths of a second.
pub(super) fn computing(process: u32) -> Duration {
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
