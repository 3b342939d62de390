//! Months of the civil calendar, from Unix seconds and a fixed offset.
//!
//! By hand, since the crate `jiff` in this place adds 145 kB to the component.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::problem::FieldProblem;

/// A month of a year up to 9999, written `2026-11`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Month {
    year: u16,
    /// 1 to 12.
    month: u8,
}

impl Month {
    /// Reads `2026-11`.
    pub fn parse(text: &str) -> Result<Self, FieldProblem> {
        let plain = |part: &str, len| part.len() == len && part.bytes().all(|b| b.is_ascii_digit());
        let parts = text.split_once('-').filter(|(year, month)| plain(year, 4) && plain(month, 2));
        let parts = parts.and_then(|(year, month)| year.parse().ok().zip(month.parse().ok()));
        match parts {
            Some((year, month @ 1..=12)) => Ok(Self { year, month }),
            _ => Err(FieldProblem::new(
                "month",
                text,
                "is not a month",
                "write year and month, for example `2026-11`",
            )),
        }
    }

    /// The month of an instant where clocks are `offset` minutes ahead of UTC; `None` after the year
    /// 9999.
    pub fn of(unix_seconds: u64, offset: i32) -> Option<Self> {
        civil_date(unix_seconds, offset).map(|(year, month, _)| Self { year, month })
    }

    /// The year.
    pub fn year(self) -> u16 {
        self.year
    }

    /// 1 to 12.
    pub fn number(self) -> u8 {
        self.month
    }

    /// The month after it.
    #[must_use]
    pub fn next(self) -> Self {
        match self.month {
            12 => Self { year: self.year + 1, month: 1 },
            month => Self { month: month + 1, ..self },
        }
    }
}

/// Year, month and day of an instant where clocks are `offset` minutes ahead of UTC; `None` after the
/// year 9999.
pub fn civil_date(unix_seconds: u64, offset: i32) -> Option<(u16, u8, u8)> {
    let local = i64::try_from(unix_seconds).ok()?.checked_add(i64::from(offset) * 60)?;
    let (year, month, day) = civil(local.div_euclid(86_400));
    let year = u16::try_from(year).ok().filter(|year| *year <= 9999)?;
    Some((year, month, day))
}

/// Year, month and day of a day since 1970-01-01.
///
/// Counted in years that begin on the first of March, a leap day is the last day of its year, and months
/// of 31, 30, 31, 30, 31 days repeat: 153 days each five.
fn civil(days: i64) -> (i64, u8, u8) {
    const ERA: i64 = 146_097; // days of 400 years
    let since = days + 719_468; // days since 0000-03-01
    let (era, day) = (since.div_euclid(ERA), since.rem_euclid(ERA));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    // Both are small: 1 to 12, and 1 to 31.
    let small = |number: i64| u8::try_from(number).unwrap_or_default();
    (year + era * 400 + i64::from(month <= 2), small(month), small(day))
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl Serialize for Month {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Month {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Month {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Month".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])$",
            "description": "A month, for example `2026-11`.",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_of_known_instants() {
        for (seconds, offset, month) in [
            (0, 0, "1970-01"),
            (0, -1, "1969-12"),
            (951_782_400, 0, "2000-02"), // 2000-02-29T00:00:00Z
            (951_868_799, 0, "2000-02"), // 2000-02-29T23:59:59Z
            (951_868_800, 0, "2000-03"), // 2000-03-01T00:00:00Z
            (951_868_800, -1, "2000-02"),
            (1_709_251_199, 0, "2024-02"), // 2024-02-29T23:59:59Z
            (1_709_251_199, 60, "2024-03"),
            (1_798_761_599, 0, "2026-12"), // 2026-12-31T23:59:59Z
            (1_798_761_600, 0, "2027-01"),
            (1_798_761_600, -720, "2026-12"),
            (1_798_720_000, 840, "2027-01"),
            (4_107_542_399, 0, "2100-02"), // 2100 has no leap day
            (4_107_542_400, 0, "2100-03"),
            (253_402_300_799, 0, "9999-12"),
        ] {
            let found = Month::of(seconds, offset).unwrap();
            assert_eq!(found.to_string(), month, "{seconds} {offset}");
            assert_eq!(Month::parse(month), Ok(found));
        }
        assert_eq!(Month::of(253_402_300_800, 0), None);
        assert_eq!(Month::of(1_763_640_000_000, 0), None, "milliseconds");
        assert_eq!(Month::of(u64::MAX, 0), None);
        assert_eq!(Month::of(i64::MAX as u64, 840), None);
    }

    #[test]
    fn every_day_of_six_centuries_follows_the_one_before() {
        let (mut year, mut month, mut day) = (1969, 12, 31);
        for days in -1..220_000 {
            assert_eq!(civil(days), (year, month, day), "{days}");
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let last = match month {
                2 if leap => 29,
                2 => 28,
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            (year, month, day) = match (month, day) {
                (12, 31) => (year + 1, 1, 1),
                (_, day) if day == last => (year, month + 1, 1),
                (_, day) => (year, month, day + 1),
            };
        }
    }

    #[test]
    fn what_is_no_month_is_refused() {
        for text in [
            "",
            "2026",
            "2026-00",
            "2026-13",
            "2026-1",
            "26-01",
            "2026-+1",
            "2026-11-20",
            "٢٠٢٦-11",
        ] {
            assert_eq!(Month::parse(text).unwrap_err().field, "month", "{text}");
        }
    }

    #[test]
    fn december_is_followed_by_january() {
        let next = |text| Month::parse(text).unwrap().next().to_string();
        assert_eq!((next("2026-11"), next("2026-12")), ("2026-12".into(), "2027-01".into()));
    }
}
