//! Builds the guest for wasm and turns it into components.
//!
//! A nested cargo, in a target folder of its own: it shares neither the lock nor the flags of the
//! cargo that runs this script. So `cargo build` is all anybody has to type.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use wit_component::ComponentEncoder;

const TARGET: &str = "wasm32-unknown-unknown";

fn main() -> Result<()> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?)
        .ancestors()
        .nth(2)
        .context("the crate lies two folders below the workspace")?
        .to_owned();
    let out = PathBuf::from(env::var("OUT_DIR")?);
    for watched in [
        "wit",
        "component/core/src",
        "component/node/src",
        "component/core/Cargo.toml",
        "component/node/Cargo.toml",
        "Cargo.toml",
        "Cargo.lock",
        "rust-toolchain.toml",
    ] {
        println!("cargo::rerun-if-changed={}", root.join(watched).display());
    }
    need_target()?;
    componentise(&root, &["--features", "http"], &out.join("refund-node.wasm"))?;
    componentise(&root, &[], &out.join("refund-node-pure.wasm"))
}

/// Fetches the wasm target if it is not there: rustup reads `rust-toolchain.toml` only when it installs
/// a toolchain, not when the toolchain is there and the target is not.
fn need_target() -> Result<()> {
    let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let sysroot = Command::new(rustc).args(["--print", "sysroot"]).output()?;
    let sysroot = PathBuf::from(String::from_utf8(sysroot.stdout)?.trim());
    if sysroot.join("lib/rustlib").join(TARGET).join("lib").exists() {
        return Ok(());
    }
    let added = Command::new("rustup").args(["target", "add", TARGET]).status();
    ensure!(
        added.is_ok_and(|status| status.success()),
        "the target {TARGET} is missing and could not be added: run `rustup target add {TARGET}`"
    );
    Ok(())
}

fn componentise(root: &Path, features: &[&str], file: &Path) -> Result<()> {
    // Beside the outer target folder, so that every profile of the outer build shares one inner build.
    let target_dir = root.join("target/guest");
    let mut cargo = Command::new(env::var("CARGO").unwrap_or_else(|_| "cargo".into()));
    cargo
        .current_dir(root)
        .args(["build", "--package", "refund-node", "--profile", "guest", "--target", TARGET])
        .args(["--no-default-features", "--locked"])
        .args(features)
        .arg("--target-dir")
        .arg(&target_dir)
        .env("CARGO_ENCODED_RUSTFLAGS", remap(root))
        .env_remove("RUSTFLAGS")
        .env_remove("RUSTC_WRAPPER")
        .env_remove("RUSTC_WORKSPACE_WRAPPER");
    let status = cargo.status().context("cargo could not be started")?;
    ensure!(status.success(), "the guest does not build; its messages stand above");
    let module = target_dir.join(TARGET).join("guest/refund_node.wasm");
    let module =
        std::fs::read(&module).with_context(|| format!("{} is missing", module.display()))?;
    let component = ComponentEncoder::default().validate(true).module(&module)?.encode()?;
    std::fs::write(file, component)?;
    Ok(())
}

/// Panic messages hold file names: without the machine's folders, so that the bytes are the same
/// everywhere.
fn remap(root: &Path) -> String {
    let home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo")))
        .unwrap_or_default();
    [
        format!("--remap-path-prefix={}=/source", root.display()),
        format!("--remap-path-prefix={}=/cargo", home.display()),
    ]
    .join("\u{1f}")
}
