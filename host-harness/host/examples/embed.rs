//! Embeds the refund node in a foreign program: may this charge be refunded?
//!
//! `STRIPE_SECRET_KEY=sk_test_… cargo run -p refund-host --example embed -- refund-node.wasm ch_…`

#![expect(clippy::print_stdout, reason = "an example prints")]

use std::path::Path;

use anyhow::{Context, Result, anyhow};
use refund_host::{Allow, Host, StripeKey};

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().context("give the component file")?;
    let charge = arguments.next().context("give a charge, ch_…")?;
    let base_url = arguments.next();
    let key = std::env::var("STRIPE_SECRET_KEY").context("set STRIPE_SECRET_KEY")?;

    let host = Host::builder()
        .key(StripeKey::parse(&key)?)
        .allow(base_url.as_ref().map_or_else(|| Ok(Allow::stripe()), |url| Allow::stripe_at(url))?)
        .build()?;
    let node = host.load_file(Path::new(&file))?;

    let connection = base_url
        .map_or_else(String::new, |url| format!(r#""connection": {{"base_url": "{url}"}},"#));
    let input = format!(r#"{{{connection} "payment": "{charge}"}}"#);
    let verdict = node.invoke("eligibility.check-live", &input).await?;
    println!("{}", verdict.map_err(|error| anyhow!("{error:?}"))?);
    Ok(())
}
