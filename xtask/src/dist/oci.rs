//! The components as an OCI image layout, in the shape that `wkg oci push` gives them: one layer of the component's own
//! bytes, so that the digest of the layer is the digest that everybody checks.

use std::fs;
use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use super::files::sha256;
use crate::run::{must_read, root, say};

/// What is published: the node, its pipelines, and the faces for other hosts.
pub(super) const COMPONENTS: [&str; 7] = [
    "refund-node",
    "refund-node-pure",
    "duplicate-sweep",
    "proration",
    "sla-credit",
    "refund-node-http",
    "refund-node-obelisk",
];

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.wasm.config.v0+json";
const LAYER: &str = "application/wasm";

/// Writes `dist/oci`, which `oras cp --from-oci-layout` and `skopeo copy oci:` push as it is.
pub(super) fn write(dist: &Path) -> Result<()> {
    let layout = dist.join("oci");
    if layout.exists() {
        fs::remove_dir_all(&layout)?;
    }
    fs::create_dir_all(layout.join("blobs/sha256"))?;
    let created = created()?;
    let mut manifests = Vec::new();
    for name in COMPONENTS {
        let component = fs::read(dist.join(format!("{name}.wasm")))?;
        let layer = blob(&layout, LAYER, &component)?;
        let config = json!({
            "created": created, "architecture": "wasm", "os": "wasip2",
            "layerDigests": [layer["digest"]],
        });
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": blob(&layout, CONFIG, &serde_json::to_vec(&config)?)?,
            "layers": [layer],
            "annotations": {
                "org.opencontainers.image.title": name,
                "org.opencontainers.image.version": env!("CARGO_PKG_VERSION"),
                "org.opencontainers.image.licenses": "MIT OR Apache-2.0",
            },
        });
        let mut listed = blob(&layout, MANIFEST, &serde_json::to_vec(&manifest)?)?;
        let reference = format!("{name}-{}", env!("CARGO_PKG_VERSION"));
        listed["annotations"] = json!({ "org.opencontainers.image.ref.name": reference });
        manifests.push(listed);
    }
    let index = json!({ "schemaVersion": 2, "manifests": manifests });
    fs::write(layout.join("index.json"), serde_json::to_vec(&index)?)?;
    fs::write(layout.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#)?;
    say(&format!("{} ({} components)", layout.display(), COMPONENTS.len()));
    Ok(())
}

/// Keeps some bytes under their digest, and describes them.
fn blob(layout: &Path, kind: &str, bytes: &[u8]) -> Result<Value> {
    let digest = sha256(bytes);
    fs::write(layout.join("blobs/sha256").join(&digest), bytes)?;
    Ok(json!({ "mediaType": kind, "digest": format!("sha256:{digest}"), "size": bytes.len() }))
}

/// When the sources were written, not when this ran: the same sources make the same layout.
fn created() -> Result<String> {
    let mut git = std::process::Command::new("git");
    let time = must_read(git.args(["log", "-1", "--format=%cI"]).current_dir(root()))?;
    Ok(time.trim().to_owned())
}
