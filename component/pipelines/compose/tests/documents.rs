//! What a document says is what is composed, and what does not fit is named.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use pipeline_compose::{NODE, component, compose};

const NODE_WAT: &str = r#"(component
    (import "wasi:clocks/wall-clock@0.2.2" (instance $clock))
    (instance $answers)
    (export "refund-node:refunds/live@0.1.0" (instance $answers))
    (export "refund-node:refunds/node@0.1.0" (instance $answers)))"#;

const DOCUMENT: &str = r#"package you:whole;
    let node = new refund-node:node { ... };
    let pipeline = new you:pipeline { ...node };
    export pipeline["refund-node:refunds/node@0.1.0"];
    export node...;"#;

/// Imports what the node exports, and one thing more.
fn pipeline(import: &str) -> Vec<u8> {
    let text = format!(
        r#"(component
            (import "refund-node:refunds/node@0.1.0" (instance $node))
            (import "{import}" (instance $imported))
            (instance $answers)
            (export "refund-node:refunds/node@0.1.0" (instance $answers)))"#
    );
    wat::parse_str(text).unwrap()
}

fn composed(document: &str, import: &str) -> Result<Vec<u8>, String> {
    let node = wat::parse_str(NODE_WAT).unwrap();
    let parts = [(NODE, &node[..]), ("you:pipeline", &pipeline(import)[..])];
    compose(document, &parts).map_err(|error| format!("{error:#}"))
}

#[test]
fn what_the_node_exports_reaches_the_pipeline() {
    let bytes = composed(DOCUMENT, "refund-node:refunds/live@0.1.0").unwrap();
    assert_eq!(component(&bytes).unwrap(), bytes);
}

#[test]
fn what_does_not_fit_is_named() {
    for (document, import, word) in [
        (DOCUMENT, "wasi:filesystem/types@0.2.2", "wasi:filesystem/types"),
        (
            &DOCUMENT.replace("you:pipeline", "you:other"),
            "refund-node:refunds/live@0.1.0",
            "you:other",
        ),
        (&DOCUMENT.replace("let pipeline", "pipeline"), "refund-node:refunds/live@0.1.0", "read"),
    ] {
        let error = composed(document, import).unwrap_err();
        assert!(error.contains(word), "{error}");
    }
}

#[test]
fn a_file_that_is_no_component() {
    for bytes in [&b""[..], b"MZ", b"\0asm"] {
        assert!(component(bytes).is_err());
    }
    // A core module of no world is a component of nothing.
    assert!(component(&wat::parse_str("(module)").unwrap()).is_ok());
}
