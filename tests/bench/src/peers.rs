//! The others, installed by the bench into a folder of its own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};

const STRIPE: &str = "stripe@23.1.0";
const DUCKDB: &str = "duckdb==2.0.0";

/// Where they are.
pub(crate) struct Peers {
    folder: PathBuf,
}

impl Peers {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// A folder in which `require('stripe')` works.
    pub(crate) fn stripe_node(&self) -> anyhow::Result<PathBuf> {
        let folder = self.folder.join("node");
        let package = folder.join("node_modules/stripe/package.json");
        let wanted = STRIPE.split('@').nth(1).unwrap_or_default();
        let is_there = std::fs::read_to_string(&package)
            .is_ok_and(|text| text.contains(&format!("\"version\": \"{wanted}\"")));
        if !is_there {
            std::fs::create_dir_all(&folder)?;
            must(
                Command::new("npm")
                    .args(["install", "--silent", "--no-audit", "--no-fund", STRIPE])
                    .arg("--prefix")
                    .arg(&folder),
            )?;
        }
        Ok(folder)
    }

    /// A Python that has DuckDB.
    pub(crate) fn duckdb(&self) -> anyhow::Result<PathBuf> {
        let folder = self.folder.join("python");
        let python = folder.join("bin/python");
        let stamp = folder.join("installed");
        if std::fs::read_to_string(&stamp).ok().as_deref() != Some(DUCKDB) {
            must(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
            must(
                Command::new(&python)
                    .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
                    .arg(DUCKDB),
            )?;
            std::fs::write(stamp, DUCKDB)?;
        }
        Ok(python)
    }
}

fn must(command: &mut Command) -> anyhow::Result<()> {
    read(command).map(drop)
}

/// Runs a script; what it says.
pub(crate) fn read(command: &mut Command) -> anyhow::Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("{name} cannot be started"))?;
    ensure!(
        output.status.success(),
        "{name} ended with {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?)
}

/// Runs a script of Node's that prints seconds.
pub(crate) fn seconds(folder: &Path, script: &str, arguments: &[&str]) -> anyhow::Result<Duration> {
    let mut node = Command::new("node");
    node.current_dir(folder).args(["-e", script, "--"]).args(arguments);
    let text = read(&mut node)?;
    Ok(Duration::from_secs_f64(text.trim().parse().context("Node printed no seconds")?))
}
