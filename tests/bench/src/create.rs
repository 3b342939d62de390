//! Refunds against the simulator, 64 in flight: the careful sequence in the sandbox, which reads the charge before it
//! refunds it, against `refunds.create` of stripe-node's, by itself and behind the same reading.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::anyhow;
use refund_host::api::eligibility::{Amount, Rules};
use refund_host::api::refunds::CreateRequest;
use refund_host::api::types::{Connection, PaymentRef};
use refund_host::{Allow, HostBuilder, Node, StripeKey};
use tokio::task::JoinSet;

use crate::figures::{Measured, Rows, median};
use crate::peers::{Peers, read};
use crate::process::{self, KEY, Simulator};

const SCRIPT: &str = include_str!("create.mjs");
/// With the request that the component makes before it refunds.
const READ_FIRST: &str = "stripe-node, reading the charge first";
const IN_FLIGHT: usize = 64;
const ROUNDS: usize = 3;

/// Time and computing time of one refund.
type Each = (Duration, Duration);

pub(crate) async fn measure(
    host: fn() -> HostBuilder,
    component: &[u8],
    peers: &Peers,
    refunds: u32,
) -> Rows {
    let folder = peers.stripe_node()?;
    // Node resolves `stripe` from beside the script.
    std::fs::write(folder.join("create.mjs"), SCRIPT)?;
    let (mut here, mut single, mut after_reading) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let csv = tempfile::NamedTempFile::new()?;
        here.push(ours(host(), component, csv.path(), refunds).await?);
        single.push(theirs(&folder, csv.path(), refunds, "single")?);
        after_reading.push(theirs(&folder, csv.path(), refunds, "read-first")?);
    }
    let rate = |all: &[Each]| median(all.iter().map(|each| each.0).collect());
    let cpu = |all: &[Each]| median(all.iter().map(|each| each.1).collect());
    let row = |work, figure: &dyn Fn(&[Each]) -> Duration, there: &[Each], who| {
        Measured::times(work, figure(&here), (figure(there), who), 1.0)
    };
    Ok(vec![
        row("create, 64 in flight, each", &rate, &single, "stripe-node"),
        row("create, computing for each", &cpu, &single, "stripe-node"),
        row("create, 64 in flight, each", &rate, &after_reading, READ_FIRST),
        row("create, computing for each", &cpu, &after_reading, READ_FIRST),
    ])
}

async fn ours(
    host: HostBuilder,
    component: &[u8],
    csv: &Path,
    refunds: u32,
) -> anyhow::Result<Each> {
    let stripe = Simulator::start(csv, refunds, &["--lean"])?;
    let host = host.key(StripeKey::parse(KEY)?).allow(Allow::stripe_at(&stripe.url)?);
    let node = host.build()?.load(component)?;
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
pub(crate) fn charges(csv: &Path) -> anyhow::Result<Vec<String>> {
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

fn theirs(folder: &Path, csv: &Path, refunds: u32, how: &str) -> anyhow::Result<Each> {
    let stripe = Simulator::start(csv, refunds, &["--lean"])?;
    let mut script = Command::new("node");
    script.current_dir(folder).args(["create.mjs", &stripe.url]).arg(csv).arg(how);
    let text = read(&mut script)?;
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [seconds, cpu] = numbers[..] else { anyhow::bail!("Node printed `{text}`") };
    let each = |seconds: f64| Duration::from_secs_f64(seconds) / refunds;
    Ok((each(seconds), each(cpu)))
}
