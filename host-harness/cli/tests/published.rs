//! What is checked in is what the command prints: a change of it is seen in review.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod desk;

use desk::Desk;
use serde_json::Value;

/// The description is checked in, so that a change of the API is seen in review.
#[test]
fn the_description_is_current() {
    let desk = Desk::new();
    let described = desk.run(&["serve", "--openapi"]);
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../serve/openapi.json");
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(&file, &described.out).unwrap();
    }
    let checked_in = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        checked_in == described.out,
        "openapi.json is out of date: run this test with UPDATE_OPENAPI=1"
    );
    let read: Value = serde_json::from_str(&checked_in).unwrap();
    assert_eq!(read["paths"].as_object().unwrap().len(), 17);
}

/// So is the schema of a policy document.
#[test]
fn the_schema_of_a_policy_is_current() {
    let desk = Desk::new();
    let schema = desk.run(&["policy", "schema"]);
    let file =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/policy.schema.json");
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(&file, &schema.out).unwrap();
    }
    assert!(
        std::fs::read_to_string(&file).unwrap_or_default() == schema.out,
        "run this test with UPDATE_OPENAPI=1"
    );
}
