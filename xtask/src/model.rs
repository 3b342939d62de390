//! Every interleaving of a few refunds within bounds. A quick form is among the tests: `cargo test -p refund-model`.

use anyhow::Result;

use crate::run::{cargo, must};

/// Searches all bounds, or the ones that are named.
pub(crate) fn run(names: &[&str]) -> Result<()> {
    must(
        cargo()
            .args(["run", "--quiet", "--release", "--package", "refund-model", "--"])
            .args(names),
    )
}
