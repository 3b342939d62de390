//! What looks at the ledger.

use clap::{Args as Group, Subcommand};

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
    /// Check the file, the hash chain, and what the tables hold against it. Exits with 8 when something was changed or
    /// is missing.
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
