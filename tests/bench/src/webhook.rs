//! A webhook of three kilobytes: verified and parsed, in a kept instance and in a fresh one.

use std::time::{Duration, Instant};

use refund_host::api::webhooks::VerifyOptions;
use refund_host::{Node, Session};

use crate::figures::{Measured, Rows, median};
use crate::peers::{Peers, seconds};

pub(crate) const EVENT: &str = include_str!("../../vectors/bench-event.json");
pub(crate) const HEADER: &str =
    "t=1700000000,v1=62e05279f9c423c42b7aa45fe1def7f28602a54e5bc003464bf7a618ce7cc83c";
pub(crate) const SECRET: &str = "whsec_test";
const NOW: u64 = 1_700_000_000;
const ROUNDS: usize = 5;
const WARM: u32 = 20_000;
const FRESH: u32 = 5000;

/// The same bytes, header and secret; the tolerance is as long as time, because the header is old.
const SCRIPT: &str = "
const { default: Stripe } = require('stripe');
const stripe = new (Stripe ?? require('stripe'))('sk_test_x');
const [payload, header, secret] = process.argv.slice(1);
const body = Buffer.from(payload);
const run = count => { for (let n = 0; n < count; n++) stripe.webhooks.constructEvent(body, header, secret, 0xffffffff); };
run(5000);
const start = process.hrtime.bigint();
run(20000);
console.log(Number(process.hrtime.bigint() - start) / 20000 / 1e9);
";

pub(crate) async fn measure(node: &Node, peers: &Peers) -> Rows {
    let folder = peers.stripe_node()?;
    let mut session = node.session().await?;
    let secrets = [SECRET.to_owned()];
    let (mut theirs, mut warm, mut fresh) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        theirs.push(seconds(&folder, SCRIPT, &[EVENT, HEADER, SECRET])?);
        warm.push(kept(&mut session, &secrets).await?);
        fresh.push(opened(node, &secrets).await?);
    }
    let theirs = (median(theirs), "stripe-node");
    Ok(vec![
        Measured::times("webhook, kept instance", median(warm), theirs, 1.0),
        Measured::times("webhook, fresh instance", median(fresh), theirs, 2.0),
    ])
}

async fn kept(session: &mut Session, secrets: &[String]) -> anyhow::Result<Duration> {
    let mut start = Instant::now();
    for call in 0..WARM + WARM / 4 {
        if call == WARM / 4 {
            start = Instant::now();
        }
        verify_and_parse(session, secrets).await?;
    }
    Ok(start.elapsed() / WARM)
}

async fn opened(node: &Node, secrets: &[String]) -> anyhow::Result<Duration> {
    let start = Instant::now();
    for _ in 0..FRESH {
        verify_and_parse(&mut node.session().await?, secrets).await?;
    }
    Ok(start.elapsed() / FRESH)
}

async fn verify_and_parse(session: &mut Session, secrets: &[String]) -> anyhow::Result<()> {
    let options = VerifyOptions { tolerance: Some(300), future_tolerance: None };
    let payload = EVENT.as_bytes();
    let verified = session.verify(payload, Some(HEADER), secrets, options, NOW).await?;
    verified.map_err(|error| anyhow::anyhow!("{error:?}"))?;
    let parsed = session.parse(payload).await?;
    parsed.map_err(|error| anyhow::anyhow!("{error:?}"))?;
    Ok(())
}
