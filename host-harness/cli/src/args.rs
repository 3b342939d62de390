//! What can be typed.

use std::path::PathBuf;

use clap::{Args as Group, Parser, Subcommand};

const LONG_ABOUT: &str = "Stripe refunds, never twice and never blindly: a sandboxed component does the work, this command runs it.

Without a key, try everything on the built-in simulator:
  refund-node demo                       a guided tour
  refund-node simulate --charges 3       a Stripe double on port 12111, with charges to refund
  refund-node check ch_… --simulator     then, in another terminal

With STRIPE_SECRET_KEY set (a restricted key is enough), commands talk to Stripe. A live key needs --live.";

const EXIT_CODES: &str = "Exit codes:
  0  done, eligible, accepted
  1  rejected webhook, or an error of this machine
  2  bad input: nothing was sent
  3  somebody must approve first
  4  denied by a rule, or the operation id belongs to another refund
  5  Stripe refused, or there was no usable answer
  6  nobody knows whether the refund was made: run the same command again";

/// Stripe refunds, never twice and never blindly.
#[derive(Parser, Debug)]
#[command(name = "refund-node", version, about, long_about = LONG_ABOUT, after_help = EXIT_CODES)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: Global,
    /// Log more, to stderr; up to -vvv.
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub(crate) verbose: u8,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Group, Debug, Clone)]
pub(crate) struct Global {
    /// Print JSON, for programs.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Run this component file instead of the one inside this command.
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) component: Option<PathBuf>,
    /// Talk to a simulator on this machine (`refund-node simulate`), not to Stripe.
    #[arg(long, global = true)]
    pub(crate) simulator: bool,
    /// Talk to this address: https, or plain http on loopback.
    #[arg(long, value_name = "URL", global = true, conflicts_with = "simulator")]
    pub(crate) base_url: Option<String>,
    /// Allow a live key: real money moves.
    #[arg(long, global = true)]
    pub(crate) live: bool,
    /// Act for this connected account.
    #[arg(long, value_name = "acct_…", global = true)]
    pub(crate) account: Option<String>,
    /// The key; better given in the environment than typed.
    #[arg(long, env = "STRIPE_SECRET_KEY", hide_env_values = true, hide = true, global = true)]
    pub(crate) key: Option<String>,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// A guided tour on the built-in simulator; needs no key.
    Demo,
    /// Run a Stripe double on this machine.
    #[command(
        after_help = "Example:\n  refund-node simulate --charges 3\n\nIts control API (faults, disputes, the clock) is described in host-harness/simulator/README.md."
    )]
    Simulate(Simulate),
    /// Make, read, change or cancel refunds.
    Refund(Refund),
    /// May this payment be refunded?
    #[command(
        after_help = "Exit codes: 0 eligible, 3 needs approval, 4 denied, 2 bad input, 5 Stripe or network failure.\n\nExamples:\n  refund-node check ch_123\n  refund-node check pi_123 --amount 25.00 --currency usd --window-days 30\n  refund-node check ch_123 --amount 500 --currency jpy --approval-above 300 --json"
    )]
    Check(Check),
    /// Find customers who paid twice, in a file or at Stripe.
    #[command(
        after_help = "Examples:\n  refund-node duplicates --input charges.jsonl --window 5m --json\n  stripe charges list --limit 100 | jq -c '.data[]' | refund-node duplicates --input -\n  refund-node duplicates --since 24h"
    )]
    Duplicates(Duplicates),
    /// Verify webhooks.
    Webhook(Webhook),
    /// Print the manifest: operations and their JSON Schemas.
    Describe,
    /// Run one operation: JSON in, JSON out.
    #[command(
        after_help = "Example:\n  refund-node invoke refunds.retrieve --input '{\"refund\": \"re_123\"}'\n\nThe names and schemas are in `refund-node describe`."
    )]
    Invoke(Invoke),
    /// Look into a component file.
    Component(Component),
    /// Print a completion script for your shell.
    #[command(
        after_help = "Example:\n  refund-node completions bash > /etc/bash_completion.d/refund-node"
    )]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

#[derive(Group, Debug)]
pub(crate) struct Simulate {
    /// Where to listen on 127.0.0.1; 0 takes a free port.
    #[arg(long, default_value_t = 12111)]
    pub(crate) port: u16,
    /// Ids follow from this number.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// Make so many charges to begin with.
    #[arg(long, default_value_t = 0)]
    pub(crate) charges: u32,
    /// Keep Stripe's rate limits.
    #[arg(long)]
    pub(crate) rate_limits: bool,
}

#[derive(Group, Debug)]
pub(crate) struct Refund {
    #[command(subcommand)]
    pub(crate) command: RefundCommand,
}

#[derive(Subcommand, Debug)]
pub(crate) enum RefundCommand {
    /// Make a refund. The same operation id never pays twice.
    #[command(
        after_help = "Examples:\n  refund-node refund create ch_123 --operation order-6735-refund-1\n  refund-node refund create pi_123 --operation order-6735-refund-2 --amount 25.00 --currency usd --reason requested_by_customer\n  refund-node refund create ch_123 --operation … --minor 2500 --currency usd"
    )]
    Create(Box<Create>),
    /// Read one refund.
    Get {
        /// The refund, re_….
        refund: String,
    },
    /// Read a page of refunds, newest first.
    List(List),
    /// Set metadata keys.
    #[command(
        after_help = "Example:\n  refund-node refund update re_123 --metadata ticket=4711 --metadata note="
    )]
    Update {
        /// The refund, re_….
        refund: String,
        /// A key and its value; an empty value removes the key.
        #[arg(long, value_name = "KEY=VALUE", required = true)]
        metadata: Vec<String>,
    },
    /// Cancel a refund that waits for the customer.
    Cancel {
        /// The refund, re_….
        refund: String,
    },
}

/// How much.
#[derive(Group, Debug)]
#[expect(clippy::struct_field_names, reason = "a field is named as its flag")]
pub(crate) struct Amount {
    /// A decimal of the currency: 25.00 dollars, 500 yen. Everything that is left when absent.
    #[arg(long, value_name = "DECIMAL", requires = "currency")]
    pub(crate) amount: Option<String>,
    /// The same in the smallest unit: 2500 cents.
    #[arg(
        long,
        value_name = "UNITS",
        conflicts_with = "amount",
        requires = "currency",
        allow_negative_numbers = true
    )]
    pub(crate) minor: Option<String>,
    /// The charge's currency, for example usd.
    #[arg(long)]
    pub(crate) currency: Option<String>,
}

/// The merchant's rules.
#[derive(Group, Debug)]
pub(crate) struct PolicyArgs {
    /// Refundable for so many days after the charge.
    #[arg(long, value_name = "DAYS")]
    pub(crate) window_days: Option<u32>,
    /// Smallest refund, a decimal of --currency.
    #[arg(long, value_name = "DECIMAL", requires = "currency")]
    pub(crate) minimum: Option<String>,
    /// Largest refund, a decimal of --currency.
    #[arg(long, value_name = "DECIMAL", requires = "currency")]
    pub(crate) maximum: Option<String>,
    /// Above this somebody must approve, a decimal of --currency.
    #[arg(long, value_name = "DECIMAL", requires = "currency")]
    pub(crate) approval_above: Option<String>,
    /// At most so many refunds on one payment.
    #[arg(long, value_name = "COUNT")]
    pub(crate) max_attempts: Option<u32>,
    /// An allowed payment method, for example card; may be repeated.
    #[arg(long, value_name = "METHOD")]
    pub(crate) payment_method: Vec<String>,
    /// The charge's metadata must have this key, and this value if one is given; may be repeated.
    #[arg(long, value_name = "KEY[=VALUE]")]
    pub(crate) require_metadata: Vec<String>,
    /// Refuse charges reported as fraudulent.
    #[arg(long)]
    pub(crate) block_fraud: bool,
    /// Fee rate for the estimate, in hundredths of a percent: 290 is 2.9 %.
    #[arg(long, value_name = "BP")]
    pub(crate) fee_basis_points: Option<u32>,
}

#[derive(Group, Debug)]
pub(crate) struct Create {
    /// The charge (ch_…) or PaymentIntent (pi_…).
    pub(crate) payment: String,
    /// Your own name for this refund.
    #[arg(long, value_name = "ID")]
    pub(crate) operation: String,
    #[command(flatten)]
    pub(crate) amount: Amount,
    /// `duplicate`, `fraudulent` or `requested_by_customer`.
    #[arg(long)]
    pub(crate) reason: Option<String>,
    /// A key and its value; may be repeated.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) metadata: Vec<String>,
    /// Connect: give the application fee back in proportion.
    #[arg(long)]
    pub(crate) refund_application_fee: bool,
    /// Connect: take the money back from the connected account.
    #[arg(long)]
    pub(crate) reverse_transfer: bool,
    /// The request hash that somebody approved.
    #[arg(long, value_name = "HASH")]
    pub(crate) approval: Option<String>,
    #[command(flatten)]
    pub(crate) policy: PolicyArgs,
}

#[derive(Group, Debug)]
pub(crate) struct List {
    /// Only those of this charge or PaymentIntent.
    #[arg(long)]
    pub(crate) payment: Option<String>,
    /// Page size, 1 to 100.
    #[arg(long, default_value_t = 10)]
    pub(crate) limit: u8,
    /// Go on after this refund.
    #[arg(long, value_name = "re_…")]
    pub(crate) cursor: Option<String>,
}

#[derive(Group, Debug)]
pub(crate) struct Check {
    /// The charge (ch_…) or PaymentIntent (pi_…).
    pub(crate) payment: String,
    #[command(flatten)]
    pub(crate) amount: Amount,
    #[command(flatten)]
    pub(crate) policy: PolicyArgs,
}

#[derive(Group, Debug)]
pub(crate) struct Duplicates {
    /// A file with one Stripe charge object a line, or CSV with the same field names; - for stdin.
    #[arg(long, value_name = "FILE", required_unless_present = "since")]
    pub(crate) input: Option<PathBuf>,
    /// Look at Stripe's charges of this long: 90m, 24h, 7d.
    #[arg(long, value_name = "TIME", conflicts_with = "input")]
    pub(crate) since: Option<String>,
    /// How far apart, from the first charge: 90s, 5m, 1h.
    #[arg(long, value_name = "TIME", default_value = "5m")]
    pub(crate) window: String,
    /// A metadata key that names an order or invoice; may be repeated.
    #[arg(long, value_name = "KEY")]
    pub(crate) reference_key: Vec<String>,
}

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
    /// Receive deliveries, verify them, and print what they mean.
    #[command(after_help = "Example:\n  refund-node webhook listen --secret whsec_… --port 4242")]
    Listen {
        /// The endpoint's secret; both during a roll.
        #[arg(long, required = true, env = "STRIPE_WEBHOOK_SECRET", hide_env_values = true)]
        secret: Vec<String>,
        /// Where to listen on 127.0.0.1; 0 takes a free port.
        #[arg(long, default_value_t = 4242)]
        port: u16,
        /// Greatest age in seconds; 0 for any.
        #[arg(long, default_value_t = 300)]
        tolerance: u32,
    },
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
    #[arg(long, allow_hyphen_values = true)]
    pub(crate) secret: Vec<String>,
    /// A second secret, the same as repeating --secret.
    #[arg(long, allow_hyphen_values = true)]
    pub(crate) secret2: Option<String>,
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

#[derive(Group, Debug)]
pub(crate) struct Invoke {
    /// The operation, for example refunds.create.
    pub(crate) operation: String,
    /// Its input, a JSON object; read from stdin when absent.
    #[arg(long, value_name = "JSON")]
    pub(crate) input: Option<String>,
}

#[derive(Group, Debug)]
pub(crate) struct Component {
    #[command(subcommand)]
    pub(crate) command: ComponentCommand,
}

#[derive(Subcommand, Debug)]
pub(crate) enum ComponentCommand {
    /// Print digest, size, imports and exports.
    Inspect,
    /// Write the component inside this command to a file.
    Extract {
        /// Where to.
        file: PathBuf,
        /// The one without any import.
        #[arg(long)]
        pure: bool,
    },
}
