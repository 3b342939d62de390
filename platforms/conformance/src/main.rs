//! `refund-conformance`: the table of cases and platforms.

#![expect(clippy::print_stdout, reason = "the table is what it is for")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser};
use refund_conformance::{Platform, Terms, judge, load};

/// Runs the conformance cases on every platform that is named, and prints a table.
///
/// The exit code is 0 when every column is full, and every platform loaded the component that was given.
#[derive(Parser)]
#[command(name = "refund-conformance")]
struct Arguments {
    /// The folder of the cases
    #[arg(long, value_name = "DIR")]
    cases: PathBuf,
    /// The component file that every platform has to load
    #[arg(long, value_name = "FILE")]
    component: PathBuf,
    /// The text that `describe` has to give; otherwise all have to give the same
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// A platform: its name, the program that runs it, and the program's arguments. Repeatable
    #[arg(long = "runner", value_name = "NAME=PROGRAM [ARGUMENT]", num_args = 1.., required = true)]
    runners: Vec<String>,
    /// Only this case. Repeatable
    #[arg(long, value_name = "CASE")]
    only: Vec<String>,
    /// How many seconds a runner may take for one answer
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    patience: u64,
    /// JSON instead of a table
    #[arg(long)]
    json: bool,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let matches = Arguments::command().get_matches();
    let arguments = Arguments::from_arg_matches(&matches)?;
    let mut cases = load(&arguments.cases)?;
    for name in &arguments.only {
        let known = cases.iter().any(|case| case.name == *name);
        ensure!(known, "there is no case `{name}` in {}", arguments.cases.display());
    }
    cases.retain(|case| arguments.only.is_empty() || arguments.only.contains(&case.name));
    let terms = Terms {
        component: arguments.component,
        manifest: arguments.manifest,
        patience: Duration::from_secs(arguments.patience),
    };
    let report = judge(&cases, &platforms(&matches)?, &terms).await?;
    if arguments.json {
        println!("{}", report.json());
    } else {
        println!("{report}");
    }
    Ok(if report.is_full() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Each `--runner` with its own words.
fn platforms(matches: &ArgMatches) -> Result<Vec<Platform>> {
    let runners = matches.get_occurrences::<String>("runners").into_iter().flatten();
    let platform = |mut words: Box<dyn Iterator<Item = &String> + '_>| {
        let first = words.next().context("a runner has a name and a program")?;
        let (name, program) =
            first.split_once('=').with_context(|| format!("`{first}` is not NAME=PROGRAM"))?;
        let command = std::iter::once(program.to_owned()).chain(words.cloned()).collect();
        Ok(Platform { name: name.to_owned(), command })
    };
    runners.map(|words| platform(Box::new(words))).collect()
}
