//! A release: everything that somebody installs, made into dist/, then installed from there in empty folders.

mod check;
mod files;
mod oci;

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use self::files::{SUMS, files_in, sha256};
use crate::compose::{build, compose};
use crate::conformance::{built, python};
use crate::run::{must, plain_cargo, root, say, target};
use crate::supply;

/// The packages for npm: the folder under platforms.
const NPM: [&str; 3] = ["node", "n8n", "node-red"];

/// Makes a release, and tries it. The sums are of this release alone, so what an earlier one left goes first.
pub(crate) fn run() -> Result<()> {
    let dist = root().join("dist");
    if dist.exists() {
        fs::remove_dir_all(&dist)?;
    }
    build()?;
    compose(&[])?;
    command(&dist)?;
    packages(&dist)?;
    supply::sbom()?;
    oci::write(&dist)?;
    sums(&dist)?;
    check::run(&dist)
}

/// Tries what is there.
pub(crate) fn check() -> Result<()> {
    check::run(&root().join("dist"))
}

/// The command, as small and fast as it gets.
fn command(dist: &Path) -> Result<()> {
    must(plain_cargo().args(["build", "--release", "--package", "refund-cli"]))?;
    let name = format!("refund-node{}", std::env::consts::EXE_SUFFIX);
    fs::copy(target().join("release").join(&name), dist.join(name))?;
    Ok(())
}

/// The npm tarballs and the wheel, each with the component of this release inside.
fn packages(dist: &Path) -> Result<()> {
    let component = dist.join("refund-node.wasm");
    for platform in NPM {
        let folder = built(platform, &component)?;
        let mut pack = Command::new("npm");
        pack.args(["pack", "--silent", "--pack-destination"]).arg(dist);
        must(pack.current_dir(folder))?;
    }
    let mut wheel = Command::new(python(&component)?);
    wheel.args(["-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps"]);
    wheel.arg("--wheel-dir").arg(dist).arg(root().join("platforms/python"));
    must(wheel.env("REFUND_NODE_COMPONENT", component))
}

/// As `sha256sum --check` reads it.
fn sums(dist: &Path) -> Result<()> {
    let mut lines = String::new();
    for file in files_in(dist)? {
        let name = file.strip_prefix(dist)?.display().to_string();
        if name != SUMS {
            lines.extend([&sha256(&fs::read(&file)?), "  ", &name, "\n"]);
        }
    }
    fs::write(dist.join(SUMS), lines)?;
    say(&format!("{}", dist.join(SUMS).display()));
    Ok(())
}
