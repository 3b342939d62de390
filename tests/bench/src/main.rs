//! What the sandbox costs, against code that many trust, in one run on one machine: `cargo xtask bench`.
//!
//! Every figure but those of bulk runs is a ratio of medians, ours against theirs, lower is better: this machine's speed
//! and what else runs on it fall out.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "its table is its output")]

mod api;
mod bulk;
mod composed;
mod create;
mod duplicates;
mod eligibility;
mod figures;
mod peers;
mod policy;
mod process;
mod size;
mod start;
mod webhook;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use comfy_table::Table;
use comfy_table::presets::UTF8_BORDERS_ONLY;
use refund_host::{Host, HostBuilder, default_cache};

use self::figures::{Measured, Rows};
use self::peers::Peers;

/// Measures what the sandbox costs against stripe-node, DuckDB and native code, which npm and pip install. Exits with 1
/// when something could not be measured.
#[derive(Parser, Debug)]
#[command(name = "cargo xtask bench")]
struct Args {
    /// Only this; may be repeated.
    #[arg(long, value_enum, value_name = "WORK")]
    only: Vec<Work>,
    /// Charges to find duplicates among.
    #[arg(long, value_name = "COUNT", default_value_t = 10_000_000)]
    charges: u64,
    /// Refunds to make.
    #[arg(long, value_name = "COUNT", default_value_t = 5000)]
    refunds: u32,
    /// Measure this component file instead of the one that this command was built with.
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,
    /// Where the peers are installed; beside the cache of compiled code unless given.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Print JSON, for programs.
    #[arg(long)]
    json: bool,
}

/// What can be measured.
#[derive(ValueEnum, Clone, Copy, Debug)]
enum Work {
    /// Verify and parse a webhook.
    Webhook,
    /// Check whether a charge may be refunded.
    Eligibility,
    /// From the start of the process to a verdict.
    Start,
    /// Find duplicates in a large file.
    Duplicates,
    /// Make refunds.
    Create,
    /// The component's size.
    Size,
    /// Ask a policy of 200 rules.
    Policy,
    /// Read over the HTTP API beside a bulk run.
    Api,
    /// Call through a pipeline.
    Composed,
    /// Refund files: refunds a second, the rate with limits on, memory, the first refund of a resume.
    Bulk,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    if cfg!(debug_assertions) {
        eprintln!("this is not a release build: the figures mean nothing");
    }
    let component = match &args.component {
        Some(file) => std::fs::read(file)?,
        None => refund_artifact::NODE.to_vec(),
    };
    let works = if args.only.is_empty() { Work::value_variants() } else { &args.only };
    let mut is_complete = true;
    let mut all = Vec::new();
    for &work in works {
        eprintln!("measuring {work:?}");
        match measure(work, &args, &component).await {
            Ok(rows) => all.extend(rows),
            Err(problem) => {
                is_complete = false;
                eprintln!("NOT MEASURED, {work:?}: {problem:#}");
            }
        }
    }
    print(&all, args.json);
    Ok(if is_complete { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn measure(work: Work, args: &Args, component: &[u8]) -> Rows {
    let peers = Peers::new(args.folder.clone().unwrap_or_else(default_folder));
    let node = || anyhow::Ok(host().build()?.load(component)?);
    match work {
        Work::Webhook => webhook::measure(&node()?, &peers).await,
        Work::Eligibility => eligibility::measure(&node()?).await,
        Work::Start => start::measure(&peers),
        Work::Duplicates => duplicates::measure(&peers, args.charges),
        Work::Create => create::measure(host, component, &peers, args.refunds).await,
        Work::Size => size::measure(component),
        Work::Policy => policy::measure(&node()?).await,
        Work::Api => api::measure(),
        Work::Composed => composed::measure(host).await,
        Work::Bulk => bulk::measure(),
    }
}

/// A host with the cache of compiled code that the command uses.
fn host() -> HostBuilder {
    let host = Host::builder();
    match default_cache() {
        Some(folder) => host.cache(folder),
        None => host,
    }
}

fn default_folder() -> PathBuf {
    default_cache().map_or_else(
        || std::env::temp_dir().join("refund-node-bench"),
        |cache| cache.with_file_name("bench"),
    )
}

fn print(all: &[Measured], as_json: bool) {
    if as_json {
        for row in all {
            println!("{}", row.describe());
        }
        return;
    }
    let mut table = Table::new();
    table.load_style(UTF8_BORDERS_ONLY);
    table.set_header(["work", "here", "there", "ratio", "goal", ""]);
    table.add_rows(all.iter().map(Measured::row));
    println!("{table}");
}
