//! What every request carries, whatever the case: an embedding passes headers and bodies on as the component made
//! them.

use std::collections::BTreeMap;

use refund_simulator::Recorded;

/// How the key of every case begins; a log of requests holds no more of it.
const KEY: &str = "sk_test_";

/// What is wrong with the requests of one step.
pub(crate) fn carried(requests: &[Recorded], api_version: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let mut sent: BTreeMap<&str, &Recorded> = BTreeMap::new();
    for request in requests {
        problems.extend(problem_of(request, api_version));
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

fn problem_of(request: &Recorded, api_version: &str) -> Option<String> {
    let Recorded { method, path, .. } = request;
    let header = |name: &str| request.headers.get(name).map(String::as_str);
    let told = |what: String| Some(format!("{method} {path} {what}"));
    if !header("authorization").is_some_and(|key| key.starts_with(KEY)) {
        return told("came without the key".to_owned());
    }
    match header("stripe-version") {
        Some(version) if version == api_version => {}
        other => {
            let came = other.unwrap_or("none");
            return told(format!(
                "asks for API version {came}, and the component for {api_version}"
            ));
        }
    }
    if method == "POST" && path == "/v1/refunds" && header("idempotency-key").is_none() {
        return told("came without an idempotency key".to_owned());
    }
    None
}

/// Whether Stripe takes one for the repetition of the other.
fn is_same(first: &Recorded, again: &Recorded) -> bool {
    let key = |request: &Recorded| request.headers.get("idempotency-key").cloned();
    key(first) == key(again) && first.body == again.body
}
