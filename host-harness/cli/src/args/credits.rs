//! `credits`: what is fair.

use clap::{Args as Group, Subcommand};

pub(super) const CREDITS_HELP: &str = "Instants are RFC 3339 (2026-11-01T09:00:00+01:00), a date (its midnight in UTC) or Unix seconds. A span is
START..END, its end not included. Percentages have at most 4 decimals. Nothing is sent anywhere, unless --invoice or
--subscription asks Stripe what was paid: that reads, and needs the key.

Examples:
  refund-node credits sla-quote --paid 49.00 --currency usd --period 2026-11-01..2026-12-01 --incident 2026-11-03T09:00:00Z..2026-11-03T10:30:00Z --tier 99.9=10 --tier 99.0=25
  refund-node credits sla-quote --paid 49.00 --currency usd --period 2026-11-01..2026-12-01 --down 90m --proportional 1000 --cap 50
  refund-node credits prorate --price 49.00 --currency usd --period 2026-11-01..2026-12-01 --ends 2026-11-12 --payment ch_1=30.00:5.00 --payment ch_2=19.00
  refund-node credits prorate --invoice in_… --ends 2026-11-12
  refund-node credits prorate --subscription sub_… --item si_… --ends 2026-11-12";

#[derive(Group, Debug)]
pub(crate) struct Credits {
    #[command(subcommand)]
    pub(crate) command: CreditsCommand,
}

#[derive(Subcommand, Debug)]
pub(crate) enum CreditsCommand {
    /// What a service level grants after an outage.
    SlaQuote(Box<SlaQuote>),
    /// What to refund when a period ends early, and of which payments.
    Prorate(Box<Prorate>),
}

#[derive(Group, Debug)]
pub(crate) struct SlaQuote {
    /// What was paid for the period, a decimal of --currency.
    #[arg(long, value_name = "DECIMAL")]
    pub(crate) paid: String,
    /// For example usd.
    #[arg(long)]
    pub(crate) currency: String,
    /// The period.
    #[arg(long, value_name = "START..END")]
    pub(crate) period: String,
    /// When it was down; may be repeated. Overlaps count once.
    #[arg(long, value_name = "START..END")]
    pub(crate) incident: Vec<String>,
    /// How long it was down, where nobody knows when: 90s, 90m, 2h.
    #[arg(long, value_name = "TIME", conflicts_with = "incident")]
    pub(crate) down: Option<String>,
    /// Announced maintenance, which does not count at all; may be repeated.
    #[arg(long, value_name = "START..END")]
    pub(crate) exclude: Vec<String>,
    /// Below this uptime, this credit, both in percent: 99.9=10. May be repeated.
    #[arg(long, value_name = "UPTIME=CREDIT", required_unless_present = "proportional")]
    pub(crate) tier: Vec<String>,
    /// The price of the time down, times this in percent: 100 gives it back, 1000 ten times.
    #[arg(long, value_name = "PERCENT", conflicts_with = "tier")]
    pub(crate) proportional: Option<String>,
    /// Never more than this share of what was paid.
    #[arg(long, value_name = "PERCENT")]
    pub(crate) cap: Option<String>,
    /// Credited for this period before; it is subtracted.
    #[arg(long, value_name = "DECIMAL")]
    pub(crate) credited: Option<String>,
    /// What becomes of a part of a cent.
    #[arg(long, value_parser = ROUNDINGS, default_value = "half-up")]
    pub(crate) rounding: String,
}

#[derive(Group, Debug)]
pub(crate) struct Prorate {
    /// What was billed for the whole period, a decimal of --currency.
    #[arg(long, value_name = "DECIMAL", required_unless_present_any = READ)]
    pub(crate) price: Option<String>,
    /// For example usd.
    #[arg(long, required_unless_present_any = READ)]
    pub(crate) currency: Option<String>,
    /// The period.
    #[arg(long, value_name = "START..END", required_unless_present_any = READ)]
    pub(crate) period: Option<String>,
    /// When it ends instead.
    #[arg(long, value_name = "INSTANT")]
    pub(crate) ends: String,
    /// What paid for it (ch_… or pi_…), how much, and how much of that was refunded; may be repeated.
    #[arg(long, value_name = "ID=PAID[:REFUNDED]", required_unless_present_any = READ)]
    pub(crate) payment: Vec<String>,
    /// Read all that from this paid invoice instead, in_….
    #[arg(long, value_name = "ID", conflicts_with_all = GIVEN)]
    pub(crate) invoice: Option<String>,
    /// Its line (il_…) or the subscription item that it bills (si_…), where it bills several periods.
    // What it requires is not asked for where that conflicts with what was given, so the conflicts stand here as well.
    #[arg(long, value_name = "ID", requires = "invoice", conflicts_with_all = GIVEN, conflicts_with = "subscription")]
    pub(crate) line: Option<String>,
    /// Or from the newest invoice of this subscription, sub_….
    #[arg(long, value_name = "ID", conflicts_with_all = GIVEN, conflicts_with = "invoice")]
    pub(crate) subscription: Option<String>,
    /// Its item (si_…), where it has several.
    #[arg(long, value_name = "ID", requires = "subscription", conflicts_with_all = GIVEN, conflicts_with = "invoice")]
    pub(crate) item: Option<String>,
    /// Given in another way before, such as by credit notes; it is subtracted. Credit notes of an invoice that
    /// is read are known.
    #[arg(long, value_name = "DECIMAL")]
    pub(crate) credited: Option<String>,
    /// A fee that is kept in any case.
    #[arg(long, value_name = "DECIMAL")]
    pub(crate) kept: Option<String>,
    /// From which payments to take it.
    #[arg(long, value_parser = ["proportional", "last-first", "first-first"], default_value = "proportional")]
    pub(crate) order: String,
    /// What becomes of a part of a cent.
    #[arg(long, value_parser = ROUNDINGS, default_value = "half-up")]
    pub(crate) rounding: String,
}

const READ: [&str; 2] = ["invoice", "subscription"];
const GIVEN: [&str; 4] = ["price", "currency", "period", "payment"];
const ROUNDINGS: [&str; 4] = ["half-up", "half-even", "up", "down"];
