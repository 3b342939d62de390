//! Refunds against the simulator, 64 in flight: the careful sequence in the sandbox, which reads the charge before it
//! refunds it, against a plain `refunds.create` of stripe-node's.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use refund_host::api::eligibility::{Amount, Rules};
use refund_host::api::refunds::CreateRequest;
use refund_host::api::types::{Connection, PaymentRef};
use refund_host::{Allow, Node, StripeKey};
use tokio::task::JoinSet;

use super::peers::{Peers, read};
use super::{Measured, Rows, median, process};
use crate::args::Global;
use crate::context;

const SCRIPT: &str = include_str!("create.mjs");
pub(super) const KEY: &str = "sk_test_simulator";
const IN_FLIGHT: usize = 64;
const ROUNDS: usize = 3;

/// Time and computing time of one refund.
type Each = (Duration, Duration);

pub(super) async fn measure(global: &Global, peers: &Peers, refunds: u32) -> Rows {
    let folder = peers.stripe_node()?;
    // Node resolves `stripe` from beside the script.
    std::fs::write(folder.join("create.mjs"), SCRIPT)?;
    let (mut here, mut there) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let csv = tempfile::NamedTempFile::new()?;
        here.push(ours(global, csv.path(), refunds).await?);
        there.push(theirs(&folder, csv.path(), refunds)?);
    }
    let rate = |all: &[Each]| median(all.iter().map(|each| each.0).collect());
    let cpu = |all: &[Each]| median(all.iter().map(|each| each.1).collect());
    let peer = "stripe-node";
    Ok(vec![
        Measured::times("create, 64 in flight, each", rate(&here), (rate(&there), peer), 1.0),
        Measured::times("create, computing for each", cpu(&here), (cpu(&there), peer), 1.0),
    ])
}

async fn ours(global: &Global, csv: &Path, refunds: u32) -> anyhow::Result<Each> {
    let stripe = Simulator::start(csv, refunds)?;
    let host =
        context::host(global).key(StripeKey::parse(KEY)?).allow(Allow::stripe_at(&stripe.url)?);
    let node = context::load(&host.build()?, global)?;
    let connection = Arc::new(Connection {
        base_url: Some(stripe.url.clone()),
        account: None,
        api_key: None,
        max_retries: None,
    });
    let charges = Arc::new(charges(csv)?);
    let next = Arc::new(AtomicUsize::new(0));
    let (cpu, start) = (process::computing(std::process::id()), Instant::now());
    let mut workers = JoinSet::new();
    for _ in 0..IN_FLIGHT {
        workers.spawn(work(node.clone(), connection.clone(), charges.clone(), next.clone()));
    }
    while let Some(ended) = workers.join_next().await {
        ended??;
    }
    let cpu = process::computing(std::process::id()).saturating_sub(cpu);
    Ok((start.elapsed() / refunds, cpu / refunds))
}

/// The charges that a simulator made.
pub(super) fn charges(csv: &Path) -> anyhow::Result<Vec<String>> {
    let charge = |line: &str| line.split(',').next().unwrap_or_default().to_owned();
    Ok(std::fs::read_to_string(csv)?.lines().skip(1).map(charge).collect())
}

async fn work(
    node: Node,
    connection: Arc<Connection>,
    charges: Arc<Vec<String>>,
    next: Arc<AtomicUsize>,
) -> anyhow::Result<()> {
    while let Some(charge) = charges.get(next.fetch_add(1, Ordering::Relaxed)) {
        let request = CreateRequest {
            operation_id: format!("bench-{charge}"),
            payment: PaymentRef::Charge(charge.clone()),
            amount: Amount::Everything,
            reason: None,
            metadata: Vec::new(),
            refund_application_fee: None,
            reverse_transfer: None,
            instructions_email: None,
            rules: Rules::None,
            self_serve: false,
            approval: None,
        };
        let created = node.create(&connection, &request).await?;
        created.map_err(|error| anyhow!("{charge} was not refunded: {error:?}"))?;
    }
    Ok(())
}

fn theirs(folder: &Path, csv: &Path, refunds: u32) -> anyhow::Result<Each> {
    let stripe = Simulator::start(csv, refunds)?;
    let mut script = Command::new("node");
    script.current_dir(folder).args(["create.mjs", &stripe.url]).arg(csv);
    let text = read(&mut script)?;
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [seconds, cpu] = numbers[..] else { anyhow::bail!("Node printed `{text}`") };
    let each = |seconds: f64| Duration::from_secs_f64(seconds) / refunds;
    Ok((each(seconds), each(cpu)))
}

/// The simulator in a process of its own, ended when dropped.
pub(super) struct Simulator {
    child: Child,
    pub(super) url: String,
}

impl Simulator {
    pub(super) fn start(csv: &Path, charges: u32) -> anyhow::Result<Self> {
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
