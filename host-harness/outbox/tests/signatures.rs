//! Our signatures are byte for byte those of the official Standard Webhooks libraries; `made_by` in the file
//! says which.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use refund_outbox::{SigningSecret, sign};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vectors {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    id: String,
    timestamp: u64,
    secrets: Vec<String>,
    body: String,
    signature: String,
}

#[test]
fn the_official_libraries_sign_the_same() {
    let vectors: Vectors =
        serde_json::from_str(include_str!("vectors/standard-webhooks.json")).unwrap();
    assert_eq!(vectors.cases.len(), 7);
    for case in vectors.cases {
        let secrets: Vec<_> =
            case.secrets.iter().map(|secret| SigningSecret::parse(secret).unwrap()).collect();
        let signed = sign(&case.id, case.timestamp, case.body.as_bytes(), &secrets);
        assert_eq!((signed.id, signed.timestamp), (case.id, case.timestamp));
        assert_eq!(signed.signature, case.signature, "{}", case.name);
    }
}
