//! Data on stdout: tables for people, JSON for programs.

use std::io::Write;

use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{ContentArrangement, Table};
use refund_core::model::{Reason, Refund, RefundStatus};
use refund_core::money::{Currency, Money};
use serde::Serialize;

use crate::terminal::{clean, clean_json, document};

/// Prints a line for people. A reader that went away (`| head`) is not an error.
pub(crate) fn line(text: impl std::fmt::Display) {
    let text = text.to_string();
    let _ = writeln!(std::io::stdout(), "{}", clean(&text));
}

/// Prints JSON on a line.
pub(crate) fn json(value: &impl Serialize) {
    // What is printed has text keys only.
    let text = serde_json::to_string(value).unwrap_or_default();
    let _ = writeln!(std::io::stdout(), "{}", clean_json(&text));
}

/// Prints the output of an operation as `invoke` does: its fields in the order of their names.
pub(crate) fn output(value: &impl Serialize) -> anyhow::Result<()> {
    json(&serde_json::to_value(value)?);
    Ok(())
}

/// Prints a whole document.
pub(crate) fn bytes(text: &[u8]) {
    let mut target = document();
    let _ = target.write_all(text).and_then(|()| target.flush());
}

/// Prints a table; without a header when all its names are empty.
pub(crate) fn table<const N: usize>(
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) {
    let mut table = Table::new();
    table.load_style(UTF8_BORDERS_ONLY);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    if header.iter().any(|name| !name.is_empty()) {
        table.set_header(header);
    }
    for row in rows {
        table.add_row(row.map(|cell| clean(&cell).into_owned()));
    }
    line(table);
}

/// An amount in minor units as people write it.
pub(crate) fn minor(amount: u64, currency: &str) -> String {
    match Currency::parse(currency) {
        Ok(currency) => Money { amount, currency }.to_string(),
        Err(_) => format!("{amount} {currency}"),
    }
}

/// A refund as a row.
pub(crate) fn refund_row(refund: &Refund) -> [String; 6] {
    let or_dash = |text: Option<&str>| text.unwrap_or("-").to_owned();
    [
        refund.id.to_string(),
        refund.money().to_string(),
        or_dash(refund.status.as_ref().map(RefundStatus::as_str)),
        or_dash(refund.reason.as_ref().map(Reason::as_str)),
        or_dash(refund.charge.as_ref().map(refund_core::id::ChargeId::as_str)),
        or_dash(refund.metadata.operation_id()),
    ]
}

/// The header of [`refund_row`].
pub(crate) const REFUND: [&str; 6] =
    ["refund", "amount", "status", "reason", "charge", "operation"];
