//! Our verdicts against those of the official libraries, on the 103 shared cases.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use base64::Engine;
use refund_core::secret::Secret;
use refund_core::webhook::{VerifyError, VerifyOptions, verify};
use serde_json::Value;

fn cases() -> Vec<Value> {
    let text = include_str!("../../../tests/vectors/webhook-signatures.json");
    let file: Value = serde_json::from_str(text).unwrap();
    file["cases"].as_array().unwrap().clone()
}

fn judge(case: &Value) -> Result<(), VerifyError> {
    let payload = case["payload_b64"].as_str().unwrap();
    let payload = base64::engine::general_purpose::STANDARD.decode(payload).unwrap();
    let secret = Secret::new(case["secret"].as_str().unwrap());
    let tolerance = case["tolerance"].as_u64().map(|seconds| u32::try_from(seconds).unwrap());
    let options = VerifyOptions { tolerance, future_tolerance: None };
    let now = case["now"].as_u64().unwrap();
    verify(&payload, case["header"].as_str(), &[secret], options, now).map(|_| ())
}

#[test]
fn where_the_libraries_agree_so_do_we() {
    let mut seen = [0, 0, 0];
    for case in cases() {
        let verdict = judge(&case);
        let (id, name) = (&case["id"], &case["name"]);
        match case["consensus"].as_str().unwrap() {
            "accept" => {
                seen[0] += 1;
                assert_eq!(verdict, Ok(()), "{id} {name}");
            }
            "reject" => {
                seen[1] += 1;
                assert!(verdict.is_err(), "{id} {name}");
            }
            "split" => {
                seen[2] += 1;
                assert!(verdict.is_err(), "the strict side: {id} {name}");
            }
            other => panic!("{id}: {other}"),
        }
    }
    assert_eq!(seen, [34, 51, 18]);
}

#[test]
fn the_document_lists_every_split_case_with_our_reason() {
    let document = include_str!("../../../docs/webhook-strictness.md");
    let rows: Vec<_> = document.lines().filter(|line| line.starts_with("| shr-")).collect();
    let split: Vec<_> = cases().into_iter().filter(|case| case["consensus"] == "split").collect();
    assert_eq!(rows.len(), split.len());
    for (row, case) in rows.iter().zip(&split) {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let verdict = |library: &str| case[library]["verify"].as_str().unwrap();
        assert_eq!(cells[1], case["id"].as_str().unwrap());
        assert_eq!(cells[2], case["name"].as_str().unwrap());
        assert_eq!(cells[3..6], [verdict("node"), verdict("python"), verdict("go")], "{row}");
        assert_eq!(cells[6], judge(case).unwrap_err().reason(), "{row}");
    }
}
