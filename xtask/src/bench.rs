//! The command's own bench, and then how fast bulk refunds are: through the real component, over real HTTP, with
//! the ledger on disk. The simulator runs on the same machine and takes its share of it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::run::{cargo, must, target};
use crate::say;

/// A running simulator, ended when dropped.
struct Simulator {
    child: Child,
    url: String,
}

impl Drop for Simulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a run of the command took.
struct Took {
    output: String,
    time: Duration,
    /// Most memory, in kB; 0 where the system does not tell.
    memory: u64,
}

pub(crate) fn run(lines: u32) -> Result<()> {
    say("Building for speed; the first time this takes some minutes.");
    must(cargo().args(["build", "--release", "--quiet"]))?;
    let binary = target().join("release/refund-node");
    must(Command::new(&binary).arg("bench"))?;
    let folder = std::env::temp_dir().join(format!("refund-node-bench-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let measured = measure(&binary, &folder, lines);
    fs::remove_dir_all(&folder)?;
    measured
}

/// Each figure is told as soon as it is there.
fn measure(binary: &Path, folder: &Path, lines: u32) -> Result<()> {
    let full = full_speed(binary, folder, lines)?;
    say(&format!("\nlimits off, {lines} refunds\n  {}", full.told()));
    let paced = paced(binary, folder)?;
    say(&format!("limits on, 25 a second, 500 refunds\n  {}", paced.told()));
    let (million, resume) = million(binary, folder)?;
    say(&format!("a million lines, 19000 refunded, the others refused\n  {}", million.told()));
    let seconds = resume.as_secs_f64();
    say(&format!("resume behind 999000 ended lines\n  first refund after {seconds:.2} s"));
    Ok(())
}

impl Took {
    fn told(&self) -> String {
        let (seconds, memory) = (self.time.as_secs_f64(), self.memory / 1000);
        format!("{}\n  process {seconds:.1} s, most memory {memory} MB", self.output.trim())
    }
}

fn full_speed(binary: &Path, folder: &Path, lines: u32) -> Result<Took> {
    let input = folder.join("full.csv");
    let stripe = simulate(binary, &input, lines, &["--lean"])?;
    bulk(binary, &stripe, folder, "full", &["bulk", "run", "--no-pace"], &input)
}

fn paced(binary: &Path, folder: &Path) -> Result<Took> {
    let input = folder.join("paced.csv");
    let stripe = simulate(binary, &input, 500, &["--rate-limits", "--livemode"])?;
    bulk(binary, &stripe, folder, "paced", &["--live", "bulk", "run"], &input)
}

/// Good lines before and behind the bad ones, and the sum of those before: charges of 25.00 to 70.00.
const BEFORE: u32 = 19_000;
const BEHIND: u32 = 1_000;
const SUM_BEFORE: &str = "usd=902500.00";

/// Lines of charges that Stripe does not know come to their end with one request each, and the simulator
/// need not hold a million refunds. The run stops itself before the last thousand lines; the resume has
/// them left.
fn million(binary: &Path, folder: &Path) -> Result<(Took, Duration)> {
    let input = folder.join("few.csv");
    let stripe = simulate(binary, &input, BEFORE + BEHIND, &["--lean"])?;
    let good = fs::read_to_string(&input)?;
    let large = folder.join("million.csv");
    let mut file = std::io::BufWriter::new(fs::File::create(&large)?);
    for (number, line) in good.lines().enumerate() {
        writeln!(file, "{line}")?;
        if number == BEFORE as usize {
            for n in 0..1_000_000 - BEFORE - BEHIND {
                writeln!(file, "ch_none{n},all,,none-{n}")?;
            }
        }
    }
    file.flush()?;
    let arguments = ["bulk", "run", "--no-pace", "--stop-above", SUM_BEFORE];
    let took = bulk(binary, &stripe, folder, "million", &arguments, &large)?;
    let start = Instant::now();
    let mut resumed = command(binary, &stripe, folder, "million");
    let mut resumed = resumed.args(["bulk", "resume", "--no-pace"]).spawn()?;
    while refunds(&stripe)? <= BEFORE {
        ensure!(start.elapsed() < Duration::from_mins(1), "the resume sends nothing");
        std::thread::sleep(Duration::from_millis(50));
    }
    let first = start.elapsed();
    resumed.kill()?;
    resumed.wait()?;
    Ok((took, first))
}

/// Refunds that the simulator has made.
fn refunds(stripe: &Simulator) -> Result<u32> {
    let address = stripe.url.trim_start_matches("http://");
    let mut stream = std::net::TcpStream::connect(address)?;
    write!(stream, "GET /_control/stats HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let count = answer.split("\"refunds\":").nth(1).context("no count of refunds")?;
    let digits: String = count.chars().take_while(char::is_ascii_digit).collect();
    Ok(digits.parse()?)
}

fn simulate(binary: &Path, csv: &PathBuf, charges: u32, more: &[&str]) -> Result<Simulator> {
    let mut child = Command::new(binary)
        .args(["simulate", "--port", "0", "--charges", &charges.to_string(), "--csv"])
        .arg(csv)
        .args(more)
        .stdout(Stdio::piped())
        .spawn()?;
    let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
    let first = lines.next().context("the simulator says nothing")??;
    let url = first.split_whitespace().find(|word| word.starts_with("http://"));
    let url = url.context("the simulator names no address")?.trim_end_matches(';').to_owned();
    // The second line says that the charges are written.
    lines.next().context("the simulator made no charges")??;
    Ok(Simulator { child, url })
}

fn command(binary: &Path, stripe: &Simulator, folder: &Path, ledger: &str) -> Command {
    let mut command = Command::new(binary);
    command
        .args(["--base-url", &stripe.url, "--json", "--ledger"])
        .arg(folder.join(ledger))
        .env("STRIPE_SECRET_KEY", "sk_test_simulator")
        .stdout(Stdio::piped());
    command
}

fn bulk(
    binary: &Path,
    stripe: &Simulator,
    folder: &Path,
    ledger: &str,
    arguments: &[&str],
    input: &Path,
) -> Result<Took> {
    let mut command = command(binary, stripe, folder, ledger);
    if arguments.contains(&"--live") {
        command.env("STRIPE_SECRET_KEY", "sk_live_simulator");
    }
    let start = Instant::now();
    let mut child = command.args(arguments).arg(input).spawn()?;
    let mut memory = 0;
    while child.try_wait()?.is_none() {
        memory = memory.max(peak(child.id()));
        std::thread::sleep(Duration::from_millis(20));
    }
    let output = child.wait_with_output()?;
    let output = String::from_utf8(output.stdout)?;
    ensure!(!output.is_empty(), "the run said nothing");
    Ok(Took { output, time: start.elapsed(), memory })
}

/// Most memory that a process has had so far, in kB; Linux tells.
fn peak(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}
