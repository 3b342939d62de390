//! The contract that callers rely on is kept: the components of this build still offer every world of a released contract
//! of the same major version (before 1.0: of the same minor version), with the same types.
//!
//! `tests/contract` has one file for each released version. That of the version in `wit/` is made by `UPDATE_CONTRACT=1`
//! until it is released; after that it stays, and `wit/` gets a new version when it changes.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::{Path, PathBuf};

use semver::Version;
use wit_component::WitPrinter;
use wit_parser::{PackageId, Resolve};

const WORLDS: [(&str, &[u8]); 2] =
    [("refund-node", refund_artifact::NODE), ("pure", refund_artifact::PURE)];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn current() -> (Resolve, PackageId, Version) {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(folder("../../wit")).unwrap();
    let version = resolve.packages[package].name.version.clone().unwrap();
    (resolve, package, version)
}

/// The contract as one text, with what it refers to.
fn printed(resolve: &Resolve, package: PackageId) -> String {
    let others: Vec<_> =
        resolve.packages.iter().map(|(id, _)| id).filter(|id| *id != package).collect();
    let mut printer = WitPrinter::default();
    printer.emit_docs(false).print(resolve, package, &others).unwrap();
    printer.output.to_string()
}

/// Whether a component offers a world of a released contract, under the names that hosts built for that release look for.
fn offers(released: &str, world: &str, component: &[u8]) -> Result<(), String> {
    let mut resolve = Resolve::default();
    let package =
        resolve.push_str("released.wit", released).map_err(|error| format!("{error:#}"))?;
    let world =
        resolve.select_world(&[package], Some(world)).map_err(|error| format!("{error:#}"))?;
    wit_component::targets(&resolve, world, component).map_err(|error| format!("{error:#}"))
}

fn is_kept(released: &Version, now: &Version) -> bool {
    let line =
        |version: &Version| (version.major, if version.major == 0 { version.minor } else { 0 });
    line(released) == line(now)
}

#[test]
fn a_released_contract_is_kept() {
    let (resolve, package, now) = current();
    let own = folder("tests/contract").join(format!("{now}.wit"));
    if std::env::var_os("UPDATE_CONTRACT").is_some() {
        std::fs::write(&own, printed(&resolve, package)).unwrap();
    }
    let mut compared = 0;
    for entry in std::fs::read_dir(folder("tests/contract")).unwrap() {
        let file = entry.unwrap().path();
        let released = Version::parse(file.file_stem().unwrap().to_str().unwrap()).unwrap();
        if !is_kept(&released, &now) {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        for (world, component) in WORLDS {
            if let Err(problem) = offers(&text, world, component) {
                panic!(
                    "world {world} of {released} is not kept: {problem}\nIf {released} is released, raise the version in wit/. \
                     If it is not, say in CHANGELOG.md what changes, and run this test with UPDATE_CONTRACT=1."
                );
            }
        }
        compared += 1;
    }
    assert!(compared > 0, "there is no contract of {now}: run this test with UPDATE_CONTRACT=1");
    let text = std::fs::read_to_string(&own).unwrap_or_default();
    assert_eq!(
        text,
        printed(&resolve, package),
        "run this test with UPDATE_CONTRACT=1 if {now} is not released"
    );
}

/// What would break a caller is found, and what would not is let through.
#[test]
fn what_breaks_a_caller_is_found() {
    let (resolve, package, _) = current();
    let text = printed(&resolve, package);
    let offered = |changed: &str| {
        assert_ne!(changed, text);
        offers(changed, "refund-node", refund_artifact::NODE)
    };
    // A function that this build has no more.
    assert!(
        offered(&text.replacen(
            "describe: func() -> string;",
            "describe: func() -> string;\n    gone: func();",
            1
        ))
        .is_err()
    );
    // A parameter, a field and a case that changed.
    assert!(
        offered(&text.replacen(
            "describe: func() -> string;",
            "describe: func(language: string) -> string;",
            1
        ))
        .is_err()
    );
    assert!(
        offered(&text.replacen("retryable: bool,", "retryable: bool,\n      gone: bool,", 1))
            .is_err()
    );
    assert!(offered(&text.replacen("outcome-unknown,", "", 1)).is_err());
    // A function that is new in this build.
    let new = "  @since(version = 0.1.0)\n  describe: func() -> string;\n";
    assert_eq!(offered(&text.replacen(new, "", 1)), Ok(()));
}
