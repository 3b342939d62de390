//! What can be typed.

use std::path::PathBuf;

use clap::{Args as Group, Parser, Subcommand};
use refund_core::secret::Secret;
use refund_host::PublicKey;

const LONG_ABOUT: &str = "Stripe refunds, never twice and never blindly: a sandboxed component does the work, this command runs it.

Without a key, try everything on the built-in simulator:
  refund-node demo                       a guided tour
  refund-node simulate --charges 3       a Stripe double on port 12111, with charges to refund
  refund-node check ch_… --simulator     then, in another terminal

With STRIPE_SECRET_KEY set (a restricted key is enough), commands talk to Stripe. The key may also come from
--key-file or --key-command. A live key needs --live. Not working? refund-node doctor.";

const EXIT_CODES: &str = "Exit codes:
  0  done, eligible, accepted
  1  rejected webhook, or an error of this machine
  2  bad input: nothing was sent
  3  somebody must approve first
  4  denied by a rule, or the operation id belongs to another refund
  5  Stripe refused, or there was no usable answer
  6  nobody knows whether a refund was made: run the same command again, or resume
  7  stopped before the end, by itself or by Ctrl-C: resume
  8  ledger and Stripe differ, or the audit does not hold";

/// Stripe refunds, never twice and never blindly.
#[derive(Parser, Debug)]
#[command(name = "refund-node", version, about, long_about = LONG_ABOUT, after_help = EXIT_CODES)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: Global,
    /// Log more, to stderr; up to -vvv.
    #[arg(short, long, action = clap::ArgAction::Count, global = true, help_heading = "Options of every command")]
    pub(crate) verbose: u8,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Group, Debug, Clone)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Global {
    /// Print JSON, for programs.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Run this component file instead of the one inside this command.
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) component: Option<PathBuf>,
    /// Run only the component with this SHA-256, as `component inspect` prints it.
    #[arg(long, value_name = "DIGEST", env = "REFUND_NODE_DIGEST", global = true)]
    pub(crate) digest: Option<String>,
    /// Run only a component file signed with this minisign key; the signature is FILE.minisig.
    #[arg(long, value_name = "PUBLIC-KEY", requires = "component", global = true)]
    pub(crate) signed_by: Option<PublicKey>,
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
    /// Wait so long for an answer of Stripe's to begin.
    #[arg(long, value_name = "SECONDS", default_value_t = 80, value_parser = clap::value_parser!(u64).range(1..=240), global = true)]
    pub(crate) timeout: u64,
    /// The ledger of operations; `bulk`, `reconcile`, `audit` and `webhook listen` use
    /// ./refund-node.ledger unless told otherwise, `refund create` uses one only when it is named.
    #[arg(long, value_name = "FILE", env = "REFUND_NODE_LEDGER", global = true)]
    pub(crate) ledger: Option<PathBuf>,
    /// For so long after a lost answer "there is no such refund" is not believed.
    #[arg(long, value_name = "SECONDS", default_value_t = 90, hide = true, global = true)]
    pub(crate) grace: u64,
    /// Read the key from this file instead of from the environment.
    #[arg(long, value_name = "FILE", env = "STRIPE_SECRET_KEY_FILE", global = true)]
    pub(crate) key_file: Option<PathBuf>,
    /// Run this command; the first line it prints is the key: 'pass show stripe/refunds'.
    #[arg(long, value_name = "COMMAND", env = "REFUND_NODE_KEY_COMMAND", global = true)]
    pub(crate) key_command: Option<String>,
    /// Keep compiled code in this folder; refund-node in your folder for caches unless told otherwise.
    #[arg(long, value_name = "FOLDER", env = "REFUND_NODE_CACHE", global = true)]
    pub(crate) cache: Option<PathBuf>,
    /// Compile the component anew, and keep nothing.
    #[arg(long, conflicts_with = "cache", global = true)]
    pub(crate) no_cache: bool,
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
    /// Refund many payments from a file: plan, run, resume, export.
    #[command(after_help = BULK_HELP)]
    Bulk(Bulk),
    /// Compare the ledger with Stripe, both ways. Exits with 8 when they differ.
    #[command(
        after_help = "Examples:\n  refund-node reconcile --since 30d\n  refund-node reconcile --since 30d --repair   # move operations to what Stripe says"
    )]
    Reconcile(Reconcile),
    /// Check the ledger's audit: every move of every operation, hash-chained.
    Audit(Audit),
    /// Look into a component file.
    Component(Component),
    /// Check key, permissions, clock, connection, component and ledger, and say what to fix.
    #[command(
        after_help = "Exits with 0 when everything is well, 1 otherwise. It reads only: no refund is made or changed.\n\nExamples:\n  refund-node doctor\n  refund-node doctor --live --key-command 'pass show stripe/refunds'"
    )]
    Doctor,
    /// Measure what the sandbox costs, against stripe-node, DuckDB and native code; installs them by npm and pip.
    #[command(
        after_help = "Ratios of medians, this against that, lower is better. Exits with 1 when something could not be measured.\n\nExamples:\n  refund-node bench\n  refund-node bench --only webhook --only size --json"
    )]
    Bench(Bench),
    /// Print a completion script for your shell.
    #[command(
        after_help = "Example:\n  refund-node completions bash > /etc/bash_completion.d/refund-node"
    )]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

const BULK_HELP: &str = "The input is CSV with a header, or one JSON object a line:
  payment (or charge, payment_intent), amount (25.00, or all) or minor, currency,
  operation, reason, approval, metadata.KEY

Examples:
  refund-node bulk plan recall.csv                          what would happen; nothing is sent
  refund-node bulk run recall.csv --operation-template 'recall-7-{payment}'
  refund-node bulk run recall.csv --stop-above usd=50000.00 --stop-failures 5 --spread 4h
  refund-node bulk status
  refund-node bulk resume                                   after Ctrl-C, a stop or a crash
  refund-node bulk export --output done.csv

The same file is the same run: running it twice, or in two processes at once, refunds once.
Lines that cannot be used are kept in recall.csv.rejected.csv; the others go on.";

#[derive(Group, Debug)]
pub(crate) struct Bulk {
    #[command(subcommand)]
    pub(crate) command: BulkCommand,
}

#[derive(Subcommand, Debug)]
pub(crate) enum BulkCommand {
    /// Say what a run would do. Reads from Stripe; sends and writes nothing.
    Plan(Box<BulkPlan>),
    /// Refund every line, or go on with a run of the same file.
    Run(Box<BulkRun>),
    /// Show runs, or how far one has come.
    Status {
        /// The run, or the beginning of its id; all runs when absent.
        run: Option<String>,
    },
    /// Go on with a run after Ctrl-C, a stop or a crash.
    Resume {
        /// The run, or the beginning of its id; the newest when absent.
        run: Option<String>,
        #[command(flatten)]
        speed: Speed,
        #[command(flatten)]
        stop: StopArgs,
    },
    /// Call off what was not sent yet.
    Cancel {
        /// The run, or the beginning of its id.
        run: String,
    },
    /// Write what became of every line.
    Export {
        /// The run, or the beginning of its id; the newest when absent.
        run: Option<String>,
        /// Where to; stdout when absent. A name that ends in .json or .jsonl gives JSON.
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

/// An input and what it means.
#[derive(Group, Debug)]
pub(crate) struct BulkInput {
    /// CSV or JSONL; - for stdin.
    pub(crate) input: PathBuf,
    /// Makes the operation id from columns, for example 'recall-7-{payment}'.
    #[arg(long, value_name = "TEXT")]
    pub(crate) operation_template: Option<String>,
    /// Pass over columns that mean nothing.
    #[arg(long)]
    pub(crate) ignore_unknown: bool,
    /// The currency of --minimum, --maximum and --approval-above.
    #[arg(long)]
    pub(crate) currency: Option<String>,
    #[command(flatten)]
    pub(crate) policy: PolicyArgs,
}

/// How fast.
#[derive(Group, Debug)]
#[command(next_help_heading = "How fast")]
pub(crate) struct Speed {
    /// Refunds at the same time.
    #[arg(long, value_name = "COUNT", default_value_t = 48)]
    pub(crate) in_flight: usize,
    /// Requests a second on one endpoint; Stripe permits 25. Less leaves room for others.
    #[arg(long, value_name = "PER-SECOND", default_value_t = 25.0)]
    pub(crate) rate: f64,
    /// Requests a second on the account; 100 in live mode and 25 in test mode unless given.
    #[arg(long, value_name = "PER-SECOND")]
    pub(crate) account_rate: Option<f64>,
    /// As fast as it goes: for a simulator without rate limits.
    #[arg(long, conflicts_with_all = ["rate", "account_rate"])]
    pub(crate) no_pace: bool,
    /// Spread the refunds evenly over this time: 30m, 4h.
    #[arg(long, value_name = "TIME")]
    pub(crate) spread: Option<String>,
}

/// When to stop.
#[derive(Group, Debug)]
#[command(next_help_heading = "When to stop")]
pub(crate) struct StopArgs {
    /// Never refund more than this in all; may be repeated for other currencies.
    #[arg(long, value_name = "CURRENCY=AMOUNT")]
    pub(crate) stop_above: Vec<String>,
    /// Stop when more than this share of lines was refused or failed (of 20 lines or more).
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub(crate) stop_failures: Option<u8>,
    /// Go on when the balance does not cover the refunds: they wait at Stripe.
    #[arg(long)]
    pub(crate) go_on_when_short: bool,
}

#[derive(Group, Debug)]
pub(crate) struct BulkPlan {
    #[command(flatten)]
    pub(crate) input: BulkInput,
    #[command(flatten)]
    pub(crate) speed: Speed,
}

#[derive(Group, Debug)]
pub(crate) struct BulkRun {
    #[command(flatten)]
    pub(crate) input: BulkInput,
    #[command(flatten)]
    pub(crate) speed: Speed,
    #[command(flatten)]
    pub(crate) stop: StopArgs,
}

#[derive(Group, Debug)]
pub(crate) struct Reconcile {
    /// Look at refunds made in this time: 24h, 30d.
    #[arg(long, value_name = "TIME", default_value = "30d")]
    pub(crate) since: String,
    /// Move operations on to what Stripe says.
    #[arg(long)]
    pub(crate) repair: bool,
}

#[derive(Group, Debug)]
pub(crate) struct Audit {
    #[command(subcommand)]
    pub(crate) command: AuditCommand,
}

#[derive(Subcommand, Debug)]
pub(crate) enum AuditCommand {
    /// Check every page and every row. Exits with 8 when something was changed or is missing.
    Verify {
        /// The last hash that an earlier check printed: it must still be in the chain.
        #[arg(long, value_name = "HASH")]
        head: Option<String>,
    },
    /// Show every move of an operation.
    Show {
        /// The operation id.
        operation: String,
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
    /// Write the charges into this file as input for `bulk`.
    #[arg(long, value_name = "FILE")]
    pub(crate) csv: Option<PathBuf>,
    /// Keep Stripe's rate limits.
    #[arg(long)]
    pub(crate) rate_limits: bool,
    /// Forget requests once answered, and do not compare answers with Stripe's description: for runs of
    /// millions.
    #[arg(long)]
    pub(crate) lean: bool,
    /// Charges and keys are live ones.
    #[arg(long, hide = true)]
    pub(crate) livemode: bool,
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
#[command(next_help_heading = "How much")]
#[expect(clippy::struct_field_names, reason = "a field is named as its flag")]
pub(crate) struct Amount {
    /// A decimal of the currency: 25.00 dollars, 500 yen. Everything that is left when absent.
    #[arg(long, value_name = "DECIMAL", requires = "currency", allow_negative_numbers = true)]
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
#[command(next_help_heading = "Your rules")]
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
pub(crate) struct Bench {
    /// Only this; may be repeated.
    #[arg(long, value_enum, value_name = "WORK")]
    pub(crate) only: Vec<BenchWork>,
    /// Charges to find duplicates among.
    #[arg(long, value_name = "COUNT", default_value_t = 10_000_000)]
    pub(crate) charges: u64,
    /// Refunds to make.
    #[arg(long, value_name = "COUNT", default_value_t = 5000)]
    pub(crate) refunds: u32,
    /// Where the others are installed; beside the cache of compiled code unless told otherwise.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) folder: Option<PathBuf>,
}

/// What can be measured.
#[derive(clap::ValueEnum, Clone, Copy, Debug)]
pub(crate) enum BenchWork {
    /// Verify and parse a webhook.
    Webhook,
    /// Check whether a charge may be refunded.
    Eligibility,
    /// From the start of the process to a verdict.
    Start,
    /// Find duplicates in a large file.
    Duplicates,
    /// Make refunds.
    Create,
    /// The component's size.
    Size,
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
