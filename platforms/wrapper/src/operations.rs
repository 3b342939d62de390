//! The operations of a node, as its manifest tells them.

use serde::Deserialize;

/// One operation.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Operation {
    /// Its name, such as `refunds.create`.
    pub name: String,
    /// Whether it talks to Stripe, and so takes a connection.
    pub needs_http: bool,
}

#[derive(Deserialize)]
struct Manifest {
    operations: Vec<Operation>,
}

/// The operation of this name, or the names there are.
pub fn find(manifest: &str, name: &str) -> Result<Operation, Vec<String>> {
    // A node always describes itself; one that cannot has no operation that anybody could call.
    let all =
        serde_json::from_str(manifest).map_or_else(|_| Vec::new(), |all: Manifest| all.operations);
    match all.iter().find(|operation| operation.name == name) {
        Some(operation) => Ok(operation.clone()),
        None => Err(all.into_iter().map(|operation| operation.name).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"{ "name": "n", "$defs": { "a": [1] }, "operations": [
        { "name": "a.pure", "title": "", "needs_http": false },
        { "name": "b.far", "effect": "reads", "needs_http": true }] }"#;

    #[test]
    fn an_operation_is_found_by_its_whole_name() {
        assert!(find(MANIFEST, "b.far").unwrap().needs_http);
        assert!(!find(MANIFEST, "a.pure").unwrap().needs_http);
        for name in ["", "b", "b.far2", "B.FAR"] {
            assert_eq!(find(MANIFEST, name), Err(vec!["a.pure".into(), "b.far".into()]), "{name}");
        }
    }

    #[test]
    fn a_node_without_a_manifest_has_no_operation() {
        assert_eq!(find("oops", "a.pure"), Err(Vec::new()));
    }
}
