//! Builds the wrappers and composes each with the node, as its `.wac` document says.

use std::env;
use std::path::PathBuf;

use anyhow::Result;
use guest_builder::Builder;
use pipeline_compose::{NODE, compose_file};

/// A component to make: its file, the crate and its features, the document and what that calls the crate.
struct Wrapper {
    file: &'static str,
    package: &'static str,
    features: &'static [&'static str],
    document: &'static str,
    name: &'static str,
}

const HTTP: Wrapper = Wrapper {
    file: "refund-node-http",
    package: "http-wrapper",
    features: &[],
    document: "http/refund-node-http.wac",
    name: "refund-node:http",
};

const WRAPPERS: [Wrapper; 3] = [
    HTTP,
    Wrapper { file: "refund-node-http-simulator", features: &["simulator"], ..HTTP },
    Wrapper {
        file: "refund-node-obelisk",
        package: "obelisk-facade",
        features: &[],
        document: "obelisk/refund-node-obelisk.wac",
        name: "refund-node:obelisk",
    },
];

fn main() -> Result<()> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let platforms = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).with_file_name("");
    let builder = Builder::new()?.watch_node_and(&[
        "platforms/http",
        "platforms/obelisk",
        "platforms/wrapper",
    ]);
    let node = out.join("node.wasm");
    builder.component("refund-node", &["http"], &node)?;
    let node = std::fs::read(node)?;
    for wrapper in WRAPPERS {
        let alone = out.join(format!("{}-alone.wasm", wrapper.file));
        builder.component(wrapper.package, wrapper.features, &alone)?;
        let document = platforms.join(wrapper.document);
        let parts = [(NODE, &*node), (wrapper.name, &std::fs::read(alone)?)];
        let composed = compose_file(&document, &parts)?;
        std::fs::write(out.join(format!("{}.wasm", wrapper.file)), composed)?;
    }
    Ok(())
}
