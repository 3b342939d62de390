//! What came, against what had to come.

use serde_json::Value;

/// Longest value in a problem.
const SHOWN: usize = 300;

/// Where `found` lacks something of `expected`. Objects may have more fields than are expected, arrays may not have
/// more items.
pub(crate) fn lacking(expected: &Value, found: &Value, at: &str) -> Vec<String> {
    match (expected, found) {
        (Value::Object(expected), Value::Object(fields)) => {
            let each = expected.iter().flat_map(|(name, expected)| {
                let at = format!("{at}.{name}");
                match fields.get(name) {
                    Some(found) => lacking(expected, found, &at),
                    None => vec![format!("{at} is missing, expected {}", shown(expected))],
                }
            });
            each.collect()
        }
        (Value::Array(expected), Value::Array(items)) if expected.len() == items.len() => {
            let pairs = expected.iter().zip(items).enumerate();
            pairs
                .flat_map(|(n, (expected, found))| lacking(expected, found, &format!("{at}[{n}]")))
                .collect()
        }
        _ if expected == found => Vec::new(),
        _ => vec![format!("{at} is {}, expected {}", shown(found), shown(expected))],
    }
}

/// What differs between the requests that came and those that had to.
pub(crate) fn other_requests(expected: &[String], came: &[String]) -> Option<String> {
    let same = expected.len() == came.len()
        && expected.iter().zip(came).all(|(expected, came)| is_request(expected, came));
    (!same).then(|| format!("requests were {came:?}, expected {expected:?}"))
}

/// Whether a request is the one that a pattern means; `{id}` stands for one segment.
pub(crate) fn is_request(pattern: &str, request: &str) -> bool {
    let (pattern, request) = (pattern.split('/'), request.split('/'));
    pattern.clone().count() == request.clone().count()
        && pattern
            .zip(request)
            .all(|(wanted, part)| wanted == part || wanted == "{id}" && !part.is_empty())
}

/// A value, shortened.
pub(crate) fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn objects_may_have_more_and_arrays_may_not() {
        for (expected, found, problems) in [
            (json!({ "a": 1 }), json!({ "a": 1, "b": 2 }), vec![]),
            (json!({}), json!({ "a": 1 }), vec![]),
            (json!({ "a": null }), json!({}), vec!["x.a is missing, expected null"]),
            (json!({ "a": 1 }), json!({ "a": "1" }), vec!["x.a is \"1\", expected 1"]),
            (json!({ "a": 1 }), json!({ "a": 1.0 }), vec!["x.a is 1.0, expected 1"]),
            (json!([1, 2]), json!([1]), vec!["x is [1], expected [1,2]"]),
            (json!([1]), json!([1, 2]), vec!["x is [1,2], expected [1]"]),
            (json!([{ "a": 1 }]), json!([{ "a": 2, "b": 3 }]), vec!["x[0].a is 2, expected 1"]),
            (json!({}), json!([]), vec!["x is [], expected {}"]),
        ] {
            assert_eq!(lacking(&expected, &found, "x"), problems);
        }
    }

    #[test]
    fn requests_are_compared_one_by_one() {
        let list = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
        let expected = list(&["GET /v1/charges/{id}", "POST /v1/refunds"]);
        for (came, same) in [
            (list(&["GET /v1/charges/ch_1", "POST /v1/refunds"]), true),
            (list(&["POST /v1/refunds", "GET /v1/charges/ch_1"]), false),
            (list(&["GET /v1/charges/ch_1"]), false),
            (list(&["GET /v1/charges/ch_1", "POST /v1/refunds", "POST /v1/refunds"]), false),
            (list(&["GET /v1/charges", "POST /v1/refunds"]), false),
            (list(&["GET /v1/charges/", "POST /v1/refunds"]), false),
            (list(&["GET /v1/charges/ch_1/x", "POST /v1/refunds"]), false),
        ] {
            assert_eq!(other_requests(&expected, &came).is_none(), same, "{came:?}");
        }
    }
}
