//! Every parser against bytes that nobody would send. Needs a nightly compiler.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::run::{must, root, say};
use crate::supply::FUZZ;

/// In `tests/fuzz/fuzz_targets`.
const TARGETS: [&str; 8] =
    ["answer", "decimal", "event", "header", "invoke", "lines", "policy", "verdict"];

/// Runs all of them one after the other, for so long together.
pub(crate) fn run(minutes: &str) -> Result<()> {
    let minutes: u64 = minutes.parse().context("`--minutes` takes a whole number")?;
    let seconds = (minutes * 60 / TARGETS.len() as u64).max(1);
    let binary = FUZZ.installed()?;
    let folder = root().join("tests/fuzz");
    must(fuzz(&binary, &folder).arg("build"))?;
    let mut found = Vec::new();
    for target in TARGETS {
        say(&format!("\n== {target}, {seconds} seconds"));
        if !one(&binary, &folder, target, seconds)? {
            found.push(target);
        }
    }
    ensure!(found.is_empty(), "findings in {}: see tests/fuzz/artifacts", found.join(", "));
    say(&format!("\n{} targets, {seconds} seconds each, nothing found", TARGETS.len()));
    Ok(())
}

/// Starts from what is known to be interesting, and keeps what it learns under target.
fn one(binary: &Path, folder: &Path, target: &str, seconds: u64) -> Result<bool> {
    let corpus = folder.join("target/corpus").join(target);
    fs::create_dir_all(&corpus)?;
    let mut run = fuzz(binary, folder);
    run.args(["run", target]).arg(&corpus);
    let seeds = folder.join("seeds").join(target);
    if seeds.exists() {
        run.arg(seeds);
    }
    run.args(["--", "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1", "-verbosity=0"]);
    run.arg(format!("-max_total_time={seconds}"));
    Ok(run.status().context("cargo-fuzz cannot be started")?.success())
}

/// The sanitizers are there in nightly compilers alone.
fn fuzz(binary: &Path, folder: &Path) -> Command {
    let mut command = Command::new(binary);
    command.current_dir(folder).arg("fuzz").env("RUSTUP_TOOLCHAIN", "nightly").env_remove("CARGO");
    command
}
