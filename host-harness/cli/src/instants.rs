//! Instants as people type and read them.

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::fmt::temporal::Pieces;
use jiff::tz::Offset;
use refund_core::problem::FieldProblem;

const FIX: &str = "write a date such as 2026-11-01, an instant such as 2026-11-01T09:00:00Z or \
     2026-11-01T09:00:00+01:00, or Unix seconds";

/// What was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Typed {
    /// A day, wherever its midnight is.
    Day(Date),
    /// Unix seconds.
    Second(u64),
}

impl Typed {
    /// Reads RFC 3339, a date, or Unix seconds.
    pub(crate) fn read(flag: &str, text: &str) -> Result<Self, FieldProblem> {
        let bad = |problem: &str| Err(FieldProblem::new(flag, text, problem, FIX));
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return match text.parse() {
                // 20261101 is a date to people, and a day of 1970 in Unix seconds.
                Ok(_) if text.len() == 8 => bad("may be a date or Unix seconds"),
                Ok(second) => Ok(Self::Second(second)),
                Err(_) => bad("is too large"),
            };
        }
        let Ok(pieces) = Pieces::parse(text) else { return bad("is no instant") };
        if pieces.time_zone_annotation().is_some() {
            return bad("names a time zone, of which this command knows no rules");
        }
        match (pieces.time(), pieces.to_numeric_offset()) {
            (None, None) => Ok(Self::Day(pieces.date())),
            (Some(time), Some(offset)) if time.subsec_nanosecond() == 0 => {
                second(flag, text, pieces.date(), time, offset).map(Self::Second)
            }
            (Some(_), Some(_)) => bad("is no whole second"),
            _ => bad("has no offset"),
        }
    }

    /// Its first second, where clocks are `offset` ahead of UTC.
    pub(crate) fn start(self, flag: &str, offset: Offset) -> Result<u64, FieldProblem> {
        match self {
            Self::Second(second) => Ok(second),
            Self::Day(date) => second(flag, &date.to_string(), date, Time::midnight(), offset),
        }
    }

    /// The second after it: of a day the midnight that ends it, of an instant the instant.
    pub(crate) fn end(self, flag: &str, offset: Offset) -> Result<u64, FieldProblem> {
        let Self::Day(date) = self else { return self.start(flag, offset) };
        match date.tomorrow() {
            Ok(next) => Self::Day(next).start(flag, offset),
            Err(_) => Err(FieldProblem::new(flag, date, "is the last day there is", FIX)),
        }
    }
}

fn second(
    flag: &str,
    text: &str,
    date: Date,
    time: Time,
    offset: Offset,
) -> Result<u64, FieldProblem> {
    let timestamp = offset.to_timestamp(date.to_datetime(time)).ok();
    timestamp
        .and_then(|timestamp| u64::try_from(timestamp.as_second()).ok())
        .ok_or_else(|| FieldProblem::new(flag, text, "is before 1970 or after 9999", FIX))
}

/// An instant; a date is its midnight in UTC.
pub(crate) fn instant(flag: &str, text: &str) -> Result<u64, FieldProblem> {
    Typed::read(flag, text)?.start(flag, Offset::UTC)
}

/// `START..END`: the first second, and the second after the last one.
pub(crate) fn span(flag: &str, text: &str) -> Result<(u64, u64), FieldProblem> {
    let Some((start, end)) = text.split_once("..") else {
        let fix = "write START..END, for example 2026-11-01..2026-12-01";
        return Err(FieldProblem::new(flag, text, "is no span", fix));
    };
    Ok((instant(flag, start)?, instant(flag, end)?))
}

/// An offset from UTC such as `+01:00`, in whole minutes.
pub(crate) fn offset(flag: &str, text: &str) -> Result<Offset, FieldProblem> {
    let begins = text.starts_with(['+', '-', 'Z']);
    let day = format!("1970-01-01T00:00{text}");
    let read = Pieces::parse(&day).ok().filter(|pieces| pieces.time_zone_annotation().is_none());
    let offset = read.and_then(|pieces| pieces.to_numeric_offset());
    offset.filter(|offset| begins && offset.seconds() % 60 == 0).ok_or_else(|| {
        FieldProblem::new(flag, text, "is no offset from UTC", "write it like +01:00 or -05:30")
    })
}

/// Now, in Unix seconds.
pub(crate) fn now() -> u64 {
    u64::try_from(Timestamp::now().as_second()).unwrap_or_default()
}

/// Unix seconds for people, in UTC.
pub(crate) fn show(second: u64) -> String {
    let timestamp = i64::try_from(second).ok().and_then(|s| Timestamp::from_second(s).ok());
    timestamp.map_or_else(
        || second.to_string(),
        |timestamp| timestamp.strftime("%Y-%m-%d %H:%M UTC").to_string(),
    )
}

/// Unix seconds as RFC 3339, to the second.
pub(crate) fn exact(second: u64) -> String {
    let timestamp = i64::try_from(second).ok().and_then(|s| Timestamp::from_second(s).ok());
    timestamp.map_or_else(|| second.to_string(), |timestamp| timestamp.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants() {
        for (text, expected) in [
            ("2026-11-01", Some(1_793_491_200)),
            ("2026-11-01T00:00:00Z", Some(1_793_491_200)),
            ("2026-11-01T01:00:00+01:00", Some(1_793_491_200)),
            ("2026-10-31T19:30:00-04:30", Some(1_793_491_200)),
            ("1793491200", Some(1_793_491_200)),
            ("0", Some(0)),
            ("2024-02-29", Some(1_709_164_800)),
            ("2026-02-29", None),
            ("2026-11-01T09:00:00", None),
            ("2026-11-01T09:00:00.5Z", None),
            ("2026-11-01T09:00:00+01:00[Europe/Berlin]", None),
            ("20261101", None),
            ("1969-12-31", None),
            ("yesterday", None),
            ("", None),
            ("-1", None),
            ("99999999999999999999", None),
        ] {
            let found = instant("from", text);
            assert_eq!(found.as_ref().ok(), expected.as_ref(), "{text}");
            assert!(found.is_ok() || found.unwrap_err().field == "from");
        }
    }

    #[test]
    fn a_day_begins_and_ends_where_it_is() {
        let berlin = offset("by-offset", "+01:00").unwrap();
        let day = Typed::read("to", "2026-11-30").unwrap();
        assert_eq!(day.start("to", Offset::UTC), Ok(1_795_996_800));
        assert_eq!(day.start("to", berlin), Ok(1_795_993_200));
        assert_eq!(day.end("to", berlin), Ok(1_796_079_600));
        assert_eq!(Typed::Second(7).end("to", berlin), Ok(7));
    }

    #[test]
    fn offsets() {
        for (text, minutes) in [
            ("+01:00", Some(60)),
            ("-05:30", Some(-330)),
            ("Z", Some(0)),
            ("+00:00", Some(0)),
            ("01:00", None),
            (":30+01:00", None),
            ("+01:00:30", None),
            ("CET", None),
            ("", None),
        ] {
            let found = offset("by-offset", text).ok().map(|offset| offset.seconds() / 60);
            assert_eq!(found, minutes, "{text}");
        }
    }

    #[test]
    fn spans() {
        assert_eq!(span("period", "10..20"), Ok((10, 20)));
        for text in ["10", "10..", "..20", "10..x", "10...20"] {
            assert_eq!(span("period", text).unwrap_err().field, "period", "{text}");
        }
    }

    #[test]
    fn for_people() {
        assert_eq!(show(1_793_491_200), "2026-11-01 00:00 UTC");
        assert_eq!(show(u64::MAX), u64::MAX.to_string());
        assert_eq!(exact(1_793_491_201), "2026-11-01T00:00:01Z");
        assert_eq!(exact(u64::MAX), u64::MAX.to_string());
    }
}
