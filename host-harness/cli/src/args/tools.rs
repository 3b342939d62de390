//! What helps to try and look inside.

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
