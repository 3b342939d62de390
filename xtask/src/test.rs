//! Every check, one after the other, with a summary at the end.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::run::{cargo, lint_from_now_on, must, must_read, root, say, sysroot};
use crate::supply::Maker;
use crate::{conformance, packages, peers, supply};

/// Targets the guest must build for.
const WASM: [&str; 2] = ["wasm32-unknown-unknown", "wasm32-wasip2"];

/// Where tests lie that need no component, or only the command; every file in there is run.
const FOLDERS: [&str; 11] = [
    "component/artifact/tests",
    "component/core/tests",
    "host-harness/app/tests",
    "host-harness/cli/tests",
    "host-harness/ledger/tests",
    "host-harness/outbox/tests",
    "host-harness/report/tests",
    "host-harness/simulator/tests",
    "platforms/conformance/tests",
    "tests/model/tests",
    "tests/simulation/tests",
];
/// Where tests lie that run the component through wasmtime, over real HTTP.
const END_TO_END: &str = "tests/tests";
/// Of these, those that break things and count refunds at the simulator.
const FAULTS: [&str; 2] = ["faults", "killed"];

/// Takes minutes by itself, since it builds a pipeline and the composer from nothing: `cargo xtask tutorial`.
const TUTORIAL: &str = "tutorial";

/// How many tests of a kind passed.
struct Counted {
    kind: &'static str,
    passed: u32,
    seconds: u64,
}

pub(crate) fn run() -> Result<()> {
    let mut all = Vec::new();
    let mut step = |kind: &'static str, run: &dyn Fn() -> Result<u32>| -> Result<()> {
        say(&format!("\n== {kind}"));
        let start = Instant::now();
        let passed = run().with_context(|| format!("{kind} failed"))?;
        all.push(Counted { kind, passed, seconds: start.elapsed().as_secs() });
        Ok(())
    };
    step("format", &|| must(cargo().args(["fmt", "--all", "--check"])).map(|()| 0))?;
    lint_from_now_on()?;
    step("wasm targets, linted", &wasm_targets)?;
    step("everything, linted", &build)?;
    step("licences, sources, bans", &|| supply::deny().map(|()| 0))?;
    step("native tests", &|| cargo_test(&["--lib", "--bins", "--examples"]))?;
    step("rules, ledger, outbox, simulator, command", &|| cargo_test(&files(&FOLDERS, |_| true)?))?;
    let is_fault = |name: &str| FAULTS.contains(&name);
    step("end-to-end through wasmtime", &|| {
        cargo_test(&files(&[END_TO_END], |name| !is_fault(name) && name != TUTORIAL)?)
    })?;
    step("faults and kills", &|| cargo_test(&files(&[END_TO_END], is_fault)?))?;
    step("the same component elsewhere", &|| supply::reproduce(Maker::Ours).map(|()| 0))?;
    step("stripe-node against the simulator", &peers::node)?;
    step("stripe-python against the simulator", &peers::python)?;
    step("conformance of the platforms", &|| conformance::run(&[]))?;
    step("own tests of the packages", &|| packages::usual().map(|()| 0))?;
    summary(&all);
    Ok(())
}

/// The guest for both targets, with HTTP and without. For the first it is looked through and linted here, and made by the
/// build of the rest, from whose folder and profile this takes the macros; for the second it is built here alone.
fn wasm_targets() -> Result<u32> {
    for (target, features) in [(WASM[0], "http"), (WASM[0], ""), (WASM[1], "http")] {
        let libraries = sysroot()?.join("lib/rustlib").join(target).join("lib");
        if !libraries.exists() {
            must(
                std::process::Command::new("rustup")
                    .args(["target", "add", target])
                    .current_dir(root()),
            )?;
        }
        let how = if target == WASM[0] { "check" } else { "build" };
        must(
            cargo()
                .args([how, "--package", "refund-node", "--target", target])
                .args(["--no-default-features", "--features", features])
                .args(["--profile", "guest", "--target-dir", "target/guest"])
                .env("CARGO_PROFILE_GUEST_LTO", "off"),
        )?;
    }
    Ok(0)
}

/// Builds everything that the tests need.
fn build() -> Result<u32> {
    must(cargo().args(["build", "--all-targets"])).map(|()| 0)
}

/// Composing by itself, whose crates are built with features of their own, and docs/tutorial-pipeline.md followed to
/// the letter. What was composed is run in every run of the tests.
pub(crate) fn tutorial() -> Result<()> {
    cargo_test(&["--package", "pipeline-compose"])?;
    cargo_test(&["--test", TUTORIAL]).map(|_| ())
}

/// The test files of some folders, as arguments. A name that two folders have runs both, once.
fn files(folders: &[&str], wanted: impl Fn(&str) -> bool) -> Result<Vec<String>> {
    let mut names = BTreeSet::new();
    for folder in folders {
        for entry in std::fs::read_dir(root().join(folder))? {
            let file = entry?.path();
            let name = file.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
            let is_test = file.extension().is_some_and(|extension| extension == "rs")
                || file.join("main.rs").exists();
            if is_test && wanted(name) {
                names.insert(name.to_owned());
            }
        }
    }
    Ok(names.into_iter().flat_map(|name| ["--test".to_owned(), name]).collect())
}

/// Runs tests and counts those that passed. None at all is a failure: a filter that matches nothing
/// must not look like success.
fn cargo_test<S: AsRef<OsStr>>(arguments: &[S]) -> Result<u32> {
    let output = must_read(cargo().arg("test").args(arguments))?;
    let passed = output.lines().filter_map(passed_in).sum();
    ensure!(passed > 0, "no test ran");
    Ok(passed)
}

/// `test result: ok. 12 passed; …`
fn passed_in(line: &str) -> Option<u32> {
    let (before, _) = line.strip_prefix("test result: ok. ")?.split_once(" passed")?;
    before.parse().ok()
}

fn summary(all: &[Counted]) {
    say("\n== Summary");
    for step in all {
        let count =
            if step.passed == 0 { "ok".to_owned() } else { format!("{} passed", step.passed) };
        say(&format!("{:<42} {count:>12}   {} s", step.kind, step.seconds));
    }
    let passed: u32 = all.iter().map(|step| step.passed).sum();
    say(&format!("\n{passed} passed, 0 failed"));
}
