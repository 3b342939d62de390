//! What composing adds to a call: the same operation through a pipeline that passes it on, and without one.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use refund_host::{Node, Session};

use super::eligibility::{INPUT, OPERATION};
use super::{Measured, Rows, median};
use crate::args::Global;
use crate::context;

const ROUNDS: usize = 9;
const CALLS: u32 = 5_000;

pub(super) async fn measure(global: &Global, composed: Option<&Path>) -> Rows {
    let file = composed
        .context("name a composed component with --composed (`cargo xtask compose` makes them)")?;
    let host = context::host(global).build()?;
    let (plain, composed) = (host.load(refund_artifact::NODE)?, host.load_file(file)?);
    let kept = kept(&plain, &composed).await?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        theirs.push(fresh(&plain).await?);
        ours.push(fresh(&composed).await?);
    }
    let uncomposed = (median(theirs), "not composed");
    Ok(vec![kept, Measured::times("composed, fresh instance", median(ours), uncomposed, 1.3)])
}

async fn kept(plain: &Node, composed: &Node) -> anyhow::Result<Measured> {
    let (mut plain, mut composed) = (plain.session().await?, composed.session().await?);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    in_session(&mut composed).await?;
    for _ in 0..ROUNDS {
        theirs.push(in_session(&mut plain).await?);
        ours.push(in_session(&mut composed).await?);
    }
    let uncomposed = (median(theirs), "not composed");
    Ok(Measured::times("composed, kept instance", median(ours), uncomposed, 1.3))
}

async fn in_session(session: &mut Session) -> anyhow::Result<Duration> {
    let start = Instant::now();
    for _ in 0..CALLS {
        session.invoke(OPERATION, INPUT).await?.map_err(|error| anyhow!("{error:?}"))?;
    }
    Ok(start.elapsed() / CALLS)
}

async fn fresh(node: &Node) -> anyhow::Result<Duration> {
    let start = Instant::now();
    for _ in 0..CALLS {
        node.invoke(OPERATION, INPUT).await?.map_err(|error| anyhow!("{error:?}"))?;
    }
    Ok(start.elapsed() / CALLS)
}
