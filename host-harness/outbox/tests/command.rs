//! Deliveries to programs.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(unix)]

mod support;

use std::path::Path;
use std::time::{Duration, Instant};

use refund_core::followups::FollowUp;
use refund_outbox::{Message, RoundReport, State};
use support::memory::Memory;
use support::{Time, add, dispatcher, follow_up, sinks};

/// Runs a shell script as the sink; what it leaves is in the folder.
async fn run(script: &str, folder: &Path) -> (RoundReport, Message) {
    let (time, store) = (Time::new(), Memory::default());
    let document = format!(
        "[[sink]]\nname = \"run\"\nkind = \"command\"\ntimeout_seconds = 1\ncommand = [\"sh\", \"-c\", '''{script}''', \"{}\"]\n",
        folder.display()
    );
    let sinks = sinks(&document, folder);
    add(&store, &sinks, &[follow_up(3, "ch_1")], time.now()).await;
    let report = dispatcher(&store, &sinks, &time).run_once().await.unwrap();
    (report, store.all().remove(0))
}

#[tokio::test]
async fn a_program_gets_the_follow_up_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let (report, message) =
        run(r#"cat > "$0/body"; env > "$0/env"; echo ignored"#, folder.path()).await;
    assert_eq!((report.delivered, message.state), (1, State::Delivered));
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(serde_json::from_str::<FollowUp>(&read("body")).unwrap(), follow_up(3, "ch_1"));
    let environment = read("env");
    assert!(environment.contains("REFUND_NODE_FOLLOW_UP_ID=fu_3\n"), "{environment}");
    // Cargo has set it for this test: what is not passed on by name does not get there.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    assert!(!environment.contains("CARGO_MANIFEST_DIR"), "{environment}");
}

#[tokio::test]
async fn why_a_program_failed() {
    let folder = tempfile::tempdir().unwrap();
    for (script, expected) in [
        ("exit 3", "exit status: 3"),
        (
            "echo first >&2; echo '  the last line  ' >&2; echo >&2; exit 4",
            "exit status: 4: the last line",
        ),
        ("kill -9 $$", "signal: 9"),
        // Much more than a pipe holds, both ways.
        ("yes x | head -c 1000000 >&2; echo end >&2; exit 1", "exit status: 1: end"),
        ("exec 0<&-; yes | head -c 1000000; exit 1", "exit status: 1"),
        // A child of its own keeps the standard error open.
        ("sleep 3 & echo why >&2; exit 1", "exit status: 1: why"),
    ] {
        let (report, message) = run(script, folder.path()).await;
        assert_eq!((report.failed, message.state), (1, State::Waiting), "{script}");
        let reason = message.reason.unwrap();
        assert!(reason.starts_with(expected), "{script}: {reason}");
    }
}

#[tokio::test]
async fn a_program_that_hangs_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let start = Instant::now();
    let (report, message) = run(r#"echo $$ > "$0/pid"; exec sleep 60"#, folder.path()).await;
    assert_eq!(report.failed, 1);
    assert!(start.elapsed() < Duration::from_secs(10));
    assert!(message.reason.unwrap().contains("within 1 s"));
    let pid = std::fs::read_to_string(folder.path().join("pid")).unwrap();
    let gone = || {
        let check = std::process::Command::new("kill").args(["-0", pid.trim()]).output().unwrap();
        !check.status.success()
    };
    // The runtime reaps it in its own time.
    for _ in 0..100 {
        if gone() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("process {pid} is alive");
}

#[tokio::test]
async fn a_program_that_is_not_there_is_tried_again() {
    let (time, store) = (Time::new(), Memory::default());
    let document = "[[sink]]\nname = \"run\"\nkind = \"command\"\ncommand = [\"./not-there\"]\n";
    let sinks = sinks(document, Path::new("/nowhere"));
    add(&store, &sinks, &[follow_up(0, "ch_1")], time.now()).await;
    assert_eq!(dispatcher(&store, &sinks, &time).run_once().await.unwrap().failed, 1);
    let reason = store.all().remove(0).reason.unwrap();
    assert!(reason.starts_with("/nowhere/./not-there cannot be started"), "{reason}");
}
