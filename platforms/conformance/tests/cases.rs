//! The cases themselves: all can be read, and together they leave no operation out.

use std::collections::BTreeSet;
use std::path::Path;

use refund_conformance::load;
use serde_json::Value;

fn here(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[test]
fn every_operation_is_in_a_case_that_wants_an_output() {
    let manifest =
        std::fs::read_to_string(here("../../component/core/src/dispatch/manifest.json")).unwrap();
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    let operations = manifest["operations"].as_array().unwrap();
    let operations: BTreeSet<_> =
        operations.iter().map(|one| one["name"].as_str().unwrap()).collect();
    let cases = load(&here("cases")).unwrap();
    let steps = cases.iter().flat_map(|case| &case.steps).filter(|step| step.output.is_some());
    let called: BTreeSet<_> = steps.map(|step| step.invoke.as_str()).collect();
    assert!(!operations.is_empty());
    let left_out: Vec<_> = operations.difference(&called).collect();
    assert!(left_out.is_empty(), "no case calls {left_out:?}");
}

/// What every refund promises is counted at Stripe, not told by the platform.
#[test]
fn who_makes_a_refund_counts_the_refunds() {
    for case in load(&here("cases")).unwrap() {
        let makes = case.steps.iter().any(|step| {
            let sent = step.requests.iter().flatten();
            sent.into_iter().any(|request| request == "POST /v1/refunds")
        });
        assert!(!makes || !case.then.refunds.is_empty(), "{} counts nothing", case.name);
    }
}
