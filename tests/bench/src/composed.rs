//! What composing adds to a call: the same operation through a pipeline that passes it on, and without one.

use std::time::{Duration, Instant};

use anyhow::anyhow;
use refund_host::{Allow, HostBuilder, Node, Session, StripeKey};
use refund_pipelines::SLA_CREDIT;
use serde_json::json;

use crate::create::charges;
use crate::eligibility::{INPUT, OPERATION};
use crate::figures::{Measured, Rows, median};
use crate::process::{KEY, Simulator};

const ROUNDS: usize = 9;
const CALLS: u32 = 5_000;
const REFUNDS: u32 = 400;

pub(crate) async fn measure(host: fn() -> HostBuilder) -> Rows {
    let built = host().build()?;
    let (plain, composed) = (built.load(refund_artifact::NODE)?, built.load(SLA_CREDIT.composed)?);
    let kept = kept(&plain, &composed).await?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        theirs.push(fresh(&plain).await?);
        ours.push(fresh(&composed).await?);
    }
    let uncomposed = (median(theirs), "not composed");
    let fresh = Measured::times("composed, fresh instance", median(ours), uncomposed, 1.3);
    Ok(vec![kept, fresh, refunds(host()).await?])
}

/// As every refund is made: in a fresh instance, which reads the charge and refunds it.
async fn refunds(host: HostBuilder) -> anyhow::Result<Measured> {
    let csv = tempfile::NamedTempFile::new()?;
    let stripe = Simulator::start(csv.path(), 2 * REFUNDS, &["--lean"])?;
    let host = host.key(StripeKey::parse(KEY)?).allow(Allow::stripe_at(&stripe.url)?).build()?;
    let (plain, composed) = (host.load(refund_artifact::NODE)?, host.load(SLA_CREDIT.composed)?);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for [one, other] in charges(csv.path())?.as_chunks().0 {
        theirs.push(refund(&plain, &stripe.url, one).await?);
        ours.push(refund(&composed, &stripe.url, other).await?);
    }
    let uncomposed = (median(theirs), "not composed");
    Ok(Measured::times("composed, a refund", median(ours), uncomposed, 1.3))
}

async fn refund(node: &Node, stripe: &str, charge: &str) -> anyhow::Result<Duration> {
    let connection = json!({ "base_url": stripe });
    let input = json!({ "operation_id": charge, "payment": charge, "connection": connection });
    let (input, start) = (input.to_string(), Instant::now());
    let refunded = node.invoke("refunds.create", &input).await?;
    refunded.map_err(|error| anyhow!("{charge} was not refunded: {error:?}"))?;
    Ok(start.elapsed())
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
