//! What a pipeline can reach, and what a composed one offers: asserted to the letter.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::Path;

use refund_pipelines::{ALL, DUPLICATE_SWEEP, PRORATION, Pipeline, SLA_CREDIT};
use wit_component::DecodedWasm;
use wit_parser::{Resolve, WorldId};

/// A new line here is a new power of the composed component: these are the node's, and no more.
const IMPORTS: [&str; 7] = [
    "wasi:clocks/monotonic-clock@0.2.2",
    "wasi:clocks/wall-clock@0.2.2",
    "wasi:http/outgoing-handler@0.2.2",
    "wasi:http/types@0.2.2",
    "wasi:io/error@0.2.2",
    "wasi:io/poll@0.2.2",
    "wasi:io/streams@0.2.2",
];

struct Faces {
    imports: Vec<String>,
    exports: Vec<String>,
}

fn faces_of(resolve: &Resolve, world: WorldId) -> Faces {
    let world = &resolve.worlds[world];
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    Faces {
        imports: sorted(world.imports.keys().map(|key| resolve.name_world_key(key)).collect()),
        exports: sorted(world.exports.keys().map(|key| resolve.name_world_key(key)).collect()),
    }
}

fn faces(component: &[u8]) -> Faces {
    let DecodedWasm::Component(resolve, world) = wit_component::decode(component).unwrap() else {
        panic!("a WIT package")
    };
    faces_of(&resolve, world)
}

/// The world of that name in `wit/`, with all that follows from its lines.
fn published(name: &str) -> Faces {
    let mut resolve = Resolve::default();
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../wit");
    let (package, _) = resolve.push_dir(&wit).unwrap();
    let world = resolve.select_world(&[package], Some(name)).unwrap();
    faces_of(&resolve, world)
}

fn ours(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| format!("refund-node:refunds/{name}@0.1.0")).collect()
}

#[test]
fn a_pipeline_imports_our_interfaces_and_nothing_else() {
    let imports = |pipeline: Pipeline| faces(pipeline.alone).imports;
    let sweep = ["duplicates", "eligibility", "live", "node", "refunds", "types"];
    assert_eq!(imports(DUPLICATE_SWEEP), ours(&sweep));
    let credit = ["credits", "eligibility", "live", "node", "refunds", "types"];
    assert_eq!(imports(SLA_CREDIT), ours(&credit));
    assert_eq!(imports(PRORATION), ours(&credit));
}

#[test]
fn a_pipeline_keeps_to_its_published_world() {
    for pipeline in ALL {
        let (built, world) = (faces(pipeline.alone), published(pipeline.name));
        assert_eq!(built.exports, world.exports, "{}", pipeline.name);
        for import in built.imports {
            assert!(world.imports.contains(&import), "{} imports {import}", pipeline.name);
        }
    }
}

#[test]
fn a_composed_one_takes_the_place_of_the_node() {
    let node = faces(refund_artifact::NODE);
    assert_eq!(node.imports, IMPORTS);
    for pipeline in ALL {
        let composed = faces(pipeline.composed);
        assert_eq!(composed.imports, IMPORTS, "{}", pipeline.name);
        assert_eq!(composed.exports, node.exports, "{}", pipeline.name);
    }
}
