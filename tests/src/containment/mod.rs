//! What happens to a guest that tries to break out: every attack against the real host, and after each of
//! them a good call.

mod attacks;
mod canary;
pub mod files;
mod yard;

use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;

use self::attacks::{ATTACKS, Attack};
use self::yard::Yard;

/// One attack and what became of it.
#[derive(Debug)]
pub struct Row {
    /// What the guest tried.
    pub attack: &'static str,
    /// What stops it.
    pub stopped_by: &'static str,
    /// What the host, or the guest, was told.
    pub error: String,
    /// Why this row counts as an escape; `None` when it does not.
    pub escape: Option<String>,
}

/// Runs every attack, one after the other, on one host.
///
/// # Panics
/// When the yard cannot be set up.
pub async fn run() -> Vec<Row> {
    let yard = Yard::new().await;
    let mut rows = Vec::new();
    for attack in ATTACKS {
        rows.push(one(&yard, attack).await);
    }
    rows
}

async fn one(yard: &Yard, attack: &Attack) -> Row {
    let before = yard.allowed.seen();
    let error = yard.run(attack).await;
    let mut escape = None;
    if !error.contains(attack.error) {
        escape = Some(format!("it was not told `{}`", attack.error));
    }
    if yard.forbidden.seen() > 0 {
        escape = Some("a forbidden server was reached".to_owned());
    }
    if !attack.reaches && yard.allowed.seen() > before {
        escape = Some("a request was sent".to_owned());
    }
    if let Err(trouble) = yard.good_call().await {
        escape = Some(format!("the good call after it failed: {trouble}"));
    }
    Row {
        attack: attack.name,
        stopped_by: attack.stopped_by,
        error: attack.shorten(&error),
        escape,
    }
}

/// The rows as a table.
pub fn table(rows: &[Row]) -> String {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_header(["attack", "stopped by", "error", "escaped"]);
    for row in rows {
        let escape = row.escape.as_deref().unwrap_or("no");
        table.add_row([row.attack, row.stopped_by, &row.error, escape]);
    }
    table.to_string()
}
