//! The time that is reported on.

use refund_core::problem::FieldProblem;

use crate::args::Report;
use crate::exit::Exit;
use crate::inputs;
use crate::instants::{Typed, offset};

const DEFAULT_RANGE: &str = "90d";

/// What is reported on: from its first to its last second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) from: u64,
    pub(super) to: u64,
    /// Where months begin, in minutes east of UTC.
    pub(super) offset: i32,
}

impl Range {
    /// The range that was typed.
    pub(super) fn read(args: &Report, now: u64) -> anyhow::Result<Self> {
        let offset = offset("by-offset", &args.by_offset).map_err(Exit::bad_input)?;
        let minutes = offset.seconds() / 60;
        let Some(from) = &args.from else {
            let since = inputs::seconds("since", args.since.as_deref().unwrap_or(DEFAULT_RANGE))?;
            return Ok(Range { from: now.saturating_sub(since), to: now, offset: minutes });
        };
        let from = Typed::read("from", from).and_then(|typed| typed.start("from", offset));
        let from = from.map_err(Exit::bad_input)?;
        let end = |text: &String| Typed::read("to", text).and_then(|typed| typed.end("to", offset));
        let end = args.to.as_ref().map(end).transpose().map_err(Exit::bad_input)?;
        // What is still to come would only make months without charges. The end itself is not part of it.
        let to = end.map_or(now, |end| end.saturating_sub(1).min(now));
        if from > to {
            let typed = args.from.as_deref().unwrap_or_default();
            let fix = "give a range that begins in the past, and before it ends";
            let problem = FieldProblem::new("from", typed, "is not before the end", fix);
            return Err(Exit::bad_input(problem));
        }
        Ok(Range { from, to, offset: minutes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-12-05T00:00:00Z
    const NOW: u64 = 1_796_428_800;

    fn typed(since: Option<&str>, from: Option<&str>, to: Option<&str>, by: &str) -> Report {
        let text = |text: Option<&str>| text.map(str::to_owned);
        Report {
            since: text(since),
            from: text(from),
            to: text(to),
            by_offset: by.to_owned(),
            format: None,
            output: None,
            product_key: "product".to_owned(),
            title: None,
            no_rate: false,
        }
    }

    #[test]
    fn ranges() {
        for (since, from, to, by, expected) in [
            (None, None, None, "+00:00", Some((NOW - 90 * 86_400, NOW, 0))),
            (Some("2h"), None, None, "-05:30", Some((NOW - 7_200, NOW, -330))),
            // The last second of November, where it is November.
            (
                None,
                Some("2026-11-01"),
                Some("2026-11-30"),
                "+00:00",
                Some((1_793_491_200, 1_796_083_199, 0)),
            ),
            (
                None,
                Some("2026-11-01"),
                Some("2026-11-30"),
                "+01:00",
                Some((1_793_487_600, 1_796_079_599, 60)),
            ),
            (None, Some("2026-11-01"), Some("2027-12-31"), "+00:00", Some((1_793_491_200, NOW, 0))),
            (None, Some("1000"), Some("1001"), "+00:00", Some((1_000, 1_000, 0))),
            (None, Some("1000"), Some("1000"), "+00:00", None),
            (None, Some("2026-12-24"), None, "+00:00", None),
            (Some("soon"), None, None, "+00:00", None),
            (None, None, None, "CET", None),
        ] {
            let found = Range::read(&typed(since, from, to, by), NOW).ok();
            let expected = expected.map(|(from, to, offset)| Range { from, to, offset });
            assert_eq!(found, expected, "{since:?} {from:?} {to:?} {by}");
        }
    }
}
