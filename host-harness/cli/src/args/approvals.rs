//! `approvals`: what somebody must agree to.

use clap::{Args as Group, Subcommand};

use super::Create;

pub(super) const APPROVALS_HELP: &str = "A refund that the policy wants somebody to agree to is frozen by hash and waits in the ledger. Who asked
cannot agree; whoever objects calls it off; after a week, or what --valid-for says, it expires. Eligibility is checked
again when it is carried out, and a request that was changed in between is refused.

Examples:
  refund-node approvals request ch_123 --operation order-7 --policy shop.toml --as alice
  refund-node approvals list --state open
  refund-node approvals show ap_1
  refund-node approvals approve ap_1 --as bob --note 'spoke to the customer'
  refund-node approvals execute                     # everything that is approved";

#[derive(Group, Debug)]
pub(crate) struct Approvals {
    #[command(subcommand)]
    pub(crate) command: ApprovalsCommand,
}

#[derive(Subcommand, Debug)]
pub(crate) enum ApprovalsCommand {
    /// Ask for a refund: made at once where the policy lets it pass, else it waits for approval.
    Request(Box<Request>),
    /// Show approvals, newest first.
    List {
        /// Only open, approved, denied, expired, superseded or executed ones.
        #[arg(long)]
        state: Option<String>,
    },
    /// Show one: what is asked for, why it needs approval, who said what.
    Show {
        /// ap_….
        approval: String,
    },
    /// Agree.
    Approve(Decide),
    /// Object: the operation is called off for good.
    Deny(Decide),
    /// Make the refunds that were approved. Needs the key.
    Execute {
        /// ap_…; all that are approved when absent.
        approvals: Vec<String>,
    },
    /// End an approval that nobody should decide about any more; asking again opens a new one.
    Expire {
        /// ap_….
        approval: String,
    },
}

#[derive(Group, Debug)]
pub(crate) struct Request {
    #[command(flatten)]
    pub(crate) create: Create,
    /// How long people may take to approve: 24h, 7d.
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
    /// Who asked may agree as well.
    #[arg(long)]
    pub(crate) own_requests: bool,
}
