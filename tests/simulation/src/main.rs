//! `cargo run -p refund-simulation --release -- --operations 1000000`
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command prints")]

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use clap::Parser;
use refund_simulation::{Ended, Failure, Plan, Summary, Worlds, shrink};

/// From this number of operations on, every kind of answer is given.
const ENOUGH_FOR_EVERY_KIND: u64 = 500_000;

/// Runs the application layer, the ledger and a Stripe double in one process, in virtual time, with faults and crashes at
/// every place where a task waits. Compares every answer with what the ledger held and Stripe had.
#[derive(Debug, Parser)]
#[command(name = "refund-simulation")]
struct Arguments {
    /// How many operations in all
    #[arg(long, default_value_t = 10_000)]
    operations: u64,
    /// The seed of the first world; the others follow
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many operations in one world
    #[arg(long, default_value_t = 200)]
    world: usize,
    /// How many threads
    #[arg(long, default_value_t = 1)]
    jobs: usize,
    /// Stop after so many worlds that failed
    #[arg(long, default_value_t = 1)]
    failures: usize,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
    /// Run only the world of `--seed`, and print everything that happens in it
    #[arg(long)]
    trace: bool,
    /// With `--trace`: only these steps happen, separated by commas
    #[arg(long, value_delimiter = ',', requires = "trace")]
    steps: Option<Vec<usize>>,
    /// Also print how often each kind of answer was given
    #[arg(long)]
    kinds: bool,
    /// Do not look for the smallest form of the first world that failed
    #[arg(long)]
    no_shrink: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.trace { trace(&arguments) } else { many(&arguments) }
}

/// One world, with everything that happens in it.
fn trace(arguments: &Arguments) -> ExitCode {
    let plan = Plan {
        is_traced: true,
        only_steps: arguments.steps.clone(),
        ..Plan::new(arguments.seed, arguments.world)
    };
    let ended = plan.run();
    for line in &ended.trace {
        println!("{line}");
    }
    show_disagreements(arguments.seed, &ended);
    code(ended.disagreements.is_empty())
}

fn show_disagreements(seed: u64, ended: &Ended) {
    println!("\nSeed {seed}: answers that disagree: {}", ended.disagreements.len());
    for found in &ended.disagreements {
        println!("  {}: {}", found.rule, found.what);
    }
}

fn many(arguments: &Arguments) -> ExitCode {
    let worlds = Worlds {
        first_seed: arguments.seed,
        operations: arguments.operations,
        operations_each: arguments.world,
        jobs: arguments.jobs,
        most_failures: arguments.failures,
        planted: None,
    };
    let (shown, printed) = (AtomicU64::new(0), AtomicUsize::new(0));
    let summary = worlds.run(|sum| {
        let tenth = sum.counts.operations * 10 / arguments.operations.max(1);
        if tenth > shown.fetch_max(tenth, Ordering::Relaxed) {
            eprintln!("{} operations", sum.counts.operations);
        }
        let failures = sum.failures.len();
        for failure in &sum.failures[printed.swap(failures, Ordering::Relaxed)..] {
            show_failure(failure);
        }
    });
    if arguments.json {
        println!("{}", json(arguments, &summary));
    } else {
        println!("{}", table(arguments, &summary));
    }
    if arguments.kinds {
        for (kind, times) in &summary.reached {
            println!("{kind:<40} {times:>14}");
        }
    }
    if let Some(failure) = summary.failures.first().filter(|_| !arguments.no_shrink) {
        explain(arguments, failure);
    }
    let never_given = if arguments.operations < ENOUGH_FOR_EVERY_KIND {
        Vec::new()
    } else {
        summary.never_given()
    };
    for kind in &never_given {
        eprintln!("Never answered: {kind}");
    }
    code(summary.failures.is_empty() && never_given.is_empty())
}

/// A world that failed, and how to see it.
fn show_failure(failure: &Failure) {
    eprintln!("\nSeed {}: cargo xtask simulation --seed {}", failure.seed, failure.seed);
    for found in &failure.disagreements {
        eprintln!("  {}: {}", found.rule, found.what);
    }
}

fn code(is_good: bool) -> ExitCode {
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The smallest form of a world that failed, and how to see it again.
fn explain(arguments: &Arguments, failure: &Failure) {
    let Some(first) = failure.disagreements.first() else { return };
    let plan = Plan::new(failure.seed, arguments.world);
    let smallest = Plan { is_traced: true, ..shrink(&plan, first.rule) };
    let ended = smallest.run();
    eprintln!("\nThe smallest form of seed {} that fails so:\n", failure.seed);
    for line in &ended.trace {
        eprintln!("{line}");
    }
    let steps: Vec<_> = smallest.only_steps.iter().flatten().map(ToString::to_string).collect();
    eprintln!(
        "\nSee it again: cargo run -p refund-simulation --release -- --seed {} --world {} --trace --steps {}",
        failure.seed,
        arguments.world,
        steps.join(",")
    );
}

fn rows(arguments: &Arguments, summary: &Summary) -> Vec<(&'static str, String)> {
    let counts = &summary.counts;
    let days = summary.virtual_secs / 86_400;
    vec![
        ("first seed", arguments.seed.to_string()),
        ("operations", counts.operations.to_string()),
        ("runs", summary.worlds.to_string()),
        ("calls", counts.calls.to_string()),
        ("places where a task waited", counts.awaits.to_string()),
        ("crashes", counts.crashes.to_string()),
        ("freezes", counts.freezes.to_string()),
        ("jumps of a clock", counts.jumps.to_string()),
        ("requests to Stripe", counts.requests.to_string()),
        ("of them, to make a refund", counts.changes.to_string()),
        ("lost requests", counts.lost_requests.to_string()),
        ("lost answers", counts.lost_answers.to_string()),
        ("failures of the ledger's disk", counts.store_failures.to_string()),
        ("webhook deliveries", counts.deliveries.to_string()),
        ("refunds", counts.refunds.to_string()),
        ("of them, of operations", counts.refunds_of_operations.to_string()),
        ("refunds paid twice", counts.paid_twice.to_string()),
        ("virtual days", days.to_string()),
        ("seconds", format!("{:.1}", summary.time.as_secs_f64())),
        ("answers", counts.answers.to_string()),
        ("kinds of answers never given", summary.never_given().len().to_string()),
        ("answers that disagree", summary.disagreements().to_string()),
    ]
}

fn table(arguments: &Arguments, summary: &Summary) -> String {
    let rows = rows(arguments, summary).into_iter();
    let lines: Vec<_> = rows.map(|(name, value)| format!("{name:<30} {value:>14}")).collect();
    lines.join("\n")
}

fn json(arguments: &Arguments, summary: &Summary) -> String {
    let rows = rows(arguments, summary).into_iter();
    let fields: Vec<_> = rows
        .map(|(name, value)| {
            format!("\"{}\":{value}", name.replace([' ', '\''], "_").replace(',', ""))
        })
        .collect();
    let seeds: Vec<_> = summary.failures.iter().map(|failure| failure.seed.to_string()).collect();
    format!("{{{},\"failed_seeds\":[{}]}}", fields.join(","), seeds.join(","))
}
