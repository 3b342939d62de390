//! Two manifests become one. The text of the node's is taken as it is: what the pipeline adds is spliced into
//! its `$defs` and `operations`, so that a pipeline needs to know nothing else of it.

/// A pipeline's part of a manifest: the inner texts of the two members that grow.
pub(crate) struct Addition<'a> {
    /// `"name": {…}, …`
    pub(crate) definitions: &'a str,
    /// `{…}, …`
    pub(crate) operations: &'a str,
}

impl<'a> Addition<'a> {
    /// Reads `{"$defs": {…}, "operations": […]}`.
    pub(crate) fn read(manifest: &'a str) -> Self {
        let inner = |name| member(manifest, name).map_or("", |at| &manifest[at.start..at.end]);
        Self { definitions: inner("$defs"), operations: inner("operations") }
    }

    /// The node's manifest and this.
    pub(crate) fn joined(&self, node: &str) -> String {
        let with_operations = splice(node, "operations", self.operations);
        splice(&with_operations, "$defs", self.definitions)
    }
}

/// Adds members or items at the end of an object or list; a text without it stays as it is.
fn splice(text: &str, name: &str, added: &str) -> String {
    let Some(at) = member(text, name) else { return text.to_owned() };
    let comma = if added.is_empty() || text[at.start..at.end].trim().is_empty() { "" } else { "," };
    [&text[..at.end], comma, added, &text[at.end..]].concat()
}

/// Between which two brackets the value of a member of the outermost object lies.
fn member(text: &str, name: &str) -> Option<std::ops::Range<usize>> {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    let (mut began, mut last, mut start) = (0, "", None);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' if in_text => {
                in_text = false;
                last = &text[began..at];
            }
            b'"' => {
                in_text = true;
                began = at + 1;
            }
            _ if in_text => {}
            // The name is the text before the value: nothing stands between them but a colon.
            b'{' | b'[' => {
                if depth == 1 && last == name {
                    start = Some(at + 1);
                }
                depth += 1;
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if let (1, Some(start)) = (depth, start) {
                    return Some(start..at);
                }
            }
            b',' if depth == 1 => last = "",
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn both_have_their_say() {
        let node = r#"{ "a": {"operations": [1]}, "title": "operations", "$defs": {"x\"}": "}"}, "operations": [ ], "z": {} }"#;
        let own = r#"{"$defs":{"own.Input":{"a":"]"}},"operations":[{"name":"own.run"}]}"#;
        let joined: Value = serde_json::from_str(&Addition::read(own).joined(node)).unwrap();
        let expected = json!({
            "a": { "operations": [1] },
            "title": "operations",
            "$defs": { "x\"}": "}", "own.Input": { "a": "]" } },
            "operations": [{ "name": "own.run" }],
            "z": {},
        });
        assert_eq!(joined, expected);
    }

    #[test]
    fn a_manifest_of_another_kind_stays_as_it_is() {
        for node in ["", "{}", "[]", "7", r#"{"operations":7}"#, "{\"operations\":[", "\"\\"] {
            let own = r#"{"$defs":{},"operations":[1]}"#;
            assert_eq!(Addition::read(own).joined(node), node);
        }
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<u32>().prop_map(Value::from),
            prop_oneof![".{0,6}", "[\\[\\]{}\",\\\\:]{0,6}"].prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            let name = prop_oneof![Just("operations".to_owned()), ".{0,4}".boxed()];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(name, inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_the_node_says_is_kept(
            others in prop::collection::btree_map(".{0,4}", value(), 0..4),
            items in prop::collection::vec(value(), 0..4),
            pretty: bool,
        ) {
            let mut node = Value::Object(others.into_iter().collect());
            node["operations"] = Value::from(items.clone());
            node["$defs"] = json!({ "a": items });
            let text = if pretty { format!("{node:#}") } else { node.to_string() };
            let own = r#"{"$defs":{"own.A":1},"operations":[{"name":"own.run"}]}"#;
            let joined: Value = serde_json::from_str(&Addition::read(own).joined(&text)).unwrap();
            node["operations"].as_array_mut().unwrap().push(json!({ "name": "own.run" }));
            node["$defs"]["own.A"] = json!(1);
            prop_assert_eq!(joined, node);
        }
    }
}
