//! Installs each thing of a release in an empty folder, as a user would, and asks it something.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::files::{SUMS, answer, files_in, one, sha256};
use super::oci::COMPONENTS;
use crate::run::{must, say};

/// Pure, so it needs no key: five hours of an outage, with one tier.
const QUESTION: &str = r#"{"paid":{"amount":10000,"currency":"usd"},"period":{"start":0,"end":2592000},"downtime":{"seconds":18000},"scale":{"tiers":[{"below":999000,"credit":100000}]}}"#;
/// A tenth of what was paid.
const ANSWER: &str = "1000";

pub(super) fn run(dist: &Path) -> Result<()> {
    let folder = std::env::temp_dir().join(format!("refund-node-dist-{}", std::process::id()));
    let tried = in_folder(dist, &folder);
    fs::remove_dir_all(&folder)?;
    tried
}

fn in_folder(dist: &Path, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    let dist = &dist.canonicalize()?;
    let digest = sha256(&fs::read(dist.join("refund-node.wasm"))?);
    sums(dist)?;
    command(dist, &empty(folder, "command")?, &digest)?;
    layout(dist)?;
    node(dist, &empty(folder, "node")?, &digest)?;
    for package in ["n8n-nodes-refund-node", "node-red-contrib-refund-node"] {
        nodes(dist, &empty(folder, package)?, package, &digest)?;
    }
    python(dist, &empty(folder, "python")?, &digest)?;
    say(&format!("\neverything in {} installs and runs the component {digest}", dist.display()));
    Ok(())
}

fn empty(folder: &Path, name: &str) -> Result<PathBuf> {
    let made = folder.join(name);
    fs::create_dir(&made)?;
    Ok(made)
}

fn sums(dist: &Path) -> Result<()> {
    for line in fs::read_to_string(dist.join(SUMS))?.lines() {
        let (sum, name) = line.split_once("  ").context("a line of the sums has no name")?;
        ensure!(sha256(&fs::read(dist.join(name))?) == sum, "{name} is not what {SUMS} says");
    }
    say("sums hold");
    Ok(())
}

/// The command by itself: the demo, and every component file beside it.
fn command(dist: &Path, folder: &Path, digest: &str) -> Result<()> {
    let name = format!("refund-node{}", std::env::consts::EXE_SUFFIX);
    let installed = folder.join(&name);
    fs::copy(dist.join(&name), &installed)?;
    let inspect = |arguments: &[&str]| -> Result<Value> {
        let mut command = Command::new(&installed);
        command.args(["component", "inspect", "--json"]).args(arguments).current_dir(folder);
        Ok(serde_json::from_str(&answer(&mut command)?)?)
    };
    let inside = inspect(&[])?["digest"].clone();
    ensure!(inside == format!("sha256:{digest}"), "the command holds another component: {inside}");
    for component in COMPONENTS {
        let file = dist.join(format!("{component}.wasm")).display().to_string();
        let exports = inspect(&["--component", &file])?["exports"].clone();
        ensure!(exports.as_array().is_some_and(|all| !all.is_empty()), "{file} exports nothing");
    }
    let mut demo = Command::new(&installed);
    must(demo.args(["demo", "--json"]).current_dir(folder).stdout(std::process::Stdio::null()))
}

/// The layout: every layer is the file of the same name.
fn layout(dist: &Path) -> Result<()> {
    let layout = dist.join("oci");
    let read = |digest: &Value| -> Result<Vec<u8>> {
        let digest = digest.as_str().and_then(|text| text.strip_prefix("sha256:"));
        let digest = digest.context("the layout has no digest")?;
        let bytes = fs::read(layout.join("blobs/sha256").join(digest))?;
        ensure!(sha256(&bytes) == digest, "blob {digest} is something else");
        Ok(bytes)
    };
    let index: Value = serde_json::from_slice(&fs::read(layout.join("index.json"))?)?;
    let manifests = index["manifests"].as_array().context("the layout is empty")?;
    ensure!(manifests.len() == COMPONENTS.len(), "the layout has not every component");
    for listed in manifests {
        let manifest: Value = serde_json::from_slice(&read(&listed["digest"])?)?;
        let name = manifest["annotations"]["org.opencontainers.image.title"].as_str();
        let file = dist.join(format!("{}.wasm", name.context("a manifest has no title")?));
        ensure!(
            read(&manifest["layers"][0]["digest"])? == fs::read(&file)?,
            "{} differs",
            file.display()
        );
        read(&manifest["config"]["digest"])?;
    }
    say("the OCI layout holds");
    Ok(())
}

fn npm(folder: &Path, tarball: &Path) -> Result<()> {
    fs::write(folder.join("package.json"), r#"{"private":true,"type":"module"}"#)?;
    // Of the peers (n8n, Node-RED) nothing is installed: they are gigabytes, and it is them who load these packages.
    let mut install = Command::new("npm");
    install.args(["install", "--silent", "--no-audit", "--no-fund", "--legacy-peer-deps"]);
    must(install.arg(tarball).current_dir(folder))
}

fn node(dist: &Path, folder: &Path, digest: &str) -> Result<()> {
    npm(folder, &one(dist, "refund-node-", ".tgz")?)?;
    let script = format!(
        "import {{ RefundNode }} from 'refund-node';
         const node = await RefundNode.open({{}});
         const quote = await node.invoke('credits.sla-quote', {QUESTION});
         console.log(node.digest, quote.credit.amount);
         await node.close();"
    );
    let mut program = Command::new("node");
    program.args(["--input-type=module", "--eval", &script]).current_dir(folder);
    expect("the npm package", &answer(&mut program)?, digest)
}

/// A package of nodes for a platform: the files that the platform will load are there, with the component inside.
fn nodes(dist: &Path, folder: &Path, package: &str, digest: &str) -> Result<()> {
    npm(folder, &one(dist, package, ".tgz")?)?;
    let installed = folder.join("node_modules").join(package);
    let about: Value = serde_json::from_slice(&fs::read(installed.join("package.json"))?)?;
    let named = |value: &Value| -> Vec<String> {
        let all: Vec<&Value> = match value {
            Value::Array(list) => list.iter().collect(),
            Value::Object(map) => map.values().collect(),
            _ => Vec::new(),
        };
        all.into_iter().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let keys = ["/n8n/nodes", "/n8n/credentials", "/node-red/nodes"];
    let files: Vec<_> = keys.iter().filter_map(|key| about.pointer(key)).flat_map(named).collect();
    ensure!(!files.is_empty(), "{package} names no nodes");
    for file in files {
        ensure!(installed.join(&file).exists(), "{package} lacks {file}");
    }
    let components = files_in(&installed)?;
    let component = components.iter().find(|file| file.ends_with("refund-node.wasm"));
    let component = component.with_context(|| format!("{package} has no component"))?;
    ensure!(sha256(&fs::read(component)?) == digest, "{package} holds another component");
    say(&format!("{package} installs"));
    Ok(())
}

fn python(dist: &Path, folder: &Path, digest: &str) -> Result<()> {
    must(Command::new("python3").args(["-m", "venv"]).arg(folder.join("venv")))?;
    let python = folder.join("venv/bin/python");
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    must(install.arg(one(dist, "refund_node-", ".whl")?))?;
    let script = format!(
        "import json
from refund_node import RefundNode
with RefundNode() as node:
    quote = node.invoke('credits.sla-quote', json.loads('{QUESTION}'))
    print(node.digest, quote['credit']['amount'])"
    );
    let mut program = Command::new(&python);
    program.args(["-c", &script]).current_dir(folder);
    expect("the wheel", &answer(&mut program)?, digest)
}

fn expect(what: &str, told: &str, digest: &str) -> Result<()> {
    let expected = format!("sha256:{digest} {ANSWER}");
    ensure!(told == expected, "{what} says `{told}`, not `{expected}`");
    say(&format!("{what} installs and answers"));
    Ok(())
}
