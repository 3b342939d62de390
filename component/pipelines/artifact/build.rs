//! Builds the pipelines and composes each with the node, as its `.wac` document says.

use std::env;
use std::path::PathBuf;

use anyhow::Result;
use guest_builder::Builder;
use pipeline_compose::{NODE, compose_file};

const PIPELINES: [&str; 3] = ["duplicate-sweep", "proration", "sla-credit"];

fn main() -> Result<()> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let builder = Builder::new()?.watch_node_and(&["component/pipelines"]);
    let node = out.join("node.wasm");
    builder.component("refund-node", &["http"], &node)?;
    let node = std::fs::read(node)?;
    for name in PIPELINES {
        let alone = out.join(format!("{name}-alone.wasm"));
        builder.component(name, &[], &alone)?;
        let document = here.with_file_name(format!("{name}.wac"));
        let package = format!("refund-node:{name}");
        let composed =
            compose_file(&document, &[(NODE, &node), (&package, &std::fs::read(alone)?)])?;
        std::fs::write(out.join(format!("{name}.wasm")), composed)?;
    }
    Ok(())
}
