//! The official Stripe libraries against the simulator: code nobody here wrote.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::run::{exists, must, must_read, refund_node, root, say};

/// A key of the simulator's.
const KEY: &str = "sk_test_simulator";

/// stripe-node, installed from its lock file.
pub(crate) fn node() -> Result<u32> {
    if !exists("node") || !exists("npm") {
        return missing("Node", "its official Stripe library").map(|()| 0);
    }
    let folder = root().join("tests/peers/node");
    let stamp = folder.join("node_modules/.package-lock.json");
    if !is_newer(&stamp, &folder.join("package-lock.json")) {
        must(Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(&folder))?;
    }
    let mut script = Command::new("node");
    script.arg("peer.mjs").current_dir(folder);
    against_simulator(script)
}

/// stripe-python, in an environment of its own under target.
pub(crate) fn python() -> Result<u32> {
    if !exists("python3") {
        return missing("Python", "its official Stripe library").map(|()| 0);
    }
    let folder = root().join("tests/peers/python");
    let environment = root().join("target/peers/python");
    let python = interpreter(&environment);
    let stamp = environment.join("installed");
    let wanted = folder.join("requirements.txt");
    if !is_newer(&stamp, &wanted) {
        must(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
        must(
            Command::new(&python)
                .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"])
                .arg(&wanted),
        )?;
        std::fs::write(&stamp, "")?;
    }
    let mut script = Command::new(python);
    script.arg("peer.py").current_dir(folder);
    against_simulator(script)
}

/// A machine without them says so; CI may not be such a machine.
pub(crate) fn missing(what: &str, untried: &str) -> Result<()> {
    if std::env::var_os("CI").is_some() {
        bail!("{what} is missing, and CI may not skip {untried}");
    }
    say(&format!("\n!!! SKIPPED: {what} is not on this machine, so {untried} was NOT tried.\n"));
    Ok(())
}

/// The interpreter of a Python environment.
pub(crate) fn interpreter(environment: &Path) -> PathBuf {
    environment.join("bin/python")
}

fn is_newer(made: &Path, from: &Path) -> bool {
    let time = |path: &Path| path.metadata().and_then(|data| data.modified()).ok();
    matches!((time(made), time(from)), (Some(made), Some(from)) if made >= from)
}

fn against_simulator(mut script: Command) -> Result<u32> {
    let simulator = Running::start()?;
    script.env("SIMULATOR_URL", &simulator.url).env("SIMULATOR_KEY", KEY);
    passed(&must_read(&mut script)?)
}

/// How many tests passed, by the last line that says `12 passed, 0 failed`. None at all is a failure, and so is one
/// that failed.
pub(crate) fn passed(output: &str) -> Result<u32> {
    let last = output.lines().rev().find(|line| line.contains(" passed, ")).unwrap_or_default();
    let passed = last.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0);
    ensure!(passed > 0 && last.contains(" 0 failed"), "not everything passed: `{last}`");
    Ok(passed)
}

/// A simulator in a process of its own, ended when dropped.
struct Running {
    child: Child,
    url: String,
}

impl Running {
    fn start() -> Result<Self> {
        let mut child = Command::new(refund_node()?)
            .args(["simulate", "--port", "0"])
            .stdout(Stdio::piped())
            .spawn()
            .context("the simulator cannot be started")?;
        let stdout = child.stdout.take().context("the simulator has no output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let url = line.split_whitespace().find(|word| word.starts_with("http://"));
        let url = url.context("the simulator did not say where it listens")?.trim_end_matches(';');
        Ok(Self { url: url.to_owned(), child })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Already gone is as good as ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
