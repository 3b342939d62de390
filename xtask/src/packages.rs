//! The packages' own tests: each platform's, in its own words, against the simulator.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::conformance::{built, component, python};
use crate::peers::missing;
use crate::run::{exists, must, refund_node, root, say};

/// The packages that a run of all tests has installed for the conformance suite already.
const USUAL: [&str; 2] = ["node", "node-red"];
/// All of them.
const ALL: [&str; 3] = ["node", "node-red", "n8n"];

/// Runs the tests of every package. n8n itself is not started: `platforms/n8n/README.md` says how that is done.
pub(crate) fn run() -> Result<()> {
    test(&ALL)
}

/// Those that cost little once the conformance suite has run.
pub(crate) fn usual() -> Result<()> {
    test(&USUAL)
}

fn test(packages: &[&str]) -> Result<()> {
    let refund_node = refund_node()?;
    let component = component(&refund_node)?;
    if exists("node") && exists("npm") {
        for_node(packages, &refund_node, &component)?;
    } else {
        missing("Node", "the tests of the packages for npm")?;
    }
    if exists("python3") {
        for_python(&refund_node, &component)?;
    } else {
        missing("Python", "the tests of the package for Python")?;
    }
    Ok(())
}

fn for_node(packages: &[&str], refund_node: &Path, component: &Path) -> Result<()> {
    npm("forms", &["ci", "--no-audit", "--no-fund"], refund_node)?;
    npm("forms", &["test"], refund_node)?;
    for platform in packages {
        built(platform, component)?;
        npm(platform, &["test"], refund_node)?;
    }
    npm("node", &["run", "lint"], refund_node)
}

fn for_python(refund_node: &Path, component: &Path) -> Result<()> {
    let python = python(component)?;
    let within = |arguments: &[&str]| {
        let mut command = Command::new(&python);
        command.args(arguments).current_dir(root().join("platforms/python"));
        must(command.env("REFUND_NODE_CLI", refund_node).env("REFUND_NODE_COMPONENT", component))
    };
    within(&["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ".[dev]"])?;
    within(&["-m", "pytest"])?;
    within(&["-m", "ruff", "check", "."])
}

fn npm(platform: &str, arguments: &[&str], refund_node: &Path) -> Result<()> {
    say(&format!("\n{platform}: npm {}", arguments.join(" ")));
    let mut npm = Command::new("npm");
    npm.args(arguments).current_dir(root().join("platforms").join(platform));
    must(npm.env("REFUND_NODE_CLI", refund_node))
}
