//! Builds the pipelines and composes each with the node, as its `.wac` document says.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use guest_builder::Builder;
use pipeline_compose::{NODE, compose};

const PIPELINES: [&str; 3] = ["duplicate-sweep", "proration", "sla-credit"];

fn main() -> Result<()> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let builder = Builder::new()?.watch(&[
        "wit",
        "component/core/src",
        "component/core/Cargo.toml",
        "component/node/src",
        "component/node/Cargo.toml",
        "component/pipelines",
    ]);
    let node = out.join("node.wasm");
    builder.component("refund-node", &["http"], &node)?;
    let node = std::fs::read(node)?;
    for name in PIPELINES {
        let alone = out.join(format!("{name}-alone.wasm"));
        builder.component(name, &[], &alone)?;
        let document = here.with_file_name(format!("{name}.wac"));
        let composed = composed(name, &document, &node, &std::fs::read(alone)?)
            .with_context(|| format!("{} cannot be composed", document.display()))?;
        std::fs::write(out.join(format!("{name}.wasm")), composed)?;
    }
    Ok(())
}

fn composed(name: &str, document: &Path, node: &[u8], alone: &[u8]) -> Result<Vec<u8>> {
    let document = std::fs::read_to_string(document)?;
    compose(&document, &[(NODE, node), (&format!("refund-node:{name}"), alone)])
}
