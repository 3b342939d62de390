//! Rounds of a bulk run that is killed, faulted and resumed, and counted at the simulator.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use refund_simulator::{DisputeOrder, Fault, FaultKind, NewCharge, Simulator, TEST_KEY};
use serde_json::Value;

/// Lines of a round.
const LINES: u32 = 80;

/// What rounds have come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Rounds.
    pub rounds: u32,
    /// Operations that were asked for.
    pub operations: u32,
    /// Faults that were ordered.
    pub faults: u32,
    /// Processes that were killed.
    pub kills: u32,
    /// Operations with more than one refund at Stripe.
    pub doubles: u32,
    /// Operations with neither a refund nor a stated refusal, and refunds the ledger denies.
    pub lost: u32,
    /// Ledgers whose audit does not hold, or that differ from Stripe at the end.
    pub broken: u32,
}

/// What a line must come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Refunded,
    Refused,
}

/// One round: an input, a simulator with faults, and a ledger.
struct Round<'a> {
    refund_node: &'a Path,
    stripe: Simulator,
    folder: tempfile::TempDir,
    expected: Vec<(String, Expected)>,
}

/// Plays a round. The seed decides everything but the timing.
///
/// # Errors
/// When the round cannot be played: the program is missing, or never comes to an end.
pub async fn play(refund_node: &Path, seed: u64, tally: &mut Tally) -> Result<(), String> {
    let mut luck = fastrand::Rng::with_seed(seed);
    let stripe = Simulator::builder().seed(seed).start().await.map_err(|e| e.to_string())?;
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut round = Round { refund_node, stripe, folder, expected: Vec::new() };
    round.write_input(&mut luck)?;
    tally.rounds += 1;
    tally.operations += u32::try_from(round.expected.len()).unwrap_or(u32::MAX);
    for _ in 0..luck.u32(1..4) {
        tally.faults += round.order_faults(&mut luck);
        let mut running = vec![round.start()?];
        if luck.u8(0..3) == 0 {
            running.push(round.start()?);
        }
        tokio::time::sleep(Duration::from_millis(luck.u64(200..2500))).await;
        for mut child in running {
            tally.kills += u32::from(child.kill().is_ok());
            let _ = child.wait();
        }
    }
    round.stripe.clear_faults();
    round.finish().await?;
    round.count(tally)
}

impl Round<'_> {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Most lines are plain; some share a payment, some ask for too much, some are disputed.
    fn write_input(&mut self, luck: &mut fastrand::Rng) -> Result<(), String> {
        let mut input = String::from("payment,amount,currency,operation\n");
        let mut line = 0;
        while line < LINES {
            let charge = self.stripe.charge(&NewCharge::default());
            let id = charge["id"].as_str().unwrap_or_default().to_owned();
            let intent = charge["payment_intent"].as_str().unwrap_or_default().to_owned();
            let mut ask = |payment: &str, amount: &str, expected: Expected| {
                line += 1;
                let operation = format!("op-{line}");
                // Writing to a string cannot fail.
                let _ = writeln!(input, "{payment},{amount},usd,{operation}");
                self.expected.push((operation, expected));
            };
            match luck.u8(0..10) {
                0 => {
                    ask(&id, "10.00", Expected::Refunded);
                    ask(&id, "10.00", Expected::Refunded);
                    ask(&intent, "5.00", Expected::Refunded);
                }
                1 => ask(&id, "25.01", Expected::Refused),
                2 => {
                    self.stripe.dispute(&DisputeOrder {
                        charge: id.clone(),
                        status: "needs_response".into(),
                        reason: "fraudulent".into(),
                        refundable: None,
                    });
                    ask(&id, "1.00", Expected::Refused);
                }
                3 => ask(&intent, "all", Expected::Refunded),
                _ => ask(&id, "25.00", Expected::Refunded),
            }
        }
        std::fs::write(self.path("input.csv"), input).map_err(|error| error.to_string())
    }

    /// Some faults on what comes next; how many.
    fn order_faults(&self, luck: &mut fastrand::Rng) -> u32 {
        let count = luck.u32(0..8);
        for _ in 0..count {
            let after_commit = luck.bool();
            let kind = match luck.u8(0..8) {
                0 => FaultKind::Hang { after_commit },
                1 => FaultKind::Reset { after_commit },
                2 => FaultKind::Truncate,
                3 => FaultKind::BrokenJson,
                4 => FaultKind::Slow { millis: 3 },
                5 => FaultKind::status(429),
                6 => FaultKind::status(409),
                _ if after_commit => FaultKind::Truncate,
                _ => FaultKind::status(500),
            };
            let (method, path) =
                if luck.u8(0..4) == 0 { ("GET", "*") } else { ("POST", "/v1/refunds") };
            self.stripe.order_fault(Fault {
                method: Some(method.into()),
                path: Some(path.into()),
                skip: luck.u32(0..30),
                times: luck.u32(1..4),
                kind,
            });
        }
        count
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.refund_node);
        command
            .env("STRIPE_SECRET_KEY", TEST_KEY)
            .env("REFUND_NODE_CACHE", crate::COMPILED)
            .args([
                "--base-url",
                &self.stripe.base_url(),
                "--json",
                "--timeout",
                "1",
                "--grace",
                "0",
            ])
            .arg("--ledger")
            .arg(self.path("ledger"))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    fn bulk_run(&self) -> Command {
        let mut command = self.command(&["bulk", "run", "--no-pace", "--in-flight", "6"]);
        command.arg(self.path("input.csv"));
        command
    }

    fn start(&self) -> Result<std::process::Child, String> {
        self.bulk_run()
            .spawn()
            .map_err(|error| format!("{} cannot be started: {error}", self.refund_node.display()))
    }

    /// Goes on until every line has come to an end.
    async fn finish(&self) -> Result<(), String> {
        let mut last = None;
        for _ in 0..10 {
            let mut child = tokio::process::Command::from(self.bulk_run())
                .spawn()
                .map_err(|error| error.to_string())?;
            let ended = child.wait().await.map_err(|error| error.to_string())?;
            last = ended.code();
            // Everything came to an end; 4 says that some lines were refused, as they must be.
            if matches!(last, Some(0 | 4)) {
                return Ok(());
            }
        }
        Err(format!("the run does not come to an end: exit code {last:?}"))
    }

    /// Counts at the simulator, and compares with what the ledger says.
    fn count(&self, tally: &mut Tally) -> Result<(), String> {
        let stats = self.stripe.stats();
        let output = self
            .command(&["bulk", "export"])
            .stdout(Stdio::piped())
            .output()
            .map_err(|error| error.to_string())?;
        let lines: Vec<Value> = String::from_utf8_lossy(&output.stdout)
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        for (operation, expected) in &self.expected {
            let made = stats["refunds_by_operation"][operation].as_u64().unwrap_or_default();
            let said = lines.iter().find(|line| line["operation"] == operation.as_str());
            let said = said.and_then(|line| line["status"].as_str()).unwrap_or("missing");
            let right = match expected {
                Expected::Refunded => (made, said) == (1, "succeeded"),
                Expected::Refused => (made, said) == (0, "refused"),
            };
            tally.doubles += u32::from(made > 1);
            tally.lost += u32::from(!right && made <= 1);
        }
        for arguments in [&["audit", "verify"][..], &["reconcile", "--since", "1d"]] {
            let ended = self.command(arguments).status().map_err(|error| error.to_string())?;
            tally.broken += u32::from(!ended.success());
        }
        Ok(())
    }
}
