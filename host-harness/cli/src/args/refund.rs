//! One refund: made, checked, and what is common to both.

use std::convert::Infallible;
use std::path::PathBuf;

use clap::builder::UnknownArgumentValueParser as Unknown;
use clap::{Args as Group, Subcommand, ValueEnum};
use refund_core::policy::Handling;

#[derive(Group, Debug)]
pub(crate) struct Refund {
    #[command(subcommand)]
    pub(crate) command: RefundCommand,
}

#[derive(Subcommand, Debug)]
pub(crate) enum RefundCommand {
    /// Make a refund. One operation id makes at most one refund.
    ///
    /// With --ledger or --sinks it is recorded before it is sent, and the answer is what the ledger holds afterwards.
    #[command(
        after_help = "Examples:\n  refund-node refund create ch_123 --operation order-6735-refund-1\n  refund-node refund create pi_123 --operation order-6735-refund-2 --amount 25.00 --currency usd --reason requested_by_customer\n  refund-node refund create ch_123 --operation … --minor 2500 --currency usd"
    )]
    Create(Box<Create>),
    /// Read one refund.
    Get {
        /// The refund, re_….
        refund: String,
    },
    /// Read a page of refunds, newest first.
    List(List),
    /// Set metadata keys.
    #[command(
        after_help = "Example:\n  refund-node refund update re_123 --metadata ticket=4711 --metadata note="
    )]
    Update {
        /// The refund, re_….
        refund: String,
        /// A key and its value; an empty value removes the key.
        #[arg(long, value_name = "KEY=VALUE", required = true)]
        metadata: Vec<String>,
    },
    /// Cancel a refund that waits for the customer.
    Cancel {
        /// The refund, re_….
        refund: String,
    },
}

/// How much.
#[derive(Group, Debug)]
#[command(next_help_heading = "How much")]
#[expect(clippy::struct_field_names, reason = "a field is named as its flag")]
pub(crate) struct Amount {
    /// A decimal of the currency: 25.00 dollars, 500 yen. Everything that is left when absent.
    #[arg(long, value_name = "DECIMAL", requires = "currency", allow_negative_numbers = true)]
    pub(crate) amount: Option<String>,
    /// The same in the smallest unit: 2500 cents.
    #[arg(
        long,
        value_name = "UNITS",
        conflicts_with = "amount",
        requires = "currency",
        allow_negative_numbers = true
    )]
    pub(crate) minor: Option<String>,
    /// The charge's currency, for example usd.
    #[arg(long)]
    pub(crate) currency: Option<String>,
}

impl Amount {
    pub(crate) fn is_given(&self) -> bool {
        self.amount.is_some() || self.minor.is_some()
    }
}

/// The merchant's rules.
#[derive(Group, Debug, Default)]
#[command(next_help_heading = "Your rules")]
pub(crate) struct PolicyArgs {
    /// A policy document, TOML or JSON, instead of the rules below: `refund-node policy --help`.
    #[arg(long, value_name = "FILE", env = "REFUND_NODE_POLICY")]
    pub(crate) policy: Option<PathBuf>,
    /// The customer requested this refund directly, without staff review. Used by policies only.
    #[arg(long, requires = "policy")]
    pub(crate) self_serve: bool,
    /// Refundable for this many days after the charge.
    #[arg(long, value_name = "DAYS")]
    pub(crate) window_days: Option<u32>,
    /// No refund below this, a decimal of --currency.
    #[arg(long, value_name = "DECIMAL", requires = "currency")]
    pub(crate) minimum: Option<String>,
    /// A refund up to this needs no approval; above it, 1 person must approve. A decimal of --currency.
    #[arg(long, value_name = "DECIMAL", requires = "currency")]
    pub(crate) approve_up_to: Option<String>,
    /// Above this 2 people must approve, a decimal of --currency.
    #[arg(long, value_name = "DECIMAL", requires = "currency")]
    pub(crate) second_approval_above: Option<String>,
    /// No refund above this, with or without approval. A decimal of --currency.
    #[arg(long, value_name = "DECIMAL", requires = "currency")]
    pub(crate) never_above: Option<String>,
    /// At most this many refunds on one payment.
    #[arg(long, value_name = "COUNT")]
    pub(crate) max_attempts: Option<u32>,
    /// Payment methods that may be refunded, for example `card,sepa_debit`.
    #[arg(long, value_name = "METHODS", value_delimiter = ',')]
    pub(crate) payment_methods: Vec<String>,
    /// The charge's metadata must have this key, and one of the values given for it, if any; may be repeated.
    #[arg(long, value_name = "KEY[=VALUE]")]
    pub(crate) required_metadata: Vec<String>,
    /// What to do with charges reported as fraudulent: allow when absent.
    #[arg(long)]
    pub(crate) fraud: Option<OnFraud>,
    /// Fee rate for the estimate, in hundredths of a percent: 290 is 2.9 %.
    #[arg(long, value_name = "BASIS-POINTS")]
    pub(crate) fee_rate: Option<u32>,
    #[command(flatten)]
    pub(crate) old_names: OldNames,
}

/// Names that flags had in earlier versions: each is refused with the one that takes its place.
#[derive(Group, Debug, Default)]
pub(crate) struct OldNames {
    #[arg(long, hide = true, value_parser = Unknown::suggest_arg("--never-above"))]
    maximum: Option<Infallible>,
    #[arg(long, hide = true, value_parser = Unknown::suggest_arg("--approve-up-to"))]
    approval_above: Option<Infallible>,
    #[arg(long, hide = true, value_parser = Unknown::suggest_arg("--payment-methods"))]
    payment_method: Option<Infallible>,
    #[arg(long, hide = true, value_parser = Unknown::suggest_arg("--required-metadata"))]
    require_metadata: Option<Infallible>,
    #[arg(long, hide = true, num_args = 0..=1, default_missing_value = "", value_parser = Unknown::suggest_arg("--fraud"))]
    block_fraud: Option<Infallible>,
    #[arg(long, hide = true, value_parser = Unknown::suggest_arg("--fee-rate"))]
    fee_basis_points: Option<Infallible>,
}

/// What to do with charges reported as fraudulent.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum OnFraud {
    /// Nothing.
    Allow,
    /// The refund needs approval.
    Ask,
    /// No refund.
    Deny,
}

impl From<OnFraud> for Handling {
    fn from(on_fraud: OnFraud) -> Self {
        match on_fraud {
            OnFraud::Allow => Self::Allow,
            OnFraud::Ask => Self::Ask,
            OnFraud::Deny => Self::Deny,
        }
    }
}

impl PolicyArgs {
    /// Whether one of the rules is in --currency.
    pub(crate) fn names_amounts(&self) -> bool {
        [&self.minimum, &self.approve_up_to, &self.second_approval_above, &self.never_above]
            .iter()
            .any(|limit| limit.is_some())
    }
}

#[derive(Group, Debug)]
pub(crate) struct Create {
    /// The charge (ch_…) or PaymentIntent (pi_…).
    pub(crate) payment: String,
    /// Your own name for this refund.
    #[arg(long, value_name = "ID")]
    pub(crate) operation: String,
    #[command(flatten)]
    pub(crate) amount: Amount,
    /// `duplicate`, `fraudulent` or `requested_by_customer`.
    #[arg(long)]
    pub(crate) reason: Option<String>,
    /// A key and its value; may be repeated.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) metadata: Vec<String>,
    /// Connect: give the application fee back in proportion.
    #[arg(long)]
    pub(crate) refund_application_fee: bool,
    /// Connect: take the money back from the connected account.
    #[arg(long)]
    pub(crate) reverse_transfer: bool,
    /// The request hash that was approved. Without a ledger only: with one, only recorded votes approve.
    #[arg(long, value_name = "HASH")]
    pub(crate) approval: Option<String>,
    #[command(flatten)]
    pub(crate) policy: PolicyArgs,
}

#[derive(Group, Debug)]
pub(crate) struct List {
    /// Only those of this charge or PaymentIntent.
    #[arg(long)]
    pub(crate) payment: Option<String>,
    /// Page size, 1 to 100.
    #[arg(long, default_value_t = 10)]
    pub(crate) limit: u8,
    /// Go on after this refund.
    #[arg(long, value_name = "re_…")]
    pub(crate) cursor: Option<String>,
}

#[derive(Group, Debug)]
pub(crate) struct Check {
    /// The charge (ch_…) or PaymentIntent (pi_…).
    pub(crate) payment: String,
    #[command(flatten)]
    pub(crate) amount: Amount,
    /// `duplicate`, `fraudulent` or `requested_by_customer`. Used by policies only.
    #[arg(long)]
    pub(crate) reason: Option<String>,
    #[command(flatten)]
    pub(crate) policy: PolicyArgs,
}

#[derive(Group, Debug)]
pub(crate) struct Duplicates {
    /// A file with one Stripe charge object a line, or CSV with the same field names; - for stdin.
    #[arg(long, value_name = "FILE", required_unless_present = "since")]
    pub(crate) input: Option<PathBuf>,
    /// Look at Stripe's charges of this long: 90m, 24h, 7d. Exit code 7 if not all of them could be searched.
    #[arg(long, value_name = "TIME", conflicts_with = "input")]
    pub(crate) since: Option<String>,
    /// How far apart, from the first charge: 90s, 5m, 1h.
    #[arg(long, value_name = "TIME", default_value = "5m")]
    pub(crate) window: String,
    /// Charges that one scan of Stripe reads at most, 1 to 100000. A longer range takes several scans. Without it,
    /// a scan reads 10000, and more where a window holds more.
    #[arg(long, value_name = "NUMBER", conflicts_with = "input",
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) max_charges: Option<u32>,
    /// A metadata key that names an order or invoice; may be repeated.
    #[arg(long, value_name = "KEY")]
    pub(crate) reference_key: Vec<String>,
}
