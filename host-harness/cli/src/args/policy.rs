//! `policy`: the merchant's rules as a document.

use std::path::PathBuf;

use clap::{Args as Group, Subcommand};

use super::Amount;

pub(super) const POLICY_HELP: &str = "A policy is TOML or JSON. What holds for every payment is in `defaults`; a rule says when and then:

  name = \"Web shop\"
  version = \"2026-11\"
  [defaults]
  window_days = 30
  approve_up_to = { usd = \"50.00\", jpy = \"5000\" }
  [[rules]]
  id = \"gift-cards\"
  when.product = [\"gift-card\"]          # the charge's metadata key `product`
  then.decision = \"deny\"

Examples:
  refund-node policy check shop.toml
  refund-node policy explain shop.toml
  refund-node policy explain shop.toml ch_123 --amount 25.00 --currency usd
  refund-node policy test shop.toml cases.toml
  refund-node refund create ch_123 --operation order-7 --policy shop.toml --ledger shop.ledger";

#[derive(Group, Debug)]
pub(crate) struct Policy {
    #[command(subcommand)]
    pub(crate) command: PolicyCommand,
}

#[derive(Subcommand, Debug)]
pub(crate) enum PolicyCommand {
    /// Say whether a document makes sense, and its hash. Exits with 2 when it does not.
    Check {
        /// The document.
        policy: PathBuf,
    },
    /// Say in plain sentences what a document means, or what it says of a payment.
    Explain(Box<Explain>),
    /// Run a file of cases against a document. Exits with 1 when one of them comes out otherwise.
    #[command(after_help = CASES_HELP)]
    Test {
        /// The document.
        policy: PathBuf,
        /// The cases, TOML or JSON.
        cases: PathBuf,
    },
    /// Print the JSON Schema of a document.
    Schema,
}

const CASES_HELP: &str = "A case says what was paid, what is asked for, and what must come of it:

  [[cases]]
  name = \"a gift card stays sold\"
  payment = { amount = \"25.00\", currency = \"usd\", age_days = 3, metadata = { product = \"gift-card\" } }
  ask = { amount = \"10.00\", reason = \"requested_by_customer\" }     # everything when left out
  expect = { decision = \"deny\", rule = \"gift-cards\", because = [\"rule_denies\"] }

payment: amount, currency, age_days, method, metadata, refunded, refunds, fraud (merchant or stripe),
dispute (open or inquiry). expect: decision (approve, needs_approval, deny), rule, approvals, amount, because.";

#[derive(Group, Debug)]
pub(crate) struct Explain {
    /// The document.
    pub(crate) policy: PathBuf,
    /// A payment at Stripe, ch_… or pi_…; without one the document itself is explained.
    pub(crate) payment: Option<String>,
    #[command(flatten)]
    pub(crate) amount: Amount,
    /// `duplicate`, `fraudulent` or `requested_by_customer`.
    #[arg(long, requires = "payment")]
    pub(crate) reason: Option<String>,
    /// The customer requested this refund directly, without staff review.
    #[arg(long, requires = "payment")]
    pub(crate) self_serve: bool,
}
