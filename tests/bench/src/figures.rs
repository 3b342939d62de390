//! A figure: ours against theirs, as a ratio of medians.

use std::time::Duration;

use serde_json::json;

/// Ours against theirs.
pub(crate) struct Measured {
    /// What was done.
    pub(crate) work: &'static str,
    /// What it took here.
    pub(crate) ours: String,
    /// What it took there, and who they are.
    pub(crate) theirs: String,
    /// Ours through theirs.
    pub(crate) ratio: f64,
    /// The ratio that is the goal.
    pub(crate) goal: f64,
}

/// What a piece of work gives: its rows, or why there are none.
pub(crate) type Rows = anyhow::Result<Vec<Measured>>;

impl Measured {
    /// Times of one piece of work.
    pub(crate) fn times(
        work: &'static str,
        ours: Duration,
        (theirs, who): (Duration, &str),
        goal: f64,
    ) -> Self {
        Self {
            work,
            ours: time(ours),
            theirs: format!("{} ({who})", time(theirs)),
            ratio: ours.as_secs_f64() / theirs.as_secs_f64(),
            goal,
        }
    }

    /// A time against a goal that is a time.
    pub(crate) fn against_goal(work: &'static str, ours: Duration, goal: Duration) -> Self {
        Self::times(work, ours, (goal, "the goal"), 1.0)
    }

    /// Bytes against the bytes that are the goal, in a unit.
    #[expect(clippy::cast_precision_loss, reason = "to two digits")]
    pub(crate) fn bytes(
        work: &'static str,
        (ours, goal): (u64, u64),
        (unit, name): (u64, &str),
    ) -> Self {
        Self {
            work,
            ours: format!("{} {name}", ours / unit),
            theirs: format!("{} {name} (the goal)", goal / unit),
            ratio: ours as f64 / goal as f64,
            goal: 1.0,
        }
    }

    fn is_reached(&self) -> bool {
        self.ratio <= self.goal
    }

    pub(crate) fn row(&self) -> [String; 6] {
        [
            self.work.to_owned(),
            self.ours.clone(),
            self.theirs.clone(),
            format!("{:.2}", self.ratio),
            format!("{:.2}", self.goal),
            (if self.is_reached() { "reached" } else { "missed" }).to_owned(),
        ]
    }

    pub(crate) fn describe(&self) -> serde_json::Value {
        json!({
            "work": self.work, "here": self.ours, "there": self.theirs,
            "ratio": self.ratio, "goal": self.goal, "reached": self.is_reached(),
        })
    }
}

/// Four digits are enough.
fn time(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match seconds {
        _ if seconds < 1e-3 => format!("{:.1} µs", seconds * 1e6),
        _ if seconds < 1.0 => format!("{:.1} ms", seconds * 1e3),
        _ => format!("{seconds:.2} s"),
    }
}

/// The one in the middle.
pub(crate) fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
