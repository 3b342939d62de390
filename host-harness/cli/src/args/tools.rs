//! What helps to try, measure and look inside.

use std::path::PathBuf;

use clap::{Args as Group, Subcommand};

use super::Speed;

#[derive(Group, Debug)]
pub(crate) struct Simulate {
    /// Where to listen on 127.0.0.1; 0 takes a free port.
    #[arg(long, default_value_t = 12111)]
    pub(crate) port: u16,
    /// Ids follow from this number.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// Make this many charges to begin with.
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
    /// Delay every answer by this long, as a network does.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0,
        value_parser = clap::value_parser!(u64).range(..=60_000))]
    pub(crate) latency: u64,
    /// Charges and keys are live ones.
    #[arg(long, hide = true)]
    pub(crate) livemode: bool,
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
    /// A component composed of a pipeline and the node: `cargo xtask compose` makes them.
    #[arg(long, value_name = "FILE")]
    pub(crate) composed: Option<PathBuf>,
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
    /// Ask a policy of 200 rules.
    Policy,
    /// Read over the HTTP API beside a bulk run.
    Api,
    /// Call through a pipeline; needs --composed.
    Composed,
}

#[derive(Group, Debug)]
pub(crate) struct Invoke {
    /// The operation, for example refunds.create.
    pub(crate) operation: String,
    /// Its input, a JSON object; read from stdin when absent.
    #[arg(long, value_name = "JSON")]
    pub(crate) input: Option<String>,
    /// Run every line of this file instead, a JSON object a line, `-` for stdin. A line of JSON is printed for each, in
    /// the same order. Lines that cannot be read are reported with their number. Give the same file again after a
    /// stop: what is done is not done twice.
    #[arg(long, value_name = "FILE", conflicts_with = "input")]
    pub(crate) lines: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) speed: Speed,
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
