//! `follow-ups`: what is left to do after refunds and events.

use std::path::PathBuf;

use clap::{Args as Group, Subcommand};

pub(super) const FOLLOW_UPS_HELP: &str = "Every command that makes or settles refunds keeps what follows from them in the ledger if --sinks names sinks:
signed HTTP, a command, mail. Delivered at least once, in order, under an id that stays; a receiver that is down loses
nothing. `webhook listen` and `serve` deliver while they run, `follow-ups deliver` when called.

Exit codes of `deliver`: 0 nothing waits, 7 something waits or was given up this time, 2 bad input.

Examples:
  refund-node follow-ups check sinks.toml
  refund-node refund create ch_123 --operation order-7 --ledger shop.ledger --sinks sinks.toml
  refund-node follow-ups deliver --ledger shop.ledger --sinks sinks.toml
  refund-node follow-ups list --state dead
  refund-node follow-ups resend fu_c96b6499f021       # the beginning of an id is enough";

#[derive(Group, Debug)]
pub(crate) struct FollowUps {
    #[command(subcommand)]
    pub(crate) command: FollowUpsCommand,
}

#[derive(Subcommand, Debug)]
pub(crate) enum FollowUpsCommand {
    /// Show follow-ups, newest first.
    List {
        /// Only waiting, delivered or dead ones.
        #[arg(long)]
        state: Option<String>,
        /// At most this many.
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// Take to the sinks what is due. Needs --sinks.
    Deliver {
        /// Go on until Ctrl-C, which loses nothing.
        #[arg(long)]
        watch: bool,
    },
    /// Make follow-ups due at once, under the same id: those that wait or are dead.
    Resend {
        /// fu_…, or its beginning.
        #[arg(required = true)]
        ids: Vec<String>,
        /// For this sink, even what it took.
        #[arg(long, value_name = "NAME")]
        sink: Option<String>,
    },
    /// Turn a sink on again that answered that it wants no more.
    Enable {
        /// Its name.
        sink: String,
    },
    /// Check a document of sinks, its secrets and templates.
    Check {
        /// The document.
        file: PathBuf,
    },
}
