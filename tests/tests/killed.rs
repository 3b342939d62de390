//! The short form of the soak: bulk runs that are killed at random moments, with faults, and resumed.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::PathBuf;

use refund_tests::rounds::{Tally, play};

/// The command, built beside this test by `cargo test`, which builds every binary of the workspace.
fn refund_node() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let folder = here.parent().unwrap().parent().unwrap();
    let file = folder.join(format!("refund-node{}", std::env::consts::EXE_SUFFIX));
    assert!(file.exists(), "{} is missing: run `cargo build` first", file.display());
    file
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_runs_refund_once_and_lose_nothing() {
    let mut tally = Tally::default();
    for seed in 1..=4 {
        play(&refund_node(), seed, &mut tally).await.unwrap();
    }
    assert!(tally.kills >= 4 && tally.operations >= 320, "{tally:?}");
    assert_eq!((tally.doubles, tally.lost, tally.broken), (0, 0, 0), "{tally:?}");
}
