//! `approvals`: what a person must approve.

use std::path::PathBuf;

use clap::{Args as Group, Subcommand};

use super::Create;

pub(super) const APPROVALS_HELP: &str = "A refund that needs approval waits in the ledger. Whoever asked for the operation, or corrected it, cannot approve it.
What was asked for without a user name cannot be approved before a named user asks for it again. Each approver has one
vote; one denial calls the operation off; after seven days, or what --valid-for says, the approval expires.

`execute` checks the payment again and counts the recorded votes again, under the policy in force: --policy, or the
one that the refund was asked for under. If it needs more approvers, the approval waits for them; if it denies the
refund, the refund is denied. While an approval waits, the operation id cannot be given other values: `expire` ends
it first.

Examples:
  refund-node approvals request ch_123 --operation order-7 --policy shop.toml --as alice
  refund-node approvals list --state open
  refund-node approvals show ap_1
  refund-node approvals approve ap_1 --as bob --note 'spoke to the customer'
  refund-node approvals execute --policy shop.toml  # everything that is approved";

#[derive(Group, Debug)]
pub(crate) struct Approvals {
    #[command(subcommand)]
    pub(crate) command: ApprovalsCommand,
}

#[derive(Subcommand, Debug)]
pub(crate) enum ApprovalsCommand {
    /// Ask for a refund: made at once if the policy allows it, otherwise it waits for approval.
    Request(Box<Request>),
    /// Show approvals, newest first.
    List {
        /// Only open, approved, denied, expired, superseded or executed ones.
        #[arg(long)]
        state: Option<String>,
    },
    /// Show one: what is asked for, why it needs approval, the votes.
    Show {
        /// ap_….
        approval: String,
    },
    /// Approve: the last vote that is needed makes the approval ready to be executed.
    Approve(Decide),
    /// Deny: the operation is called off for good.
    Deny(Decide),
    /// Make the refunds that were approved, each checked again under the policy in force. Needs the key.
    Execute {
        /// ap_…; all that are approved when absent.
        approvals: Vec<String>,
        /// The policy document in force, TOML or JSON; the one that the refund was asked for under when absent.
        #[arg(long, value_name = "FILE", env = "REFUND_NODE_POLICY")]
        policy: Option<PathBuf>,
    },
    /// End an approval before its time; asking again files a new one.
    Expire {
        /// ap_….
        approval: String,
    },
}

#[derive(Group, Debug)]
pub(crate) struct Request {
    #[command(flatten)]
    pub(crate) create: Create,
    /// How long approvers have to decide, and an approval holds: 24h, 7d.
    #[arg(long, value_name = "TIME", default_value = "7d")]
    pub(crate) valid_for: String,
}

#[derive(Group, Debug)]
pub(crate) struct Decide {
    /// ap_….
    pub(crate) approval: String,
    /// Why, for the audit.
    #[arg(long)]
    pub(crate) note: Option<String>,
    /// The hash of what you saw (`approvals show`): anything else is refused.
    #[arg(long, value_name = "HASH")]
    pub(crate) hash: Option<String>,
    /// The requester may approve as well.
    #[arg(long)]
    pub(crate) own_requests: bool,
}
