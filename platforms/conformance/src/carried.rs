//! What every request carries, whatever the case: an embedding passes headers and bodies on as the component made
//! them.

use std::collections::BTreeMap;

use refund_core::API_VERSION;
use refund_core::id::OperationId;
use refund_core::wire::IdempotencyKey;
use refund_core::wire::requests::CREATE_REFUND;
use refund_simulator::Recorded;

/// How the key of every case begins; a log of requests holds no more of it.
const KEY: &str = "sk_test_";

/// What is wrong with the requests of one step, which is about this operation.
pub(crate) fn carried(requests: &[Recorded], operation: Option<&str>) -> Vec<String> {
    // One operation, one key, in every process and for ever: this is what a crash relies on.
    let operation = operation.and_then(|id| OperationId::parse(id).ok());
    let key = operation.map(|id| IdempotencyKey::derive(&id, CREATE_REFUND).to_string());
    let mut problems = Vec::new();
    let mut sent: BTreeMap<&str, &Recorded> = BTreeMap::new();
    for request in requests {
        problems.extend(problem_of(request, key.as_deref()));
        if request.method == "POST" {
            let first = sent.entry(&request.path).or_insert(request);
            if !is_same(first, request) {
                let path = &request.path;
                problems.push(format!("POST {path} was repeated with another key or body"));
            }
        }
    }
    problems
}

fn problem_of(request: &Recorded, key: Option<&str>) -> Option<String> {
    let Recorded { method, path, .. } = request;
    let header = |name: &str| request.headers.get(name).map(String::as_str);
    let told = |what: String| Some(format!("{method} {path} {what}"));
    if !header("authorization").is_some_and(|key| key.starts_with(KEY)) {
        return told("came without the key".to_owned());
    }
    match header("stripe-version") {
        Some(API_VERSION) => {}
        other => {
            let came = other.unwrap_or("none");
            return told(format!(
                "asks for API version {came}, and the component for {API_VERSION}"
            ));
        }
    }
    if method == "POST"
        && path == "/v1/refunds"
        && (key.is_none() || header("idempotency-key") != key)
    {
        return told("came without the idempotency key of its operation".to_owned());
    }
    None
}

/// Whether Stripe takes one for the repetition of the other.
fn is_same(first: &Recorded, again: &Recorded) -> bool {
    let key = |request: &Recorded| request.headers.get("idempotency-key").cloned();
    key(first) == key(again) && first.body == again.body
}
