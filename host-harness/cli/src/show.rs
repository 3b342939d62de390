//! Data on stdout: tables for people, JSON for programs.

use std::io::Write;

use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{ContentArrangement, Table};
use refund_core::money::{Currency, Money};
use serde_json::Value;

/// Prints a line. A reader that went away (`| head`) is no error.
pub(crate) fn line(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Prints a whole document.
pub(crate) fn bytes(text: &[u8]) {
    let _ = std::io::stdout().write_all(text);
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
        table.add_row(row);
    }
    line(table);
}

/// An amount in minor units as people write it.
pub(crate) fn money(amount: &Value, currency: &Value) -> String {
    let currency = currency.as_str().and_then(|code| Currency::parse(code).ok());
    match (amount.as_u64(), currency) {
        (Some(amount), Some(currency)) => Money { amount, currency }.to_string(),
        _ => amount.to_string(),
    }
}

/// A text field, or a dash.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    }
}

/// A refund as a row.
pub(crate) fn refund_row(refund: &Value) -> [String; 6] {
    [
        text(&refund["id"]),
        money(&refund["amount"], &refund["currency"]),
        text(&refund["status"]),
        text(&refund["reason"]),
        text(&refund["charge"]),
        text(&refund["metadata"]["refund_node_operation"]),
    ]
}

/// The header of [`refund_row`].
pub(crate) const REFUND: [&str; 6] =
    ["refund", "amount", "status", "reason", "charge", "operation"];
