//! The official Stripe libraries against the simulator: code nobody here wrote.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::run::{exists, must, must_read, refund_node, root};
use crate::say;

/// A key of the simulator's.
const KEY: &str = "sk_test_simulator";

/// stripe-node, installed from its lock file.
pub(crate) fn node() -> Result<u32> {
    if !exists("node") || !exists("npm") {
        return missing("Node");
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
        return missing("Python");
    }
    let folder = root().join("tests/peers/python");
    let environment = root().join("target/peers/python");
    let python = environment.join("bin/python");
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
fn missing(what: &str) -> Result<u32> {
    if std::env::var_os("CI").is_some() {
        bail!("{what} is missing, and CI may not skip its peer tests");
    }
    say(&format!(
        "\n!!! SKIPPED: {what} is not on this machine, so its official Stripe library was NOT tried.\n"
    ));
    Ok(0)
}

fn is_newer(made: &Path, from: &Path) -> bool {
    let time = |path: &Path| path.metadata().and_then(|data| data.modified()).ok();
    matches!((time(made), time(from)), (Some(made), Some(from)) if made >= from)
}

fn against_simulator(mut script: Command) -> Result<u32> {
    let simulator = Running::start()?;
    script.env("SIMULATOR_URL", &simulator.url).env("SIMULATOR_KEY", KEY);
    let output = must_read(&mut script)?;
    let last = output.lines().rev().find(|line| line.contains(" passed, ")).unwrap_or_default();
    let passed = last.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0);
    ensure!(passed > 0 && last.contains(" 0 failed"), "the peer did not pass: `{last}`");
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
