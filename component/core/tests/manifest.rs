//! The checked-in manifests are what the types say. To make them anew: `UPDATE_MANIFEST=1 cargo test
//! -p refund-core --features schema --test manifest`.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(feature = "schema")]

use std::path::Path;

use refund_core::dispatch::{InvokeError, invoke_pure, manifest};
use serde_json::Value;

fn compare(name: &str, made: &Value) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/dispatch").join(name);
    if std::env::var_os("UPDATE_MANIFEST").is_some() {
        std::fs::write(&file, made.to_string()).unwrap();
    }
    let checked_in: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    // Not assert_eq: the two would fill the screen.
    assert!(checked_in == *made, "{name} is out of date: run this test with UPDATE_MANIFEST=1");
}

fn names(manifest: &Value) -> Vec<String> {
    let operations = manifest["operations"].as_array().unwrap();
    let mut names: Vec<_> =
        operations.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect();
    names.sort_unstable();
    names
}

#[test]
fn the_files_are_current() {
    compare("manifest.json", &manifest::full());
    compare("manifest.pure.json", &manifest::pure());
}

#[test]
fn invoke_knows_what_the_manifest_names() {
    let Err(InvokeError::UnknownOperation(mut pure)) = invoke_pure("", "{}") else { panic!() };
    pure.sort_unstable();
    assert_eq!(names(&manifest::pure()), pure);
    let all = names(&manifest::full());
    assert!(all.windows(2).all(|pair| pair[0] != pair[1]), "a name is given twice");
    assert!(pure.iter().all(|name| all.contains(name)));
}
