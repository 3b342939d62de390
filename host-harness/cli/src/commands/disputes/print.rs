//! Disputes for people.

use std::collections::BTreeMap;

use refund_core::client::disputes::{DisputePage, DisputeReport, ListedDispute};
use refund_core::disputes::{Barrier, Standing};
use refund_core::money::Money;

use crate::{instants, show};

/// Longest text of evidence that is shown; `--json` has all of it.
const SHOWN: usize = 300;

pub(super) fn list(page: &DisputePage, all: bool) {
    if page.disputes.is_empty() && !all {
        show::line("nothing waits for you");
    } else {
        let header = ["dispute", "amount", "reason", "status", "payment", "due"];
        show::table(header, page.disputes.iter().map(row));
    }
    if let Some(next) = &page.next {
        show::line(format_args!("older ones were not read; go on with --cursor {next}"));
    }
}

fn row(ListedDispute { dispute, standing }: &ListedDispute) -> [String; 6] {
    let charge = dispute.charge.as_ref().map(ToString::to_string);
    let intent = || dispute.payment_intent.as_ref().map(ToString::to_string);
    [
        dispute.id.to_string(),
        Money { amount: dispute.amount, currency: dispute.currency }.to_string(),
        dispute.reason.clone(),
        dispute.status.clone(),
        charge.or_else(intent).unwrap_or_else(|| "-".to_owned()),
        due(standing),
    ]
}

/// One dispute, and the evidence that is, or would be, in it.
pub(super) fn one(report: &DisputeReport, evidence: &BTreeMap<String, String>) {
    let (dispute, standing) = (&report.dispute, &report.standing);
    let one = |name: &str, value: String| [name.to_owned(), value];
    let mut rows = vec![
        one("dispute", dispute.id.to_string()),
        one("amount", dispute.money().to_string()),
        one("reason", dispute.reason.clone()),
        one("status", dispute.status.clone()),
        one("due", due(standing)),
        one("submitted", format!("{} times", standing.submission_count)),
    ];
    rows.extend(dispute.charge.as_ref().map(|charge| one("charge", charge.to_string())));
    if let Some(barrier) = standing.barrier {
        rows.push(one("cannot be answered", why(barrier).to_owned()));
    }
    rows.extend(evidence.iter().map(|(field, value)| one(field, shortened(value))));
    show::table(["", ""], rows);
}

fn why(barrier: Barrier) -> &'static str {
    match barrier {
        Barrier::NotOpen => "the bank does not wait for an answer",
        Barrier::PastDue => "the due date has passed",
        Barrier::AlreadySubmitted => "evidence was submitted, which is possible once",
    }
}

/// Until when, and how long that is.
fn due(standing: &Standing) -> String {
    if !standing.awaits_response {
        return "-".to_owned();
    }
    let left = match (standing.barrier, standing.seconds_left) {
        (Some(Barrier::PastDue), _) => "overdue".to_owned(),
        (_, Some(seconds)) => in_words(seconds),
        (_, None) => return "nobody said".to_owned(),
    };
    let at = standing.due_by.map(|due| format!(" ({})", instants::show(due)));
    left + &at.unwrap_or_default()
}

/// Rounded down: nobody is told of more time than there is.
fn in_words(seconds: u64) -> String {
    let (count, unit) = match seconds {
        0..3_600 => (seconds / 60, "minute"),
        3_600..172_800 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("in {count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// Fit for a terminal: neither long nor able to move its cursor.
fn shortened(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let mut shown: String = text.chars().take(SHOWN).map(plain).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_rounded_down() {
        for (seconds, words) in [
            (0, "in 0 minutes"),
            (59, "in 0 minutes"),
            (60, "in 1 minute"),
            (3_599, "in 59 minutes"),
            (3_600, "in 1 hour"),
            (172_799, "in 47 hours"),
            (172_800, "in 2 days"),
            (3 * 86_400 + 5, "in 3 days"),
        ] {
            assert_eq!(in_words(seconds), words, "{seconds}");
        }
    }

    #[test]
    fn long_texts_and_escapes_do_no_harm() {
        assert_eq!(shortened("a\u{1b}[2Jb\n"), "a [2Jb ");
        assert_eq!(shortened(&"é".repeat(SHOWN)).chars().count(), SHOWN);
        assert!(shortened(&"é".repeat(SHOWN + 1)).ends_with("é…"));
    }
}
