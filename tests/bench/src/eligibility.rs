//! Whether a charge may be refunded: JSON in, JSON out, in the sandbox and without one.

use std::time::{Duration, Instant};

use anyhow::anyhow;
use refund_core::dispatch::invoke_pure;
use refund_host::{Node, Session};

use crate::figures::{Measured, Rows, median};

pub(crate) const OPERATION: &str = "eligibility.check";
pub(crate) const INPUT: &str = include_str!("../../vectors/bench-check.json");
const ROUNDS: usize = 5;
const CALLS: u32 = 20_000;

pub(crate) async fn measure(node: &Node) -> Rows {
    let mut session = node.session().await?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    sandboxed(&mut session).await?;
    for _ in 0..ROUNDS {
        theirs.push(native()?);
        ours.push(sandboxed(&mut session).await?);
    }
    let theirs = (median(theirs), "the same code, native");
    Ok(vec![Measured::times("eligibility, kept instance", median(ours), theirs, 3.0)])
}

async fn sandboxed(session: &mut Session) -> anyhow::Result<Duration> {
    let start = Instant::now();
    for _ in 0..CALLS {
        let verdict = session.invoke(OPERATION, INPUT).await?;
        verdict.map_err(|error| anyhow!("{error:?}"))?;
    }
    Ok(start.elapsed() / CALLS)
}

fn native() -> anyhow::Result<Duration> {
    let start = Instant::now();
    for _ in 0..CALLS {
        let verdict = invoke_pure(OPERATION, std::hint::black_box(INPUT));
        std::hint::black_box(verdict.map_err(|error| anyhow!("{error:?}"))?);
    }
    Ok(start.elapsed() / CALLS)
}
