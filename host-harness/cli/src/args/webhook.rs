//! `webhook`: deliveries of Stripe.

use std::path::PathBuf;

use clap::{Args as Group, Subcommand};
use refund_core::secret::Secret;

#[derive(Group, Debug)]
pub(crate) struct Webhook {
    #[command(subcommand)]
    pub(crate) command: WebhookCommand,
}

#[derive(Subcommand, Debug)]
pub(crate) enum WebhookCommand {
    /// Check the signature of a delivery. Exits with 0 when accepted, 1 when rejected.
    #[command(
        after_help = "Example:\n  refund-node webhook verify --payload body.json --header \"$STRIPE_SIGNATURE\" --secret whsec_… --json"
    )]
    Verify(Verify),
    /// Receive deliveries, verify them, keep each event once, and move the operations they concern.
    #[command(
        after_help = "Example:\n  refund-node webhook listen --secret whsec_… --port 4242 --catch-up 3d\n\nDeliveries go to /webhook; GET /health answers with counters."
    )]
    Listen(Listen),
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of clap's parsers")]
fn secret(text: &str) -> Result<Secret, std::convert::Infallible> {
    Ok(Secret::new(text))
}

#[derive(Group, Debug)]
pub(crate) struct Listen {
    /// The endpoint's secret; both during a roll.
    #[arg(long, required_unless_present = "secret_file", value_parser = secret, env = "STRIPE_WEBHOOK_SECRET", hide_env_values = true)]
    pub(crate) secret: Vec<Secret>,
    /// Read the secret from this file; may be repeated during a roll.
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_file: Vec<PathBuf>,
    /// Where to listen on 127.0.0.1; 0 takes a free port.
    #[arg(long, default_value_t = 4242)]
    pub(crate) port: u16,
    /// Greatest age in seconds; 0 for any.
    #[arg(long, default_value_t = 300)]
    pub(crate) tolerance: u32,
    /// First read the refunds of this long at Stripe again, for events that were missed: 3d. Needs the key.
    #[arg(long, value_name = "TIME")]
    pub(crate) catch_up: Option<String>,
}

#[derive(Group, Debug)]
pub(crate) struct Verify {
    /// The raw body; - for stdin.
    #[arg(long, value_name = "FILE")]
    pub(crate) payload: PathBuf,
    /// The Stripe-Signature header.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) header: Option<String>,
    /// The endpoint's secret, whsec_…; may be repeated during a roll.
    #[arg(long, value_parser = secret, allow_hyphen_values = true)]
    pub(crate) secret: Vec<Secret>,
    /// A second secret, the same as repeating --secret.
    #[arg(long, value_parser = secret, allow_hyphen_values = true)]
    pub(crate) secret2: Option<Secret>,
    /// Read the secret from this file; may be repeated during a roll.
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_file: Vec<PathBuf>,
    /// Greatest age in seconds; 0 for any.
    #[arg(long, default_value_t = 300)]
    pub(crate) tolerance: u32,
    /// Greatest lead over the clock in seconds; any when absent, as in Stripe's libraries.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) future_tolerance: Option<u32>,
    /// The clock in Unix seconds; now when absent.
    #[arg(long, value_name = "UNIX")]
    pub(crate) now: Option<u64>,
}
