//! Refunds a charge from a program of one's own.
//!
//! `STRIPE_SECRET_KEY=sk_test_… cargo run -- refund-node.wasm order-1-refund-1 ch_… [BASE_URL]`
//!
//! Run it as often as you like: one operation id makes one refund.

use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use refund_host::{Allow, Host, KeyMode, StripeKey, default_cache};
use serde_json::json;

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let component = arguments.next().context("give the component file")?;
    let operation = arguments.next().context("give your own name for this refund")?;
    let payment = arguments.next().context("give a charge, ch_…")?;
    let base_url = arguments.next();
    let key = std::env::var("STRIPE_SECRET_KEY").context("set STRIPE_SECRET_KEY")?;
    let key = StripeKey::parse(&key)?;
    ensure!(key.mode() == KeyMode::Test, "this is a live key, and real money would move");

    let allow = base_url.as_ref().map_or_else(|| Ok(Allow::stripe()), |url| Allow::stripe_at(url));
    let mut host = Host::builder().key(key).allow(allow?);
    if let Some(folder) = default_cache() {
        host = host.cache(folder);
    }
    let node = host.build()?.load_file(Path::new(&component))?;
    let input = json!({
        "connection": { "base_url": base_url }, "operation_id": operation, "payment": payment,
    });
    let created = node.invoke("refunds.create", &input.to_string()).await?;
    println!("{}", created.map_err(|error| anyhow!("{error:?}"))?);
    Ok(())
}
