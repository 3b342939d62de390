//! How fast bulk refunds are: through the real component, over real HTTP, with the ledger on disk. The simulator runs on
//! the same machine and takes its share of it.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::figures::Rows;
use crate::process::{Ended, KEY, Simulator, Took, refund_node, run_any};

/// Lines of the run at full speed.
const LINES: u32 = 20_000;

/// Prints each figure as soon as it is there; they are not ratios.
pub(crate) fn measure() -> Rows {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    println!("\nlimits off, {LINES} refunds\n  {}", summary(&full_speed(folder)?));
    println!("limits on, 25 a second, 500 refunds\n  {}", summary(&paced(folder)?));
    let (million, resume) = million(folder)?;
    println!("a million lines, 19000 refunded, the others refused\n  {}", summary(&million));
    let seconds = resume.as_secs_f64();
    println!("resume behind 999000 ended lines\n  first refund after {seconds:.2} s");
    Ok(Vec::new())
}

fn summary(took: &Took) -> String {
    let (seconds, memory) = (took.time.as_secs_f64(), took.memory / 1_000_000);
    format!("{}\n  process {seconds:.1} s, most memory {memory} MB", took.output.trim())
}

fn full_speed(folder: &Path) -> Result<Took> {
    let input = folder.join("full.csv");
    let stripe = Simulator::start(&input, LINES, &["--lean"])?;
    bulk(&stripe, folder, "full", &["run", "--no-pace"], &input)
}

fn paced(folder: &Path) -> Result<Took> {
    let input = folder.join("paced.csv");
    let stripe = Simulator::start(&input, 500, &["--rate-limits", "--livemode"])?;
    let mut command = command(&stripe, folder, "paced")?;
    command.env("STRIPE_SECRET_KEY", "sk_live_simulator").arg("--live");
    ended(command.args(["bulk", "run"]).arg(input))
}

/// Good lines before and behind the bad ones, and the sum of those before: charges of 25.00 to 70.00.
const BEFORE: u32 = 19_000;
const BEHIND: u32 = 1_000;
const SUM_BEFORE: &str = "usd=902500.00";

/// Lines of charges that Stripe does not know come to their end with one request each, and the simulator
/// need not hold a million refunds. The run stops itself before the last thousand lines; the resume has
/// them left.
fn million(folder: &Path) -> Result<(Took, Duration)> {
    let input = folder.join("few.csv");
    let stripe = Simulator::start(&input, BEFORE + BEHIND, &["--lean"])?;
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
    let arguments = ["run", "--no-pace", "--stop-above", SUM_BEFORE];
    let took = bulk(&stripe, folder, "million", &arguments, &large)?;
    let start = Instant::now();
    let mut resume = command(&stripe, folder, "million")?;
    let _resumed = Ended(resume.args(["bulk", "resume", "--no-pace"]).spawn()?);
    while refunds(&stripe)? <= BEFORE {
        ensure!(start.elapsed() < Duration::from_mins(1), "the resume sends nothing");
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok((took, start.elapsed()))
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

fn command(stripe: &Simulator, folder: &Path, ledger: &str) -> Result<Command> {
    let mut command = refund_node()?;
    command.args(["--base-url", &stripe.url, "--json", "--ledger"]).arg(folder.join(ledger));
    command.env("STRIPE_SECRET_KEY", KEY);
    Ok(command)
}

fn bulk(
    stripe: &Simulator,
    folder: &Path,
    ledger: &str,
    arguments: &[&str],
    input: &Path,
) -> Result<Took> {
    ended(command(stripe, folder, ledger)?.arg("bulk").args(arguments).arg(input))
}

/// A run with lines that are refused ends with another code than 0.
fn ended(command: &mut Command) -> Result<Took> {
    let (took, _) = run_any(command)?;
    ensure!(!took.output.is_empty(), "the run said nothing");
    Ok(took)
}
