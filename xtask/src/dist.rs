//! A release: everything that somebody installs, made into dist/, then installed from there in empty folders.

mod check;
mod oci;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};

use crate::conformance::{built, python};
use crate::run::{must, plain_cargo, root, target};
use crate::{build, compose, say, supply};

/// The packages for npm: the folder under platforms.
const NPM: [&str; 3] = ["node", "n8n", "node-red"];
/// What is in a release, by digest.
const SUMS: &str = "SHA256SUMS";

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
    for file in files(dist)? {
        let name = file.strip_prefix(dist)?.display().to_string();
        if name != SUMS {
            lines.extend([&sha256(&fs::read(&file)?), "  ", &name, "\n"]);
        }
    }
    fs::write(dist.join(SUMS), lines)?;
    say(&format!("{}", dist.join(SUMS).display()));
    Ok(())
}

/// All files of a folder, in the order of their names.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { found.extend(files(&path)?) } else { found.push(path) }
    }
    found.sort();
    Ok(found)
}

/// The one file of dist whose name begins and ends so.
fn one(dist: &Path, begins: &str, ends: &str) -> Result<PathBuf> {
    let fits = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with(begins) && name.ends_with(ends)
    };
    let mut found = files(dist)?.into_iter().filter(fits);
    let file = found.next().with_context(|| format!("dist has no {begins}…{ends}"))?;
    ensure!(found.next().is_none(), "dist has several {begins}…{ends}: empty it and begin again");
    Ok(file)
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

/// What a command printed, on one line; it is no news for whoever makes a release.
fn answer(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("{command:?} cannot be started"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?} failed: {said}");
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
