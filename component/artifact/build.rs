//! Makes the component files.

use std::env;
use std::path::PathBuf;

use guest_builder::Builder;

fn main() -> anyhow::Result<()> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let builder = Builder::new()?.watch_node_and(&[]);
    builder.component("refund-node", &["http"], &out.join("refund-node.wasm"))?;
    builder.component("refund-node", &[], &out.join("refund-node-pure.wasm"))
}
