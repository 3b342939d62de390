//! Guests that try to break out do not; and SECURITY.md says what happens to them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use refund_tests::containment::{run, table};

const SECURITY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../SECURITY.md");

#[tokio::test(flavor = "multi_thread")]
async fn no_guest_breaks_out() {
    let rows = run().await;
    for row in &rows {
        assert!(row.escape.is_none(), "{row:?}");
    }
    let security = std::fs::read_to_string(SECURITY).unwrap();
    let table = table(&rows);
    assert!(
        security.contains(&table),
        "SECURITY.md is out of date: put the table of `cargo xtask containment` into it"
    );
}
