//! What the component and the command are made of, and that anybody can make them again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::run::{cargo, must, must_read, plain_cargo, refund_node, root, say, target};

/// A program of a fixed version, in a folder of our own.
pub(crate) struct Tool {
    /// Its crate.
    name: &'static str,
    version: &'static str,
    /// Left out: what takes long to build and is not used here.
    features: &'static [&'static str],
    /// What the crate calls it, where that is another name.
    program: Option<&'static str>,
    /// One that computes a lot is worth a longer build.
    optimised: bool,
}

impl Tool {
    /// A cargo subcommand.
    const fn subcommand(name: &'static str, version: &'static str) -> Self {
        Self { name, version, features: &[], program: None, optimised: false }
    }
}

const DENY: Tool =
    Tool { features: &["--no-default-features"], ..Tool::subcommand("cargo-deny", "0.20.2") };
const CYCLONEDX: Tool = Tool::subcommand("cargo-cyclonedx", "0.5.9");
pub(crate) const FUZZ: Tool = Tool::subcommand("cargo-fuzz", "0.13.2");
const AUDITABLE: Tool = Tool::subcommand("cargo-auditable", "0.7.7");
/// `wasmtime serve`, of the version that our host is made of. Its serve does not compile without async components;
/// without a pooling allocator it has to be told so.
pub(crate) const WASMTIME: Tool = Tool {
    name: "wasmtime-cli",
    version: "48.0.8",
    features: &["--no-default-features", "--features", "cranelift,run,serve,component-model-async"],
    program: Some("wasmtime"),
    optimised: true,
};

impl Tool {
    /// Installs it if it is not there; where it is.
    pub(crate) fn installed(&self) -> Result<PathBuf> {
        let home = root().join("target/tools").join(format!("{}-{}", self.name, self.version));
        let program = self.program.unwrap_or(self.name);
        let binary = home.join("bin").join(format!("{program}{}", std::env::consts::EXE_SUFFIX));
        if !binary.exists() {
            say(&format!("Installing {} {}.", self.name, self.version));
            must(
                plain_cargo()
                    .args(["install", self.name, "--version", self.version, "--locked", "--quiet"])
                    .args((!self.optimised).then_some("--debug"))
                    .arg("--root")
                    .arg(&home)
                    .args(self.features),
            )?;
        }
        Ok(binary)
    }
}

/// Licences, sources, bans and duplicates.
pub(crate) fn deny() -> Result<()> {
    let mut deny = Command::new(DENY.installed()?);
    deny.current_dir(root()).args(["--locked", "check", "--hide-inclusion-graph"]);
    must(deny.args(["licenses", "sources", "bans"]))
}

/// Known weaknesses. Their database is fetched from GitHub, which not every machine reaches.
pub(crate) fn advisories() -> Result<()> {
    let mut deny = Command::new(DENY.installed()?);
    deny.current_dir(root()).args(["--locked", "check", "advisories"]);
    let output = deny.output().context("cargo-deny cannot be started")?;
    let text = String::from_utf8_lossy(&output.stderr);
    say(&text);
    if output.status.success() {
        return Ok(());
    }
    if text.contains("failed to fetch advisory database") {
        say(
            "\n!!! NOT CHECKED: the database of advisories cannot be reached from here. Run this where it can.\n",
        );
        return Ok(());
    }
    bail!("there are advisories against dependencies")
}

/// Lists of dependencies of component and command, as `CycloneDX`.
pub(crate) fn sbom() -> Result<()> {
    let dist = root().join("dist");
    fs::create_dir_all(&dist)?;
    let mut cyclonedx = Command::new(CYCLONEDX.installed()?);
    must(cyclonedx.current_dir(root()).args(["cyclonedx", "--format", "json", "--all"]))?;
    for (folder, name) in [("component/node", "refund-node"), ("host-harness/cli", "refund-cli")] {
        let made = root().join(folder).join(format!("{name}.cdx.json"));
        let kept = dist.join(format!("{name}.cdx.json"));
        fs::copy(&made, &kept).with_context(|| format!("{} was not made", made.display()))?;
        say(&format!("{}", kept.display()));
    }
    Ok(())
}

/// The release build of the command, with its list of dependencies inside (`cargo audit bin` reads it).
pub(crate) fn auditable() -> Result<()> {
    let mut auditable = Command::new(AUDITABLE.installed()?);
    must(auditable.current_dir(root()).args(["auditable", "build", "--release"]))
}

/// Whether what makes components is made anew as well.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Maker {
    /// It is: as a stranger would.
    Anew,
    /// It is the one of this build: only the component is made anew. It takes a third of the time.
    Ours,
}

/// Builds the component once more, in another folder with an empty target, and compares.
pub(crate) fn reproduce(maker: Maker) -> Result<()> {
    let refund_node = refund_node()?;
    let elsewhere = std::env::temp_dir().join(format!("refund-node-again-{}", std::process::id()));
    let again = build_in(&elsewhere.join("another/folder"), maker);
    let ours = digest(&refund_node, None)?;
    let theirs = again.and_then(|component| digest(&refund_node, Some(&component)));
    fs::remove_dir_all(&elsewhere)?;
    let theirs = theirs?;
    ensure!(ours == theirs, "the component is not reproducible: here {ours}, elsewhere {theirs}");
    say(&format!("the same component in two folders: {ours}"));
    Ok(())
}

/// Copies the sources into a folder, and builds the component there.
fn build_in(folder: &Path, maker: Maker) -> Result<PathBuf> {
    for name in ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml"] {
        copy(&root().join(name), &folder.join(name))?;
    }
    for name in ["component", "host-harness", "platforms", "tests", "wit", "xtask"] {
        copy(&root().join(name), &folder.join(name))?;
    }
    if maker == Maker::Ours {
        return build_by_ours(folder);
    }
    must(
        cargo()
            .current_dir(folder)
            .args(["build", "--quiet", "--package", "refund-artifact", "--target-dir", "target"])
            // What makes the component, not the component: it need not be fast.
            .env("CARGO_PROFILE_DEV_BUILD_OVERRIDE_OPT_LEVEL", "0")
            .env_remove("CARGO_TARGET_DIR"),
    )?;
    let builds = fs::read_dir(folder.join("target/debug/build"))?;
    let made = builds
        .filter_map(|entry| Some(entry.ok()?.path().join("out/refund-node.wasm")))
        .find(|component| component.exists());
    made.context("no component was made")
}

/// Runs the build script of the component, as cargo would over there.
fn build_by_ours(folder: &Path) -> Result<PathBuf> {
    let builds =
        fs::read_dir(target().join("debug/build"))?.filter_map(|entry| Some(entry.ok()?.path()));
    let scripts = builds.filter(|path| path.to_string_lossy().contains("/refund-artifact-"));
    let scripts =
        scripts.map(|path| path.join("build-script-build")).filter(|script| script.exists());
    let newest =
        scripts.max_by_key(|script| script.metadata().and_then(|data| data.modified()).ok());
    let out = folder.join("out");
    fs::create_dir_all(&out)?;
    must(
        Command::new(newest.context("the component was never built here: run `cargo build`")?)
            .current_dir(folder.join("component/artifact"))
            .env("CARGO_MANIFEST_DIR", folder.join("component/artifact"))
            .env("OUT_DIR", &out)
            .stdout(std::process::Stdio::null()),
    )?;
    Ok(out.join("refund-node.wasm"))
}

/// Copies a file or a folder, without what was installed or built there.
fn copy(from: &Path, to: &Path) -> Result<()> {
    const LEFT_OUT: [&str; 2] = ["node_modules", "target"];
    if from.is_file() {
        fs::create_dir_all(to.parent().context("a file lies in a folder")?)?;
        fs::copy(from, to)?;
        return Ok(());
    }
    for entry in fs::read_dir(from)? {
        let name = entry?.file_name();
        if !LEFT_OUT.iter().any(|left_out| name == *left_out) {
            copy(&from.join(&name), &to.join(&name))?;
        }
    }
    Ok(())
}

fn digest(refund_node: &Path, component: Option<&Path>) -> Result<String> {
    let mut inspect = Command::new(refund_node);
    inspect.args(["component", "inspect", "--json"]);
    if let Some(component) = component {
        inspect.arg("--component").arg(component);
    }
    let seen = must_read(&mut inspect)?;
    let digest = seen.split("\"digest\":\"").nth(1).and_then(|rest| rest.split('"').next());
    Ok(digest.context("no digest")?.to_owned())
}
