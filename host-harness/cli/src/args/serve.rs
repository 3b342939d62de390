//! `serve`: the HTTP API.

use std::path::PathBuf;

use clap::Args as Group;

pub(super) const SERVE_HELP: &str = "Every caller needs a token. The file holds their hashes alone:

  refund-node serve --new-token alice --role requester >> tokens.toml      # prints the token once, to stderr
  refund-node serve --new-token portal --role self_serve >> tokens.toml
  refund-node serve --new-token bob --role approver --role auditor >> tokens.toml
  refund-node serve --tokens tokens.toml --policy shop.toml --ledger shop.ledger

  curl -H \"Authorization: Bearer $ALICE\" -H 'content-type: application/json' http://127.0.0.1:8080/v1/refunds \\
       -d '{\"operation_id\": \"order-7\", \"payment\": \"ch_123\", \"amount\": 4500, \"currency\": \"usd\"}'
  curl -H \"Authorization: Bearer $BOB\" -X POST -H 'content-type: application/json' -d '{}' \\
       http://127.0.0.1:8080/v1/approvals/ap_1/approve

The last approval that is needed makes the refund at once, under the policy in force.

The description is served at /openapi.json, numbers for Prometheus at /metrics. Stripe delivers to
/webhooks/stripe. It listens on this machine alone; put a proxy with TLS before it to let others in.";

#[derive(Group, Debug)]
pub(crate) struct Serve {
    /// Who may call: a TOML file of names, roles and hashes.
    #[arg(long, value_name = "FILE", env = "REFUND_NODE_TOKENS", required_unless_present_any = ["new_token", "openapi"])]
    pub(crate) tokens: Option<PathBuf>,
    /// Where to listen on 127.0.0.1; 0 takes a free port.
    #[arg(long, default_value_t = 8080)]
    pub(crate) port: u16,
    /// Every refund follows this policy document, approved ones too when they are made. Without one only what Stripe
    /// enforces holds.
    #[arg(long, value_name = "FILE", env = "REFUND_NODE_POLICY")]
    pub(crate) policy: Option<PathBuf>,
    /// The requester may approve as well.
    #[arg(long)]
    pub(crate) own_requests: bool,
    /// How long approvers have to decide, and an approval holds: 24h, 7d.
    #[arg(long, value_name = "TIME", default_value = "7d")]
    pub(crate) valid_for: String,
    /// Read the secret of Stripe's webhook endpoint from this file; may be repeated during a roll.
    #[arg(long, value_name = "FILE")]
    pub(crate) webhook_secret_file: Vec<PathBuf>,
    /// Print an entry for the file of tokens, and the token itself once on stderr.
    #[arg(long, value_name = "NAME", requires = "role", conflicts_with = "tokens")]
    pub(crate) new_token: Option<String>,
    /// What the new token may be used for: requester, `self_serve`, approver, auditor; may be repeated. Requests with a
    /// `self_serve` token are always judged by the policy's limits for self-serve; give it to a bot or a customer portal.
    #[arg(long, requires = "new_token")]
    pub(crate) role: Vec<String>,
    /// Print the OpenAPI description.
    #[arg(long, conflicts_with_all = ["tokens", "new_token"])]
    pub(crate) openapi: bool,
}
