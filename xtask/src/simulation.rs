//! The simulation of `tests/simulation`, in its long form, and one world of it.

use anyhow::Result;

use crate::run::{cargo, must};

/// Worlds, one on each core, until this number of operations is done.
pub(crate) fn run(operations: &str) -> Result<()> {
    let jobs = std::thread::available_parallelism().map_or(1, usize::from).to_string();
    simulation(&["--operations", operations, "--jobs", &jobs])
}

/// One world, with everything that happens in it.
pub(crate) fn repeat(seed: &str) -> Result<()> {
    simulation(&["--seed", seed, "--trace"])
}

fn simulation(arguments: &[&str]) -> Result<()> {
    let simulation = ["run", "--release", "--quiet", "-p", "refund-simulation", "--"];
    must(cargo().args(simulation).args(arguments))
}
