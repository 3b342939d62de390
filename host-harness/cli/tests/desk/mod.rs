//! A simulator, a folder, and the command in it.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use refund_simulator::{NewCharge, Simulator, TEST_KEY};
use serde_json::Value;

pub const BINARY: &str = env!("CARGO_BIN_EXE_refund-node");
pub const HEADER: &str = "payment,amount,currency,operation\n";

/// A simulator, a folder, and the command in it.
pub struct Desk {
    pub stripe: Simulator,
    pub folder: tempfile::TempDir,
    _runtime: tokio::runtime::Runtime,
}

impl Desk {
    pub fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let stripe = runtime.block_on(Simulator::builder().seed(3).start()).unwrap();
        Self { stripe, folder: tempfile::tempdir().unwrap(), _runtime: runtime }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn charge(&self) -> String {
        self.stripe.charge(&NewCharge::default())["id"].as_str().unwrap().to_owned()
    }

    /// A charge of so many cents.
    pub fn paid(&self, amount: u64) -> String {
        let charge = NewCharge { amount, ..NewCharge::default() };
        self.stripe.charge(&charge)["id"].as_str().unwrap().to_owned()
    }

    /// An input of so many good lines.
    pub fn input(&self, lines: usize) -> PathBuf {
        let mut text = HEADER.to_owned();
        text.extend(
            (0..lines).map(|n| [&self.charge(), ",25.00,usd,op-", &n.to_string(), "\n"].concat()),
        );
        self.write("input.csv", text.as_bytes())
    }

    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub fn command_of(&self, binary: &Path) -> Command {
        let mut command = Command::new(binary);
        command
            .env("STRIPE_SECRET_KEY", TEST_KEY)
            .env_remove("RUST_LOG")
            .env_remove("REFUND_NODE_LEDGER")
            .env_remove("REFUND_NODE_SINKS")
            .env("REFUND_NODE_CACHE", concat!(env!("CARGO_TARGET_TMPDIR"), "/compiled"))
            .current_dir(self.folder.path())
            .args(["--base-url", &self.stripe.base_url(), "--grace", "0"])
            .stdin(Stdio::null());
        command
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.command_of(Path::new(BINARY));
        command.args(arguments);
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(&self.command(arguments).output().unwrap())
    }

    /// `bulk run` without a pace, which only costs time.
    pub fn bulk(&self, input: &Path, more: &[&str]) -> Ended {
        let mut command = self.command(&["--json", "bulk", "run", "--no-pace"]);
        Ended::of(&command.arg(input).args(more).output().unwrap())
    }

    /// Refunds at the simulator: all, and the most that any operation has.
    pub fn refunds(&self) -> (u64, u64) {
        let stats = self.stripe.stats();
        let by_operation = stats["refunds_by_operation"].as_object().unwrap();
        let most = by_operation.values().filter_map(Value::as_u64).max().unwrap_or_default();
        (stats["refunds"].as_u64().unwrap(), most)
    }
}

#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ended {
    pub fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            code: output.status.code().unwrap_or(-1),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}
