//! The simulator alone, without the rest of refund-node: prints where it listens, and serves until it is
//! ended.

use std::io::Write;

use refund_simulator::Simulator;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let stripe = Simulator::builder().start().await?;
    writeln!(std::io::stdout(), "{}", stripe.base_url())?;
    std::future::pending().await
}
