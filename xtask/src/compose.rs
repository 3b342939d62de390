//! The component files, alone and composed.

use std::process::Command;

use anyhow::Result;

use crate::run::{self, root, say};

/// The component files, through the same command that users have, and the release notes that name their digests.
pub(crate) fn build() -> Result<()> {
    let refund_node = run::refund_node()?;
    let dist = root().join("dist");
    std::fs::create_dir_all(&dist)?;
    let mut notes = std::fs::read_to_string(root().join("CHANGELOG.md"))?;
    for (name, pure) in [("refund-node.wasm", false), ("refund-node-pure.wasm", true)] {
        let file = dist.join(name);
        let mut extract = Command::new(&refund_node);
        extract.args(["component", "extract"]).arg(&file);
        if pure {
            extract.arg("--pure");
        }
        run::must(&mut extract)?;
        say(&format!("\n{}", file.display()));
        let inspected = run::must_read(
            Command::new(&refund_node).args(["component", "inspect", "--component"]).arg(&file),
        )?;
        notes.extend(["\n## ", name, "\n\n```\n", inspected.trim_end(), "\n```\n"]);
    }
    std::fs::write(dist.join("RELEASE.md"), notes)?;
    Ok(())
}

/// In a command of its own, so that no other of these waits for the composer to be built. It runs in the folder of
/// the caller, whose files are named relative to it.
pub(crate) fn compose(rest: &[&str]) -> Result<()> {
    let mut compose = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()));
    compose.args(["run", "--quiet", "--package", "pipeline-command"]);
    compose.arg("--manifest-path").arg(root().join("Cargo.toml")).arg("--");
    if rest.is_empty() {
        compose.arg(root().join("dist"));
    }
    run::must(compose.args(rest))
}
