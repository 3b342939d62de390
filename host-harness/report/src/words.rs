//! Numbers, amounts and instants as people read them.

use refund_core::model::{Reason, RefundStatus};
use refund_core::money::Money;
use refund_core::reports::{Month, Summary, civil_date};

/// Between groups of three digits: narrow, and no place to break a line.
const GAP: char = '\u{202f}';

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// An amount without its currency: `12.50`.
pub(crate) fn decimal(money: Money) -> String {
    let text = money.to_string();
    text.split(' ').next().unwrap_or_default().to_owned()
}

/// An amount without its currency, in groups of three digits: `12 345.50`.
pub(crate) fn grouped_decimal(money: Money) -> String {
    let text = decimal(money);
    match text.split_once('.') {
        Some((whole, fraction)) => format!("{}.{fraction}", group(whole)),
        None => group(&text),
    }
}

/// An amount as it stands on an axis: whole ones without decimals.
pub(crate) fn short_decimal(money: Money) -> String {
    let text = grouped_decimal(money);
    match text.split_once('.') {
        Some((whole, fraction)) if fraction.bytes().all(|b| b == b'0') => whole.to_owned(),
        _ => text,
    }
}

/// The code of its currency as on a price tag.
pub(crate) fn code(money: Money) -> String {
    money.currency.as_str().to_ascii_uppercase()
}

/// An amount with its currency, on a page: `12 345.50 USD`.
pub(crate) fn amount(money: Money) -> String {
    format!("{}\u{a0}{}", grouped_decimal(money), code(money))
}

/// Several amounts of several currencies; a dash for none.
pub(crate) fn amounts(sums: &[Money], each: impl Fn(Money) -> String) -> String {
    if sums.is_empty() {
        return "–".to_owned();
    }
    sums.iter().map(|sum| each(*sum)).collect::<Vec<_>>().join(" + ")
}

/// A count in groups of three digits.
pub(crate) fn count(number: u64) -> String {
    group(&number.to_string())
}

/// A count and what is counted.
pub(crate) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

fn group(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() * 2);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(GAP);
        }
        text.push(digit);
    }
    text
}

/// Parts per million as a percentage, rounded half up to two decimals: `2.35 %`.
pub(crate) fn percent(parts: u64) -> String {
    let hundredths = parts / 100 + u64::from(parts % 100 >= 50);
    format!("{}.{:02}\u{a0}%", group(&(hundredths / 100).to_string()), hundredths % 100)
}

/// A percentage as it stands on an axis: whole ones without decimals.
pub(crate) fn short_percent(parts: u64) -> String {
    percent(parts).replace(".00", "")
}

/// Parts per million as an exact percentage without its sign: `2.3456`.
pub(crate) fn exact_percent(parts: u64) -> String {
    format!("{}.{:04}", parts / 10_000, parts % 10_000)
}

/// The two largest units: `2 h 14 min`.
pub(crate) fn duration(seconds: u64) -> String {
    let units = [("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)];
    let largest = units.iter().position(|(_, length)| seconds >= *length).unwrap_or(3);
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (name, length) in units.iter().skip(largest).take(2) {
        if rest >= *length || parts.is_empty() {
            parts.push(format!("{}\u{a0}{name}", count(rest / length)));
        }
        rest %= length;
    }
    parts.join(" ")
}

/// `20 Nov 2026`
pub(crate) fn date(unix_seconds: u64, offset: i32) -> String {
    civil_date(unix_seconds, offset).map_or_else(String::new, |(year, month, day)| {
        format!("{day}\u{a0}{}\u{a0}{year}", name(month))
    })
}

/// `Nov`
pub(crate) fn short_month(month: Month) -> &'static str {
    name(month.number())
}

/// `Nov 2026`
pub(crate) fn month(month: Month) -> String {
    format!("{}\u{a0}{}", short_month(month), month.year())
}

fn name(month: u8) -> &'static str {
    MONTHS.get(usize::from(month).wrapping_sub(1)).copied().unwrap_or("?")
}

/// `UTC`, `UTC+05:30`
pub(crate) fn zone(minutes: i32) -> String {
    if minutes == 0 {
        return "UTC".to_owned();
    }
    let sign = if minutes < 0 { '−' } else { '+' };
    let minutes = minutes.unsigned_abs();
    format!("UTC{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

/// A reason in words; one that Stripe added later as it is.
pub(crate) fn reason(reason: Option<&Reason>) -> String {
    match reason {
        None => "No reason given".to_owned(),
        Some(Reason::Duplicate) => "Duplicate".to_owned(),
        Some(Reason::Fraudulent) => "Fraudulent".to_owned(),
        Some(Reason::RequestedByCustomer) => "Requested by customer".to_owned(),
        Some(Reason::ExpiredUncapturedCharge) => "Expired uncaptured charge".to_owned(),
        Some(Reason::Other(text)) => plain(text),
    }
}

/// A product; nobody's words are shortened here.
pub(crate) fn product(product: Option<&str>) -> String {
    product.map_or_else(|| "No product given".to_owned(), plain)
}

/// A status in words.
pub(crate) fn status(status: Option<&RefundStatus>) -> String {
    match status {
        None => "Unknown".to_owned(),
        Some(RefundStatus::Pending) => "Pending".to_owned(),
        Some(RefundStatus::RequiresAction) => "Waits for the customer".to_owned(),
        Some(RefundStatus::Succeeded) => "Succeeded".to_owned(),
        Some(RefundStatus::Failed) => "Failed".to_owned(),
        Some(RefundStatus::Canceled) => "Cancelled".to_owned(),
        Some(RefundStatus::Other(text)) => plain(text),
    }
}

/// A text without what would move a cursor or turn the direction of writing.
pub(crate) fn plain(text: &str) -> String {
    let tricks = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if tricks(c) { '\u{fffd}' } else { c }).collect()
}

/// What a report says when there were more customers than it can tell apart.
pub(crate) fn cut(summary: &Summary) -> Option<String> {
    let found = &summary.repeat_customers;
    (found.untracked > 0).then(|| {
        format!(
            "Only the first {} customers were told apart; {} of others may hide more repeat customers.",
            count(found.customers),
            counted(found.untracked, "refund", "refunds"),
        )
    })
}

/// At most so many characters.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use refund_core::money::Currency;

    use super::*;

    fn money(amount: u64, code: &str) -> Money {
        Money { amount, currency: Currency::parse(code).unwrap() }
    }

    #[test]
    fn amounts_follow_the_currency() {
        for (amount, code, grouped, short) in [
            (5, "usd", "0.05", "0.05"),
            (1_234_500, "usd", "12\u{202f}345.00", "12\u{202f}345"),
            (123_456_789, "jpy", "123\u{202f}456\u{202f}789", "123\u{202f}456\u{202f}789"),
            (1230, "kwd", "1.230", "1.230"),
            (0, "usd", "0.00", "0"),
        ] {
            assert_eq!(grouped_decimal(money(amount, code)), grouped);
            assert_eq!(short_decimal(money(amount, code)), short);
        }
        assert_eq!(
            amount(money(u64::MAX, "jpy")).replace('\u{202f}', ""),
            "18446744073709551615\u{a0}JPY"
        );
    }

    #[test]
    fn percentages_are_exact_or_rounded_half_up() {
        for (parts, rounded, exact) in [
            (0, "0.00\u{a0}%", "0.0000"),
            (49, "0.00\u{a0}%", "0.0049"),
            (50, "0.01\u{a0}%", "0.0050"),
            (23_456, "2.35\u{a0}%", "2.3456"),
            (1_000_000, "100.00\u{a0}%", "100.0000"),
            (25_000_000, "2\u{202f}500.00\u{a0}%", "2500.0000"),
        ] {
            assert_eq!((percent(parts).as_str(), exact_percent(parts).as_str()), (rounded, exact));
        }
        assert!(!percent(u64::MAX).is_empty());
    }

    #[test]
    fn durations_have_two_units() {
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (61, "1 min 1 s"),
            (8040, "2 h 14 min"),
            (7205, "2 h"),
            (90_000, "1 d 1 h"),
            (86_400 * 1000, "1 000 d"),
        ] {
            assert_eq!(duration(seconds).replace(['\u{a0}', '\u{202f}'], " "), text);
        }
    }

    #[test]
    fn zones_and_dates() {
        assert_eq!(zone(0), "UTC");
        assert_eq!(zone(330), "UTC+05:30");
        assert_eq!(zone(-90), "UTC−01:30");
        assert_eq!(date(1_795_132_800, 0).replace('\u{a0}', " "), "20 Nov 2026");
        assert_eq!(date(1_795_132_800, -1).replace('\u{a0}', " "), "19 Nov 2026");
    }

    #[test]
    fn texts_cannot_move_a_cursor() {
        assert_eq!(plain("a\u{1b}[2Jb\r\n\u{202e}c"), "a\u{fffd}[2Jb\u{fffd}\u{fffd}\u{fffd}c");
        assert_eq!(shortened("häßlich", 4), "häß…");
        assert_eq!(shortened("kurz", 4), "kurz");
    }
}
