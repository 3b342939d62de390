//! Finds customers who paid twice.
//!
//! Charges belong together when they have the same customer (or, where there is none, the same card),
//! currency and amount, come from different payments, and lie within the window of the group's first
//! charge. Only money that was really taken counts.

mod certain;
mod group;
mod judge;
mod row;
mod scanner;
mod window;

pub use group::{Basis, Confidence, Group, Observation};
pub use row::{Row, is_money_taken, references};
pub use scanner::{Direction, OutOfOrder, Scanner, Tally};

use serde::{Deserialize, Serialize};

use crate::model::Charge;
use crate::problem::FieldProblem;
use crate::sort::sort_by;

/// The window when nothing is said: five minutes.
pub const DEFAULT_WINDOW: u32 = 300;
/// Longest window: a month. Beyond it, equal amounts are subscriptions.
pub const MAX_WINDOW: u32 = 31 * 86_400;

/// Metadata keys that usually name what was paid for.
///
/// No subscriptions among them: two renewals share theirs.
const REFERENCE_KEYS: [&str; 8] = [
    "order_id",
    "order",
    "order_number",
    "invoice",
    "invoice_id",
    "invoice_number",
    "booking_id",
    "cart_id",
];

/// How to look.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Options {
    /// Seconds from the group's first charge, the end included; 300 when absent.
    #[serde(deserialize_with = "crate::optional::value", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub window_seconds: Option<u32>,
    /// Metadata keys that name an order or invoice; a sensible list when empty.
    pub reference_keys: Vec<String>,
}

impl Options {
    /// Whether the window makes sense.
    pub fn check_input(&self) -> Result<(), Vec<FieldProblem>> {
        match self.window_seconds {
            Some(window) if window > MAX_WINDOW => Err(vec![FieldProblem::new(
                "window_seconds",
                window,
                format!("is more than {MAX_WINDOW}, a month"),
                "look within minutes or hours: equal amounts far apart are renewals",
            )]),
            _ => Ok(()),
        }
    }

    pub(crate) fn window(&self) -> u64 {
        self.window_seconds.unwrap_or(DEFAULT_WINDOW).into()
    }

    /// The metadata keys that count as references.
    pub fn keys(&self) -> Vec<String> {
        if self.reference_keys.is_empty() {
            REFERENCE_KEYS.map(str::to_owned).to_vec()
        } else {
            self.reference_keys.clone()
        }
    }
}

/// Finds the groups in a list, ordered by first charge. The order of the list does not matter, and a
/// charge listed twice counts once.
pub fn detect(charges: &[Charge], options: &Options) -> Result<Vec<Group>, Vec<FieldProblem>> {
    options.check_input()?;
    let mut sorted: Vec<&Charge> = charges.iter().collect();
    sort_by(&mut sorted, |a, b| a.created.cmp(&b.created));
    let mut scanner = Scanner::new(options, Direction::OldestFirst);
    let mut groups = Vec::new();
    for charge in sorted {
        // Sorted by instant, so none is out of order.
        let _ = scanner.take(charge, &mut groups);
    }
    groups.extend(scanner.finish());
    sort_by(&mut groups, Group::compare);
    Ok(groups)
}

#[cfg(test)]
mod tests;
