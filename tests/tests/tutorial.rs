//! Follows `docs/tutorial-pipeline.md` to the letter: in an empty folder, file after file and command after
//! command, and what comes out refunds at the simulator.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::Path;
use std::process::Command;

use refund_host::inspect;
use refund_tests::Stage;
use serde_json::{Value, json};

const PAGE: &str = include_str!("../../docs/tutorial-pipeline.md");
/// What the page promises of the code.
const MOST_LINES: usize = 50;

/// A block of code: its language, the file it is to be written to, its text.
struct Block<'a> {
    language: &'a str,
    file: Option<&'a str>,
    text: String,
}

fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut found: Vec<Block<'_>> = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        match line.strip_prefix("```") {
            Some(_) if inside => inside = false,
            Some(kind) => {
                inside = true;
                let (language, rest) = kind.split_once(' ').unwrap_or((kind, ""));
                found.push(Block {
                    language,
                    file: rest.strip_prefix("file="),
                    text: String::new(),
                });
            }
            None if inside => {
                let block = found.last_mut().unwrap();
                block.text.push_str(line);
                block.text.push('\n');
            }
            None => {}
        }
    }
    assert!(!inside, "a block does not end");
    found
}

/// Runs a block as a reader would, who has none of our build's settings.
fn run(text: &str, folder: &Path) {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-eu", "-c", text]).current_dir(folder).env("REFUND_NODE", checkout);
    for setting in ["CARGO_TARGET_DIR", "CARGO_ENCODED_RUSTFLAGS", "RUSTFLAGS"] {
        shell.env_remove(setting);
    }
    for setting in ["RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER", "CLIPPY_ARGS", "CARGO_MANIFEST_DIR"]
    {
        shell.env_remove(setting);
    }
    let output = shell.output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{told}");
}

fn follow(folder: &Path) {
    for block in blocks(PAGE) {
        match (block.language, block.file) {
            (_, Some(file)) => std::fs::write(folder.join(file), &block.text).unwrap(),
            ("sh", None) => run(&block.text, folder),
            ("console", None) => {}
            (other, None) => panic!("what is to be done with {other}?"),
        }
    }
}

#[tokio::test]
async fn the_page_leads_to_a_pipeline_that_refunds_once() {
    let folder = tempfile::tempdir().unwrap();
    follow(folder.path());
    let code = std::fs::read_to_string(folder.path().join("src/lib.rs")).unwrap();
    assert!(code.lines().count() <= MOST_LINES, "{} lines", code.lines().count());

    let composed = std::fs::read(folder.path().join("goodwill-node.wasm")).unwrap();
    let (seen, node) = (inspect(&composed).unwrap(), inspect(refund_artifact::NODE).unwrap());
    assert_eq!((seen.imports, seen.exports), (node.imports, node.exports));

    let stage = Stage::of(&composed, |host| host).await;
    assert!(stage.node.describe().await.unwrap().contains("goodwill.run"));
    let charge = stage.charge();
    let invoke = async |file: &str| {
        let input = std::fs::read_to_string(folder.path().join(file)).unwrap();
        let mut input: Value = serde_json::from_str(&input.replace("ch_…", &charge)).unwrap();
        input["connection"] = json!({ "base_url": stage.stripe.base_url() });
        let output = stage.node.invoke("goodwill.run", &input.to_string()).await.unwrap().unwrap();
        serde_json::from_str::<Value>(&output).unwrap()
    };
    let shown = invoke("dry-run.json").await;
    let promised = std::fs::read_to_string(folder.path().join("dry-run.output.json")).unwrap();
    let promised: Value = serde_json::from_str(&promised).unwrap();
    for (field, value) in promised["planned"][0].as_object().unwrap() {
        assert_eq!(&shown["planned"][0][field], value);
    }
    assert!(stage.stripe.refunds_of(&charge).is_empty());
    for origin in ["made", "found"] {
        assert_eq!(invoke("refund.json").await["origin"], origin);
    }
    let refunds = stage.stripe.refunds_of(&charge);
    assert_eq!((refunds.len(), &refunds[0]["amount"]), (1, &json!(250)));
}
