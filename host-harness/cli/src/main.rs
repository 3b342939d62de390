//! The `refund-node` command: data on stdout, everything else on stderr.

mod args;
mod charges;
mod commands;
mod context;
mod create;
mod documents;
mod exit;
mod inputs;
mod instants;
mod listener;
mod manifest;
mod outcomes;
mod percent;
mod secrets;
mod show;
mod speed;
mod stop;
mod strict;
mod terminal;

use std::io::IsTerminal;
use std::process::ExitCode;

use tracing_subscriber::EnvFilter;

use crate::args::{Args, Command};

/// A third of what the command computes, the simulator above all, is memory for JSON.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::read();
    log(args.verbose);
    match Box::pin(run(args)).await {
        Ok(code) => code,
        Err(error) => exit::report(&error),
    }
}

async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let global = &args.global;
    if let Some(command) = args.command.without_ledger() {
        global.refuse_ledger(command)?;
    }
    match args.command {
        Command::Demo => commands::demo::run(global).await,
        Command::Simulate(args) => commands::simulate::run(&args).await,
        Command::Refund(args) => commands::refund::run(global, args).await,
        Command::Check(args) => commands::check::run(global, &args).await,
        Command::Policy(args) => commands::policy::run(global, args).await,
        Command::Approvals(args) => commands::approvals::run(global, args).await,
        Command::Serve(args) => commands::serve::run(global, &args).await,
        Command::Duplicates(args) => commands::duplicates::run(global, &args).await,
        Command::Disputes(args) => commands::disputes::run(global, args).await,
        Command::Credits(args) => commands::credits::run(global, args).await,
        Command::Report(args) => commands::report::run(global, &args).await,
        Command::FollowUps(args) => commands::follow_ups::run(global, args).await,
        Command::Webhook(args) => commands::webhook::run(global, args).await,
        Command::Describe => commands::describe::run(global).await,
        Command::Invoke(args) => commands::invoke::run(global, &args).await,
        Command::Bulk(args) => commands::bulk::run(global, args).await,
        Command::Reconcile(args) => commands::reconcile::run(global, &args).await,
        Command::Audit(args) => commands::audit::run(global, args).await,
        Command::Component(args) => commands::component::run(global, &args),
        Command::Doctor => commands::doctor::run(global).await,
        Command::Completions { shell } => Ok(commands::completions(shell)),
    }
}

/// Logs go to stderr: warnings, more with `-v`, or as `RUST_LOG` says.
fn log(verbose: u8) {
    let level = match verbose {
        0 => "warn",
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(terminal::log_writer)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
}
