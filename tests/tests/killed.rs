//! The short form of the soak: every way in at once, with kills, freezes, jumps of the clock and faults. Every answer is
//! compared with the end.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::PathBuf;

use refund_app::OutcomeKind;
use refund_tests::soak::{Settings, Tally, play};

/// The command, built beside this test by `cargo test`, which builds every binary of the workspace.
fn refund_node() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let folder = here.parent().unwrap().parent().unwrap();
    let file = folder.join(format!("refund-node{}", std::env::consts::EXE_SUFFIX));
    assert!(file.exists(), "{} is missing: run `cargo build` first", file.display());
    file
}

/// Late requests in the first round, jumps of the clock in the second. In the second one answer is made wrong, so that
/// this can fail; all others agree.
#[test]
fn every_answer_agrees_with_the_end_and_a_wrong_one_is_found() {
    let mut tally = Tally::default();
    play(&refund_node(), 1, Settings::default(), &mut tally).unwrap();
    assert!(tally.is_good(), "{tally}{}", tally.problems.join("\n"));
    let wrong = Settings { inject: Some(OutcomeKind::Denied) };
    play(&refund_node(), 2, wrong, &mut tally).unwrap();
    assert!(tally.kills > 3 && tally.answers > 300, "{tally}");
    assert!(tally.freezes > 3 || !cfg!(unix), "{tally}");
    assert!(tally.jumps > 0 || !cfg!(target_os = "linux"), "{tally}");
    let problems = tally.problems.join("\n");
    assert_eq!((tally.disagree, tally.twice, tally.lost, tally.broken), (1, 0, 0, 0), "{problems}");
    assert!(problems.contains("Outcome(Denied"), "{problems}");
}
