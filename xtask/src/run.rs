//! Commands, run from the workspace root.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, Result, ensure};

/// The workspace root.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// Stands in for the compiler once lints are on.
static LINTER: OnceLock<PathBuf> = OnceLock::new();

/// From now on our own crates are linted whenever they are built, and a warning is an error. One build then serves
/// lints and tests: `cargo clippy` would have every dependency compiled a second time.
pub(crate) fn lint_from_now_on() -> Result<()> {
    let name = format!("bin/clippy-driver{}", std::env::consts::EXE_SUFFIX);
    let linter = sysroot()?.join(name);
    ensure!(linter.exists(), "clippy is missing: run `rustup component add clippy`");
    LINTER.get_or_init(|| linter);
    Ok(())
}

/// The cargo that runs this.
pub(crate) fn cargo() -> Command {
    let mut cargo = plain_cargo();
    if let Some(linter) = LINTER.get() {
        // As `cargo clippy -- -D warnings` has it.
        cargo
            .env("RUSTC_WORKSPACE_WRAPPER", linter)
            .env("CLIPPY_ARGS", "-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__");
    }
    cargo
}

/// The same for what is not ours, and never linted.
pub(crate) fn plain_cargo() -> Command {
    let mut cargo = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()));
    cargo.current_dir(root());
    cargo
}

/// Where the toolchain lies.
pub(crate) fn sysroot() -> Result<PathBuf> {
    let output = Command::new("rustc")
        .args(["--print", "sysroot"])
        .current_dir(root())
        .output()
        .context("rustc cannot be started")?;
    Ok(String::from_utf8(output.stdout)?.trim().into())
}

/// Where cargo puts what it makes.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root().join("target"), |folder| root().join(folder))
}

/// Builds the `refund-node` command if needed; where it is.
///
/// The whole workspace at once, here and in every step of the tests: with fewer crates cargo unifies
/// other features, and would build wasmtime a second time.
pub(crate) fn refund_node() -> Result<PathBuf> {
    let binary =
        target().join("debug").join(format!("refund-node{}", std::env::consts::EXE_SUFFIX));
    if !binary.exists() {
        say(
            "Building; the first time this takes about ten minutes on two cores, most of it wasmtime.",
        );
    }
    must(cargo().args(["build", "--quiet"]))?;
    Ok(binary)
}

/// Runs a command that must succeed.
pub(crate) fn must(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("{command:?} cannot be started"))?;
    ensure!(status.success(), "{command:?} failed ({status})");
    Ok(())
}

/// Runs a command that must succeed, and gives what it printed, which is also shown.
pub(crate) fn must_read(command: &mut Command) -> Result<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("{command:?} cannot be started"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    say(&text);
    ensure!(output.status.success(), "{command:?} failed ({})", output.status);
    Ok(text)
}

/// Whether a program is on this machine.
pub(crate) fn exists(program: &str) -> bool {
    let quiet =
        Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    quiet.is_ok_and(|status| status.success())
}

/// Progress goes to stderr.
#[expect(clippy::print_stderr, reason = "this is a tool for a terminal")]
pub(crate) fn say(text: &str) {
    eprintln!("{text}");
}
