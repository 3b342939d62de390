//! Composes components as a `.wac` document says: the documents beside the pipelines are what is composed, not
//! a picture of it.

use std::path::Path;

use anyhow::{Context, Result, bail};
use indexmap::IndexMap;
use wac_graph::EncodeOptions;
use wac_graph::types::BorrowedPackageKey;
use wac_parser::Document;
use wit_component::ComponentEncoder;

/// What the node is called in every document.
pub const NODE: &str = "refund-node:node";

/// Composes. A part is a package's name in the document, and its component or core module.
pub fn compose(document: &str, parts: &[(&str, &[u8])]) -> Result<Vec<u8>> {
    let parsed = Document::parse(document).context("the document cannot be read")?;
    let mut packages = IndexMap::new();
    for (name, bytes) in parts {
        let component = component(bytes).with_context(|| format!("{name} is no component"))?;
        packages.insert(BorrowedPackageKey::from_name_and_version(name, None), component);
    }
    let resolved = parsed.resolve(packages).context("the parts do not fit")?;
    Ok(resolved.encode(EncodeOptions::default())?)
}

/// Composes as a document in a file says.
pub fn compose_file(document: &Path, parts: &[(&str, &[u8])]) -> Result<Vec<u8>> {
    let told = || format!("{} cannot be composed", document.display());
    compose(&std::fs::read_to_string(document).with_context(told)?, parts).with_context(told)
}

/// A component as it is, or what a core module of `wasm32-unknown-unknown` is as a component.
pub fn component(bytes: &[u8]) -> Result<Vec<u8>> {
    match bytes {
        [b'\0', b'a', b's', b'm', _, _, 1, 0, ..] => Ok(bytes.to_vec()),
        [b'\0', b'a', b's', b'm', 1, 0, 0, 0, ..] => {
            ComponentEncoder::default().validate(true).module(bytes)?.encode()
        }
        _ => bail!("it does not begin like WebAssembly"),
    }
}
