//! `disputes`: what the bank wants to know.

use clap::{Args as Group, Subcommand};

pub(super) const DISPUTES_HELP: &str = "Evidence is staged at Stripe as often as you like; the bank sees nothing of it before it is submitted, and it
is submitted once. Fields have Stripe's names (customer_name, shipping_tracking_number, receipt, …); a wrong
name is answered with all of them. FIELD= clears a field, FIELD=@notes.txt reads its text from a file.

Examples:
  refund-node disputes list                          what is due when, the soonest first
  refund-node disputes show dp_123
  refund-node disputes stage dp_123 customer_name='Ann Lee' uncategorized_text=@story.txt --file receipt=receipt.pdf
  refund-node disputes submit dp_123                 says what would be sent
  refund-node disputes submit dp_123 --yes           sends it; cannot be undone
  refund-node disputes close dp_123 --amount 25.00 --currency usd --confirm dp_123    accepts the loss";

#[derive(Group, Debug)]
pub(crate) struct Disputes {
    #[command(subcommand)]
    pub(crate) command: DisputesCommand,
}

#[derive(Subcommand, Debug)]
pub(crate) enum DisputesCommand {
    /// Show the disputes that wait for you, the soonest due first.
    List(ListDisputes),
    /// Show one: where it stands, until when, and the evidence as staged.
    Show {
        /// The dispute, dp_….
        dispute: String,
    },
    /// Set fields of the evidence. The bank sees nothing yet.
    Stage {
        /// The dispute, dp_….
        dispute: String,
        #[command(flatten)]
        evidence: EvidenceArgs,
    },
    /// Send to the bank what is staged, with more if given. Possible once; cannot be undone.
    Submit {
        /// The dispute, dp_….
        dispute: String,
        #[command(flatten)]
        evidence: EvidenceArgs,
        /// Send it. Without, it is only said what would be sent.
        #[arg(long)]
        yes: bool,
    },
    /// Accept the loss: the money is lost for good. Cannot be undone.
    Close(CloseDispute),
}

#[derive(Group, Debug)]
pub(crate) struct ListDisputes {
    /// All disputes, not only those that wait for you.
    #[arg(long)]
    pub(crate) all: bool,
    /// Only those of this charge.
    #[arg(long, value_name = "ch_…", conflicts_with = "payment")]
    pub(crate) charge: Option<String>,
    /// Only those of this PaymentIntent.
    #[arg(long, value_name = "pi_…")]
    pub(crate) payment: Option<String>,
    /// Go on with disputes older than this one.
    #[arg(long, value_name = "dp_…")]
    pub(crate) cursor: Option<String>,
}

#[derive(Group, Debug)]
pub(crate) struct EvidenceArgs {
    /// A field and its text; @FILE reads it from a file, nothing clears the field.
    #[arg(value_name = "FIELD=TEXT")]
    pub(crate) fields: Vec<String>,
    /// A field and a PDF, JPEG or PNG file for it, at most 5 MiB; may be repeated.
    #[arg(long = "file", value_name = "FIELD=PATH")]
    pub(crate) files: Vec<String>,
}

#[derive(Group, Debug)]
pub(crate) struct CloseDispute {
    /// The dispute, dp_….
    pub(crate) dispute: String,
    /// What is lost, a decimal of --currency. It must be what Stripe holds.
    #[arg(long, value_name = "DECIMAL")]
    pub(crate) amount: String,
    /// Its currency, for example usd.
    #[arg(long)]
    pub(crate) currency: String,
    /// The dispute, typed again.
    #[arg(long, value_name = "dp_…")]
    pub(crate) confirm: Option<String>,
}
