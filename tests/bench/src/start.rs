//! From the start of the process to a verdict, with the component's code in the cache.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::figures::{Measured, Rows, median};
use crate::peers::{Peers, read};
use crate::process::refund_node;
use crate::webhook;

const ROUNDS: usize = 21;

pub(crate) fn measure(peers: &Peers) -> Rows {
    let folder = peers.stripe_node()?;
    let event = tempfile::NamedTempFile::new()?;
    std::fs::write(&event, webhook::EVENT)?;
    let mut ours = refund_node()?;
    ours.args(["webhook", "verify", "--tolerance", "4000000000", "--payload"])
        .arg(event.path())
        .args(["--header", webhook::HEADER, "--secret", webhook::SECRET]);
    let mut theirs = Command::new("node");
    theirs.current_dir(folder).args(["-e", "require('stripe')"]);
    // The first run fills the cache.
    took(&mut ours)?;
    took(&mut theirs)?;
    let (mut here, mut there) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        here.push(took(&mut ours)?);
        there.push(took(&mut theirs)?);
    }
    let theirs = (median(there), "node -e \"require('stripe')\"");
    Ok(vec![Measured::times("from start to verdict", median(here), theirs, 0.25)])
}

fn took(command: &mut Command) -> anyhow::Result<Duration> {
    let start = Instant::now();
    read(command)?;
    Ok(start.elapsed())
}
