//! Files of a release, and what a command says about them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};

/// What is in a release, by digest.
pub(super) const SUMS: &str = "SHA256SUMS";

/// All files of a folder, in the order of their names.
pub(super) fn files_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { found.extend(files_in(&path)?) } else { found.push(path) }
    }
    found.sort();
    Ok(found)
}

/// The one file of dist whose name begins and ends so.
pub(super) fn one(dist: &Path, begins: &str, ends: &str) -> Result<PathBuf> {
    let fits = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with(begins) && name.ends_with(ends)
    };
    let mut found = files_in(dist)?.into_iter().filter(fits);
    let file = found.next().with_context(|| format!("dist has no {begins}…{ends}"))?;
    ensure!(found.next().is_none(), "dist has several {begins}…{ends}: empty it and begin again");
    Ok(file)
}

/// SHA-256 in hexadecimal digits.
pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

/// What a command printed, on one line; it is no news for whoever makes a release.
pub(super) fn answer(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("{command:?} cannot be started"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?} failed: {said}");
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
