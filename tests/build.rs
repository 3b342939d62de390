//! Makes the hostile guest.

use std::env;
use std::path::PathBuf;

use guest_builder::Builder;

fn main() -> anyhow::Result<()> {
    let file = PathBuf::from(env::var("OUT_DIR")?).join("hostile.wasm");
    let builder = Builder::new()?.watch(&["wit", "tests/hostile"]);
    builder.component("hostile-guest", &[], &file)
}
