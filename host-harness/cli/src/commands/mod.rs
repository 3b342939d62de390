//! The commands, one file each.

pub(crate) mod approvals;
pub(crate) mod audit;
pub(crate) mod bulk;
pub(crate) mod check;
pub(crate) mod component;
pub(crate) mod credits;
pub(crate) mod demo;
pub(crate) mod describe;
pub(crate) mod disputes;
pub(crate) mod doctor;
pub(crate) mod duplicates;
pub(crate) mod follow_ups;
pub(crate) mod invoke;
pub(crate) mod policy;
pub(crate) mod reconcile;
pub(crate) mod refund;
pub(crate) mod report;
pub(crate) mod serve;
pub(crate) mod simulate;
pub(crate) mod webhook;

use std::process::ExitCode;

use clap::CommandFactory;

/// Prints a completion script.
pub(crate) fn completions(shell: clap_complete::Shell) -> ExitCode {
    clap_complete::generate(
        shell,
        &mut crate::args::Args::command(),
        "refund-node",
        &mut std::io::stdout(),
    );
    ExitCode::SUCCESS
}
