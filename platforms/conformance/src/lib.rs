//! The judge of the conformance suite: runs the same cases on every platform that embeds the component, and compares
//! answers, requests and refunds. The contract between case, judge and runner is in the README of this crate.

mod answer;
mod carried;
mod case;
mod column;
mod compare;
mod names;
mod report;
mod runner;
mod stage;

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

pub use case::{Case, Step, load};
pub use column::{Column, Verdict};
pub use report::Report;

/// A platform to try: what it is called, and the program that runs it with its arguments.
#[derive(Clone, Debug)]
pub struct Platform {
    /// The head of its column.
    pub name: String,
    /// The program and its arguments.
    pub command: Vec<String>,
}

/// What every platform is given and held to.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The component file that every platform has to load.
    pub component: PathBuf,
    /// The text that `describe` has to give, where it is known; otherwise all have to give the same.
    pub manifest: Option<PathBuf>,
    /// How long a runner may take for one answer.
    pub patience: Duration,
}

/// Tries all platforms, at the same time: most of a case is waiting between two tries.
pub async fn judge(cases: &[Case], platforms: &[Platform], terms: &Terms) -> Result<Report> {
    let component = digest_of(&terms.component)?;
    let manifest = terms.manifest.as_deref().map(digest_of).transpose()?;
    let columns = platforms.iter().map(|platform| column::try_all(cases, platform, terms));
    let columns = futures::future::try_join_all(columns).await?;
    Ok(Report::new(component, manifest, cases, columns))
}

/// `sha256:` and the digest of a file, as runners give it.
fn digest_of(file: &Path) -> Result<String> {
    let bytes =
        std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let digits = Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    });
    Ok(format!("sha256:{digits}"))
}
