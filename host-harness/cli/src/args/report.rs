//! `report`: what was refunded.

use std::path::PathBuf;

use clap::Args as Group;
use refund_report::Format;

pub(super) const REPORT_HELP: &str = "Refunds are read from Stripe, so those made in the Dashboard are in it. A ledger (--ledger) adds how long
approvals took, and fees that Stripe does not tell. The rate compares with the charges taken in the range,
which are read too; --no-rate leaves them out.

Examples:
  refund-node report --since 30d
  refund-node report --from 2026-10-01 --to 2026-12-31 --by-offset +01:00 --output q4.html
  refund-node report --since 90d --format csv --product-key sku --ledger shop.ledger";

#[derive(Group, Debug)]
pub(crate) struct Report {
    /// Refunds made in this long: 24h, 30d; 90d unless a range is given.
    #[arg(long, value_name = "TIME", conflicts_with = "from")]
    pub(crate) since: Option<String>,
    /// The first day, or an instant: 2026-11-01, 2026-11-01T09:00:00Z.
    #[arg(long, value_name = "DATE")]
    pub(crate) from: Option<String>,
    /// The last day, which is part of it, or the instant after the end; now when absent.
    #[arg(long, value_name = "DATE", requires = "from")]
    pub(crate) to: Option<String>,
    /// Where days and months begin: how far your clocks are ahead of UTC.
    #[arg(long, value_name = "OFFSET", default_value = "+00:00", allow_hyphen_values = true)]
    pub(crate) by_offset: String,
    /// table, csv, json or html; as the ending of --output says, or a table, when absent.
    #[arg(long)]
    pub(crate) format: Option<Format>,
    /// Where to; stdout when absent.
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// The metadata key that names what was sold, on the refund or its charge.
    #[arg(long, value_name = "KEY", default_value = "product")]
    pub(crate) product_key: String,
    /// The heading of text and page.
    #[arg(long, value_name = "TEXT")]
    pub(crate) title: Option<String>,
    /// Read no charges: faster, and without a rate.
    #[arg(long)]
    pub(crate) no_rate: bool,
}
