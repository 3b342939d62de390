//! Builds a guest crate of this workspace and turns it into a component; for build scripts.
//!
//! A nested cargo, in a target folder of its own: it shares neither the lock nor the flags of the
//! cargo that runs the build script. So `cargo build` is all anybody has to type.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use wit_component::ComponentEncoder;

const TARGET: &str = "wasm32-unknown-unknown";

/// What the node is made of.
const NODE: [&str; 5] = [
    "wit",
    "component/core/src",
    "component/core/Cargo.toml",
    "component/node/src",
    "component/node/Cargo.toml",
];

/// Builds guests.
pub struct Builder {
    root: PathBuf,
}

impl Builder {
    /// For the workspace in which this build script runs.
    pub fn new() -> Result<Self> {
        let crate_folder = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
        let lock = |folder: &&Path| folder.join("Cargo.lock").exists();
        let root = crate_folder.ancestors().find(lock).context("there is no workspace")?;
        need_target()?;
        Ok(Self { root: root.to_owned() })
    }

    /// Runs the build script again when the node or one of these changes; paths from the top.
    #[must_use]
    pub fn watch_node_and(self, paths: &[&str]) -> Self {
        self.watch(&NODE).watch(paths)
    }

    /// Runs the build script again when one of these changes; paths from the top.
    #[must_use]
    #[expect(clippy::print_stdout, reason = "this is how a build script talks to cargo")]
    pub fn watch(self, paths: &[&str]) -> Self {
        let always = ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml"];
        for watched in paths.iter().chain(&always) {
            println!("cargo::rerun-if-changed={}", self.root.join(watched).display());
        }
        self
    }

    /// Builds a package and writes it as a component.
    pub fn component(&self, package: &str, features: &[&str], file: &Path) -> Result<()> {
        // Beside the outer target folder, so that every profile of the outer build shares one inner build.
        let target_dir = self.root.join("target/guest");
        let mut cargo = Command::new(env::var("CARGO").unwrap_or_else(|_| "cargo".into()));
        cargo
            .current_dir(&self.root)
            .args(["build", "--package", package, "--profile", "guest", "--target", TARGET])
            .args(["--no-default-features", "--locked"])
            .args(features.iter().flat_map(|feature| ["--features", feature]))
            .arg("--target-dir")
            .arg(&target_dir)
            .env("CARGO_ENCODED_RUSTFLAGS", self.flags())
            .env_remove("RUSTFLAGS")
            .env_remove("RUSTC_WRAPPER")
            .env_remove("RUSTC_WORKSPACE_WRAPPER");
        // Two build scripts may build one package with different features at the same time: the file is this
        // build's until it is read.
        std::fs::create_dir_all(&target_dir)?;
        let turn = std::fs::File::create(target_dir.join("builder.lock"))?;
        turn.lock()?;
        let status = cargo.status().context("cargo could not be started")?;
        ensure!(status.success(), "the guest does not build; its messages stand above");
        let module = format!("{}.wasm", package.replace('-', "_"));
        let module = target_dir.join(TARGET).join("guest").join(module);
        let module =
            std::fs::read(&module).with_context(|| format!("{} is missing", module.display()))?;
        drop(turn);
        let component = ComponentEncoder::default().validate(true).module(&module)?.encode()?;
        let component = without_names(&component).context("the component has no sections")?;
        std::fs::write(file, component)?;
        Ok(())
    }

    /// Panic messages hold file names: without the machine's folders, so that the bytes are the same everywhere. The
    /// linker writes the shortest form of numbers, where it would leave room for any: 5 % of the component.
    fn flags(&self) -> String {
        let home = env::var_os("CARGO_HOME")
            .map(PathBuf::from)
            .or_else(|| env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo")))
            .unwrap_or_default();
        [
            format!("--remap-path-prefix={}=/source", self.root.display()),
            format!("--remap-path-prefix={}=/cargo", home.display()),
            "-Clink-arg=--compress-relocations".to_owned(),
        ]
        .join("\u{1f}")
    }
}

/// Without the custom sections of the component: the names of its parts, 14 kB, and the tools that made it. No host reads
/// them.
fn without_names(component: &[u8]) -> Option<Vec<u8>> {
    const CUSTOM: u8 = 0;
    let (preamble, mut rest) = component.split_at_checked(8)?;
    let mut kept = preamble.to_vec();
    while let Some((&id, behind)) = rest.split_first() {
        let digits = 1 + behind.iter().position(|byte| byte & 0x80 == 0)?;
        let size = behind[..digits].iter().rev();
        let size = size.fold(0_usize, |size, byte| size << 7 | usize::from(byte & 0x7f));
        let (section, next) = rest.split_at_checked(1 + digits + size)?;
        if id != CUSTOM {
            kept.extend_from_slice(section);
        }
        rest = next;
    }
    Some(kept)
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

#[cfg(test)]
mod tests {
    use super::*;

    const PREAMBLE: &[u8] = b"\0asm\x0d\0\x01\0";

    #[test]
    fn custom_sections_are_left_out() {
        // A size may have more than one digit.
        let module = [&[1, 0x81, 0][..], b"m"].concat();
        let named = [PREAMBLE, &[0, 2, 1, b'n'], &module, &[0, 1, 0]].concat();
        assert_eq!(without_names(&named), Some([PREAMBLE, &module].concat()));
        assert_eq!(without_names(&[PREAMBLE, &[0, 9, 1]].concat()), None);
        assert_eq!(without_names(b"short"), None);
    }
}
