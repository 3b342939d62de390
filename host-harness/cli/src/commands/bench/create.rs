//! Refunds against the simulator, 64 in flight: the careful sequence in the sandbox, with a ledger on disk,
//! against a plain `refunds.create` of stripe-node's.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::Value;

use super::peers::{Peers, read};
use super::{Measured, Rows, median, process};

const SCRIPT: &str = include_str!("create.mjs");
const ROUNDS: usize = 3;

/// Time and computing time of one refund.
type Each = (Duration, Duration);

pub(super) fn measure(peers: &Peers, refunds: u32) -> Rows {
    let node = peers.stripe_node()?;
    // Node resolves `stripe` from beside the script.
    std::fs::write(node.join("create.mjs"), SCRIPT)?;
    let (mut here, mut there) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let folder = tempfile::tempdir()?;
        here.push(ours(folder.path(), refunds)?);
        there.push(theirs(&node, folder.path(), refunds)?);
    }
    let rate = |all: &[Each]| median(all.iter().map(|each| each.0).collect());
    let cpu = |all: &[Each]| median(all.iter().map(|each| each.1).collect());
    let peer = "stripe-node";
    Ok(vec![
        Measured::times("create, time of each", rate(&here), (rate(&there), peer), 1.0),
        Measured::times("create, computing for each", cpu(&here), (cpu(&there), peer), 1.0),
    ])
}

fn ours(folder: &Path, refunds: u32) -> anyhow::Result<Each> {
    let csv = folder.join("ours.csv");
    let stripe = Simulator::start(&csv, refunds)?;
    let took = process::run(
        Command::new(std::env::current_exe()?)
            .args(["--json", "--base-url", &stripe.url, "--ledger"])
            .arg(folder.join("ledger"))
            .args(["bulk", "run", "--no-pace", "--in-flight", "64"])
            .arg(&csv)
            .env("STRIPE_SECRET_KEY", "sk_test_simulator"),
    )?;
    let told: Value = serde_json::from_str(took.output.trim())?;
    let done = &told["states"]["succeeded"];
    ensure!(done["operations"] == refunds || done == refunds, "not all were refunded: {told}");
    Ok((took.time / refunds, took.cpu / refunds))
}

fn theirs(node: &Path, folder: &Path, refunds: u32) -> anyhow::Result<Each> {
    let csv = folder.join("theirs.csv");
    let stripe = Simulator::start(&csv, refunds)?;
    let mut script = Command::new("node");
    script.current_dir(node).args(["create.mjs", &stripe.url]).arg(&csv);
    let text = read(&mut script)?;
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [seconds, cpu] = numbers[..] else { anyhow::bail!("Node printed `{text}`") };
    let each = |seconds: f64| Duration::from_secs_f64(seconds) / refunds;
    Ok((each(seconds), each(cpu)))
}

/// The simulator in a process of its own, ended when dropped.
struct Simulator {
    child: Child,
    url: String,
}

impl Simulator {
    fn start(csv: &Path, charges: u32) -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["simulate", "--port", "0", "--lean", "--charges", &charges.to_string(), "--csv"])
            .arg(csv)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
        let first = lines.next().context("the simulator says nothing")??;
        let url = first.split_whitespace().find(|word| word.starts_with("http://"));
        let url = url.context("the simulator names no address")?.trim_end_matches(';').to_owned();
        // The second line says that the charges are written.
        lines.next().context("the simulator made no charges")??;
        Ok(Self { child, url })
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
