//! `bench`: what the sandbox costs, against code that many trust, in one run on one machine.
//!
//! Every figure is a ratio of medians, ours against theirs, lower is better: this machine's speed and what else
//! runs on it fall out.

mod api;
mod composed;
mod create;
mod duplicates;
mod eligibility;
mod peers;
mod policy;
mod process;
mod size;
mod start;
mod webhook;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::ValueEnum;
use indicatif::ProgressBar;
use serde_json::json;

use self::peers::Peers;
use crate::args::{Bench, BenchWork, Global};
use crate::{context, show};

/// Ours against theirs.
struct Measured {
    /// What was done.
    work: &'static str,
    /// What it took here.
    ours: String,
    /// What it took there, and who they are.
    theirs: String,
    /// Ours through theirs.
    ratio: f64,
    /// The ratio that is the goal.
    most: f64,
}

/// What a piece of work gives: its rows, or why there are none.
type Rows = anyhow::Result<Vec<Measured>>;

pub(crate) async fn run(global: &Global, args: &Bench) -> anyhow::Result<ExitCode> {
    if cfg!(debug_assertions) {
        tracing::warn!("this is not a release build: the figures mean nothing");
    }
    let peers = Peers::new(args.folder.clone().unwrap_or_else(default_folder));
    let node = context::pure(global)?;
    let component = match &global.component {
        Some(file) => std::fs::read(file)?,
        None => refund_artifact::NODE.to_vec(),
    };
    let waiting = ProgressBar::new_spinner();
    waiting.enable_steady_tick(Duration::from_millis(200));
    let mut missing = false;
    let mut all = Vec::new();
    let works = if args.only.is_empty() { BenchWork::value_variants() } else { &args.only };
    for &work in works {
        let name =
            work.to_possible_value().map_or_else(String::new, |value| value.get_name().into());
        waiting.set_message(format!("measuring {name}"));
        let rows = match work {
            BenchWork::Webhook => webhook::measure(&node, &peers).await,
            BenchWork::Eligibility => eligibility::measure(&node).await,
            BenchWork::Start => start::measure(&peers),
            BenchWork::Duplicates => duplicates::measure(&peers, args.charges),
            BenchWork::Create => create::measure(global, &peers, args.refunds).await,
            BenchWork::Size => size::measure(&component),
            BenchWork::Policy => policy::measure(&node).await,
            BenchWork::Api => api::measure(),
            BenchWork::Composed => composed::measure(global, args.composed.as_deref()).await,
        };
        match rows {
            Ok(rows) => all.extend(rows),
            Err(problem) => {
                missing = true;
                tracing::warn!("NOT MEASURED, {name}: {problem:#}");
            }
        }
    }
    waiting.finish_and_clear();
    if global.json {
        for row in &all {
            show::line(row.describe());
        }
    } else {
        show::table(["work", "here", "there", "ratio", "goal", ""], all.iter().map(Measured::row));
    }
    Ok(if missing { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

impl Measured {
    /// Times of one piece of work.
    fn times(
        work: &'static str,
        ours: Duration,
        (theirs, who): (Duration, &str),
        most: f64,
    ) -> Self {
        Self {
            work,
            ours: time(ours),
            theirs: format!("{} ({who})", time(theirs)),
            ratio: ours.as_secs_f64() / theirs.as_secs_f64(),
            most,
        }
    }

    fn is_reached(&self) -> bool {
        self.ratio <= self.most
    }

    fn row(&self) -> [String; 6] {
        [
            self.work.to_owned(),
            self.ours.clone(),
            self.theirs.clone(),
            format!("{:.2}", self.ratio),
            format!("{:.2}", self.most),
            (if self.is_reached() { "reached" } else { "missed" }).to_owned(),
        ]
    }

    fn describe(&self) -> serde_json::Value {
        json!({
            "work": self.work, "here": self.ours, "there": self.theirs,
            "ratio": self.ratio, "goal": self.most, "reached": self.is_reached(),
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
fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn default_folder() -> PathBuf {
    refund_host::default_cache().map_or_else(
        || std::env::temp_dir().join("refund-node-bench"),
        |cache| cache.with_file_name("bench"),
    )
}
