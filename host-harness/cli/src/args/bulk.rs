//! `bulk`: many refunds from a file.

use std::path::PathBuf;

use clap::{Args as Group, Subcommand};

use super::PolicyArgs;

pub(super) const BULK_HELP: &str = "The input is CSV with a header, or one JSON object a line:
  payment (or charge, payment_intent), amount (25.00, or all) or minor, currency,
  operation, reason, metadata.KEY

Examples:
  refund-node bulk plan recall.csv                          what would happen; nothing is sent
  refund-node bulk run recall.csv --operation-template 'recall-7-{payment}'
  refund-node bulk run recall.csv --stop-above usd=50000.00 --stop-failures 5 --spread 4h
  refund-node bulk status
  refund-node bulk resume                                   after Ctrl-C, a stop or a crash
  refund-node bulk export --output done.csv

The same file with the same template and policy is the same run: running it twice, or in two processes at once,
refunds once.
Lines that cannot be used are kept in recall.csv.rejected.csv; the others go on. A line that was denied, or whose
input was wrong, may be given again with corrected values under the same operation id.

A run sends nothing if this ledger has refunded one of its payments under another operation id, or is about to: it
lists those lines and exits with 7. --allow-refunded-payments refunds them again.

A line that needs approval is filed: `refund-node approvals list`.";

#[derive(Group, Debug)]
pub(crate) struct Bulk {
    #[command(subcommand)]
    pub(crate) command: BulkCommand,
}

#[derive(Subcommand, Debug)]
pub(crate) enum BulkCommand {
    /// Say what a run would do now: the same rules on a copy of the ledger. Sends and writes nothing.
    Plan(Box<BulkPlan>),
    /// Refund every line, or go on with a run of the same file.
    Run(Box<BulkRun>),
    /// Show runs, or how far one has come.
    Status {
        /// The run, or the beginning of its id; all runs when absent.
        run: Option<String>,
    },
    /// Go on with a run after Ctrl-C, a stop or a crash.
    Resume(Box<BulkResume>),
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
    /// The currency of the amounts among your rules.
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
    /// Go on if the balance does not cover the refunds: they wait at Stripe.
    #[arg(long)]
    pub(crate) go_on_when_short: bool,
    /// Refund payments again that this ledger has refunded before under other operation ids.
    #[arg(long)]
    pub(crate) allow_refunded_payments: bool,
}

#[derive(Group, Debug)]
pub(crate) struct BulkResume {
    /// The run, or the beginning of its id; the newest when absent.
    pub(crate) run: Option<String>,
    /// The policy document in force, TOML or JSON; the one that the run was started with when absent.
    #[arg(long, value_name = "FILE", env = "REFUND_NODE_POLICY")]
    pub(crate) policy: Option<PathBuf>,
    /// The customers requested these refunds directly, without staff review. Used by policies only.
    #[arg(long, requires = "policy")]
    pub(crate) self_serve: bool,
    #[command(flatten)]
    pub(crate) speed: Speed,
    #[command(flatten)]
    pub(crate) stop: StopArgs,
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
